/** The test driver's own tests: what the suites believe about storage rests on it. */
import { execFileSync } from "node:child_process"
import { assert, describe, it } from "vitest"

interface Event {
  readonly Action: string
  readonly Test?: string
}

describe("the CSI driver", () => {
  it("passes its own tests, on real file systems", () => {
    const out = execFileSync("go", ["test", "-json", "./csi-driver/"], {
      cwd: "test/cluster",
      encoding: "utf8",
      maxBuffer: 1 << 26
    })
    const events: ReadonlyArray<Event> = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
    const count = (action: string) =>
      events.filter((event) => event.Test !== undefined && event.Action === action).length
    assert.isAtLeast(count("pass"), 20)
    assert.equal(count("skip"), 0)
    assert.equal(count("fail"), 0)
  }, 240_000)
})
