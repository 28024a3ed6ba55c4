/** Placement: where replicas run, and the constraints on where they can run. */
import * as Schema from "effect/Schema"
import { documented } from "./Documented.ts"

const { Boolean, Literals, NullOr, Record, String } = Schema

/** The node labels of the failure domains. There is no well-known rack label, so it is a setting. */
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

/** A node that runs a replica, or could. `null` if there is no such label, so it is unknown. */
export interface Node {
  readonly name: string
  /** The condition Ready; `null` if the kubelet no longer responds (Unknown). */
  readonly ready: boolean | null
  readonly unschedulable: boolean
  readonly region: string | null
  readonly zone: string | null
  readonly rack: string | null
  readonly instanceType: string | null
  readonly arch: string | null
  readonly os: string | null
  /** From `spec.providerID` (`aws`, `gce`, `kind` …); `null` for bare metal or if not set. */
  readonly provider: string | null
  /** The managed offering that its labels show (`eks`, `gke`, `aks` …); `null` if there is none. */
  readonly managed: string | null
  readonly taints: ReadonlyArray<string>
  /** Conditions other than Ready that are True, e.g. `DiskPressure`. */
  readonly pressure: ReadonlyArray<string>
  /** Extended resources, allocatable: name to quantity. */
  readonly devices: Readonly<Record<string, string>>
  /** Labels that a volume's node affinity may ask for. */
  readonly labels: Readonly<Record<string, string>>
}
export const Node = documented<Node>({
  name: String,
  ready: NullOr(Boolean),
  unschedulable: Boolean,
  region: NullOr(String),
  zone: NullOr(String),
  rack: NullOr(String),
  instanceType: NullOr(String),
  arch: NullOr(String),
  os: NullOr(String),
  provider: NullOr(String),
  managed: NullOr(String),
  taints: Schema.Array(String),
  pressure: Schema.Array(String),
  devices: Record(String, String),
  labels: Record(String, String)
})

/** One constraint on where a replica can run. */
export interface Pin {
  readonly by:
    | "volume"
    | "nodeName"
    | "nodeSelector"
    | "affinity"
    | "device"
    | "hostPath"
    | "resourceClaim"
    | "onlyNode"
  /** The object that pins: a claim's, a device's or a label's name. */
  readonly name: string
  /** The known nodes where it can still run; `null` if nodes could not be read. */
  readonly nodes: ReadonlyArray<string> | null
  /**
   * `node`, `zone`, `rack`, `region` … the smallest domain that it cannot leave; `null` if there is none or
   * it is unknown.
   */
  readonly domain: string | null
}
export const Pin = documented<Pin>({
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
  name: String,
  nodes: NullOr(Schema.Array(String)),
  domain: NullOr(String)
})

/** A ResourceClaim (dynamic resource allocation) that pods of the app use. */
export interface ResourceClaim {
  readonly name: string
  /** Pods that use it, by name. */
  readonly pods: ReadonlyArray<string>
  readonly allocated: boolean
  /** Allocated devices, as `driver/pool/device`. */
  readonly devices: ReadonlyArray<string>
  /**
   * The nodes that can access the allocated device; `null` if any can, it is not allocated, or nodes could
   * not be read.
   */
  readonly nodes: ReadonlyArray<string> | null
}
export const ResourceClaim = documented<ResourceClaim>({
  name: String,
  pods: Schema.Array(String),
  allocated: Boolean,
  devices: Schema.Array(String),
  nodes: NullOr(Schema.Array(String))
})

/** The placement of one replica. */
export interface Placement {
  readonly replica: string
  readonly node: string | null
  readonly zone: string | null
  readonly rack: string | null
  /**
   * `local`: bound to one node; `zonal`; `network`: accessible from every node; `none`; `null` if unknown.
   */
  readonly storage: "local" | "zonal" | "network" | "none" | null
  readonly pins: ReadonlyArray<Pin>
}
export const Placement = documented<Placement>({
  replica: String,
  node: NullOr(String),
  zone: NullOr(String),
  rack: NullOr(String),
  storage: NullOr(Literals(["local", "zonal", "network", "none"])),
  pins: Schema.Array(Pin)
})
