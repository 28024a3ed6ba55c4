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

const { Literal, NullOr, String, Struct } = Schema

/** A list or an object that could not be read, or not be understood. */
export const Unread = Struct({
  /** `nodes`, `persistentvolumes`, `volumesnapshots.snapshot.storage.k8s.io`, or `pods/db-1`. */
  resource: String,
  /** The ClusterError's reason tag: `Forbidden`, `Unsupported`, `Unavailable`, `Unreadable` … */
  reason: String,
  message: String
})

export type Unread = typeof Unread.Type

/** An operation of ours that is running, interrupted or done. */
export const OperationSummary = Struct({
  id: String,
  verb: String,
  phase: String,
  started: String,
  holder: NullOr(String)
})

/** A volume that an operation set to Retain and that lost its claim since: a replica's data is on it. */
export const KeptVolume = Struct({
  name: String,
  /** The claim it was bound to. */
  claim: String,
  phase: String,
  reclaimPolicy: String,
  policyBefore: String,
  /** The operation's id; `null` if unknown. */
  operation: NullOr(String)
})

/** A claim that an operation set aside: a replica's previous data, under another name. */
export const SetAside = Struct({
  name: String,
  /** The original claim of its volume; `null` if its name does not say so. */
  of: NullOr(String),
  /** The operation's id; `null` if its name does not say so. */
  operation: NullOr(String),
  size: NullOr(String),
  volume: NullOr(String)
})

/** Configuration that the last restore of a workload has replaced, and that a record of its own keeps. */
export const KeptConfig = Struct({ workload: String, operation: String })

/** A Warning event about one of the app's objects, newest first. */
export const Event = Struct({
  object: String,
  type: String,
  reason: String,
  message: String,
  count: Schema.Finite,
  last: String
})

export const AppState = Struct({
  apiVersion: Literal("kubectl-stateful.dev/v1"),
  kind: Literal("AppState"),
  /** The app's name: the StatefulSet's, or the selector. */
  name: String,
  namespace: String,
  /** The namespace's own labels, e.g. its pod security level; `null` if they could not be read. */
  namespaceLabels: NullOr(Schema.Record(String, String)),
  ref: AppRef,
  /** The time at which it was read, by this machine's clock. */
  observed: String,
  /** The API server's version, e.g. `v1.36.3`; null when not asked. */
  serverVersion: NullOr(String),
  workloads: Schema.Array(Workload),
  replicas: Schema.Array(Replica),
  claims: Schema.Array(Claim),
  /** Volumes with data of this app that no claim points to any more. */
  keptVolumes: NullOr(Schema.Array(KeptVolume)),
  setAside: Schema.Array(SetAside),
  keptConfig: Schema.Array(KeptConfig),
  volumes: Schema.Array(OtherVolume),
  references: Schema.Array(Reference),
  dependencies: Schema.Array(Dependency),
  /** `null` if they could not be read, as for every NullOr below. */
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
export type AppState = typeof AppState.Type
