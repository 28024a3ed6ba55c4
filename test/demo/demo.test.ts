import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { apart, intro, outro, story } from "../../demo/Story.ts"
import { root } from "../house/sources.ts"

const home = mkdtempSync(join(tmpdir(), "kubectl-stateful-demo-"))
afterAll(() => rmSync(home, { recursive: true }))

let output = ""
let errors = ""
let code: unknown
let seconds = 0

const check = "kubectl exec ledger-0 -- ledger check"
const snapshot = "kubectl stateful snapshot ledger --name"

/** What stands between a command and the next step. */
const after = (command: string, nth = 0): string => {
  const parts = output.split(`$ ${command}\n`)
  return (parts[nth + 1] ?? "").split(/^\d+\. /m)[0] ?? ""
}

/** What the bank's check says: each balance, what is on its way, their sum beside what it should be, and faults. */
const judged = (page: string) => {
  const amounts = [...page.matchAll(/^ledger-\d(?: -> ledger-\d)? {3}(\d+)/gm)].map(([, amount]) =>
    Number(amount)
  )
  const [, total, expected, verdict] = /^total (\d+) of (\d+): (.*)$/m.exec(page) ?? []
  assert.strictEqual(
    Number(total),
    amounts.reduce((sum, each) => sum + each, 0),
    page
  )
  return {
    members: page.match(/^ledger-\d {3}/gm)?.length,
    isWhole: total === expected,
    isOneMoment: verdict === "a state of one moment",
    faults: [...page.matchAll(/^ {2}ledger-\d .*$/gm)].map(([fault]) => fault)
  }
}
const whole = { members: 3, isWhole: true, isOneMoment: true, faults: Array.of<string>() }

beforeAll(async () => {
  // The shell tells the processors' time, of all that it started: what else the machine does is not in it.
  const script = '"$0" --conditions=source demo/main.ts; code=$?; times >&3; exit $code'
  const demo = spawn("/bin/sh", ["-c", script, process.execPath], {
    cwd: root,
    // As on a machine without kubectl: nothing on the path but Node.
    env: { HOME: home, TMPDIR: home, XDG_CACHE_HOME: home, PATH: dirname(process.execPath), COLUMNS: "80" },
    stdio: ["ignore", "pipe", "pipe", "pipe"]
  })
  let times = ""
  demo.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()))
  demo.stderr?.on("data", (chunk: Buffer) => (errors += chunk.toString()))
  demo.stdio[3]?.on("data", (chunk: Buffer) => (times += chunk.toString()))
  ;[code] = await once(demo, "close")
  for (const [, minutes, rest] of times.matchAll(/(\d+)m([\d.]+)s/g))
    seconds += Number(minutes) * 60 + Number(rest)
})

describe("the demo", () => {
  it("succeeds, warns of nothing but the cuts apart, and shows every step's command", () => {
    assert.strictEqual(code, 0, output + errors)
    assert.notMatch(errors, /^error/m)
    assert.match(
      errors.match(/^.*warning.*$/gim)?.join("\n") ?? "",
      /^Warning: each volume is snapshotted separately: .*$/
    )
    const commands = story.map(({ command }) => command)
    assert.deepEqual(
      [...output.matchAll(/^\$ (.*)$/gm)].map(([, command]) => command),
      commands
    )
    assert.match(output, /kubectl-stateful describe -A/)
  })

  it("tells its story in 80 columns", () => {
    const told = [...intro, ...outro, ...story.flatMap(({ says }) => says.map((line) => `10. ${line}`))]
    assert.deepEqual(
      told.filter((line) => line.length > 80),
      []
    )
    for (const page of [check, "kubectl stateful describe ledger", "kubectl stateful peers ledger"])
      assert.notMatch(after(page, 1), /^.{81}/m)
  })

  it("takes less than 20 seconds", () => {
    assert.isAbove(seconds, 0.1)
    assert.isBelow(seconds, 20)
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
    assert.deepEqual(ready.slice(-2), ["ledger-3", "ledger-4"])
  })

  it("takes a snapshot of one moment while money moves, and the money is all there", () => {
    assert.deepEqual(judged(after(check)), whole)
    assert.match(after(`${snapshot} nightly`), /^snapshot\/nightly taken: group, 3 claims, .*, skew 0ms$/m)
  })

  it("loses the data of one volume, which the check sees, and all of it is back by a restore", () => {
    const lost = judged(after(check, 1))
    assert.isFalse(lost.isOneMoment)
    for (const fault of lost.faults) assert.include(fault, "ledger-2")
    assert.isNotEmpty(lost.faults)
    assert.match(
      after("kubectl stateful restore nightly --yes"),
      /^statefulset.apps\/ledger restored from nightly: 3 volumes, 3 replicas$/m
    )
    assert.deepEqual(judged(after(check, 2)), whole)
  })

  it("cuts volumes apart, and the check finds that they are not of one moment", () => {
    const page = after(`${snapshot} ${apart.name} --consistency crash`)
    // A tenth of a second at the least.
    assert.match(page, /taken: crash, 3 claims, .*, skew (\d{3}ms|[1-9][\d.]*s)$/m)
    const { members, isOneMoment, faults } = judged(page)
    assert.deepEqual({ members, isOneMoment }, { members: 3, isOneMoment: false })
    assert.isTrue(
      faults.some((fault) => fault.includes(apart.last)),
      page
    )
  })

  it("sees a lost node where the pod's status still says Running", () => {
    const lost = after("kubectl stateful describe ledger", 1)
    assert.match(lost, /4 of 5 ready/)
    assert.match(lost, /^ledger-1 +(False|Unknown) /m)
  })

  it("finds each pod, and tells which can be used and why one cannot", () => {
    const peers = (nth: number) =>
      [...after("kubectl stateful peers ledger", nth).matchAll(/^ledger-\d +(\w+) +(\w+) +[\d.]+ /gm)].map(
        ([, status, dns]) => `${status} ${dns}`
      )
    const usable = "Ready yes"
    assert.deepEqual(peers(0), [usable, "NotReady no", usable, usable, usable])
    assert.match(after("kubectl stateful peers ledger"), /^ledger-1 .*\n +node-\w+ is unreachable$/m)
    assert.deepEqual(peers(1), [usable, usable, usable, usable, usable])
  })
})
