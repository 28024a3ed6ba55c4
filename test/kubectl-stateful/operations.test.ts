import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Report } from "@kubectl-stateful/sdk/operation/Report"
import { takeUp } from "../../packages/kubectl-stateful/src/performers.ts"
import { progress } from "../../packages/kubectl-stateful/src/print/progress.ts"
import { surroundings } from "../../packages/kubectl-stateful/src/print/surroundings.ts"
import { isVisible } from "../../packages/kubectl-stateful/src/print/terminal.ts"
import { Usage } from "../../packages/kubectl-stateful/src/Usage.ts"
import { healthyApp } from "../sdk/appState.ts"
import { makeWorld, withCluster } from "../simulation/world.ts"

const events: ReadonlyArray<Report> = [
  { _tag: "Step", index: 0, of: 1, what: "replicas 1 -> 2" },
  { _tag: "Waiting", replica: "db-1", for: "its pod to be created" },
  { _tag: "Waiting", replica: "db-1", for: `pulling image ${"x".repeat(100)}` },
  { _tag: "Replica", replica: "db-1", stage: "ready", millis: 2400 }
]

describe("progress", () => {
  it("rewrites one line while a replica is waited for, on a terminal", () => {
    const { event, end } = progress({ live: true, columns: 60 })
    const text = events.map(event).join("") + end()
    assert.isTrue(
      text.startsWith("[1/1] replicas 1 -> 2\ndb-1   waiting for its pod to be created\r\u001b[K")
    )
    assert.isTrue(text.endsWith("\r\u001b[Kdb-1   ready 2.4s\n"))
    for (const line of text.split(/[\r\n]/)) assert.isBelow(line.replace("\u001b[K", "").length, 60)
  })

  it("is a line an event without a control code elsewhere", () => {
    const { event, end } = progress({ live: false, columns: 60 })
    const text = events.map(event).join("") + end()
    assert.strictEqual(text.split("\n").length, 5)
    assert.isTrue(isVisible(text))
  })

  it("leaves no half line behind when it is interrupted while it waits", () => {
    const { event, end } = progress({ live: true, columns: 60 })
    for (const report of events.slice(0, 2)) event(report)
    assert.strictEqual(end(), "\r\u001b[K")
    assert.strictEqual(end(), "")
  })
})

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
