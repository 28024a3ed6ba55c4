/** Scaling to zero, read from a server that lags behind. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Call, Plan } from "../../packages/sandbox/src/Fault.ts"
import { attempt, scenarios } from "./scaling.ts"

const readsVolume = (call: Call): boolean =>
  !call.write && call.request.path.startsWith("/api/v1/persistentvolumes/")

/** The nth read of a volume is answered with what it was answered before. */
const lagAt = (nth: number) => {
  let seen = 0
  const plan: Plan = (call) => {
    if (!readsVolume(call)) return undefined
    seen += 1
    return seen === nth ? { _tag: "Lag" } : undefined
  }
  return { plan, happened: () => seen >= nth }
}

describe("a reclaim policy is put back", () => {
  it.effect("although a read of its volume is of before it was changed", () =>
    Effect.gen(function* () {
      let points = 0
      for (let nth = 1; ; nth++) {
        const lag = lagAt(nth)
        yield* attempt(scenarios.zero, lag.plan)
        if (!lag.happened()) break
        points += 1
      }
      // Of each volume one read before it is kept, and one before it is put back.
      assert.isAtLeast(points, 4)
    })
  )
})
