/** Each defect that could lose data is planted once more: the verdict notices it, and finds nothing without it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { losses } from "./losses.ts"
import { attempt } from "./rival.ts"

/** A fixed part of them; `npm run prove -- planted` takes each. */
const every = Number(process.env["PLANTED_EVERY"] ?? 4)

describe("a defect that loses data, or takes somebody else's, is noticed", () => {
  for (const { name, scenario, act, moment, pause = 0, means, says } of losses.filter(
    (_, place) => place % every === 0
  )) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const clean = yield* attempt(scenario, act, moment, pause)
        assert.deepEqual(clean.faults, [], clean.story.join("\n"))
        assert.isTrue(clean.wire.acted || moment === 0, "the act was done")
        const { faults, story } = yield* attempt(scenario, act, moment, pause, means)
        assert.match(faults.join("\n"), says, story.join("\n"))
      })
    )
  }
})
