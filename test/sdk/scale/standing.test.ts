/** A member that is not ready stands in the way of each change whose count still asks for it. */
import { assert, describe, it } from "vitest"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import type { AppState } from "../../../packages/sdk/src/state/AppState.ts"
import { type Draft, first, healthyApp, named } from "../appState.ts"

/** Three replicas, of which one is not ready. */
const warningsOf = (sick: number, replicas: number): string => {
  const state = healthyApp((draft) => {
    const { pod } = draft.replicas.find(({ ordinal }) => ordinal === sick) ?? {}
    if (!pod) throw new Error(`the fixture has no replica ${sick}`)
    pod.ready = false
    pod.reason = "node-b1 does not answer"
  })
  const plan = Scale.plan(state, "0badcafe", { replicas })
  if (plan === null) throw new Error("no plan")
  return plan.warnings.join("\n")
}

describe("the plan of a scale-down past a member that is not ready", () => {
  it("warns where a count on the way still asks for it", () => {
    // From 3 to 1 the majority of 3 makes it go by 2: which asks for db-1, and waits for it.
    assert.include(warningsOf(1, 1), "db-1 (node-b1 does not answer) not ready: OrderedReady")
  })

  it("warns of none that the first change takes away", () => {
    assert.notInclude(warningsOf(2, 1), "OrderedReady adds and removes nothing")
  })
})

describe("the plan of a scale-down of a Parallel set", () => {
  const lines = (replicas: number, change: (draft: Draft<AppState>) => void) =>
    (
      Scale.plan(
        healthyApp((draft) => {
          first(draft.workloads).podManagementPolicy = "Parallel"
          change(draft)
        }),
        "0badcafe",
        { replicas }
      )?.warnings ?? []
    ).filter((line) => line.includes("not ready"))
  const pending = (name: string) => (draft: Draft<AppState>) => {
    Object.assign(named(draft.replicas, name).pod ?? {}, {
      ready: false,
      node: null,
      reason: "Unschedulable"
    })
  }

  it("says that it waits for quorum where a member that is to stay is not ready", () => {
    assert.deepEqual(lines(2, pending("db-1")), [
      "db-1 (Unschedulable) not ready: 1 of the 2 members that remain is, quorum needs 2: replicas 3 -> 2 waits until then"
    ])
  })

  it("says nothing of one that goes, or where enough remain", () => {
    assert.deepEqual(lines(2, pending("db-2")), [])
    assert.deepEqual(lines(0, pending("db-1")), [])
  })
})
