import { stripVTControlCharacters } from "node:util"
import { assert, describe, it } from "vitest"
import { field, table } from "../../../packages/kubectl-stateful/src/print/table.ts"
import { render, span, wrap, wrapAdvice } from "../../../packages/kubectl-stateful/src/print/text.ts"

const plain = (lines: Parameters<typeof render>[0]) => render(lines, false).split("\n").slice(0, -1)

describe("prose", () => {
  it("is broken at spaces, and a word that is too long stays whole", () => {
    assert.deepEqual<unknown>(wrap("one two three", 7), ["one two", "three"])
    assert.deepEqual<unknown>(wrap("a incomprehensible b", 5), ["a", "incomprehensible", "b"])
    assert.deepEqual<unknown>(wrap("", 5), [])
  })

  it("keeps what stands in backquotes on one line", () => {
    assert.deepEqual<unknown>(wrap("run `kubectl get pods` then", 12), ["run", "`kubectl get pods`", "then"])
  })

  it("counts wide characters as the two columns they take", () => {
    assert.deepEqual<unknown>(wrap("数据 数据 数据", 9), ["数据 数据", "数据"])
  })
})

describe("advice", () => {
  it("breaks a command so that a shell takes it as one", () => {
    assert.deepEqual<unknown>(
      wrapAdvice("once it is off: kubectl taint node node-c key=value:NoExecute", 34),
      ["once it is off: kubectl taint \\", "node node-c key=value:NoExecute"]
    )
  })

  it("does not break what a command has in quotes, nor a short flag from its value", () => {
    assert.deepEqual<unknown>(wrapAdvice(`kubectl patch sts db -p '{"spec": {"replicas": 3}}'`, 24), [
      "kubectl patch sts db \\",
      `-p '{"spec": {"replicas": 3}}'`
    ])
  })

  it("without a command is prose", () => {
    assert.deepEqual<unknown>(wrapAdvice("the node's disk isn't full", 12), [
      "the node's",
      "disk isn't",
      "full"
    ])
  })
})

describe("a table", () => {
  const rows = [
    { cells: ["db-0", "20Gi"] },
    { cells: ["数据-1", span("5Gi", "bad")], note: "is full" },
    { cells: ["x", "1Gi"], note: "cannot grow: the class does not allow it, nor does the driver" }
  ]

  it("aligns columns by what a terminal shows, and puts notes beside or below", () => {
    assert.deepEqual(plain(table(["NAME", "SIZE"], rows, { columns: 40 })), [
      "NAME     SIZE",
      "db-0     20Gi",
      "数据-1   5Gi    is full",
      "x        1Gi",
      "   cannot grow: the class does not allow",
      "   it, nor does the driver"
    ])
  })

  it("puts a note below that has a word longer than the room beside its row", () => {
    const note = `see ${"x".repeat(30)}`
    assert.deepEqual(plain(table(["NAME"], [{ cells: ["db-0"], note }], { columns: 35 })), [
      "NAME",
      "db-0",
      `   see`,
      `   ${"x".repeat(30)}`
    ])
  })

  it("is as wide as it has to be, and has no header without rows", () => {
    assert.deepEqual(plain(table(["NAME"], [{ cells: ["a".repeat(200)] }], { columns: 40 })), [
      "NAME",
      "a".repeat(200)
    ])
    assert.deepEqual(table(["NAME"], [], { columns: 40 }), [])
  })

  describe("on a terminal that is too narrow for it", () => {
    const header = ["ID", "HOLDER", "MESSAGE"]
    const row = {
      cells: ["421d5479", "ann@laptop", "claim data-db-2 is stuck terminating: pod db-2 uses it"],
      note: "kubectl stateful resume 421d5479 goes on"
    }

    it("breaks cells at words below themselves, the widest first, and notes below all of them", () => {
      assert.deepEqual(plain(table(header, [row], { columns: 40, width: 40 })), [
        "ID         HOLDER       MESSAGE",
        "421d5479   ann@laptop   claim data-db-2",
        "                        is stuck",
        "                        terminating: pod",
        "                        db-2 uses it",
        "   kubectl stateful resume 421d5479 goes",
        "   on"
      ])
    })

    it("brings columns closer before it gives up the table", () => {
      const names = [{ cells: ["nightly-before", "yes", "10s"] }]
      assert.deepEqual(plain(table(["NAME", "OK", "AGE"], names, { columns: 24, width: 24 })), [
        "NAME            OK   AGE",
        "nightly-before  yes  10s"
      ])
    })

    it("describes each row where its names alone are too wide, and never breaks a name", () => {
      const rows = ["a", "b"].map((name) => ({ cells: [name, `handle-${"0".repeat(20)}`, "yes", ""] }))
      assert.deepEqual(plain(table(["NAME", "HANDLE", "READY", "WHY"], rows, { columns: 30, width: 30 })), [
        "NAME:    a",
        "HANDLE:",
        `   handle-${"0".repeat(20)}`,
        "READY:   yes",
        "",
        "NAME:    b",
        "HANDLE:",
        `   handle-${"0".repeat(20)}`,
        "READY:   yes"
      ])
    })

    it("is no wider than that, whatever is in it, but for a name that is", () => {
      const word = (length: number) => "x".repeat(length)
      for (let width = 20; width <= 90; width += 1) {
        for (const [a, b, c] of [
          [3, 9, 30],
          [12, 12, 12],
          [1, 1, 60]
        ] as const) {
          const cells = [word(a), `${word(b)} ${word(4)}`, `${word(5)} ${word(c)} ${word(3)}`]
          const lines = plain(
            table(header, [{ cells, note: `${word(7)} ${word(8)}` }], { columns: width, width })
          )
          const longest = Math.max(a, b, c) + 3
          for (const line of lines)
            assert.isAtMost(line.length, Math.max(width, longest), `${width}: ${line}`)
        }
      }
    })

    it("stays a line a row where no terminal is", () => {
      assert.lengthOf(table(header, [{ cells: row.cells }], { columns: 40 }), 2)
    })
  })

  it("says the same with colours as without", () => {
    const coloured = render(table(["NAME", "SIZE"], rows, { columns: 40 }), true)
    assert.include(coloured, "\u001b[31m5Gi\u001b[0m")
    assert.strictEqual(
      stripVTControlCharacters(coloured),
      render(table(["NAME", "SIZE"], rows, { columns: 40 }), false)
    )
  })
})

describe("a field", () => {
  it("lists its items under one another where they start", () => {
    assert.deepEqual(plain(field("Secrets", ["db-pass", "db-tls (missing)", "db-ca"], 32, 10)), [
      "Secrets:  db-pass,",
      "          db-tls (missing),",
      "          db-ca"
    ])
    assert.deepEqual(plain(field("Secrets", ["a", "b"], 32, 10)), ["Secrets:  a, b"])
  })

  it("without items says so", () => {
    assert.deepEqual(plain(field("Secrets", [], 32, 10)), ["Secrets:  <none>"])
  })
})
