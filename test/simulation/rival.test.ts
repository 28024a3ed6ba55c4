/**
 * Somebody else does one legal act before one request of an operation: a fixed part of all of them, which
 * `npm run prove -- rival` tries.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { pointsOf } from "./points.ts"
import { attempt, scenarios } from "./rival.ts"

const every = 661

describe("one act of somebody else loses no data, crosses no namespace, and leaves an operation that ends", () => {
  for (const [name, scenario] of Object.entries(scenarios)) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const { all, distinct } = yield* pointsOf(scenario)
        const chosen = distinct.filter((_, place) => place % every === every - 1)
        const failed: Array<string> = []
        for (const { act, pause, index } of chosen) {
          const got = yield* attempt(scenario, act, index, pause)
          if (got.faults.length === 0) continue
          failed.push(`${act.name}, before request ${index} by ${pause} ms: ${got.faults.join("; ")}`)
          failed.push(...got.story.map((line) => `  ${line}`))
        }
        console.log(`${name}: ${chosen.length} of ${distinct.length} distinct acts, of ${all.length}`)
        assert.deepEqual(failed, [])
      })
    )
  }
})
