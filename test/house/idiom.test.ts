/** Effect as its authors write it, as far as the text of a file shows it. */
import { assert, describe, it } from "vitest"
import { files, read } from "./sources.ts"

const sdk = "packages/sdk/src/"
const sources = files(sdk, "packages/sandbox/src/", "packages/kubectl-stateful/src/").filter((path) =>
  path.endsWith(".ts")
)

/** Whose functions are what a program calls, by the name that a trace has for them. */
const verbs = [
  "Restore",
  "RestoreClone",
  "RestoreDrill",
  "RestoreRelease",
  "Scale",
  "Snapshot",
  "SnapshotPrune",
  "SnapshotSet",
  "SnapshotTransfer",
  "Thaw",
  "Verbs"
]

describe("Effect's idiom", () => {
  it("a generator that fails returns: what stands after it is not run", () => {
    const failing =
      /^\s*(?:if \(.*\) |else )?yield\* (?:because|refusedBecause|noSnapshot|Effect\.fail|new \w+)\(/
    const found = sources.flatMap((path) =>
      read(path)
        .split("\n")
        .flatMap((line, index) => (failing.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []))
    )
    assert.deepEqual(found, [])
  })

  it("an error is yielded as it is: it needs no Effect.fail around it", () => {
    const wrapped = /yield\* Effect\.fail\(\s*(?:because|refusedBecause|new \w*Error)\(/
    assert.deepEqual(
      sources.filter((path) => wrapped.test(read(path))),
      []
    )
  })

  it("one reason of an error is caught by its name", () => {
    const matched = /catchIf\(\s*(?:[\w.]+(?:\([^()]*\))?,\s*)?\(?[^=]*=> (?:\w+\.)?reason\._tag === "\w+",/
    assert.deepEqual(
      sources.filter((path) => matched.test(read(path))),
      []
    )
  })

  it("a verb's function has a span of its own name", () => {
    for (const verb of verbs) {
      const text = read(`${sdk}${verb}.ts`)
      const spans = [...text.matchAll(/^export const (\w+) = Effect\.fn\("([^"]+)"\)/gm)]
      assert.isNotEmpty(spans, verb)
      for (const [, name, span] of spans) assert.strictEqual(span, `${verb}.${name}`)
      const without = [...text.matchAll(/^export const (\w+) = [^{}]*?\): Effect\.Effect</gm)].map(
        ([, name]) => `${verb}.${name}`
      )
      assert.deepEqual(without, [])
    }
  })
})
