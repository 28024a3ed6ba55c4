/**
 * Placement: where replicas really are, and what holds them there.
 */
import * as Schema from "effect/Schema"

const { Boolean, Literals, NullOr, Record, String, Struct } = Schema

/** Which node labels name the failure domains. There is no well-known rack label, so it is a setting. */
export interface DomainLabels {
  /** Tried in order. */
  readonly rack: ReadonlyArray<string>
}

export const defaultDomainLabels: DomainLabels = {
  rack: [
    "topology.kubectl-stateful.dev/rack",
    "topology.rook.io/rack",
    "topology.kubernetes.io/rack",
    "cke.cybozu.com/rack",
    "kubernetes.io/rack",
    "rack"
  ]
}

/** A node that carries a replica, or could. Null: no such label, so not known. */
export const Node = Struct({
  name: String,
  /** The condition Ready; null: the kubelet no longer answers (Unknown). */
  ready: NullOr(Boolean),
  unschedulable: Boolean,
  region: NullOr(String),
  zone: NullOr(String),
  rack: NullOr(String),
  instanceType: NullOr(String),
  arch: NullOr(String),
  os: NullOr(String),
  /** From `spec.providerID` (`aws`, `gce`, `kind` …); null: bare metal or not said. */
  provider: NullOr(String),
  /** The managed offering that its labels show (`eks`, `gke`, `aks` …); null: none seen. */
  managed: NullOr(String),
  taints: Schema.Array(String),
  /** Conditions other than Ready that are True, e.g. `DiskPressure`. */
  pressure: Schema.Array(String),
  /** Extended resources, allocatable: name to quantity. */
  devices: Record(String, String),
  /** Labels that a volume's node affinity may ask for. */
  labels: Record(String, String)
})
export type Node = typeof Node.Type

/** One thing that keeps a replica where it is. */
export const Pin = Struct({
  by: Literals([
    "volume",
    "nodeName",
    "nodeSelector",
    "affinity",
    "device",
    "hostPath",
    "resourceClaim",
    "onlyNode"
  ]),
  /** The object that pins: a claim's, a device's or a label's name. */
  name: String,
  /** The nodes it can still go to, of those that are known; null: nodes could not be read. */
  nodes: NullOr(Schema.Array(String)),
  /** `node`, `zone`, `rack`, `region` … the smallest domain it cannot leave; null: none or not known. */
  domain: NullOr(String)
})

/** A ResourceClaim (dynamic resource allocation) that pods of the app use. */
export const ResourceClaim = Struct({
  name: String,
  /** Pods that use it, by name. */
  pods: Schema.Array(String),
  allocated: Boolean,
  /** Allocated devices, as `driver/pool/device`. */
  devices: Schema.Array(String),
  /** The nodes that can reach what was allocated; null: any, not allocated, or nodes could not be read. */
  nodes: NullOr(Schema.Array(String))
})
export type ResourceClaim = typeof ResourceClaim.Type

/** Where one replica is. */
export const Placement = Struct({
  replica: String,
  node: NullOr(String),
  zone: NullOr(String),
  rack: NullOr(String),
  /** `local`: bound to one node; `zonal`; `network`: reachable from every node; `none`; null: not known. */
  storage: NullOr(Literals(["local", "zonal", "network", "none"])),
  pins: Schema.Array(Pin)
})
export type Placement = typeof Placement.Type
