/** A peer: one ordinal of a StatefulSet as a client sees it, and all of them as one view. */
import * as Schema from "effect/Schema"

const { Array, Boolean, Literal, Literals, Natural, NullOr, String, Struct } = Schema

/** A port by the name that the Service, or else the container, gives it. */
export const Port = Struct({
  /** Empty: the only port of a Service may have no name. */
  name: String,
  /** The number on the pod itself: the target port, not the Service's. */
  port: Natural,
  protocol: String
})
export type Port = typeof Port.Type

export const Peer = Struct({
  ordinal: Natural,
  /** The pod's name, even if there is no pod. */
  name: String,
  /** False if it is beyond the number of replicas. */
  wanted: Boolean,
  /**
   * Whether it accepts new keys: `Ready` does; `NotReady` currently does not; `Leaving` is annotated as
   * draining or beyond the number of replicas; `Missing` has no pod.
   */
  availability: Literals(["Ready", "NotReady", "Leaving", "Missing"]),
  /** Passes its readiness, is not terminating, and its node is not lost. */
  ready: Boolean,
  /** Passes its readiness, terminating or not. */
  serving: Boolean,
  terminating: Boolean,
  /** True if it is annotated as draining; `null` if pods could not be read. */
  draining: NullOr(Boolean),
  /** The uid of the pod, which changes with each replacement; `null` if there is none. */
  uid: NullOr(String),
  /**
   * `<pod>.<service>.<namespace>.svc.<domain>`, without the domain if that is unknown; `null` if it has no
   * name.
   */
  fqdn: NullOr(String),
  /**
   * True if that name resolves now, according to the cluster's objects; `null` if they could not be read. DNS
   * caches can be older by up to their TTL.
   */
  resolvable: NullOr(Boolean),
  ipv4: NullOr(String),
  ipv6: NullOr(String),
  /** `null` if unknown. */
  ports: NullOr(Array(Port)),
  node: NullOr(String),
  zone: NullOr(String),
  /** The hash of the revision that it runs. */
  revision: NullOr(String),
  /** Since when it is ready, or not, as it is; RFC 3339. */
  since: NullOr(String),
  /** Services that select only this pod. */
  services: Array(String),
  /**
   * Reason that it is not ready, or that its name does not resolve, in one line; `null` if neither applies.
   */
  reason: NullOr(String)
})
export type Peer = typeof Peer.Type

/** A problem that affects all peers' names. */
export const Problem = Struct({
  reason: Literals([
    "NoGoverningService",
    "ServiceMissing",
    "NotHeadless",
    "ExternalName",
    "NoSelector",
    "OtherSelector",
    "NoReplicas",
    "ServicesUnread",
    "PodsUnread",
    "Deleted"
  ]),
  message: String
})
export type Problem = typeof Problem.Type

export const Peers = Struct({
  apiVersion: Literal("kubectl-stateful.dev/v1"),
  kind: Literal("Peers"),
  name: String,
  namespace: String,
  /**
   * The uid of the StatefulSet: one that was deleted and recreated under the same name is another
   * application; `null` if there is none.
   */
  uid: NullOr(String),
  /** `spec.ordinals.start`. */
  start: Natural,
  /** The desired number of replicas; `null` if there is no StatefulSet. */
  replicas: NullOr(Natural),
  /** The governing Service; `null` if none is named. */
  service: NullOr(String),
  /** `cluster.local` or the cluster's own domain; `null` if it was not determined. */
  clusterDomain: NullOr(String),
  /** The source of the peers. */
  source: Literals(["pods", "endpointslices", "none"]),
  problems: Array(Problem),
  /** In the order of ordinals. */
  peers: Array(Peer)
})
export type Peers = typeof Peers.Type
