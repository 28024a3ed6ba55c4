/** The sandbox against what a real 1.36 cluster answered to the same scripts. */
import * as Effect from "effect/Effect"
import { afterAll, assert, describe, it } from "vitest"
import { isCutShort, onSandbox } from "./Bed.ts"
import { accepted, compare, covers, sentence } from "./Comparison.ts"
import { recorded } from "./Recording.ts"
import { all } from "./scenarios/index.ts"

const used = new Set<(typeof accepted)[number]>()
const counts = new Map<string, number>()

describe("the sandbox answers as a real cluster does", () => {
  for (const [nth, scenario] of all.entries()) {
    it(`${scenario.area}: ${scenario.title}`, async () => {
      const { exchanges } = await Effect.runPromise(onSandbox(scenario, nth))
      counts.set(scenario.area, (counts.get(scenario.area) ?? 0) + exchanges.length)
      const differences = compare(scenario, recorded(scenario), exchanges)
      const open = differences.filter((difference) => {
        const row = accepted.find((each) => covers(each, difference))
        if (row !== undefined) used.add(row)
        return row === undefined
      })
      assert.isAbove(exchanges.length, 0)
      assert.isFalse(isCutShort(exchanges), exchanges.at(-1)?.ask)
      assert.lengthOf(open, 0, `\n${open.map(sentence).join("\n")}`)
    })
  }

  it("every accepted difference is one that there is, with a reason", () => {
    assert.deepEqual(
      accepted.filter((row) => !used.has(row)),
      []
    )
    for (const row of accepted) assert.isNotEmpty(row.reason)
  })

  it("at least 300 exchanges were compared", () => {
    assert.isAtLeast(
      [...counts.values()].reduce((sum, each) => sum + each, 0),
      300
    )
  })
})

afterAll(() => {
  const lines = [...counts].map(([area, count]) => `${String(count).padStart(5)}  ${area}`)
  const sum = [...counts.values()].reduce((total, each) => total + each, 0)
  console.log(`exchanges compared\n${lines.join("\n")}\n${String(sum).padStart(5)}  in all`)
})
