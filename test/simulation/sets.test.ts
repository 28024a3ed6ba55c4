/** Sets under random faults: a part of what `npm run prove -- sets` runs whole. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { lives } from "./setSeeds.ts"
import { attempt, scenarios } from "./sets.ts"

const seeds = Number(process.env["SET_SEEDS"] ?? 30)

describe("a set", () => {
  for (const scenario of Object.values(scenarios(3))) {
    it.effect(`${scenario.name}: without a fault it succeeds, beside an older set that nobody touches`, () =>
      Effect.gen(function* () {
        const { outcome } = yield* attempt(scenario)
        assert.strictEqual(outcome, "Succeeded")
      })
    )
  }

  it.effect("is taken, deleted and restored whole or not at all, whatever faults it meets", () =>
    Effect.gen(function* () {
      const before = process.cpuUsage().user
      const done = yield* lives({ from: 1, seeds })
      const cpu = (process.cpuUsage().user - before) / 1e6
      console.log(`${done.seeds} seeds, ${cpu.toFixed(1)} s of CPU: ${JSON.stringify(done.endings)}`)
      assert.strictEqual(done.seeds, seeds)
      assert.isAbove(done.endings["prune Succeeded"] ?? 0, 0)
    })
  )
})
