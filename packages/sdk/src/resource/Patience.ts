/**
 * Patience: the time that reads wait for a server that does not answer. A single query has none, and fails
 * after a few attempts; a running operation has some, shared by all of its reads.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { ClusterError, type Reason } from "../Cluster.ts"
import { millisSince } from "../Elapsed.ts"

/** Retry settings, and a callback for each wait. */
export interface Waiting {
  /** In milliseconds, since the first failure. */
  readonly millis: number
  /** Called with each failure that is waited out. */
  readonly failed: (error: ClusterError) => Effect.Effect<void>
  /** Called when a response arrived after all. */
  readonly answered: Effect.Effect<void>
}

/** Default: null, no patience. */
export const Patience = Context.Reference<Waiting | null>("@kubectl-stateful/sdk/Patience", {
  defaultValue: () => null
})

/** The cluster was not reached, or could not answer: it may again. */
const passing: ReadonlyArray<Reason["_tag"]> = [
  "Unavailable",
  "Timeout",
  "TooManyRequests",
  "InternalError",
  "Unreadable"
]

export const isPassing = (error: unknown): error is ClusterError =>
  error instanceof ClusterError && passing.includes(error.reason._tag)

const longestPause = 5000

const keepTrying = <A, E, R>(effect: Effect.Effect<A, E, R>, waiting: Waiting): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const began = yield* Clock.monotonicTimeNanos
    for (let pause = 250; ; pause = Math.min(pause * 2, longestPause)) {
      const result = yield* Effect.result(effect)
      if (result._tag === "Success") {
        if (pause > 250) yield* waiting.answered
        return result.success
      }
      const { failure } = result
      const waited = yield* millisSince(began)
      if (!isPassing(failure) || waited >= waiting.millis) return yield* Effect.fail(failure)
      yield* waiting.failed(failure)
      yield* Effect.sleep(pause)
    }
  })

/** Retries while the cluster does not answer, within the patience. Only for idempotent requests. */
export const patiently = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Patience, (waiting) => (waiting === null ? effect : keepTrying(effect, waiting)))

/** Without any patience: while an application is frozen, nothing waits for a server that does not answer. */
export const impatiently = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, Patience, null)
