import * as Schema from "effect/Schema"
import { assert, describe, it } from "@effect/vitest"
import { parseYaml, printYaml } from "@kubectl-stateful/sdk/Manifest"
import * as Effect from "effect/Effect"
import { columnsOf } from "../../../packages/kubectl-stateful/src/print/columns.ts"
import {
  isVisible,
  visible,
  visibleJson,
  visibleYaml
} from "../../../packages/kubectl-stateful/src/print/terminal.ts"

/** What a terminal obeys or hides: C0, DEL, C1, bidi marks, zero width, separators. */
const acted =
  // oxlint-disable-next-line no-control-regex -- these are what must not be there
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\p{Variation_Selector}\ufeff\ufff9-\ufffb]/u

describe("text from an object's fields", () => {
  it("shows each hidden character instead of sending it", () => {
    assert.strictEqual(visible("a\u001b[31mb"), "a\\u001b[31mb")
    assert.strictEqual(visible("\u001b]0;title\u0007"), "\\u001b]0;title\\u0007")
    assert.strictEqual(visible("one\ntwo\tthree\r"), "one\\ntwo\\tthree\\u000d")
    assert.strictEqual(visible("user\u202etxt.exe"), "user\\u202etxt.exe")
    assert.strictEqual(visible("\u009b2J\u007f"), "\\u009b2J\\u007f")
    assert.strictEqual(visible("zero\u200bwidth\ufeff"), "zero\\u200bwidth\\ufeff")
    assert.strictEqual(visible("tag\u{e0041}"), "tag\\u{e0041}")
    assert.strictEqual(visible("lone\ud800"), "lone\\ud800")
  })

  it("keeps letters of every script", () => {
    for (const text of ["db-0", "größe", "数据库", "база", "قاعدة", "데이터", "🐘", "e\u0301"]) {
      assert.strictEqual(visible(text), text)
    }
  })

  it.prop("never carries a character that a terminal obeys", [Schema.String], ([text]) => {
    assert.notMatch(visible(text), acted)
  })

  it("never carries one of them, each code unit tried", () => {
    for (let unit = 0; unit <= 0xffff; unit++) {
      assert.notMatch(visible(`a${String.fromCharCode(unit)}b`), acted, unit.toString(16))
    }
  })

  it.prop("in JSON parses back to itself and never acts", [Schema.String], ([text]) => {
    const json = visibleJson(JSON.stringify({ text }))
    assert.deepEqual(JSON.parse(json), { text })
    assert.notMatch(json, acted)
  })

  it.effect.prop(
    "in YAML reads back as itself and never acts",
    [Schema.String, Schema.String],
    ([key, text]) =>
      Effect.gen(function* () {
        const value = { [`k${key}`]: `${text}\u001b[31m\u202e`, text, list: [text], lines: `a\n${text}` }
        const yaml = visibleYaml(yield* printYaml(value, (one) => !isVisible(one)))
        assert.deepEqual(yield* parseYaml(yaml), value)
        assert.notMatch(yaml.replaceAll("\n", ""), acted)
      })
  )

  it("in JSON keeps the lines of the document", () => {
    assert.strictEqual(visibleJson('{\n  "a": "\u202e\u{e0041}"\n}'), '{\n  "a": "\\u202e\\udb40\\udc41"\n}')
  })
})

describe("the width of text", () => {
  it("is what a terminal gives it", () => {
    const table: ReadonlyArray<readonly [string, number]> = [
      ["", 0],
      ["db-0", 4],
      ["größe", 5],
      ["e\u0301", 1],
      ["数据", 4],
      ["データ", 6],
      ["데이터", 6],
      ["ﾃﾞｰﾀ", 4],
      ["🐘", 2],
      ["👍🏽", 2],
      ["🇩🇪", 2],
      ["（）", 4],
      ["☰䷀", 4],
      ["\u3099", 0]
    ]
    for (const [text, columns] of table) assert.strictEqual(columnsOf(visible(text)), columns, text)
  })
})
