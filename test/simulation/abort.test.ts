/** Going back after the death of the caller, at one call after another. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { abortAfter, inTurn, type Scenario, scenarios } from "./scaling.ts"

describe("an abort goes back, wherever the caller died", () => {
  for (const scenario of Object.values<Scenario>(scenarios)) {
    it.effect(scenario.name, () =>
      Effect.gen(function* () {
        const points = yield* inTurn(abortAfter, scenario, { _tag: "Kill", applied: true }, 2, 4)
        console.log(`${scenario.name}, abort: ${points} points`)
        assert.isAbove(points, scenario.only === undefined ? 5 : 0)
      })
    )
  }
})
