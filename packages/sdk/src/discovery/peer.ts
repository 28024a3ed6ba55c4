/**
 * A peer: one ordinal of a StatefulSet as a caller sees it, and all of them as one view.
 */
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
  /** The pod's name, also where there is no pod. */
  name: String,
  /** False: beyond what the StatefulSet asks for. */
  wanted: Boolean,
  /**
   * Whether it takes new keys: `Ready` does; `NotReady` does not for now; `Leaving` is marked as
   * draining or beyond what is asked for; of `Missing` nothing can be reached.
   */
  availability: Literals(["Ready", "NotReady", "Leaving", "Missing"]),
  /** Passes its readiness, is not terminating, and its node is not lost. */
  ready: Boolean,
  /** Passes its readiness, terminating or not. */
  serving: Boolean,
  terminating: Boolean,
  /** Marked as about to leave; null: only its pod would say, and pods could not be read. */
  draining: NullOr(Boolean),
  /** Of the pod, which is another one after each restart of its ordinal; null: there is none. */
  uid: NullOr(String),
  /** `<pod>.<service>.<namespace>.svc.<domain>`, without the domain where it is not known; null: it has no name. */
  fqdn: NullOr(String),
  /** Whether that name resolves now, by what the cluster shows; null: that could not be read. DNS caches live up to their TTL longer. */
  resolvable: NullOr(Boolean),
  ipv4: NullOr(String),
  ipv6: NullOr(String),
  /** Null: not known. */
  ports: NullOr(Array(Port)),
  node: NullOr(String),
  zone: NullOr(String),
  /** The hash of the revision that it runs. */
  revision: NullOr(String),
  /** Since when it is ready, or not, as it is; RFC 3339. */
  since: NullOr(String),
  /** Services that select this pod alone. */
  services: Array(String),
  /** Why it is not ready, or why its name does not resolve, in one line; null: neither. */
  reason: NullOr(String)
})
export type Peer = typeof Peer.Type

/** What stands in the way of all peers' names. */
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
  /** Of the StatefulSet: one that was deleted and made anew under the same name is another application; null: there is none. */
  uid: NullOr(String),
  /** `spec.ordinals.start`. */
  start: Natural,
  /** Asked for; null: there is no StatefulSet. */
  replicas: NullOr(Natural),
  /** The governing Service; null: none is named. */
  service: NullOr(String),
  /** `cluster.local` or what the cluster was given; null: not found out. */
  clusterDomain: NullOr(String),
  /** What the peers were seen by. */
  source: Literals(["pods", "endpointslices", "none"]),
  problems: Array(Problem),
  /** In the order of ordinals. */
  peers: Array(Peer)
})
export type Peers = typeof Peers.Type
