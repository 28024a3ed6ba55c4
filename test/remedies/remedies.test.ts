/** No command is printed that no test runs: the plugin's own are run here, kubectl's in test/cluster. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { type Printed, printed } from "./printed.ts"
import { isOurs, play } from "./Remedy.ts"
import { type Tools, tools } from "./Situation.ts"
import { remedies, unplayed } from "./table.ts"

const title = ({ from, start }: Printed) => `${from}: ${start}`

const isOf = ({ from, start }: Printed) => {
  const isStart = (shape: string) => shape.split(" && ").some((each) => `${each} `.startsWith(`${start} `))
  return (
    remedies.filter((each) => each.from === from && isStart(each.shape)).length +
    unplayed.filter((each) => each.from === from && each.start === start).length
  )
}

describe("a command that is printed", () => {
  it("has a situation of its own in which it is run for its effect", () => {
    assert.isAbove(printed.length, 50)
    const times = Map.groupBy(printed, title)
    assert.deepEqual(
      [...times].flatMap(([one, [first, ...more]]) =>
        first !== undefined && isOf(first) < more.length + 1 ? [one] : []
      ),
      []
    )
  })

  it("is printed still where the table has it", () => {
    assert.deepEqual(
      remedies
        .filter(
          ({ from, shape }) =>
            !shape
              .split(" && ")
              .some((each) =>
                printed.some((one) => one.from === from && `${each} `.startsWith(`${one.start} `))
              )
        )
        .map(({ from, shape }) => `${from}: ${shape}`),
      []
    )
    const all = new Set(printed.map(title))
    assert.deepEqual(
      unplayed.map(title).filter((one) => !all.has(one)),
      []
    )
  })
})

/** A fixed part of them; `npm run prove -- remedies` plays each, and so does CI. */
const every = Number(process.env["REMEDIES_EVERY"] ?? 5)

/** Built before the first test. */
let on: Tools
beforeAll(() => {
  on = tools(null)
})
afterAll(() => on.end())

describe.concurrent("a command of the plugin's own does what it is printed for, and nothing else,", () => {
  for (const remedy of remedies.filter(isOurs).filter((_, place) => place % every === 0)) {
    it(`${remedy.shape} of ${remedy.from.slice(remedy.from.lastIndexOf("/") + 1)}, ${remedy.when}`, async () => {
      assert.deepEqual(await play(on, remedy), [])
    })
  }
})
