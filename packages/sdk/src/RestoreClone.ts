/**
 * Restoring an application as another one: under a new name, in the same namespace or in another. It is kept
 * from its source by a fence until that is released.
 */
import * as Effect from "effect/Effect"
import { nameOf } from "./App.ts"
import type { Cluster, ClusterError } from "./Cluster.ts"
import * as Operation from "./Operation.ts"
import { OperationError, refusedBecause } from "./operation/OperationError.ts"
import { type AnyPlan, newId } from "./operation/Plan.ts"
import type { OperationResult } from "./operation/Progress.ts"
import { readFacts } from "./restore/cloneFacts.ts"
import { plan as planOf } from "./restore/clonePlan.ts"
import { type ClonePlan, type CloneRun, cloneVerb } from "./restore/cloneVerb.ts"
import { readSealed } from "./step/cloneRecord.ts"
import { noSnapshot } from "./step/recordList.ts"

export { type ClonePlan, CloneResult, type CloneRun, type CloneStep } from "./restore/cloneVerb.ts"

export type CloneError = OperationError | ClusterError

/** A snapshot by its name, and its namespace. */
export interface SnapshotRef {
  readonly namespace: string
  readonly name: string
}

export interface CloneOptions extends CloneRun {
  /** The new name. Default: that of the source, in another namespace. */
  readonly as?: string
  /** Default: that of the snapshot. */
  readonly toNamespace?: string
  /** Whether a cut without any file is one. Default false. */
  readonly allowEmpty?: boolean
}

/** One line for each step of a plan that may have been read from a journal; none where it cannot be read. */
export const describeSteps = (plan: AnyPlan): ReadonlyArray<string> => cloneVerb.describeSteps(plan)

/** Reads the snapshot and the place that it goes to, and plans; nothing is changed. */
export const prepare = Effect.fn("RestoreClone.prepare")(function* (
  { namespace, name }: SnapshotRef,
  options: CloneOptions = {}
): Effect.fn.Return<ClonePlan, CloneError, Cluster> {
  const sealed = yield* readSealed(namespace, name)
  if (sealed === null) {
    return yield* noSnapshot(namespace, name)
  }
  const app = nameOf(sealed.record.app)
  const place = { name: options.as ?? app, namespace: options.toNamespace ?? namespace }
  const facts = yield* readFacts(sealed, app, place.namespace)
  const made = planOf(facts, yield* newId, { ...options, ...place })
  return "reason" in made ? yield* refusedBecause(made.reason, made.remedy) : made
})

/** What a run would meet, and nothing changed. `server`: each write is sent with `dryRun=All` as well. */
export const dryRun = (
  made: ClonePlan,
  mode: "client" | "server",
  options: CloneRun = {}
): Effect.Effect<ClonePlan, CloneError, Cluster> => Operation.dryRun(made, cloneVerb, mode, options)

/** What cannot be fenced leaves nothing, whoever has brought it so far. */
const orNothing = (
  at: Operation.OperationAt,
  options: CloneRun & Operation.RunOptions,
  restored: Effect.Effect<OperationResult, Operation.Failure, Cluster>
): Effect.Effect<OperationResult, Operation.Failure, Cluster> =>
  Effect.catchTag(restored, "OperationError", (error) => {
    if (error.reason._tag !== "Unfenced") return Effect.fail(error)
    const { reason, message, action } = error
    const remedy = action?.split("; then ")[0] ?? ""
    return Effect.matchEffect(abort(at, options), {
      onSuccess: () =>
        Effect.fail(
          new OperationError({ reason, message, action: `what was made of it is removed; ${remedy}` })
        ),
      onFailure: () => Effect.fail(error)
    })
  })

/**
 * Runs a plan that was made before; refused if a fact that it rests on has changed.
 *
 * @errors `Unfenced` where the network does not keep it from its source: nothing of it is left then.
 */
export const run = Effect.fn("RestoreClone.run")(function* (
  made: ClonePlan,
  options: CloneRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* orNothing(
    { namespace: made.home, id: made.id },
    options,
    Operation.execute(made, cloneVerb, options)
  )
})

/**
 * Restores an application as another one.
 *
 * @errors `Refused` where something of it cannot be restored, with nothing changed; what `run` fails with.
 */
export const clone = Effect.fn("RestoreClone.clone")(function* (
  ref: SnapshotRef,
  options: CloneOptions & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, CloneError, Cluster> {
  const made = yield* prepare(ref, options)
  return yield* run(made, options)
})

/** Goes on with an interrupted one; what it makes is named again, and so is the snapshot's namespace. */
export const resume = Effect.fn("RestoreClone.resume")(function* (
  at: Operation.OperationAt,
  options: CloneRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* orNothing(at, options, Operation.resume(at, cloneVerb, options))
})

/** Removes what an interrupted one has made; volumes that its pods may have written to are kept, and named. */
export const abort = Effect.fn("RestoreClone.abort")(function* (
  at: Operation.OperationAt,
  options: CloneRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.abort(at, cloneVerb, options)
})
