/** The test driver's own tests: what the suites believe about storage rests on it. */
import { execFile } from "node:child_process"
import { assert, describe, it } from "vitest"

/** A line of `go test -json`; without a test it is of the package, or of the compiler. */
interface Event {
  readonly Action: string
  readonly Test?: string
  readonly Output?: string
}

/** Beside the thread: vitest wants answers of it meanwhile. */
const goTest = () =>
  new Promise<{ readonly ok: boolean; readonly out: string; readonly err: string }>((resolve) => {
    const options = { cwd: "test/cluster", encoding: "utf8", maxBuffer: 1 << 26 } as const
    execFile("go", ["test", "-json", "./csi-driver/"], options, (error, out, err) =>
      resolve({ ok: error === null, out, err })
    )
  })

const parsed = (line: string): Event =>
  line.startsWith("{") ? JSON.parse(line) : { Action: "output", Output: `${line}\n` }

describe("the CSI driver", () => {
  it("passes its own tests, on real file systems", async () => {
    const { ok, out, err } = await goTest()
    const events = out.trim().split("\n").map(parsed)
    const tests = (action: string) =>
      events.flatMap(({ Action, Test }) => (Action === action && Test !== undefined ? [Test] : []))
    const failed = tests("fail")
    const said = events
      .filter(({ Test }) => Test === undefined || failed.includes(Test))
      .map(({ Output }) => Output ?? "")
      .join("")
    assert.deepEqual(failed, [], said + err)
    assert.isTrue(ok, said + err)
    assert.isAtLeast(tests("pass").length, 20)
    assert.deepEqual(tests("skip"), [])
  }, 600_000)
})
