import type { Progress } from "@kubectl-stateful/sdk/operation/Progress"
import { assert, describe, it } from "vitest"
import { progress } from "../../../packages/kubectl-stateful/src/print/progress.ts"
import { isVisible } from "../../../packages/kubectl-stateful/src/print/terminal.ts"

const code = /ESC\[(\d+)A|ESC\[(J)|([^])/g

/** What a terminal of that size holds after a text: its rows, and what has scrolled off it. */
const terminal = (columns: number, rows: number) => {
  const all: Array<string> = [""]
  let row = 0
  let column = 0
  const top = () => Math.max(0, all.length - rows)
  return {
    size: () => ({ columns, rows }),
    write: (text: string) => {
      for (const [, up, erase, character = ""] of text.replaceAll("\u001b", "ESC").matchAll(code)) {
        if (up !== undefined) {
          assert.isAtMost(Number(up), row - top(), "what has scrolled off is not rewritten")
          row -= Number(up)
        } else if (erase !== undefined) {
          all.length = row + 1
          all[row] = (all[row] ?? "").slice(0, column)
        } else if (character === "\r") {
          column = 0
        } else if (character === "\n" || column === columns) {
          row += 1
          column = 0
          if (row === all.length) all.push("")
          if (character !== "\n") all[row] = character
        } else {
          all[row] = (all[row] ?? "").slice(0, column) + character
          column += 1
        }
      }
    },
    text: () => all.join("\n"),
    longest: () => Math.max(...all.map((each) => each.length))
  }
}

const step: Progress = { _tag: "Step", index: 1, of: 3, what: "replicas 3 -> 5" }
const waiting = (replica: string, reason: string | null): Progress => ({
  _tag: "Waiting",
  subject: { kind: "Pod", name: replica },
  for: reason
})
const stage = (replica: string, name: string, millis: number): Progress => ({
  _tag: "Stage",
  subject: { kind: "Pod", name: replica },
  stage: name,
  millis
})

const usual: ReadonlyArray<readonly [number, Progress]> = [
  [
    0,
    {
      _tag: "Started",
      id: "44b98c3f",
      home: "shop",
      verb: "scale",
      app: "db",
      effects: ["db 3 -> 5: adds db-3"]
    }
  ],
  [0, step],
  [0, waiting("db-3", "its pod to be created")],
  [0, { _tag: "Queued", count: 1 }],
  [200, waiting("db-3", "claim data-db-3 Pending")],
  [2100, stage("db-3", "claim", 2100)],
  [2200, stage("db-3", "scheduled node-a", 100)],
  [2200, waiting("db-3", "container app ContainerCreating")],
  [3000, stage("db-3", "ready", 800)],
  [3000, waiting("db-3", null)],
  [3000, { _tag: "Queued", count: 0 }],
  [3000, waiting("db-4", `pulling image ${"x".repeat(100)}\u001b[2J`)]
]

const shown = (columns: number, rows: number, events: ReadonlyArray<readonly [number, Progress]>) => {
  const screen = terminal(columns, rows)
  const lines = progress(screen.size)
  for (const [now, event] of events) screen.write(lines.event(event, now))
  return { screen, lines }
}

describe("progress on a terminal", () => {
  it("is a line a replica, with what it waits for and since when", () => {
    const { screen, lines } = shown(80, 24, usual.slice(0, 5))
    screen.write(lines.tick(2060))
    assert.strictEqual(
      screen.text(),
      [
        "operation 44b98c3f: db 3 -> 5: adds db-3",
        "[2/3] replicas 3 -> 5",
        "db-3   claim data-db-3 Pending   2.1s",
        "and 1 more",
        ""
      ].join("\n")
    )
  })

  it("keeps each replica's times on its line, and leaves them behind at the end", () => {
    const { screen, lines } = shown(80, 24, [
      ...usual.slice(0, -1),
      [3000, waiting("db-3", "afterAdd")],
      [3300, stage("db-3", "afterAdd", 300)]
    ])
    screen.write(lines.end(3000))
    const text = [
      "operation 44b98c3f: db 3 -> 5: adds db-3",
      "db-3   claim 2.1s   node-a 100ms   ready 800ms   afterAdd 300ms",
      ""
    ].join("\n")
    assert.strictEqual(screen.text(), text)
    screen.write(lines.end(3000))
    assert.strictEqual(screen.text(), text)
  })

  it("cuts what is waited for rather than wrap, and lets nothing of it act", () => {
    for (const columns of [80, 40, 20]) {
      const { screen, lines } = shown(columns, 24, usual.slice(1))
      screen.write(lines.tick(4500))
      assert.isBelow(screen.longest(), columns)
      assert.match(screen.text(), /\ndb-4 .*… +1\.5s\n/)
      assert.isTrue(isVisible(screen.text()))
    }
  })

  it("is never taller than the screen, and loses no replica's times", () => {
    const names = Array.from({ length: 30 }, (_, index) => `db-${index}`)
    const { screen, lines } = shown(80, 10, [
      [0, step],
      ...names.map((name) => [0, waiting(name, "its image")] as const),
      [0, { _tag: "Queued", count: 70 }]
    ])
    assert.match(screen.text(), /\nand 93 more\n$/)
    names.forEach((name, index) => {
      screen.write(lines.event(stage(name, "ready", 1000), index * 10))
      screen.write(lines.event(waiting(name, null), index * 10))
    })
    screen.write(lines.end(9000))
    for (const name of names) {
      assert.strictEqual(screen.text().split(`${name}   ready 1s\n`).length, 2, name)
    }
  })

  it("drops a replica that only held up others once it does so no more", () => {
    const { screen, lines } = shown(80, 24, [
      [0, step],
      [0, waiting("db-0", "CrashLoopBackOff; OrderedReady waits for it")]
    ])
    assert.include(screen.text(), "db-0")
    screen.write(lines.event(waiting("db-0", null), 10))
    assert.notInclude(screen.text(), "db-0")
  })

  it("counts a replica once whose claim is bound before its turn", () => {
    const { screen, lines } = shown(80, 24, [
      [0, step],
      [0, waiting("db-3", "its image")],
      [0, { _tag: "Queued", count: 1 }],
      [900, stage("db-4", "claim", 900)]
    ])
    assert.isTrue(screen.text().endsWith("\ndb-3   its image   900ms\nand 1 more\n"), screen.text())
    for (const event of [waiting("db-3", null), waiting("db-4", "a node")])
      screen.write(lines.event(event, 1000))
    assert.include(screen.text(), "db-4   claim 900ms   a node   0ms")
  })

  it("writes nothing while nothing changes", () => {
    const { lines } = shown(80, 24, [...usual, [3000, waiting("db-4", null)]])
    assert.strictEqual(lines.tick(9000), "")
  })
})

describe("progress elsewhere", () => {
  it("is a line a change, without a control code", () => {
    const lines = progress(null)
    const text = usual.map(([now, event]) => lines.event(event, now)).join("") + lines.tick(0) + lines.end(0)
    assert.strictEqual(text.split("\n").length, 10)
    assert.include(text, "db-3   waiting for claim data-db-3 Pending\ndb-3   claim 2.1s\n")
    assert.isTrue(isVisible(text))
  })
})
