import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { takeUp } from "../../packages/kubectl-stateful/src/performers.ts"
import { surroundings } from "../../packages/kubectl-stateful/src/print/surroundings.ts"
import { Usage } from "../../packages/kubectl-stateful/src/Usage.ts"
import { healthyApp } from "../sdk/appState.ts"
import { makeWorld, withCluster } from "../simulation/world.ts"

describe("describe's line of an operation", () => {
  const line = (phase: string) =>
    surroundings(
      {
        ...healthyApp(),
        operations: [
          { id: "44b98c3f", verb: "scale", phase, started: "2026-11-20T10:00:00Z", holder: "ann@laptop" }
        ]
      },
      200
    )
      .flatMap((spans) => spans.map(({ text }) => text))
      .join("")

  it("says how one that is not over is taken up, and who began it", () => {
    for (const phase of ["Running", "Stopped"]) {
      assert.include(
        line(phase),
        "by ann@laptop; kubectl stateful resume 44b98c3f goes on, abort 44b98c3f goes back"
      )
    }
  })

  it("says nothing of that once it is over", () => {
    assert.include(line("Succeeded"), "44b98c3f (scale, Succeeded")
    assert.notInclude(line("Succeeded"), "resume")
  })
})

describe("resume and abort", () => {
  it.effect("leave an operation alone whose verb this version does not know", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
      const found = { namespace: "shop", id: "44b98c3f", verb: "teleport", name: "db" }
      const error = yield* Effect.flip(
        withCluster(world.sandbox.cluster)(takeUp("abort", found, { identity: "ann@laptop" }))
      )
      assert.instanceOf(error, Usage)
      assert.include(error.message, "teleport")
    })
  )
})
