import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { AppState } from "../../packages/sdk/src/state/AppState.ts"
import { healthyApp, named } from "./appState.ts"

describe("the well application of the tests", () => {
  it("is an AppState by the published schema", () => {
    assert.deepStrictEqual(Schema.decodeUnknownSync(AppState)(healthyApp()), healthyApp())
  })

  it("is made anew for every test, so that a change stays where it was made", () => {
    const changed = healthyApp((draft) => {
      named(draft.nodes, "node-a").rack = null
    })
    assert.strictEqual(named(changed.nodes, "node-a").rack, null)
    assert.strictEqual(named(healthyApp().nodes, "node-a").rack, "r1")
  })
})
