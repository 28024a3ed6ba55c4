import { assert, describe, it } from "vitest"
import { normalise } from "../../../packages/kubectl-stateful/src/command/commandLine.ts"
import { milliseconds } from "../../../packages/kubectl-stateful/src/flags/duration.ts"
import { Usage } from "../../../packages/kubectl-stateful/src/command/usage.ts"

const flags = {
  watch: { type: "boolean", char: "w" },
  namespace: { type: "option", char: "n" },
  group: { type: "option", multiple: true },
  v: { type: "option", char: "v" }
} as const

describe("a command line as kubectl takes it", () => {
  it("may give a boolean flag a value", () => {
    assert.deepEqual(normalise(["--watch=true", "db"], flags), ["--watch", "db"])
    assert.deepEqual(normalise(["-w=1"], flags), ["-w"])
    assert.deepEqual(normalise(["db", "--watch=false"], flags), ["db"])
  })

  it("leaves values of other flags and what is no boolean alone", () => {
    for (const argv of [["--namespace=true", "--watch=perhaps", "a=b"], ["-n=shop"], ["-wn", "shop"]]) {
      assert.deepEqual(normalise(argv, flags), argv)
    }
  })

  it("takes a bare -v for level 1, and a number after it as its level", () => {
    assert.deepEqual(normalise(["db", "-v"], flags), ["db", "-v=1"])
    assert.deepEqual(normalise(["-v", "db"], flags), ["-v=1", "db"])
    assert.deepEqual(normalise(["-v", "6", "db"], flags), ["-v", "6", "db"])
  })

  it("counts the last of a flag that is given twice, however it is written", () => {
    for (const [argv, expected] of [
      [
        ["-n", "a", "db", "--namespace", "b"],
        ["db", "--namespace", "b"]
      ],
      [["--namespace=a", "-nb"], ["-nb"]],
      [
        ["-n", "-n", "-n", "c"],
        ["-n", "c"]
      ],
      [["-w", "--watch=false"], []],
      [["--watch=false", "-w", "-w"], ["-w"]],
      [
        ["--group=a", "--group", "b"],
        ["--group=a", "--group", "b"]
      ],
      [["-v", "-v=6"], ["-v=6"]]
    ] as const) {
      assert.deepEqual(normalise(argv, flags), expected, argv.join(" "))
    }
  })

  it("is not touched after --", () => {
    assert.deepEqual(normalise(["--", "-v", "--watch=false"], flags), ["--", "-v", "--watch=false"])
  })
})

describe("a request's time limit", () => {
  it("is in seconds without a unit, as in kubectl", () => {
    for (const [text, expected] of [
      ["0", 0],
      ["30", 30_000],
      ["250ms", 250],
      ["1m30s", 90_000],
      ["1.5h", 5_400_000]
    ] as const) {
      assert.strictEqual(milliseconds(text), expected, text)
    }
  })

  it("is refused when it is none", () => {
    for (const text of ["", "soon", "-1s", "1d", "1 s", "1s2", "Infinity"]) {
      assert.throws(() => milliseconds(text), Usage)
    }
  })
})
