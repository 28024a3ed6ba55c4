/**
 * A freeze that is started by one call and ended by another, for images without a shell: custom functions, or
 * requests through the API server's pod proxy.
 *
 * **Caveats**: nothing in the pod ends the freeze. This process does so at the deadline, and a process that
 * was killed does not. So it must be allowed explicitly, and the record says so.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Cluster } from "./Cluster.ts"
import { type Held, NotHeld, type Release } from "./QuiesceHook.ts"
import {
  fingerprint as fingerprintOf,
  type HttpCall,
  type Member,
  type Outcome,
  run,
  type Run
} from "./Hook.ts"
import { millisSince } from "./Elapsed.ts"

export interface QuiesceCalls {
  readonly _tag: "QuiesceCalls"
  /** In milliseconds from the start of the first call: this process then ends it. */
  readonly deadline: number
  /** Succeeds once the member is quiesced. */
  readonly quiesce: Run | HttpCall
  /** Releases the member; succeeds only if it stayed quiesced throughout. */
  readonly release: Run | HttpCall
}

/** The part of it that a plan and a journal may contain. */
export const fingerprint = ({ _tag, deadline, quiesce, release }: QuiesceCalls): object => ({
  _tag,
  deadline,
  quiesce: fingerprintOf(quiesce),
  release: fingerprintOf(release)
})

/** The timeout of a release, in milliseconds: a thaw waits for it. */
const releaseWithin = 5000
/** The same where the deadline is near, or over. */
const releaseAtLeast = 1000

/** Runs a call that may ignore its interruption: after the timeout the caller continues anyway. */
const outside = (effect: Effect.Effect<Outcome, never, Cluster>, millis: number) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkDetach(effect, { startImmediately: true, uninterruptible: false })
    const unknown = (message: string): Outcome => ({ _tag: "Unknown", message })
    return yield* Effect.interruptible(Fiber.join(fiber)).pipe(
      Effect.timeoutOrElse({
        duration: millis,
        orElse: () => Effect.succeed(unknown(`no answer in ${millis} ms`))
      }),
      // What somebody else wrote may die of anything.
      Effect.catchDefect(() => Effect.succeed(unknown("it failed without an error message"))),
      Effect.onExit(() => Effect.asVoid(Effect.forkDetach(Fiber.interrupt(fiber))))
    )
  })

const releaseOnce = ({ deadline, release }: QuiesceCalls, member: Member, since: bigint) =>
  Effect.gen(function* (): Effect.fn.Return<Release, never, Cluster> {
    const elapsed = millisSince(since)
    const left = Math.max(releaseAtLeast, Math.min(releaseWithin, deadline - (yield* elapsed)))
    const outcome = yield* outside(run(release, member), Math.round(left))
    const millisHeld = yield* elapsed
    if (outcome._tag === "Unknown")
      return { _tag: "Unknown", stillHeld: false, millisHeld, message: "its release was not answered" }
    const isLate = millisHeld > deadline
    const neverLapsed = outcome._tag === "Succeeded" && !isLate
    const message = isLate ? "its deadline passed before it was released" : "its release failed"
    const said = outcome._tag === "Failed" ? { said: outcome.message } : {}
    return { _tag: "Released", neverLapsed, code: 0, millisHeld, message, ...said }
  })

/**
 * Quiesces a member with the first call, and releases it with the second, once, as `QuiesceHook.hold` does.
 *
 * **Errors**: `NotHeld` with `Unknown`, since a call that failed may have had its effect; those of `permit`:
 * nothing is started then.
 */
export const hold = <E = never, R = never>(
  calls: QuiesceCalls,
  member: Member,
  permit: Effect.Effect<unknown, E, R> | null
): Effect.Effect<Held, NotHeld | E, R | Cluster> =>
  Effect.gen(function* () {
    if (permit !== null) yield* permit
    const since = yield* Clock.monotonicTimeNanos
    const outcome = yield* outside(run(calls.quiesce, member), calls.deadline)
    if (outcome._tag !== "Succeeded") {
      return yield* new NotHeld({ reason: { _tag: "Unknown" }, message: outcome.message })
    }
    const cluster = yield* Cluster
    const elapsed = millisSince(since)
    return {
      ask: Effect.succeed({ _tag: "Unknown" as const, message: "the pod cannot be asked" }),
      next: Effect.succeed({ _tag: "Failed" as const, message: "a request cannot take a staged snapshot" }),
      release: yield* Effect.cached(
        Effect.provideService(releaseOnce(calls, member, since), Cluster, cluster)
      ),
      millisHeld: elapsed
    }
  })
