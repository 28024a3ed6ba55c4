import { assert, describe, it } from "vitest"
import { css, schemes } from "../../../packages/kubectl-stateful/src/report/style.ts"

/** Relative luminance, as WCAG defines it. */
const luminance = (colour: string): number => {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((from) => Number.parseInt(colour.slice(from, from + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

const contrast = (one: string, other: string): number => {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

const backs = ["page", "panel", "inset"] as const
const texts = ["text", "soft", "link", "good", "doubt", "bad"] as const
const badges = [
  ["good", "goodBack"],
  ["doubt", "doubtBack"],
  ["bad", "badBack"],
  ["text", "doubtBack"]
] as const
/** What is drawn without a text, such as a node's border. */
const drawn = ["edge", "freeze"] as const

describe("the style of the page", () => {
  it("is measured as WCAG does", () => {
    assert.closeTo(contrast("#000000", "#ffffff"), 21, 0.01)
    assert.closeTo(contrast("#777777", "#ffffff"), 4.48, 0.01)
  })

  for (const [name, scheme] of Object.entries(schemes)) {
    it(`has a contrast of 4.5:1 for all text, and of 3:1 for drawings, ${name}`, () => {
      const pairs = [
        ...texts.flatMap((text) => backs.map((back) => [text, back, 4.5] as const)),
        ...badges.map(([text, back]) => [text, back, 4.5] as const),
        ...drawn.flatMap((one) => backs.map((back) => [one, back, 3] as const))
      ]
      assert.deepEqual(
        pairs.filter(([one, back, least]) => contrast(scheme[one], scheme[back]) < least),
        []
      )
    })
  }

  it("names each colour in both schemes, and loads nothing", () => {
    assert.deepEqual(Object.keys(schemes.light), Object.keys(schemes.dark))
    assert.notMatch(css, /url\(|@import|@font-face|image-set|expression|https?:/)
  })

  it("has every colour that it uses, and uses every colour that it has", () => {
    const used = new Set([...css.matchAll(/var\(--(\w+)\)/g)].map(([, name = ""]) => name))
    assert.sameMembers([...used], Object.keys(schemes.light))
  })
})
