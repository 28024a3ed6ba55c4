/** Scaling with calls that fail, replies that are lost and the death of its caller, at one call after another. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Fault } from "../../packages/sandbox/src/Fault.ts"
import { attempt, inTurn, type Scenario, scenarios } from "./scaling.ts"

/**
 * Each fault at a sixth of the calls, and at every which read. A read whose reply is lost is one that fails. After a kill behind a
 * read, or before a call, things are as after one behind the call before it, but for the time: `prove` runs all.
 */
const faults: ReadonlyArray<readonly [what: string, fault: Fault, nth: number, least: number]> = [
  ["every call fails", { _tag: "Fail" }, 1, 3],
  ["every reply of a change is lost", { _tag: "LoseReply" }, Infinity, 1],
  ["the caller dies", { _tag: "Kill", applied: true }, 2, 3]
]

describe("scaling ends the same", () => {
  for (const scenario of Object.values<Scenario>(scenarios)) {
    for (const [what, fault, nth, least] of faults) {
      it.effect(`when ${what}: ${scenario.name}`, () =>
        Effect.gen(function* () {
          const points = yield* inTurn(attempt, scenario, fault, nth, 6)
          console.log(`${scenario.name}, ${what}: ${points} points`)
          assert.isAbove(points, scenario.only === undefined ? least : 0)
        })
      )
    }
  }
})
