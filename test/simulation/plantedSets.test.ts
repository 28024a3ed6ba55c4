/** Each defect in taking, deleting and restoring sets is noticed, and nothing is without it. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { plantedSets } from "./plantedSets.ts"
import { attempt } from "./sets.ts"

/** A fixed part of them; `npm run prove -- planted` takes each. */
const every = Number(process.env["PLANTED_EVERY"] ?? 4)

describe("a defect in taking, deleting or restoring a set is noticed", () => {
  for (const { name, scenario, means, defect, says } of plantedSets.filter(
    (_, place) => place % every === 0
  )) {
    it.effect(name, () =>
      Effect.gen(function* () {
        yield* attempt(scenario, means)
        const exit = yield* Effect.exit(attempt(scenario, { ...means, ...defect }))
        assert.strictEqual(exit._tag, "Failure", "it was not noticed")
        if (exit._tag === "Failure") {
          if (process.env["SHOW"]) console.log(String(Cause.squash(exit.cause)).slice(0, 400))
          assert.match(String(Cause.squash(exit.cause)), says)
        }
      })
    )
  }
})
