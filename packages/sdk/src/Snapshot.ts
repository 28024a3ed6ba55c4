/**
 * Snapshots of an application's whole state: every claim's volume at one cut, the ConfigMaps and Secrets
 * it uses, its topology and its placement, with the consistency that was really reached written on it.
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
import * as Resource from "./Resource.ts"
import type { Recent } from "./snapshot/freeze.ts"
import { plan as planOf, type SnapshotOptions as PlanOptions } from "./snapshot/plan.ts"
import { type SnapshotPlan, type SnapshotRun, type SnapshotStep, snapshotVerb } from "./snapshot/verb.ts"
import { list } from "./step/recordList.ts"
import type { AppNotFound } from "./state/AppNotFound.ts"
import { read } from "./State.ts"
import type { AppState } from "./state/AppState.ts"

export { type SnapshotPlan, SnapshotResult, type SnapshotRun, type SnapshotStep } from "./snapshot/verb.ts"
export type { Level, Summary } from "./step/record.ts"
export { list, type Listed } from "./step/recordList.ts"
export type { Asked } from "./snapshot/level.ts"

export type SnapshotError = OperationError | ClusterError | AppNotFound

export interface SnapshotOptions extends Omit<PlanOptions, "mayRetain" | "name" | "recent">, SnapshotRun {
  /** A DNS label of at most 40 characters. Default: the application's name with the time, in UTC. */
  readonly name?: string
}

/** `db-20261128-031500`: the application's name, as far as a label takes it, and the time. */
const defaultName = (ref: AppRef): Effect.Effect<string> =>
  Effect.map(DateTime.now, (now) => {
    const time = DateTime.formatIso(now).replace(/[-:]/g, "").replace("T", "-").slice(0, 15)
    const app = nameOf(ref)
      .replace(/[^a-z0-9-]+/g, "-")
      .slice(0, 24)
      .replace(/^-+/, "")
    return `${app}-${time}`
  })

/** The plan, from a state. Pure. Null: there is no workload in it. */
export const plan = (state: AppState, ref: AppRef, id: string, options: PlanOptions): SnapshotPlan | null =>
  planOf(state, ref, id, options)

/** One line of what a step of a plan does. */
export const describe = (plan: SnapshotPlan, step: SnapshotStep): string => snapshotVerb.describe(plan, step)

/** One line for each step of a plan that may have been read from a journal; none where it cannot be read. */
export const describeSteps = (plan: AnyPlan): ReadonlyArray<string> => snapshotVerb.describeSteps(plan)

/** Whether this caller may set the contents of snapshots to Retain: they are of the whole cluster. */
const mayRetainContents = Resource.mayAll(["get", "patch"], {
  group: "snapshot.storage.k8s.io",
  plural: "volumesnapshotcontents"
})

/** Of how many sets a freeze is foretold: one that was slow on a busy day must not refuse all that come after it. */
const remembered = 3

/** How long the newest quiesced cuts of this application took, by their records: the one in the middle; null: there is none. */
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

/** Reads the state and plans; nothing is changed. */
export const prepare = Effect.fn("Snapshot.prepare")(function* (
  ref: AppRef,
  options: SnapshotOptions = {}
): Effect.fn.Return<SnapshotPlan, SnapshotError, Cluster> {
  const [state, mayRetain, recent] = yield* Effect.all(
    [read(ref), mayRetainContents, options.quiesce === undefined ? Effect.succeed(null) : recentCut(ref)],
    { concurrency: 3 }
  )
  const name = options.name ?? (yield* defaultName(ref))
  const made = planOf(state, ref, yield* newId, { ...options, name, mayRetain, recent })
  return made ?? (yield* because("NotFound", `${nameOf(ref)} has no workload that could be snapshotted`))
})

/** What a run would meet, and nothing changed. `server`: each write is sent with `dryRun=All` as well. */
export const dryRun = Effect.fn("Snapshot.dryRun")(function* (
  plan: SnapshotPlan,
  mode: "client" | "server"
): Effect.fn.Return<SnapshotPlan, SnapshotError, Cluster> {
  return yield* Operation.dryRun(plan, snapshotVerb, mode, {})
})

/** A level that was missed leaves nothing half made: what there is goes, and a stopped application comes back. */
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
          unmet.length === 0 ? "what was made of it is removed" : `it was undone, but ${unmet.join("; ")}`,
          ...notes,
          action?.split("; then ")[0] ?? "take another one"
        ].join("; ")
      ),
    // Then the rest is left to another abort: what is being cut goes only once its driver has ended that.
    onFailure: (failed) =>
      new OperationError({
        reason,
        message,
        action: `${action?.split("; then ")[0] ?? "take another one"}; not all that was made of it is removed (${failed.message}): ${wayBack({ id: at.id, home: at.namespace })}`
      })
  })

/** What ends with `LevelMissed` leaves nothing, whoever has brought it so far. */
const orNothing = (
  at: Operation.OperationAt,
  options: SnapshotRun & Operation.RunOptions,
  taken: Effect.Effect<OperationResult, Operation.Failure, Cluster>
): Effect.Effect<OperationResult, Operation.Failure, Cluster> =>
  Effect.catchTag(taken, "OperationError", (error) =>
    error.reason._tag === "LevelMissed" ? removed(at, options, error) : Effect.fail(error)
  )

/**
 * Runs a plan that was made before; refused if a fact that it rests on has changed.
 *
 * @errors `LevelMissed` where the asked level was not reached: nothing of the set is left then.
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
 * Takes a snapshot of an application.
 *
 * @errors `Refused` where the asked level cannot be reached, with nothing changed; what `run` fails with.
 */
export const take = Effect.fn("Snapshot.take")(function* (
  ref: AppRef,
  options: SnapshotOptions & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, SnapshotError, Cluster> {
  const plan = yield* prepare(ref, options)
  return yield* run(plan, options)
})

/**
 * Goes on with an interrupted snapshot. One whose caller ended while the members were quiesced cannot be
 * called quiesced: asked for by that name, it ends with `LevelMissed`, and nothing of it is left.
 */
export const resume = Effect.fn("Snapshot.resume")(function* (
  at: Operation.OperationAt,
  options: SnapshotRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* orNothing(at, options, Operation.resume(at, snapshotVerb, options))
})

/** Removes what an interrupted snapshot has made, and nothing else; a stopped application is started again. */
export const abort = Effect.fn("Snapshot.abort")(function* (
  at: Operation.OperationAt,
  options: SnapshotRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.abort(at, snapshotVerb, options)
})
