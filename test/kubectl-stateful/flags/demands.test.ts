import { assert, describe, it } from "@effect/vitest"
import { demands, unmet, unmetBy } from "../../../packages/kubectl-stateful/src/flags/demands.ts"
import { answer } from "../../../packages/sdk/src/Checklist.ts"
import { healthyApp } from "../../sdk/appState.ts"

/** On nodes that nobody deletes, and without a budget. */
const state = healthyApp((draft) => {
  for (const node of draft.nodes ?? []) node.provider = null
  draft.budgets = []
})
const missed = (text: string, allNamespaces = false) =>
  unmet({ state, checklist: answer(state) }, demands(text), allNamespaces)

describe("describe --exit-code", () => {
  it("asks that an application comes back by itself, where no answer is named", () => {
    assert.deepEqual(missed("restart,snapshot"), [])
    assert.deepEqual(missed("ServerGone"), ["db: ServerGone is No, expected at least YesWithDowntime"])
  })

  it("asks for more, or for less, where an answer is named", () => {
    assert.deepEqual(missed("Drain"), [])
    assert.deepEqual(missed("drain=yes,RackGone=Unknown"), [
      "db: Drain is YesWithDowntime, expected at least Yes",
      "db: RackGone is No, expected at least Unknown"
    ])
    assert.deepEqual(missed("ServerGone=No"), [])
  })

  it("says where an application is, where all namespaces are looked at", () => {
    assert.deepEqual(missed("ServerGone", true), [
      "shop/db: ServerGone is No, expected at least YesWithDowntime"
    ])
  })

  it("is not met where there is nothing to ask", () => {
    assert.deepEqual(unmetBy([], demands("restart,Drain"), false), [
      "restart: no StatefulSets found",
      "Drain: no StatefulSets found"
    ])
    assert.deepEqual(unmetBy([], [], false), [])
    assert.lengthOf(unmetBy([{ state, checklist: answer(state) }], demands("ServerGone"), false), 1)
  })

  it("refuses what is no question or no answer, and names those there are", () => {
    assert.throws(() => demands("restrt"), /unknown question "restrt"/)
    assert.throws(() => demands("restart,"), /unknown question ""/)
    assert.throws(() => demands("restart=Maybe"), /invalid answer "restart=Maybe"/)
    assert.throws(() => demands("restart=Yes=No"), /invalid answer/)
  })
})
