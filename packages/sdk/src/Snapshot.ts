/**
 * Snapshots of an application's whole state: every claim's volume at one moment, the ConfigMaps and Secrets
 * it uses, its topology and its placement, with the consistency that was actually reached.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { type AppRef, nameOf } from "./App.ts"
import type { Cluster, ClusterError } from "./Cluster.ts"
import * as Operation from "./Operation.ts"
import { because, OperationError } from "./operation/OperationError.ts"
import { wayBack } from "./operation/OperationId.ts"
import { type AnyPlan, newId } from "./operation/Plan.ts"
import type { OperationResult } from "./operation/Progress.ts"
import { listReadable } from "./Quota.ts"
import * as Resource from "./Resource.ts"
import type { Recent } from "./snapshot/freeze.ts"
import { plan as planOf, type SnapshotOptions as PlanOptions } from "./snapshot/plan.ts"
import { type SnapshotPlan, type SnapshotRun, type SnapshotStep, snapshotVerb } from "./snapshot/verb.ts"
import { list } from "./step/recordList.ts"
import { mountedIn } from "./step/users.ts"
import type { AppNotFound } from "./state/AppNotFound.ts"
import { read } from "./State.ts"
import type { AppState } from "./state/AppState.ts"

export { type SnapshotPlan, SnapshotResult, type SnapshotRun, type SnapshotStep } from "./snapshot/verb.ts"
export type { Level, Summary } from "./step/record.ts"
export { list, type Listed, listReadable, type Snapshots, type UnreadableRecord } from "./step/recordList.ts"
export type { Asked } from "./snapshot/level.ts"

export type SnapshotError = OperationError | ClusterError | AppNotFound

export interface SnapshotOptions
  extends Omit<PlanOptions, "mayRetain" | "mountedBy" | "name" | "quotas" | "recent">, SnapshotRun {
  /** A DNS label of at most 40 characters. Default: the application's name with the time, in UTC. */
  readonly name?: string
}

/** `db-20261128-031500`: the application's name, shortened to fit a label, and the time. */
const defaultName = (ref: AppRef): Effect.Effect<string> =>
  Effect.map(DateTime.now, (now) => {
    const time = DateTime.formatIso(now).replace(/[-:]/g, "").replace("T", "-").slice(0, 15)
    const app = nameOf(ref)
      .replace(/[^a-z0-9-]+/g, "-")
      .slice(0, 24)
      .replace(/^-+/, "")
    return `${app}-${time}`
  })

/** The plan, from a state. Pure. `null` if the state has no workload. */
export const plan = (state: AppState, ref: AppRef, id: string, options: PlanOptions): SnapshotPlan | null =>
  planOf(state, ref, id, options)

/** A one-line description of a step of a plan. */
export const describe = (plan: SnapshotPlan, step: SnapshotStep): string => snapshotVerb.describe(plan, step)

/** One line for each step of a plan that may come from a journal; empty if it cannot be parsed. */
export const describeSteps = (plan: AnyPlan): ReadonlyArray<string> => snapshotVerb.describeSteps(plan)

/** True if this user can set the contents of snapshots to Retain: they are cluster-scoped. */
const mayRetainContents = Resource.mayAll(["get", "patch"], {
  group: "snapshot.storage.k8s.io",
  plural: "volumesnapshotcontents"
})

/**
 * The number of snapshots that a freeze is predicted from: one slow snapshot must not cause all later ones to
 * be refused.
 */
const remembered = 3

/**
 * The median duration of the newest quiesced snapshots of this application, from their records; `null` if
 * there is none.
 */
const recentCut = (ref: AppRef): Effect.Effect<Recent | null, ClusterError, Cluster> =>
  Effect.map(list(ref.namespace), (all) => {
    const recent = all.flatMap(({ summary: { quiesced, app, cuts } }): ReadonlyArray<Recent> =>
      quiesced !== undefined && quiesced.waves === undefined && nameOf(app) === nameOf(ref)
        ? [{ claims: cuts.length, millis: Math.max(...quiesced.members.map(({ millis }) => millis)) }]
        : []
    )
    const each = ({ claims, millis }: Recent) => millis / Math.max(1, claims)
    const sorted = recent.slice(0, remembered).toSorted((left, right) => each(left) - each(right))
    return sorted[(sorted.length - 1) >> 1] ?? null
  })

/**
 * Reads the state and returns a plan. Changes nothing.
 *
 * **Errors**: `AppNotFound` if there is no such application. A refusal is not an error here: it is in
 * `plan.refusals`.
 */
export const prepare = Effect.fn("Snapshot.prepare")(function* (
  ref: AppRef,
  options: SnapshotOptions = {}
): Effect.fn.Return<SnapshotPlan, SnapshotError, Cluster> {
  const [state, mayRetain, recent, mountedBy, quotas] = yield* Effect.all(
    [
      read(ref),
      mayRetainContents,
      options.quiesce === undefined ? Effect.succeed(null) : recentCut(ref),
      options.consistency === "offline" || options.quiesce !== undefined
        ? mountedIn(ref.namespace)
        : Effect.succeed({}),
      listReadable(ref.namespace)
    ],
    { concurrency: 5 }
  )
  const name = options.name ?? (yield* defaultName(ref))
  const made = planOf(state, ref, yield* newId, { ...options, name, mayRetain, mountedBy, quotas, recent })
  return made ?? (yield* because("NotFound", `${nameOf(ref)} has no workload that could be snapshotted`))
})

/**
 * Checks what a run would do, without changing anything. With `server`, each write is also sent with
 * `dryRun=All`.
 */
export const dryRun = Effect.fn("Snapshot.dryRun")(function* (
  plan: SnapshotPlan,
  mode: "client" | "server"
): Effect.fn.Return<SnapshotPlan, SnapshotError, Cluster> {
  return yield* Operation.dryRun(plan, snapshotVerb, mode, {})
})

/**
 * A level that was not reached leaves nothing behind: everything is deleted, and a stopped application is
 * started again.
 */
const removed = (
  at: Operation.OperationAt,
  options: SnapshotRun & Operation.RunOptions,
  { reason, message, action }: OperationError
): Effect.Effect<never, Operation.Failure, Cluster> =>
  Effect.matchEffect(abort(at, options), {
    onSuccess: ({ notes, unmet }) =>
      because(
        "LevelMissed",
        message,
        [
          unmet.length === 0 ? "what was created is deleted" : `it was undone, but ${unmet.join("; ")}`,
          ...notes,
          action?.split("; then ")[0] ?? "take another one"
        ].join("; ")
      ),
    // Then the rest is left to another abort: a snapshot that is being taken is deleted only after its driver has ended that.
    onFailure: (failed) =>
      new OperationError({
        reason,
        message,
        action: `${action?.split("; then ")[0] ?? "take another one"}; not everything that was created could be deleted (${failed.message}): ${wayBack({ id: at.id, home: at.namespace })}`
      })
  })

/** A run that ends with `LevelMissed` leaves nothing, whichever process started it. */
const orNothing = (
  at: Operation.OperationAt,
  options: SnapshotRun & Operation.RunOptions,
  taken: Effect.Effect<OperationResult, Operation.Failure, Cluster>
): Effect.Effect<OperationResult, Operation.Failure, Cluster> =>
  Effect.catchTag(taken, "OperationError", (error) =>
    error.reason._tag === "LevelMissed" ? removed(at, options, error) : Effect.fail(error)
  )

/**
 * Runs a prepared plan. Refused if a fact of the plan has changed since.
 *
 * **Errors**: `LevelMissed` if the requested level was not reached: then nothing is left behind. `Refused`,
 * `Access`, `Changed` or `Mismatch` with nothing changed; `Held` or `Unfinished` if another operation is in
 * the way. After any other error the operation can be resumed or aborted.
 */
export const run = Effect.fn("Snapshot.run")(function* (
  plan: SnapshotPlan,
  options: SnapshotRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* orNothing(
    { namespace: plan.home, id: plan.id },
    options,
    Operation.execute(plan, snapshotVerb, options)
  )
})

/**
 * Takes a snapshot of an application: plans, and runs the plan.
 *
 * **Caveats**: without `consistency`, the level is the best one that does not stop the application: check
 * `level` of the result.
 *
 * **Errors**: `Refused` if the requested level cannot be reached, with nothing changed; those of `run`.
 *
 * **Example**:
 *
 * ```ts
 * yield* Snapshot.take(statefulSet("shop", "db"), { name: "nightly", identity: "backup-job" })
 * ```
 */
export const take = Effect.fn("Snapshot.take")(function* (
  ref: AppRef,
  options: SnapshotOptions & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, SnapshotError, Cluster> {
  const plan = yield* prepare(ref, options)
  return yield* run(plan, options)
})

/**
 * Resumes an interrupted snapshot, from any machine.
 *
 * **Caveats**: if its process ended while members were quiesced, the snapshot is not called quiesced: if that
 * level was requested, it fails with `LevelMissed`, and nothing is left behind.
 */
export const resume = Effect.fn("Snapshot.resume")(function* (
  at: Operation.OperationAt,
  options: SnapshotRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* orNothing(at, options, Operation.resume(at, snapshotVerb, options))
})

/**
 * Rolls back an interrupted snapshot: deletes the objects that it has created, and nothing else. A stopped
 * application is started again.
 */
export const abort = Effect.fn("Snapshot.abort")(function* (
  at: Operation.OperationAt,
  options: SnapshotRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.abort(at, snapshotVerb, options)
})
