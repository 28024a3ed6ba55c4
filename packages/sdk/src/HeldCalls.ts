/**
 * A hold that is begun by one call and ended by another, for images without a shell: functions of the
 * caller's own, or requests through the API server's pod proxy.
 *
 * **Caveats**: nothing in the pod ends it. Its caller does so at the deadline, and a caller that was killed
 * does not. So whoever takes a snapshot with it must allow that, and it is written on the record.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Cluster } from "./Cluster.ts"
import { type Held, NotHeld, type Release } from "./HeldHook.ts"
import {
  fingerprint as fingerprintOf,
  type HttpCall,
  type Member,
  type Outcome,
  run,
  type Run
} from "./Hook.ts"

export interface HeldCalls {
  readonly _tag: "HeldCalls"
  /** In milliseconds from the first call's begin: its caller ends it then. */
  readonly deadline: number
  /** Succeeds once the member is held. */
  readonly quiesce: Run | HttpCall
  /** Lets the member go; succeeds only where it was held all the time. */
  readonly release: Run | HttpCall
}

/** What a plan and a journal may know of it. */
export const fingerprint = ({ _tag, deadline, quiesce, release }: HeldCalls): object => ({
  _tag,
  deadline,
  quiesce: fingerprintOf(quiesce),
  release: fingerprintOf(release)
})

/** How long an answer to the release is waited for, in milliseconds: behind it a thaw waits. */
const releaseWithin = 5000
/** The same where the deadline is near, or over. */
const releaseAtLeast = 1000

/** Runs a call that may not heed its interruption: whoever waits for it goes on all the same. */
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
      Effect.catchDefect(() => Effect.succeed(unknown("it ended with an error that it does not tell"))),
      Effect.onExit(() => Effect.asVoid(Effect.forkDetach(Fiber.interrupt(fiber))))
    )
  })

const releaseOnce = ({ deadline, release }: HeldCalls, member: Member, since: bigint) =>
  Effect.gen(function* (): Effect.fn.Return<Release, never, Cluster> {
    const elapsed = Effect.map(Clock.monotonicTimeNanos, (now) => Number(now - since) / 1e6)
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
 * Holds a member by the first call, and lets it go by the second, once, as `HeldHook.hold` does.
 *
 * **Errors**: `NotHeld` with `Unknown`, since a call that failed may have had its effect; what `permit`
 * fails with: nothing is begun then.
 */
export const hold = <E = never, R = never>(
  calls: HeldCalls,
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
    const elapsed = Effect.map(Clock.monotonicTimeNanos, (now) => Number(now - since) / 1e6)
    return {
      ask: Effect.succeed({ _tag: "Unknown" as const, message: "the pod cannot be asked" }),
      next: Effect.succeed({ _tag: "Failed" as const, message: "a request cannot take a staged snapshot" }),
      release: yield* Effect.cached(
        Effect.provideService(releaseOnce(calls, member, since), Cluster, cluster)
      ),
      millisHeld: elapsed
    }
  })
