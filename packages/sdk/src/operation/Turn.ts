/**
 * A turn: the time in which one caller acts on an app. It holds the Lease and renews it, raises the
 * fence, and keeps the journal; when it ends, however it ends, it leaves a state from which another
 * turn can go on.
 */
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import { type Cluster, ClusterError } from "../Cluster.ts"
import type { Fence } from "./Fence.ts"
import * as Fences from "./Fence.ts"
import * as Journal from "./Journal.ts"
import * as Lease from "./Lease.ts"
import { because, OperationError } from "./OperationError.ts"
import { patiently } from "../resource/Patience.ts"

/** What the caller of this turn may use while it lasts. */
export interface Turn {
  readonly fence: Fence
  readonly entry: Ref.Ref<Journal.Entry>
  /** Changes what the journal will say; written with the next intent or at the end. */
  readonly note: (change: (progress: Journal.Progress) => Journal.Progress) => Effect.Effect<void>
  /** Changes what the journal says, before what follows. */
  readonly write: (
    change: (progress: Journal.Progress) => Journal.Progress
  ) => Effect.Effect<void, ClusterError | OperationError, Cluster>
}

export const timestamp: Effect.Effect<string> = Effect.map(DateTime.now, (instant) =>
  DateTime.formatIso(instant).replace(/\.\d+Z$/, "Z")
)

/** How long an ending turn tries to say so, in milliseconds. */
const farewell = 10_000

/**
 * What is done on the way out, as far as the cluster answers. A finalizer cannot be interrupted, so a
 * request that never ends would hold up whoever leaves: a fiber of its own can be.
 */
const parting = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<void, never, R> =>
  Effect.gen(function* () {
    const work = yield* Effect.forkDetach(effect, { uninterruptible: false })
    const limit = yield* Effect.forkDetach(Effect.andThen(Effect.sleep(farewell), Fiber.interrupt(work)), {
      uninterruptible: false
    })
    yield* Fiber.await(work)
    yield* Fiber.interrupt(limit)
  })

/** The error, with how to go on; those after which nothing is left to do stay as they are. */
const resumable = (error: OperationError | ClusterError, id: string): OperationError | ClusterError => {
  if (error.reason._tag === "Fenced" || error.reason._tag === "Held") return error
  const way = `\`kubectl stateful resume ${id}\` goes on, \`abort ${id}\` goes back`
  const action = error.action === undefined ? way : `${error.action}; then ${way}`
  if (error._tag === "OperationError") {
    return new OperationError({ reason: error.reason, message: error.message, action })
  }
  const { reason, message, status } = error
  return new ClusterError({ reason, message, action, ...(status === undefined ? {} : { status }) })
}

/** A turn on a journal that this caller may write. */
export const make = (fence: Fence, entry: Ref.Ref<Journal.Entry>): Turn => {
  const note: Turn["note"] = (change) =>
    Ref.update(entry, (current) => ({ ...current, progress: change(current.progress) }))
  return {
    fence,
    entry,
    note,
    write: (change) =>
      Effect.andThen(
        note(change),
        Effect.flatMap(Ref.get(entry), (current) => Journal.write(current, current.run))
      )
  }
}

/** Takes the Lease for as long as `body` runs; loses it as soon as somebody else has it. */
export const holding = <A, R>(
  claimant: Lease.Claimant,
  options: Lease.Acquiring,
  body: Effect.Effect<A, ClusterError | OperationError, R>
): Effect.Effect<A, ClusterError | OperationError, R | Cluster> =>
  Effect.andThen(Lease.acquire(claimant, options), Effect.raceFirst(body, Lease.renew(claimant))).pipe(
    // Not an acquireRelease: waiting for a dead holder's silence must stay interruptible.
    Effect.ensuring(parting(Lease.release(claimant)))
  )

/** Runs the work of a turn that is journalled and fenced, and closes it. */
export const closing = <A, R>(
  turn: Turn,
  outcome: "Succeeded" | "Aborted",
  /** Whether any effect may have happened; before that, an error ends the operation for good. */
  begun: Ref.Ref<boolean>,
  claimant: Lease.Claimant,
  work: Effect.Effect<A, ClusterError | OperationError, R>
): Effect.Effect<A, ClusterError | OperationError, R | Cluster> => {
  const id = Fences.operationOf(turn.fence.token)
  const end = (phase: Journal.Phase, message: string | null) =>
    Effect.gen(function* () {
      const ended = yield* timestamp
      yield* turn.note((progress) => ({
        ...progress,
        phase,
        message,
        ended: phase === "Stopped" ? null : ended
      }))
      const entry = yield* Ref.get(turn.entry)
      yield* Journal.write(entry, entry.run)
    })
  return work.pipe(
    // The journal last: whoever dies before leaves an open one, by which the rest is found.
    Effect.tap(() => Fences.lower(turn.fence)),
    // It writes, and may be done twice.
    Effect.tap(() => patiently(Lease.release(claimant))),
    Effect.tap(() => end(outcome, null)),
    Effect.tap(() => Effect.ignore(Journal.prune(turn.fence.namespace, turn.fence.name))),
    Effect.onExit((exit) =>
      Effect.gen(function* () {
        if (Exit.isSuccess(exit)) return
        const failure = Cause.findErrorOption(exit.cause)
        const error = failure._tag === "Some" ? failure.value : null
        const message = error === null ? "interrupted" : error.message
        const since = yield* Ref.get(begun)
        if (!since) yield* Fences.lower(turn.fence)
        if (error?._tag === "OperationError" && error.reason._tag === "Fenced") return
        yield* end(since ? "Stopped" : "Aborted", message)
      }).pipe(parting)
    ),
    Effect.catch((error) =>
      Effect.flatMap(Ref.get(begun), (since) => Effect.fail(since ? resumable(error, id) : error))
    )
  )
}

/** What a turn that may not begin says of an operation that nobody ended. */
export const unfinished = (entry: Journal.Entry): OperationError => {
  const { id, app } = entry.plan
  return new OperationError({
    reason: { _tag: "Unfinished", operation: id },
    message: `operation ${id} (${entry.plan.verb}) on ${app.name} was begun by ${entry.progress.holder} and not ended`,
    action: `\`kubectl stateful resume ${id}\` goes on, \`abort ${id}\` goes back`
  })
}

/** The overall limit of an operation; its error says how to go on where there is something to go on with. */
export const within = <A, E, R>(
  milliseconds: number | null,
  id: string,
  isOpen: Effect.Effect<boolean>,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | OperationError | ClusterError, R> =>
  milliseconds === null
    ? effect
    : Effect.timeoutOrElse(effect, {
        duration: milliseconds,
        orElse: () =>
          Effect.flatMap(isOpen, (open) => {
            const error = because("TimedOut", `operation ${id}: not done within ${milliseconds / 1000}s`)
            return Effect.fail(open ? resumable(error, id) : error)
          })
      })
