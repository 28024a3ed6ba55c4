/**
 * Deletes snapshots: their data in the storage, the objects for it, and their records. Objects that do not
 * provably belong to the snapshot are kept, and named.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { Cluster, type ClusterError } from "./Cluster.ts"
import { kinds, volumeGroupSnapshotContents } from "./Kind.ts"
import * as Operation from "./Operation.ts"
import { type AnyPlan, newId } from "./operation/Plan.ts"
import type { OperationResult } from "./operation/Progress.ts"
import * as Resource from "./Resource.ts"
import { type Found, plan as planOf, type PrunePlanOptions } from "./snapshot/prunePlan.ts"
import { type PrunePlan, type PruneRun, pruneVerb } from "./snapshot/pruneVerb.ts"
import type { SnapshotRef } from "./snapshot/ref.ts"
import { isComplete, newerThan, takenAt } from "./snapshot/newest.ts"
import { hasNewer, isLast, wholes } from "./snapshot/whole.ts"
import { usesOf } from "./snapshot/use.ts"
import { list, type Listed, listReadable, noSnapshot, ofName } from "./step/recordList.ts"
import { furtherParts } from "./step/recordWrite.ts"
import { madeByAnnotation } from "./Labels.ts"
import { recordName } from "./RecordName.ts"

export type { SnapshotRef } from "./snapshot/ref.ts"
export { PruneResult, type PrunePlan, type PruneRun } from "./snapshot/pruneVerb.ts"

export interface PruneOptions extends PruneRun, PrunePlanOptions {}

/** The snapshots to keep, by number and age. */
export interface Keep {
  /**
   * The number of the newest complete snapshots of each application that are kept, whatever their age; at
   * least one. Default 1.
   */
  readonly keep?: number
  /** Of the others those that are older than this, as `"30 days"`; a number is milliseconds. Absent: all of them. */
  readonly expire?: Duration.Input
}

/** One line for each step of a plan that may come from a journal; empty if it cannot be parsed. */
export const describeSteps = (plan: AnyPlan): ReadonlyArray<string> => pruneVerb.describeSteps(plan)

/** `effect` takes NaN for no time at all, than which all is older. */
const ageOf = (expire: Duration.Input): number => {
  const age = Number.isNaN(expire) ? Number.NaN : Duration.toMillis(Duration.fromInputUnsafe(expire))
  if (age >= 0) return age
  throw new RangeError(`expire: ${age} ms is no age; give a duration from 0`)
}

/**
 * The snapshots to delete, with the time `now` in milliseconds, for which `listBeyond` asks the cluster: only
 * complete ones, and never the newest complete one of an application. Throws if `expire` is no age.
 */
export const beyond = (
  listed: ReadonlyArray<Listed>,
  { keep = 1, expire }: Keep,
  now: number
): ReadonlyArray<Listed> => {
  const age = expire === undefined ? null : ageOf(expire)
  return listed.filter(
    (one) =>
      isComplete(one) &&
      newerThan(listed, one).length >= Math.max(1, keep) &&
      (age === null || now - takenAt(one) > age)
  )
}

/**
 * The time that ages are counted to: the cluster's, from the date of its answer, or this machine's if that is
 * earlier. A machine whose clock is ahead deletes nothing that is still young.
 */
const countedTo: Effect.Effect<number, ClusterError, Cluster> = Effect.scoped(
  Effect.gen(function* () {
    const { request } = yield* Cluster
    const { headers } = yield* request({ method: "GET", path: "/version" })
    const [here, there] = [yield* Clock.currentTimeMillis, Date.parse(headers["date"] ?? "")]
    return Number.isFinite(there) ? Math.min(here, there) : here
  })
)

/**
 * The snapshots of a namespace to delete, as `beyond` says, with their ages by the cluster's clock, and where as
 * many newer ones as are kept have their records.
 */
export const listBeyond = Effect.fn("SnapshotPrune.listBeyond")(function* (
  namespace: string,
  keep: Keep
): Effect.fn.Return<ReadonlyArray<Listed>, ClusterError, Cluster> {
  const listed = yield* list(namespace)
  const gone = beyond(listed, keep, keep.expire === undefined ? 0 : yield* countedTo)
  const whole = wholes(namespace)
  return yield* Effect.filter(gone, (one) => hasNewer(listed, one, Math.max(1, keep.keep ?? 1), whole))
})

const noGroups = { version: null, groups: [], groupContents: [] }

/**
 * The groups of a namespace and the contents of all groups; empty if the cluster serves none. Without
 * permission to read them, only snapshots without a group can be deleted.
 */
const groupsFor = ({ namespace, cuts }: Listed["summary"]) =>
  groupsIn(namespace).pipe(
    Effect.catchIf(
      ({ reason }) => reason._tag === "Forbidden" && cuts.every(({ group }) => group === null),
      () => Effect.succeed(noGroups)
    )
  )

const groupsIn = (namespace: string) =>
  Effect.gen(function* () {
    const { resources } = yield* Resource.discover
    const version = resources.find(({ plural }) => plural === "volumegroupsnapshots")?.version ?? null
    if (version === null) return noGroups
    const [groups, contents] = yield* Effect.all(
      [
        Resource.list({ ...kinds.volumegroupsnapshots, version }, { namespace }),
        Resource.list({ ...volumeGroupSnapshotContents, version })
      ],
      { concurrency: 2 }
    )
    return { version, groups, groupContents: contents }
  })

/** The record's Secrets; `null` if it has none. Which they are is unknown where Secrets may not be read. */
const secretsIn = ({
  namespace,
  name
}: SnapshotRef): Effect.Effect<{ readonly record: Found["record"] } | null, ClusterError, Cluster> =>
  Effect.all(
    [Resource.find(kinds.secrets, { namespace, name: recordName(name) }), furtherParts(namespace, name)],
    { concurrency: 2 }
  ).pipe(
    Effect.map(([first, parts]) => {
      if (first === null) return null
      const { uid, labels } = first.metadata
      return { record: { uid: uid ?? "", madeBy: labels?.[madeByAnnotation] ?? "", parts } }
    }),
    Effect.catchReason("ClusterError", "Forbidden", () => Effect.succeed({ record: null }))
  )

/**
 * Reads the objects of a snapshot, and returns a plan to delete it. Changes nothing. Without
 * permission on Secrets it goes by the list: newer snapshots may have lost their records.
 */
export const prepare = Effect.fn("SnapshotPrune.prepare")(function* (
  ref: SnapshotRef,
  options: PruneOptions = {}
): Effect.fn.Return<PrunePlan, Operation.Failure, Cluster> {
  const { namespace, name } = ref
  const [all, secrets, index] = yield* Effect.all(
    [
      listReadable(namespace),
      secretsIn(ref),
      Resource.findObject(
        { api: kinds.configmaps, namespace, name: recordName(name) },
        { metadataOnly: true }
      )
    ],
    { concurrency: 3 }
  )
  const listed = yield* ofName(all, ref)
  if (secrets === null || index === null) return yield* noSnapshot(namespace, name)
  const { record } = secrets
  const named = (listed.now ?? []).flatMap(({ snapshot }) => snapshot ?? [])
  const [snapshots, contents, groups, inUse] = yield* Effect.all(
    [
      Resource.list(kinds.volumesnapshots, { namespace }),
      Resource.list(kinds.volumesnapshotcontents),
      groupsFor(listed.summary),
      usesOf({ ...ref, record: record?.uid ?? null }, named, null)
    ],
    { concurrency: 4 }
  )
  const found = {
    ...groups,
    summary: listed.summary,
    listed: index.metadata.uid ?? "",
    record,
    snapshots,
    contents,
    inUse,
    isLast: yield* isLast(namespace, all.snapshots, listed)
  }
  return planOf(found, yield* newId, options)
})

/**
 * Checks what a run would do, without changing anything. With `server`, each write is also sent with
 * `dryRun=All`.
 */
export const dryRun = Effect.fn("SnapshotPrune.dryRun")(function* (
  plan: PrunePlan,
  mode: "client" | "server"
): Effect.fn.Return<PrunePlan, Operation.Failure, Cluster> {
  return yield* Operation.dryRun(plan, pruneVerb, mode, {})
})

/** Deletes the snapshot of a plan; refused if it has come into use since. */
export const run = Effect.fn("SnapshotPrune.run")(function* (
  plan: PrunePlan,
  options: PruneRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.execute(plan, pruneVerb, options)
})

/**
 * Deletes a snapshot with its data in the storage.
 *
 * **Errors**: `Refused` if it is the newest complete one of its application (unless `last`), or is in use;
 * those of `run`.
 *
 * **Caveats**: this cannot be undone.
 */
export const prune = Effect.fn("SnapshotPrune.prune")(function* (
  ref: SnapshotRef,
  options: PruneOptions & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  const plan = yield* prepare(ref, options)
  return yield* run(plan, options)
})

/** Resumes an interrupted deletion. */
export const resume = Effect.fn("SnapshotPrune.resume")(function* (
  at: Operation.OperationAt,
  options: PruneRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.resume(at, pruneVerb, options)
})

/** Stops an interrupted deletion: keeps everything that still exists. */
export const abort = Effect.fn("SnapshotPrune.abort")(function* (
  at: Operation.OperationAt,
  options: PruneRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.abort(at, pruneVerb, options)
})
