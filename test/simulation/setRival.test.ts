/** Somebody else acts while a set is taken or deleted: a part of what `npm run prove -- snapshot --part rival` runs whole. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { actsOf, run } from "./setRivalRun.ts"

/** Each of these once told a success that was none, left something that nobody named, or could not be ended. */
const found = [
  ["group", "delete the group"],
  ["alone", "put a stranger's cut in the place of one"],
  ["alone", "a ConfigMap of the record's name"],
  ["crash", "take the marks off a cut"],
  ["offline", "take the marks off the group"]
] as const

const requestsOf = (scenario: string) =>
  Effect.map(run({ scenario, members: 2, act: "nothing", index: 0, pause: 0 }), ({ faults, trace }) => {
    assert.deepEqual(faults, [])
    return trace.length
  })

describe("one act of somebody else makes no success that is none, and leaves nothing unnamed", () => {
  for (const [scenario, act] of found) {
    it.effect(`${scenario}: ${act}, towards its end`, () =>
      Effect.gen(function* () {
        const requests = yield* requestsOf(scenario)
        for (let index = requests - 100; index <= requests; index += 20) {
          const { faults, story } = yield* run({ scenario, members: 2, act, index, pause: 0 })
          assert.deepEqual(faults, [], `${index}: ${story.join("\n")}`)
        }
      })
    )
  }

  for (const scenario of ["offline", "quiesced", "alone", "prune"]) {
    it.effect(`${scenario}: acts of all kinds, each somewhere`, () =>
      Effect.gen(function* () {
        const requests = yield* requestsOf(scenario)
        for (const [place, { name: act }] of actsOf(scenario).entries()) {
          if (place % 24 !== scenario.length % 12) continue
          const index = 1 + ((place * 37) % requests)
          const { faults, story } = yield* run({ scenario, members: 2, act, index, pause: 700 })
          assert.deepEqual(faults, [], `${act} @ ${index}: ${story.join("\n")}`)
        }
      })
    )
  }
})
