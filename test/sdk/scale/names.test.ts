import { assert, describe, it } from "@effect/vitest"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { first, healthyApp } from "../appState.ts"

const refusals = (name: string, replicas: number) => {
  const state = healthyApp((draft) => {
    first(draft.workloads).name = name
    for (const replica of draft.replicas) replica.workload = `StatefulSet/${name}`
  })
  return Scale.plan(state, "44b98c3f", { replicas })?.refusals ?? []
}

describe("a StatefulSet with a name of more than 52 characters", () => {
  // The label controller-revision-hash of its pods has the name and eleven characters, of 63.
  it("gets no more replicas: none of its pods could be created", () => {
    const [refusal] = refusals("d".repeat(53), 4)
    assert.include(refusal?.reason, "has a name of 53 characters")
    assert.include(refusal?.remedy, "shorter name")
  })

  it("can be scaled down", () => {
    assert.deepEqual(refusals("d".repeat(53), 2), [])
  })

  it("is one character too long: 52 are well", () => {
    assert.deepEqual(refusals("d".repeat(52), 4), [])
  })
})
