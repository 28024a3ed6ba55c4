import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { root } from "../house/sources.ts"

const home = mkdtempSync(join(tmpdir(), "kubectl-stateful-demo-"))
afterAll(() => rmSync(home, { recursive: true }))

let output = ""
let errors = ""
let code: unknown
let millis = 0

/** What stands between a command and the next step. */
const after = (command: string, nth = 0): string => {
  const parts = output.split(`$ ${command}\n`)
  return (parts[nth + 1] ?? "").split(/^\d+\. /m)[0] ?? ""
}

beforeAll(async () => {
  const began = performance.now()
  const demo = spawn(process.execPath, ["--conditions=source", "demo/main.ts"], {
    cwd: root,
    // As on a machine without kubectl: nothing on the path but Node.
    env: { HOME: home, TMPDIR: home, XDG_CACHE_HOME: home, PATH: dirname(process.execPath), COLUMNS: "80" }
  })
  demo.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()))
  demo.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()))
  ;[code] = await once(demo, "close")
  millis = performance.now() - began
}, 60_000)

describe("the demo", () => {
  it("succeeds, without a warning or an error, and shows every step's command", () => {
    assert.strictEqual(code, 0, output + errors)
    assert.notMatch(errors, /error|warning/i)
    assert.lengthOf([...output.matchAll(/^\$ kubectl /gm)], 6)
    assert.match(output, /kubectl-stateful describe -A/)
  })

  it("takes less than 20 seconds", () => {
    assert.isBelow(millis, 20_000)
  })

  it("shows every application with its four answers", () => {
    assert.match(after("kubectl stateful describe -A"), /^shop +ledger +3\/3 +\w+ +\w+ +\w+ +\w+/m)
  })

  it("shows one application whole: replicas, claims and four answers", () => {
    const page = after("kubectl stateful describe ledger")
    assert.match(page, /^ledger-2 +True +node-/m)
    assert.match(page, /^data-ledger-0 +1Gi +ledger-0 +shared/m)
    for (const question of ["restart?", "consistently?", "another cluster?", "a disaster?"]) {
      assert.match(page, new RegExp(`^ {2}.*${question.replace("?", "\\?")} +(Yes|No|Unknown)`, "m"))
    }
    assert.match(page, /restart\? +Yes/)
  })

  it("scales in order, and says on stderr what it waits for", () => {
    assert.strictEqual(
      after("kubectl stateful scale ledger --replicas 5").trim(),
      "statefulset.apps/ledger scaled"
    )
    const ready = [...errors.matchAll(/^(ledger-\d) +ready/gm)].map((match) => match[1])
    assert.deepEqual(ready, ["ledger-3", "ledger-4"])
  })

  it("lets the ledger judge itself while money moves", () => {
    assert.match(
      after("kubectl exec ledger-0 -- ledger check"),
      /^total 5000 of 5000: a state of one moment$/m
    )
  })

  it("sees a lost node where the pod's status still says Running, and its return", () => {
    const lost = after("kubectl stateful describe ledger", 1)
    assert.match(lost, /4 of 5 ready/)
    assert.match(lost, /^ledger-1 +(False|Unknown) /m)
    assert.match(after("kubectl stateful describe ledger -o wide"), /5 of 5 ready/)
  })
})
