/** The whole state of an application, as a schema; the parts that have a file of their own stand there. */
import * as Schema from "effect/Schema"
import { AppRef } from "../App.ts"
import { Claim, OtherVolume } from "../Claim.ts"
import { CloudRole } from "../CloudRole.ts"
import { Dependency } from "../Dependency.ts"
import { Node, Placement, ResourceClaim } from "../Placement.ts"
import { Protection } from "../Protection.ts"
import { Reference } from "../Reference.ts"
import { Replica } from "../Replica.ts"
import { Autoscaler, DisruptionBudget, Service, Workload } from "../Topology.ts"
import { documented } from "../Documented.ts"

const { Literal, NullOr, String } = Schema

/** A list or an object that could not be read, or not be understood. */
export interface Unread {
  /** `nodes`, `persistentvolumes`, `volumesnapshots.snapshot.storage.k8s.io`, or `pods/db-1`. */
  readonly resource: string
  /** The ClusterError's reason tag: `Forbidden`, `Unsupported`, `Unavailable`, `Unreadable` … */
  readonly reason: string
  readonly message: string
}
export const Unread = documented<Unread>({
  resource: String,
  reason: String,
  message: String
})

/** An operation of ours that is running, interrupted or done. */
export interface OperationSummary {
  readonly id: string
  readonly verb: string
  readonly phase: string
  readonly started: string
  readonly holder: string | null
}
export const OperationSummary = documented<OperationSummary>({
  id: String,
  verb: String,
  phase: String,
  started: String,
  holder: NullOr(String)
})

/** A volume that an operation set to Retain and that lost its claim since: a replica's data is on it. */
export interface KeptVolume {
  readonly name: string
  /** The claim it was bound to. */
  readonly claim: string
  readonly phase: string
  readonly reclaimPolicy: string
  /** The reclaim policy before an operation changed it; `null` if none did. */
  readonly policyBefore: string | null
  /** The operation's id; `null` if unknown. */
  readonly operation: string | null
}
export const KeptVolume = documented<KeptVolume>({
  name: String,
  claim: String,
  phase: String,
  reclaimPolicy: String,
  policyBefore: NullOr(String),
  operation: NullOr(String)
})

/** A claim that an operation set aside: a replica's previous data, under another name. */
export interface SetAside {
  readonly name: string
  /** The original claim of its volume; `null` if its name does not say so. */
  readonly of: string | null
  /** The operation's id; `null` if its name does not say so. */
  readonly operation: string | null
  readonly size: string | null
  readonly volume: string | null
}
export const SetAside = documented<SetAside>({
  name: String,
  of: NullOr(String),
  operation: NullOr(String),
  size: NullOr(String),
  volume: NullOr(String)
})

/** Configuration that the last restore of a workload has replaced, and that a record of its own keeps. */
export interface KeptConfig {
  readonly workload: string
  readonly operation: string
}
export const KeptConfig = documented<KeptConfig>({ workload: String, operation: String })

/** A Warning event about one of the app's objects, newest first. */
export interface Event {
  readonly object: string
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly count: number
  readonly last: string
}
export const Event = documented<Event>({
  object: String,
  type: String,
  reason: String,
  message: String,
  count: Schema.Finite,
  last: String
})

/**
 * Everything that an application consists of, as it was read. `null` means that it could not be read, and
 * `unread` says why; an empty list means that there is none.
 */
export interface AppState {
  readonly apiVersion: "kubectl-stateful.dev/v1"
  readonly kind: "AppState"
  /** The app's name: the StatefulSet's, or the selector. */
  readonly name: string
  readonly namespace: string
  /** The namespace's own labels, e.g. its pod security level; `null` if they could not be read. */
  readonly namespaceLabels: Readonly<Record<string, string>> | null
  readonly ref: AppRef
  /** The time at which it was read, by this machine's clock. */
  readonly observed: string
  /** The API server's version, e.g. `v1.36.3`; null when not asked. */
  readonly serverVersion: string | null
  /** The StatefulSet, or all workloads of the selector. */
  readonly workloads: ReadonlyArray<Workload>
  /** Their pods, and the ordinals without a pod. */
  readonly replicas: ReadonlyArray<Replica>
  /** Their PersistentVolumeClaims, each with its volume. */
  readonly claims: ReadonlyArray<Claim>
  /** Volumes with data of this app that no claim uses any longer. */
  readonly keptVolumes: ReadonlyArray<KeptVolume> | null
  /** Claims that an operation set aside. */
  readonly setAside: ReadonlyArray<SetAside>
  /** Configuration that the last restore replaced. */
  readonly keptConfig: ReadonlyArray<KeptConfig>
  /** Volumes of pod templates that are not claims. */
  readonly volumes: ReadonlyArray<OtherVolume>
  /** ConfigMaps and Secrets that they name. */
  readonly references: ReadonlyArray<Reference>
  /** Other objects that they name, such as a ServiceAccount. */
  readonly dependencies: ReadonlyArray<Dependency>
  /** `null` if they could not be read, as for every `null` below. */
  readonly cloudRoles: ReadonlyArray<CloudRole> | null
  /** Services that find its pods, or govern its workloads. */
  readonly services: ReadonlyArray<Service>
  readonly budgets: ReadonlyArray<DisruptionBudget> | null
  readonly autoscalers: ReadonlyArray<Autoscaler> | null
  readonly nodes: ReadonlyArray<Node> | null
  /** The node of each replica, and the constraints on where it can run. */
  readonly placements: ReadonlyArray<Placement>
  readonly resourceClaims: ReadonlyArray<ResourceClaim> | null
  /** Storage classes, snapshots and backups. */
  readonly protection: Protection
  /** Operations of kubectl-stateful on it; `null` if they could not be read. */
  readonly operations: ReadonlyArray<OperationSummary> | null
  readonly events: ReadonlyArray<Event> | null
  /** What could not be read or parsed, and why. */
  readonly unread: ReadonlyArray<Unread>
}
export const AppState = documented<AppState>({
  apiVersion: Literal("kubectl-stateful.dev/v1"),
  kind: Literal("AppState"),
  name: String,
  namespace: String,
  namespaceLabels: NullOr(Schema.Record(String, String)),
  ref: AppRef,
  observed: String,
  serverVersion: NullOr(String),
  workloads: Schema.Array(Workload),
  replicas: Schema.Array(Replica),
  claims: Schema.Array(Claim),
  keptVolumes: NullOr(Schema.Array(KeptVolume)),
  setAside: Schema.Array(SetAside),
  keptConfig: Schema.Array(KeptConfig),
  volumes: Schema.Array(OtherVolume),
  references: Schema.Array(Reference),
  dependencies: Schema.Array(Dependency),
  cloudRoles: NullOr(Schema.Array(CloudRole)),
  services: Schema.Array(Service),
  budgets: NullOr(Schema.Array(DisruptionBudget)),
  autoscalers: NullOr(Schema.Array(Autoscaler)),
  nodes: NullOr(Schema.Array(Node)),
  placements: Schema.Array(Placement),
  resourceClaims: NullOr(Schema.Array(ResourceClaim)),
  protection: Protection,
  operations: NullOr(Schema.Array(OperationSummary)),
  events: NullOr(Schema.Array(Event)),
  unread: Schema.Array(Unread)
})
