/** The fence: whoever slept while another took over changes nothing more, wherever the sleep began. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { type Scenario, scenarios, worthwhile } from "./scaling.ts"
import { callsAwake, nap, type TakeOver } from "./sleeper.ts"

const { up, goodbye, hello, zero, drain } = scenarios

/** Every fourth of the changes and of each third read: what the sleeper still did, by call. `prove` takes all. */
const naps = (scenario: Scenario, takeOver: TakeOver) =>
  Effect.gen(function* () {
    const did: Array<string> = []
    const known = yield* callsAwake(scenario)
    let points = 0
    let seen = 0
    for (let index = 1; index <= known.worth[1]; index++) {
      if (!worthwhile(index, known, 3) || seen++ % 4 !== 0) continue
      const { calls, after } = yield* nap(scenario, index, takeOver).pipe(
        Effect.catchCause((cause) => Effect.die(new Error(`call ${index}: ${Cause.pretty(cause)}`)))
      )
      did.push(...after.map((what) => `${what} at call ${index}`))
      if (calls < index) return { points, did }
      points += 1
    }
    return { points, did }
  })

describe("a caller that slept between its look and its call, while another took over, changes nothing", () => {
  for (const scenario of [up, hello, goodbye, zero, drain] satisfies ReadonlyArray<Scenario>) {
    for (const takeOver of ["resume", "abort"] as const) {
      it.effect(`${scenario.name}, ${takeOver}`, () =>
        Effect.gen(function* () {
          const { points, did } = yield* naps(scenario, takeOver)
          console.log(`${scenario.name}, asleep then ${takeOver}: ${points} points`)
          assert.deepEqual(did, [])
          assert.isAbove(points, 0)
        })
      )
    }
  }
})
