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
  /** True if a volume without any file is accepted. Default false. */
  readonly allowEmpty?: boolean
}

/** One line for each step of a plan that may come from a journal; empty if it cannot be parsed. */
export const describeSteps = (plan: AnyPlan): ReadonlyArray<string> => cloneVerb.describeSteps(plan)

/**
 * Reads the snapshot and the target namespace, and returns a plan. Changes nothing.
 *
 * A refusal is not an error here: it is in `plan.refusals`.
 */
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

/**
 * Checks what a run would do, without changing anything. With `server`, each write is also sent with
 * `dryRun=All`.
 */
export const dryRun = (
  made: ClonePlan,
  mode: "client" | "server",
  options: CloneRun = {}
): Effect.Effect<ClonePlan, CloneError, Cluster> => Operation.dryRun(made, cloneVerb, mode, options)

/** A copy that cannot be isolated is deleted again, whichever process created it. */
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
          new OperationError({ reason, message, action: `what was created is deleted; ${remedy}` })
        ),
      onFailure: () => Effect.fail(error)
    })
  })

/**
 * Runs a prepared plan. Refused if a fact of the plan has changed since.
 *
 * **Errors**: `Unfenced` if the network does not isolate it from its source: then nothing is left behind.
 * `Refused`, `Access`, `Changed` or `Mismatch` with nothing changed; `Held` or `Unfinished` if another
 * operation is in the way. After any other error the operation can be resumed or aborted.
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
 * Restores a snapshot as another application: plans, and runs the plan. A NetworkPolicy isolates the copy
 * from its source.
 *
 * **Caveats**: names and addresses on the volumes are not rewritten, unless a profile's `beforeStart` does it.
 *
 * **Errors**: `Refused` if a part of it cannot be restored, with nothing changed; those of `run`.
 */
export const clone = Effect.fn("RestoreClone.clone")(function* (
  ref: SnapshotRef,
  options: CloneOptions & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, CloneError, Cluster> {
  const made = yield* prepare(ref, options)
  return yield* run(made, options)
})

/**
 * Resumes an interrupted copy. Confirm the name of the copy and the snapshot's namespace again: the journal
 * alone is not trusted.
 */
export const resume = Effect.fn("RestoreClone.resume")(function* (
  at: Operation.OperationAt,
  options: CloneRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* orNothing(at, options, Operation.resume(at, cloneVerb, options))
})

/**
 * Rolls back an interrupted copy: deletes the objects that it has created. Without isolation, volumes that
 * its pods may have written to are kept, and reported.
 */
export const abort = Effect.fn("RestoreClone.abort")(function* (
  at: Operation.OperationAt,
  options: CloneRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.abort(at, cloneVerb, options)
})
