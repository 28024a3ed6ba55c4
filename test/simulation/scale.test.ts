/** Scaling with every call failing, every reply lost and every death of its caller, one by one. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { atCall, type Fault } from "../../packages/sdk/src/sandbox/Fault.ts"
import { abortAfter, attempt, firstWrite, type Scenario, scenarios, worthwhile } from "./scaling.ts"

/** After a kill before a call things are as after a kill behind the call before it: `prove` runs both. */
const faults: Readonly<Record<string, Fault>> = {
  "every call fails": { _tag: "Fail" },
  "every reply is lost": { _tag: "LoseReply" },
  "the caller dies after every call": { _tag: "Kill", applied: true }
}

/** Each call in turn until there are no more; answers how many there were. */
const each = (run: typeof attempt, scenario: Scenario, fault: Fault) =>
  Effect.gen(function* () {
    const write = yield* firstWrite(scenario)
    let points = 0
    for (let index = 1; ; index++) {
      if (!worthwhile(index, write)) continue
      const { calls } = yield* run(scenario, atCall(index, fault)).pipe(
        Effect.catchCause((cause) => Effect.die(new Error(`call ${index}: ${Cause.pretty(cause)}`)))
      )
      if (calls < index) return points
      points += 1
    }
  })

describe("scaling ends the same", () => {
  for (const scenario of Object.values<Scenario>(scenarios)) {
    for (const [what, fault] of Object.entries(faults)) {
      it.effect(
        `when ${what}: ${scenario.name}`,
        () =>
          Effect.gen(function* () {
            const points = yield* each(attempt, scenario, fault)
            console.log(`${scenario.name}, ${what}: ${points} points`)
            assert.isAbove(points, 20)
          }),
        120_000
      )
    }
  }
})

describe("an abort goes back, wherever the caller died", () => {
  for (const scenario of Object.values<Scenario>(scenarios)) {
    it.effect(
      scenario.name,
      () =>
        Effect.gen(function* () {
          const points = yield* each(abortAfter, scenario, { _tag: "Kill", applied: true })
          console.log(`${scenario.name}, abort: ${points} points`)
          assert.isAbove(points, 20)
        }),
      120_000
    )
  }
})
