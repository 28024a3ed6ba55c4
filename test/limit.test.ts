/** A count of `npm run prove` that was cut short has not shown what it was to show. */
import { assert, describe, it } from "vitest"
import { proveFuzz } from "./fuzz/prove.ts"
import { type Limit, started } from "./limit.ts"
import { proveScale } from "./simulation/prove.ts"
import { proveAgain } from "./simulation/proveAgain.ts"
import { proveRival } from "./simulation/proveRival.ts"
import { proveSets } from "./simulation/proveSets.ts"

const few = { seeds: 2, from: 2, every: 1, members: 1, replay: null }

const sets = { ...few, verb: "snapshot", scenario: "crash" } as const

const scaling = (limit: Limit) => proveScale({ ...few, scenario: "up", limit })

const counts: Readonly<Record<string, (limit: Limit) => Promise<number>>> = {
  "of single faults": (limit) => proveSets({ ...sets, part: "singles", limit }),
  "of seeds of sets": (limit) => proveSets({ ...sets, part: "seeds", limit }),
  "of second deaths": (limit) => proveAgain({ ...sets, all: false, limit }),
  "of seeds of scaling": scaling,
  "of acts of somebody else": (limit) => proveRival({ ...few, scenario: "up", all: false, limit }),
  "of inputs": (limit) => proveFuzz({ runs: 1, seed: 1, target: "duration", replay: null, limit })
}

describe("a count that is cut short", () => {
  for (const [name, count] of Object.entries(counts))
    it(`${name} has failed, but for the minutes that were asked for`, async () => {
      assert.strictEqual(await count({ minutes: 0, isAsked: false }), 1)
      assert.strictEqual(await count({ minutes: 0, isAsked: true }), 0)
    })

  it("says so", () => {
    const said = [false, true].map((isAsked) => {
      const lines: Array<string> = []
      const { isTime, cut } = started({ minutes: 0, isAsked }, (line) => lines.push(line))
      cut()
      assert.deepEqual(lines, [], "it was not asked whether there is time for more")
      isTime()
      cut()
      return lines
    })
    assert.deepEqual(said, [
      ["CUT SHORT after 0 minutes: this count has not come to its end; --minutes sets another limit"],
      ["CUT SHORT after 0 minutes, as asked: this count has not come to its end"]
    ])
  })

  it("is none that has come to its end in time", async () => {
    assert.strictEqual(await scaling({ minutes: 60, isAsked: false }), 0)
  })
})
