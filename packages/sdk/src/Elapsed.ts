/** Time that has passed, by the monotonic clock: a corrected wall clock changes nothing. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Milliseconds since an instant of that clock. */
export const millisSince = (began: bigint): Effect.Effect<number> =>
  Effect.map(Clock.monotonicTimeNanos, (now) => Number(now - began) / 1e6)

/** That clock in whole milliseconds: an age by the wall clock is wrong for as long as that was set back. */
export const monotonicMillis: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (now) =>
  Number(now / 1_000_000n)
)
