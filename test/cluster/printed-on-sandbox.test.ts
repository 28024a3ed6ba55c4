/** What is printed outside the checklist, where it is kubectl's own: run by a real kubectl on the served sandbox. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { isOurs, play } from "../remedies/Remedy.ts"
import { type Tools, tools } from "../remedies/Situation.ts"
import { remedies } from "../remedies/table.ts"
import { kubectl } from "./suite/kubectl.ts"

/** Built before the first test. */
let on: Tools
beforeAll(() => {
  on = tools(kubectl)
})
afterAll(() => on.end())

describe.concurrent("a command of kubectl's does what it is printed for, and nothing else,", () => {
  for (const remedy of remedies.filter((each) => !isOurs(each))) {
    it(`${remedy.shape} of ${remedy.from.slice(remedy.from.lastIndexOf("/") + 1)}, ${remedy.when}`, async () => {
      assert.deepEqual(await play(on, remedy), [])
    })
  }
})
