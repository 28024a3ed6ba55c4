/**
 * Exports a snapshot's record from a cluster to an encrypted file, and imports it into a cluster on the same
 * storage. The data stays where it is: a file contains the snapshot handles, and all manifests.
 */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "./Cluster.ts"
import { kinds } from "./Kind.ts"
import * as Operation from "./Operation.ts"
import { type OperationError, refusedBecause } from "./operation/OperationError.ts"
import { type AnyPlan, newId } from "./operation/Plan.ts"
import type { OperationResult } from "./operation/Progress.ts"
import * as Resource from "./Resource.ts"
import { open, type OpenWith, seal, type SealFor } from "./snapshot/file.ts"
import { strange } from "./snapshot/forgery.ts"
import { type ImportOptions as PlanOptions, plan as planOf } from "./snapshot/importPlan.ts"
import { type ImportPlan, type ImportRun, importVerb } from "./snapshot/importVerb.ts"
import type { SnapshotRef } from "./snapshot/ref.ts"
import type { SnapshotRecord } from "./step/record.ts"
import { recordName } from "./RecordName.ts"
import { noSnapshot, readRecord } from "./step/recordList.ts"

export { largestFile, type OpenWith, type SealFor } from "./snapshot/file.ts"
export { type ImportPlan, ImportResult, type ImportRun } from "./snapshot/importVerb.ts"

export interface ImportOptions extends PlanOptions, Pick<ImportRun, "stepTimeout"> {}

/** A plan to import, and the record that it writes, which is not part of the plan. */
export interface Prepared {
  readonly plan: ImportPlan
  readonly record: SnapshotRecord
}

/** The identity of a cluster: the uid of its namespace kube-system; `null` if it cannot be read. */
const clusterUid: Effect.Effect<string | null, ClusterError, Cluster> = Resource.get(kinds.namespaces, {
  name: "kube-system"
}).pipe(
  Effect.map(({ metadata }) => metadata.uid ?? null),
  Effect.catchIf(
    ({ reason }) => reason._tag === "NotFound" || reason._tag === "Forbidden",
    () => Effect.succeed(null)
  )
)

/**
 * Exports a snapshot's record as a file that only its recipients can decrypt. Changes nothing.
 *
 * **Caveats**: the file contains the values of Secrets, and not the data of the volumes.
 */
export const exportSet = Effect.fn("SnapshotTransfer.exportSet")(function* (
  ref: SnapshotRef,
  sealFor: SealFor
): Effect.fn.Return<Uint8Array, OperationError | ClusterError, Cluster> {
  const { namespace, name } = ref
  const [record, cluster] = yield* Effect.all([readRecord(namespace, name), clusterUid], { concurrency: 2 })
  if (record === null) {
    return yield* noSnapshot(namespace, name)
  }
  const { imported: _, ...own } = record
  return yield* seal(
    { apiVersion: "kubectl-stateful.dev/v1", kind: "SnapshotExport", cluster, record: own },
    sealFor
  )
})

/** The drivers of all StorageClasses; `null` without permission to list them. */
const driversThere = Resource.list(kinds.storageclasses).pipe(
  Effect.map((classes) => classes.map(({ provisioner }) => provisioner)),
  Effect.catchReason("ClusterError", "Forbidden", () => Effect.succeed(null))
)

/** Fails if a file is of another namespace, or contains something that no record of this tool contains. */
const ofNamespace = (record: SnapshotRecord, namespace: string): Effect.Effect<void, OperationError> => {
  if (record.namespace !== namespace) {
    return refusedBecause(
      `the file is of a snapshot of namespace ${record.namespace.slice(0, 63)}, and not of ${namespace}`,
      "give that namespace with -n"
    )
  }
  const why = strange(record, namespace)
  return why === null
    ? Effect.void
    : refusedBecause(
        `the file is not the record of a snapshot: it has ${why}`,
        "use a file that `snapshots export` wrote"
      )
}

/** Opens a file, and returns a plan to import it into a namespace. Changes nothing. */
export const prepareImport = Effect.fn("SnapshotTransfer.prepareImport")(function* (
  namespace: string,
  file: Uint8Array,
  key: OpenWith,
  options: ImportOptions = {}
): Effect.fn.Return<Prepared, OperationError | ClusterError, Cluster> {
  const content = yield* open(file, key)
  yield* ofNamespace(content.record, namespace)
  const [cluster, there, snapshots, contents, drivers] = yield* Effect.all(
    [
      clusterUid,
      Resource.find(kinds.secrets, { namespace, name: recordName(content.record.name) }),
      Resource.list(kinds.volumesnapshots, { namespace }),
      Resource.list(kinds.volumesnapshotcontents),
      driversThere
    ],
    { concurrency: 5 }
  )
  const ground = {
    namespace,
    cluster,
    isThere: there !== null,
    snapshots,
    contents,
    drivers
  }
  return planOf(content, ground, yield* newId, options)
})

/** One line for each step of a plan that may come from a journal; empty if it cannot be parsed. */
export const describeSteps = (plan: AnyPlan): ReadonlyArray<string> => importVerb.describeSteps(plan)

/**
 * Checks what a run would do, without changing anything. With `server`, each write is also sent with
 * `dryRun=All`.
 */
export const dryRun = Effect.fn("SnapshotTransfer.dryRun")(function* (
  plan: ImportPlan,
  mode: "client" | "server"
): Effect.fn.Return<ImportPlan, Operation.Failure, Cluster> {
  return yield* Operation.dryRun(plan, importVerb, mode, {})
})

/** Runs a prepared import. */
export const run = Effect.fn("SnapshotTransfer.run")(function* (
  { plan, record }: Prepared,
  options: ImportRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.execute(plan, importVerb, { ...options, record })
})

/**
 * Imports a snapshot from a file: plans, and runs the plan.
 *
 * **Caveats**: afterwards anyone who can use VolumeSnapshots in the namespace can read the data behind the
 * handles of the file.
 *
 * **Errors**: `Mismatch` if the file cannot be opened; `Refused` if a part of it must not be imported.
 */
export const importSet = Effect.fn("SnapshotTransfer.importSet")(function* (
  namespace: string,
  file: Uint8Array,
  key: OpenWith,
  options: ImportOptions & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  const prepared = yield* prepareImport(namespace, file, key, options)
  return yield* run(prepared, options)
})

/** Resumes an interrupted import, once the record is written: the file is not needed then. */
export const resume = Effect.fn("SnapshotTransfer.resume")(function* (
  at: Operation.OperationAt,
  options: ImportRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.resume(at, importVerb, options)
})

/**
 * Rolls back an interrupted import: deletes the objects that it has created. The data stays in the storage.
 */
export const abort = Effect.fn("SnapshotTransfer.abort")(function* (
  at: Operation.OperationAt,
  options: ImportRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.abort(at, importVerb, options)
})
