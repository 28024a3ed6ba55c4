/** The page of an application whose fields contain what would act on a terminal. */
import { Checklist } from "@kubectl-stateful/sdk/Checklist"
import { AppState } from "@kubectl-stateful/sdk/State"
import { assert, describe, it } from "@effect/vitest"
import { columnsOf } from "../../../packages/kubectl-stateful/src/print/columns.ts"
import { visible } from "../../../packages/kubectl-stateful/src/print/terminal.ts"
import { healthyApp, named } from "../../sdk/appState.ts"
import { answers, page } from "./answers.ts"

/** Fields whose values are the schema's own words. */
const literals = new Set(["_tag", "kind", "question", "answer"])

/** Every text of a state changed, whatever the field. */
const withEveryText = <A>(value: A, change: (text: string) => string): A => {
  const walk = (each: unknown, key: string): unknown => {
    if (typeof each === "string") return literals.has(key) ? each : change(each)
    if (Array.isArray(each)) return each.map((item) => walk(item, key))
    if (typeof each !== "object" || each === null) return each
    return Object.fromEntries(Object.entries(each).map(([name, item]) => [name, walk(item, name)]))
  }
  return walk(value, "") as A
}

/** A whole state is a large value to make; a few of them a run are enough, each run has others. */
const property = { arbitrary: { runs: 30, maxShrinks: 200 } }

describe("whatever stands in the fields of objects", () => {
  const hostile = [
    "\u001b[2J\u001b]0;x\u0007",
    "\u202edb\u2066",
    "a\nb\r\nc",
    "\u009b31m\u0085",
    "\u200b\ufeff\u200d",
    "\u007f\u0000"
  ]
  // oxlint-disable-next-line no-control-regex -- these are what must not be there
  const acted = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/

  it("no control character reaches the terminal, and no field breaks a line", () => {
    const lines = page(healthyApp(), answers, true).split("\n").length
    for (const evil of hostile) {
      const change = (text: string) => `${text}${evil}`
      for (const wide of [true, false]) {
        assert.notMatch(
          page(withEveryText(healthyApp(), change), withEveryText(answers, change), wide),
          acted
        )
      }
      // A name in a field that carries a newline is still one line of the table.
      const state = healthyApp((draft) => {
        named(draft.replicas, "db-0").name = `db-0${evil}`
      })
      assert.lengthOf(page(state, answers, true).split("\n"), lines)
    }
  })

  it.prop(
    "nothing acts, for any state and any answers",
    [AppState, Checklist],
    ([state, checklist]) => {
      for (const wide of [true, false]) assert.notMatch(page(state, checklist, wide), acted)
    },
    property
  )

  it.prop(
    "no line is longer than the terminal unless a single word or a table's cells are",
    [AppState, Checklist],
    ([state, checklist]) => {
      const columns = 80
      for (const text of page(state, checklist, false, columns).split("\n")) {
        const words = text.trim().split(" ")
        const isTable = text.includes("   ") || /^(REPLICA|CLAIM|LAST SEEN)/.test(text)
        const indent = 16
        const longest = Math.max(...words.map((word) => columnsOf(visible(word))))
        if (!isTable && longest + indent <= columns && !text.includes("`")) {
          assert.isAtMost(columnsOf(visible(text)), columns, text)
        }
      }
    },
    property
  )
})
