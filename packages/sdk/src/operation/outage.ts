/** API server outages: reported, waited out, and excluded from time limits. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { Waiting } from "../resource/Patience.ts"
import { patience } from "./Ensure.ts"
import type { Progress } from "./Progress.ts"

export interface Outage {
  /** The retry policy of an operation's reads. */
  readonly patience: Waiting
  /** Milliseconds in which the server answered, on the monotonic clock: only differences mean anything. */
  readonly elapsed: Effect.Effect<number>
}

interface State {
  /** The start of the current outage. */
  readonly since: bigint | null
  /** The total duration of previous outages, in nanoseconds. */
  readonly before: bigint
}

export const make = (
  app: string,
  report: (progress: Progress) => Effect.Effect<void>
): Effect.Effect<Outage> =>
  Effect.map(Ref.make<State>({ since: null, before: 0n }), (state) => {
    const say = (reason: string | null) =>
      report({ _tag: "Waiting", subject: { kind: "App", name: app }, for: reason })
    return {
      patience: {
        millis: patience,
        failed: (error) =>
          Effect.gen(function* () {
            const now = yield* Clock.monotonicTimeNanos
            const begins = yield* Ref.modify(state, (is) =>
              is.since === null ? [true, { ...is, since: now }] : [false, is]
            )
            if (begins) yield* say(`the API server: ${error.message}`)
          }),
        answered: Effect.gen(function* () {
          const now = yield* Clock.monotonicTimeNanos
          const ends = yield* Ref.modify(state, (is) =>
            is.since === null ? [false, is] : [true, { since: null, before: is.before + (now - is.since) }]
          )
          if (ends) yield* say(null)
        })
      },
      elapsed: Effect.gen(function* () {
        const { since, before } = yield* Ref.get(state)
        const now = yield* Clock.monotonicTimeNanos
        return Number((since ?? now) - before) / 1e6
      })
    }
  })
