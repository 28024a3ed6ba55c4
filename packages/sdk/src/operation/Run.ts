/**
 * A run: the time in which one process works on an operation's guarded objects. It holds their Leases and
 * renews them, writes the journal, and when it ends, in whatever way, leaves a state from which another run
 * can continue.
 */
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Ref from "effect/Ref"
import { type AppRef, nameOf } from "../App.ts"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { within as bestEffort } from "./BestEffort.ts"
import * as Fence from "./Fence.ts"
import { type Place, titleOf } from "./Guarded.ts"
import * as Journal from "./Journal.ts"
import * as Lease from "./lease.ts"
import { amended, because, OperationError, recordOf } from "./OperationError.ts"
import { lastWay, operationTitle, wayOn, withoutJournal } from "./OperationId.ts"
import type { AnyPlan } from "./Plan.ts"
import { patiently } from "../resource/Patience.ts"
import { shellWord } from "../ShellWord.ts"
import { operationAnnotation } from "../Labels.ts"

type Status = Journal.Status
type Work<A, R = Cluster> = Effect.Effect<A, ClusterError | OperationError, R>

/** The resources of this run. */
export interface Run {
  readonly plan: AnyPlan
  /** Of every guard, in the order in which they are acquired. */
  readonly fences: ReadonlyArray<Fence.Fence>
  readonly entry: Ref.Ref<Journal.Entry>
  /** The current step, in our own words; `null` before the first. */
  readonly doing: Ref.Ref<string | null>
  /** True if any effect may have happened; before that, an error ends the operation for good. */
  readonly begun: Ref.Ref<boolean>
  /** True once the journal contains the outcome. */
  readonly over: Ref.Ref<boolean>
  /** Changes the journal with the next intent or at the end. */
  readonly note: (change: (status: Status) => Status) => Effect.Effect<void>
  /** Changes the journal immediately. */
  readonly write: (change: (status: Status) => Status) => Work<void>
  /** Makes this run the owner, instead of the run in the journal. */
  readonly takeOver: (change: Partial<Status>) => Work<void>
}

export const timestamp: Effect.Effect<string> = Effect.map(DateTime.now, (instant) =>
  DateTime.formatIso(instant).replace(/\.\d+Z$/, "Z")
)

/** Time that an ending run may take for its cleanup, in milliseconds. */
const farewell = 10_000

/** The error, with how to continue; errors after which nothing is left to do are unchanged. */
const resumable = (
  error: OperationError | ClusterError,
  plan: AnyPlan,
  isAbort = false
): OperationError | ClusterError => {
  if (error.reason._tag === "Fenced" || error.reason._tag === "Held") return error
  // Its journal was deleted: there is nothing to resume.
  if (error._tag === "OperationError" && error.reason._tag === "NotFound") return error
  const last = isAbort ? lastWay(plan) : null
  const way = `${wayOn(plan)}${last === null ? "" : `, ${last} to revert what it can`}`
  const action = error.action === undefined ? way : `${error.action}; then ${way}`
  const { permission } = error
  const rest = permission === undefined || permission.rest === null ? [] : [permission.rest]
  return amended(error, {
    action,
    ...(permission === undefined ? {} : { permission: { rest: [...rest, `then ${way}`].join("; ") } }),
    operation: { namespace: plan.home, id: plan.id }
  })
}

/** A run on a journal that this process may write. */
export const make = (entry: Journal.Entry, token: string, isBegun: boolean): Effect.Effect<Run> =>
  Effect.gen(function* () {
    const ref = yield* Ref.make(entry)
    const note: Run["note"] = (change) =>
      Ref.update(ref, (current) => ({ ...current, status: change(current.status) }))
    return {
      plan: entry.plan,
      fences: Fence.fencesOf(entry.plan, token, !isBegun),
      entry: ref,
      doing: yield* Ref.make<string | null>(null),
      begun: yield* Ref.make(isBegun),
      over: yield* Ref.make(false),
      note,
      write: (change) =>
        Effect.andThen(
          note(change),
          Effect.flatMap(Ref.get(ref), (current) => Journal.write(current, current.run))
        ),
      takeOver: (change) => {
        const taken = {
          ...entry,
          run: token,
          status: { ...entry.status, message: null, ended: null, ...change }
        }
        return Effect.andThen(Journal.write(taken, entry.run), Ref.set(ref, taken))
      }
    }
  })

/** Acquires the Leases, in key order, while `body` runs; loses them as soon as another process holds one. */
export const holding = <A, R>(
  candidates: ReadonlyArray<Lease.Candidate>,
  options: Lease.Acquiring,
  body: Work<A, R>
): Work<A, R | Cluster> =>
  Effect.andThen(
    Effect.forEach(candidates, (candidate, index) =>
      Lease.acquire(candidate, index === 0 ? options : { takeOver: options.takeOver })
    ),
    Effect.raceFirst(body, Effect.raceAllFirst(candidates.map(Lease.renew)))
  ).pipe(
    // Not an acquireRelease: waiting for a dead holder's silence must stay interruptible.
    Effect.ensuring(
      bestEffort(farewell, Effect.forEach(candidates.toReversed(), Lease.release, { discard: true }))
    )
  )

/** The outcome of an operation that ran to its end. */
export interface Ending {
  readonly phase: "Succeeded" | "Aborted" | "Incomplete"
  readonly message: string | null
}

const end = (run: Run, phase: Journal.Phase, message: string | null): Work<void> =>
  Effect.gen(function* () {
    const ended = yield* timestamp
    yield* run.write((status) => ({ ...status, phase, message, ended: phase === "Stopped" ? null : ended }))
  })

/**
 * Ends a run whose work is done. The journal last: a process that crashes before leaves an open one, by
 * which the rest is found.
 */
const finish = (
  run: Run,
  candidates: ReadonlyArray<Lease.Candidate>,
  ending: Effect.Effect<Ending>
): Work<void> =>
  Effect.gen(function* () {
    yield* Fence.releaseAll(run.fences)
    // It writes, and may be done twice.
    yield* Effect.forEach(candidates.toReversed(), (candidate) => patiently(Lease.release(candidate)), {
      discard: true
    })
    const { phase, message } = yield* ending
    yield* end(run, phase, message)
    yield* Ref.set(run.over, true)
    if (!(yield* Ref.get(run.entry)).status.aborting) yield* Effect.ignore(Fence.sealAll(run.fences))
    yield* Effect.ignore(Journal.prune(run.plan.home, run.plan.guards[0]))
  })

/** Ends an interrupted run: what was started can be resumed, what was not is finished. */
const stop = (run: Run, error: OperationError | ClusterError | null): Work<void> =>
  Effect.gen(function* () {
    // Interrupted between its end and the last write: the objects that it created may already be marked as ended.
    if (yield* Ref.get(run.over)) return
    const doing = yield* Ref.get(run.doing)
    const message = error === null ? "interrupted" : recordOf(error, doing)
    const begun = yield* Ref.get(run.begun)
    if (!begun) yield* Fence.releaseAll(run.fences)
    if (error?._tag === "OperationError" && error.reason._tag === "Fenced") return
    yield* end(run, begun ? "Stopped" : "Aborted", message)
  })

/** Runs the work of a run that is journalled, and closes it, however it ends. */
export const closing = <A, R>(
  run: Run,
  candidates: ReadonlyArray<Lease.Candidate>,
  /** The outcome, and why it is not a better one: computed once the work is done. */
  ending: Effect.Effect<Ending>,
  work: Work<A, R>
): Work<A, R | Cluster> =>
  work.pipe(
    Effect.tap(() => finish(run, candidates, ending)),
    Effect.onExit((exit) => {
      if (Exit.isSuccess(exit)) return Effect.void
      const failure = Cause.findErrorOption(exit.cause)
      return bestEffort(farewell, stop(run, failure._tag === "Some" ? failure.value : null))
    }),
    Effect.catch((error) =>
      Effect.gen(function* () {
        if (!(yield* Ref.get(run.begun))) return yield* Effect.fail(error)
        const { status } = yield* Ref.get(run.entry)
        return yield* Effect.fail(resumable(error, run.plan, status.aborting))
      })
    )
  )

/** The error for a run that cannot start because an operation is unfinished. */
export const unfinished = (entry: Journal.Entry): OperationError => {
  const { id, app, verb } = entry.plan
  return new OperationError({
    reason: { _tag: "Unfinished", operation: id },
    message: `${operationTitle(id)} (${verb}) on ${nameOf(app)} was started by ${entry.status.holder} and is unfinished`,
    action: wayOn(entry.plan)
  })
}

/** The error for a journal that cannot be parsed: the operation's state is on the objects themselves. */
export const unreadable = (journal: Journal.Unreadable, app: AppRef): OperationError =>
  new OperationError({
    reason: { _tag: "Unfinished", operation: journal.id ?? journal.name },
    message: `configmap "${journal.name}" is the journal of an operation on ${nameOf(app)} that has not finished, and cannot be read`,
    action: `use the version of kubectl-stateful that wrote it; or revert what it changed: ${withoutJournal({ namespace: app.namespace, name: nameOf(app) })}`
  })

/** The error for a token without a journal: an operation was started, and its journal was deleted. */
export const journalLost = (guard: Place): OperationError =>
  new OperationError({
    reason: { _tag: "Unfinished", operation: "unknown" },
    message: `${titleOf(guard)} is annotated with an operation whose journal no longer exists`,
    action:
      guard.kind === "StatefulSet"
        ? `revert what it changed: ${withoutJournal(guard)}`
        : `check it, then remove the annotation: \`kubectl annotate ${guard.kind.toLowerCase()} ${shellWord(guard.name)} ${operationAnnotation}- -n ${shellWord(guard.namespace)}\``
  })

/**
 * The overall time limit of an operation; its error says how to continue if there is something to continue.
 */
export const within = <A, E, R>(
  limit: Duration.Input | null,
  plan: AnyPlan,
  isOpen: Effect.Effect<boolean>,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | OperationError | ClusterError, R> =>
  limit === null
    ? effect
    : Effect.timeoutOrElse(effect, {
        duration: limit,
        orElse: () =>
          Effect.flatMap(isOpen, (open) => {
            const error = because(
              "TimedOut",
              `${operationTitle(plan.id)}: timed out after ${Duration.toSeconds(Duration.fromInputUnsafe(limit))}s`
            )
            return Effect.fail(open ? resumable(error, plan) : error)
          })
      })
