/**
 * Operations of any verb: found, resumed and aborted by their journal.
 *
 * A journal names its verb; one with a verb that this version does not know is left as it is.
 */
import * as Effect from "effect/Effect"
import { nameOf } from "./App.ts"
import type { Cluster, ClusterError } from "./Cluster.ts"
import * as Journal from "./operation/Journal.ts"
import { isOperationId, operationsCommand } from "./operation/OperationId.ts"
import { because, type OperationError } from "./operation/OperationError.ts"
import type { Failure } from "./operation/StepContext.ts"
import type { RunOptions } from "./operation/Verb.ts"
import type { OperationResult } from "./operation/Progress.ts"
import * as Prune from "./SnapshotPrune.ts"
import * as Restore from "./Restore.ts"
import * as RestoreClone from "./RestoreClone.ts"
import * as RestoreRelease from "./RestoreRelease.ts"
import * as Scale from "./Scale.ts"
import type { Phase } from "./operation/Journal.ts"
import type { AnyPlan } from "./operation/Plan.ts"
import type { AppNotFound } from "./state/AppNotFound.ts"
import * as Snapshot from "./Snapshot.ts"
import * as Transfer from "./SnapshotTransfer.ts"

/** An operation with its id, verb and application. */
export interface Found {
  readonly namespace: string
  readonly id: string
  readonly verb: string
  /** The application: a StatefulSet, or a selector. */
  readonly name: string
  readonly phase: Phase
}

/** The location of an operation's journal, and its id. */
export interface At {
  readonly namespace: string
  readonly id: string
}

/** Options that a resume or an abort of any verb may need again. */
export type TakeUpOptions = Scale.RunSettings &
  Snapshot.SnapshotRun &
  Restore.RestoreRun &
  RestoreClone.CloneRun &
  RunOptions

/** A plan of any verb, as returned by that verb's `prepare`. */
export type Planned =
  | Scale.ScalePlan
  | Snapshot.SnapshotPlan
  | Restore.RestorePlan
  | RestoreClone.ClonePlan
  | RestoreRelease.ReleasePlan
  | Prune.PrunePlan
  | Transfer.Prepared

interface Verb {
  /** Only its own plan, identified by the verb's name. */
  readonly run: (planned: never, options: TakeUpOptions) => Effect.Effect<OperationResult, Failure, Cluster>
  readonly dryRun: (
    plan: never,
    mode: "client" | "server"
  ) => Effect.Effect<AnyPlan, Failure | AppNotFound, Cluster>
  readonly describeSteps: (plan: AnyPlan) => ReadonlyArray<string>
  readonly resume: (at: At, options: TakeUpOptions) => Effect.Effect<OperationResult, Failure, Cluster>
  readonly abort: (at: At, options: TakeUpOptions) => Effect.Effect<OperationResult, Failure, Cluster>
}

const verbs: Readonly<Record<string, Verb>> = {
  clone: RestoreClone,
  import: Transfer,
  prune: Prune,
  release: RestoreRelease,
  restore: Restore,
  scale: Scale,
  snapshot: Snapshot
}

/**
 * The operation whose id starts with the given text; without an id, the unfinished one of the namespace.
 *
 * Fails with NotFound if there is none, or if several match.
 */
export const find = Effect.fn("Verbs.find")(function* (where: {
  readonly namespace: string
  readonly id?: string | undefined
}): Effect.fn.Return<Found, OperationError | ClusterError, Cluster> {
  const { namespace, id } = where
  // Every id begins with nothing: an empty variable would name whatever operation there is.
  if (id === "")
    return yield* because(
      "NotFound",
      "the operation's ID is empty",
      `${operationsCommand(namespace)} lists them`
    )
  const { entries, unreadable } = yield* Journal.listReadable(namespace)
  const found =
    id === undefined
      ? entries.filter((entry) => Journal.isOpen(entry.status))
      : entries.filter((entry) => entry.plan.id.startsWith(id))
  const [first] = found
  // One that is not over may be the one that is meant, though nobody can read it.
  const hidden = unreadable.find((one) => (id === undefined ? !one.isOver : one.id?.startsWith(id) === true))
  if (hidden !== undefined && (first === undefined || id === undefined)) {
    return yield* first === undefined
      ? hidden.error
      : because("NotFound", hidden.error.message, "give the ID of the operation that is meant")
  }
  if (first === undefined) {
    const which = id === undefined ? "unfinished operation" : `operation ${id}`
    return yield* because(
      "NotFound",
      `no ${which} in namespace ${namespace}`,
      `${operationsCommand(namespace)} lists them`
    )
  }
  if (found.length > 1) {
    const ids = found.map((entry) => entry.plan.id).filter(isOperationId)
    return yield* because(
      "NotFound",
      `${found.length} operations match${ids.length === 0 ? "" : `: ${ids.join(", ")}`}`,
      "give one ID"
    )
  }
  const { plan, status } = first
  return { namespace, id: plan.id, verb: plan.verb, name: nameOf(plan.app), phase: status.phase }
})

const verbOf = ({ id, verb }: AnyPlan): Effect.Effect<Verb, OperationError> => {
  const known = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
  return known === undefined
    ? Effect.fail(
        because(
          "Mismatch",
          `operation ${id} is a ${verb}, which this version does not know`,
          "use the version of kubectl-stateful that started it"
        )
      )
    : Effect.succeed(known)
}

const takeUp = (
  way: "resume" | "abort",
  at: At,
  options: TakeUpOptions
): Effect.Effect<OperationResult, Failure, Cluster> =>
  Effect.gen(function* () {
    const { plan } = yield* Journal.find(at.namespace, at.id)
    const verb = yield* verbOf(plan)
    return yield* verb[way](at, options)
  })

/** One line for each step of a plan of any verb; empty if this version does not know its verb. */
export const describeSteps = (plan: AnyPlan): ReadonlyArray<string> =>
  Object.hasOwn(verbs, plan.verb) ? (verbs[plan.verb]?.describeSteps(plan) ?? []) : []

/** Runs a plan, of whatever verb; refused if a fact that it rests on has changed. */
export const run = Effect.fn("Verbs.run")(function* (
  planned: Planned,
  options: TakeUpOptions = {}
): Effect.fn.Return<OperationResult, Failure, Cluster> {
  const verb = yield* verbOf("record" in planned ? planned.plan : planned)
  return yield* verb.run(planned as never, options)
})

/**
 * Checks what a run of a plan of any verb would do, without changing anything. With `server`, each write is
 * also sent with `dryRun=All`.
 */
export const dryRun = Effect.fn("Verbs.dryRun")(function* (
  plan: AnyPlan,
  mode: "client" | "server"
): Effect.fn.Return<AnyPlan, Failure | AppNotFound, Cluster> {
  const verb = yield* verbOf(plan)
  return yield* verb.dryRun(plan as never, mode)
})

/** Resumes an interrupted operation; a started abort continues as an abort. */
export const resume = Effect.fn("Verbs.resume")(function* (
  at: At,
  options: TakeUpOptions = {}
): Effect.fn.Return<OperationResult, Failure, Cluster> {
  return yield* takeUp("resume", at, options)
})

/** Rolls back an operation. */
export const abort = Effect.fn("Verbs.abort")(function* (
  at: At,
  options: TakeUpOptions = {}
): Effect.fn.Return<OperationResult, Failure, Cluster> {
  return yield* takeUp("abort", at, options)
})
