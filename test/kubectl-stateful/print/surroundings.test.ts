import { assert, describe, it } from "vitest"
import { surroundings } from "../../../packages/kubectl-stateful/src/print/surroundings.ts"
import { healthyApp } from "../../sdk/appState.ts"

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
        "by ann@laptop; `kubectl stateful resume 44b98c3f -n shop` to continue, `kubectl stateful abort 44b98c3f -n shop` to roll back"
      )
    }
  })

  it("is shown of each that is unfinished, and of the last that has finished", () => {
    const one = (id: string, phase: string, started: string) => ({
      id,
      verb: "scale",
      phase,
      started,
      holder: null
    })
    const text = surroundings(
      {
        ...healthyApp(),
        operations: [
          one("aaaaaaa1", "Succeeded", "2026-11-20T10:00:00Z"),
          one("aaaaaaa2", "Stopped", "2026-11-20T11:00:00Z"),
          one("aaaaaaa3", "Aborted", "2026-11-20T12:00:00Z"),
          one("aaaaaaa4", "Succeeded", "2026-11-20T09:00:00Z")
        ]
      },
      200
    )
      .flatMap((spans) => spans.map(({ text }) => text))
      .join("")
    assert.deepEqual(text.match(/aaaaaaa\d(?= \()/g), ["aaaaaaa2", "aaaaaaa3"])
  })

  it("says nothing of that once it is over", () => {
    for (const phase of ["Succeeded", "Aborted", "Incomplete"]) {
      assert.include(line(phase), `44b98c3f (scale, ${phase}`)
      assert.notInclude(line(phase), "resume")
    }
  })
})
