import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { parseDocuments, parseYaml, printYaml } from "../../packages/sdk/src/Manifest.ts"

describe("YAML", () => {
  it.effect("an empty text, or one of comments, is null", () =>
    Effect.gen(function* () {
      assert.isNull(yield* parseYaml(""))
      assert.isNull(yield* parseYaml("# nothing\n"))
    })
  )

  it.effect("JSON is read as it is, and what only begins like it is still YAML", () =>
    Effect.gen(function* () {
      assert.deepEqual(yield* parseYaml(' {"a": [1, "x"]}\n'), { a: [1, "x"] })
      assert.deepEqual(yield* parseYaml("{a: 1, b: yes}"), { a: 1, b: "yes" })
    })
  )

  it.effect("every document of a text is read, in order", () =>
    Effect.gen(function* () {
      assert.deepEqual(yield* parseDocuments("a: 1\n---\nb: 2\n"), [{ a: 1 }, { b: 2 }])
    })
  )

  it.effect("a fault names its line and rule, and quotes nothing of the text", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(parseYaml('token: s3cr3t-canary\nother: "s3cr3t-canary\n'))
      assert.match(error.message, /^not YAML: line \d+: missing char$/)
      assert.notInclude(JSON.stringify(error), "canary")
    })
  )

  it.effect("aliases that expand without bound are refused", () =>
    Effect.gen(function* () {
      const levels = Array.from({ length: 9 }, (_, level) => {
        const name = "abcdefghi"[level + 1] ?? "z"
        const before = "abcdefghi"[level]
        return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(",")}]`
      })
      const error = yield* Effect.flip(parseYaml(`a: &a [x]\n${levels.join("\n")}\n`))
      assert.include(error.message, "aliases")
    })
  )

  it.effect("texts that are picked stand in double quotes, as values and as keys", () =>
    Effect.gen(function* () {
      const yaml = yield* printYaml({ "a b": "plain", list: ["a\u202eb", "c"] }, (text) =>
        /[ \u202e]/.test(text)
      )
      assert.strictEqual(yaml, '"a b": plain\nlist:\n  - "a\u202eb"\n  - c\n')
    })
  )

  it.effect("a text that YAML 1.1 takes for something else is quoted, as kubectl quotes it", () =>
    Effect.gen(function* () {
      const texts = ["No", "yes", "on", "off", "y", "0777", "1_000", "0b11", "12:30:00", "2026-11-30", "<<"]
      for (const text of [...texts, "1e3", "~", "2026-11-30T00:00:00Z"])
        assert.strictEqual(yield* printYaml({ [text]: text }), `"${text}": "${text}"\n`)
      const others = { answer: "Unknown", count: 3, ready: true, none: null, node: "a-1", at: "10.0.0.1" }
      assert.notInclude(yield* printYaml(others), '"')
    })
  )

  it.effect("what is printed reads back the same", () =>
    Effect.gen(function* () {
      const value = { name: "yes", count: 1, long: "word ".repeat(60), list: [{ a: null }], text: "a\nb\n" }
      assert.deepEqual(yield* parseYaml(yield* printYaml(value)), value)
    })
  )
})
