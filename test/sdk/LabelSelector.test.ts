import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import * as LabelSelector from "../../packages/sdk/src/LabelSelector.ts"
import { slowdown } from "./growth.ts"

const selects = (text: string, labels: Record<string, string>): boolean => {
  const selector = LabelSelector.parse(text)
  return Result.isSuccess(selector) && LabelSelector.matches(selector.success, labels)
}

describe("a label selector means what it means to the API server", () => {
  it.each([
    ["app=db", true],
    ["app==db, tier!=web", true],
    ["app in (db,web),tier", true],
    ["app notin (db)", false],
    ["!legacy", true],
    ["legacy", false],
    ["absent!=x", true],
    ["absent notin (x)", true],
    ["empty=", true]
  ])("%s", (text, expected) => {
    assert.equal(selects(text, { app: "db", tier: "data", empty: "" }), expected)
  })

  it.each(["app in db", "=db", "app=a b", "app in (a", "", "a,,b", "app>"])(
    "%j is refused in one line",
    (text) => {
      const parsed = LabelSelector.parse(text)
      assert.isTrue(Result.isFailure(parsed))
      if (Result.isFailure(parsed)) assert.notInclude(parsed.failure, "\n")
    }
  )

  it("an absent selector selects nothing and an empty one everything", () => {
    assert.isFalse(LabelSelector.matches(null, { a: "b" }))
    assert.isTrue(LabelSelector.matches({}, { a: "b" }))
  })

  it("a label named like a property of every object is a label like any other", () => {
    assert.isFalse(selects("constructor", {}))
    assert.isTrue(selects("constructor=x", { constructor: "x" }))
  })

  it("a node selector's empty term matches no node", () => {
    assert.isFalse(LabelSelector.matchesNode({ nodeSelectorTerms: [{}] }, "node-a", {}))
  })

  it("the text of a selector selects the same again", () => {
    const selector = {
      matchLabels: { app: "db" },
      matchExpressions: [
        { key: "tier", operator: "In", values: ["a", "b"] },
        { key: "legacy", operator: "DoesNotExist" }
      ]
    }
    const text = LabelSelector.format(selector)
    assert.equal(text, "app=db,tier in (a,b),!legacy")
    assert.isTrue(selects(text, { app: "db", tier: "a" }))
    assert.isFalse(selects(text, { app: "db", tier: "c" }))
  })
})

describe("a selector without end", () => {
  it.each([",", ",)", "a", "a.", "a/", "a ", "a=a,", "(", "a in (a,"])(
    "of %j is read or refused in time that grows as it does",
    (unit) => {
      for (const ending of ["", ")", "!", " a"]) {
        const parsing = slowdown((size) => LabelSelector.parse(`a${unit.repeat(size)}${ending}`), 20_000)
        assert.isBelow(parsing, 3)
      }
    }
  )
})
