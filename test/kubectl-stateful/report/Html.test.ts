import { assert, describe, it } from "vitest"
import { escaped, markup, printable, style } from "../../../packages/kubectl-stateful/src/report/Html.ts"

describe("markup", () => {
  it("escapes every text, in a body and in an attribute", () => {
    const text = `<b onclick='x'>"a" & \`b\`</b>`
    const safe = "&lt;b onclick=&#39;x&#39;&gt;&quot;a&quot; &amp; &#96;b&#96;&lt;/b&gt;"
    assert.strictEqual(markup`<p title="${text}">${text}</p>`.text, `<p title="${safe}">${safe}</p>`)
  })

  it("writes out what a terminal or a reader's eyes would obey", () => {
    assert.strictEqual(escaped("a\u202eb\u001b[2J\u2028\n"), "a\\u202eb\\u001b[2J\\u2028\\n")
  })

  it("takes its own markup as it is, in lists too, and nothing for null and false", () => {
    const item = (name: string) => markup`<li>${name}</li>`
    assert.strictEqual(
      markup`<ul>${["<", "b"].map(item)}${null}${false}</ul>`.text,
      "<ul><li>&lt;</li><li>b</li></ul>"
    )
  })

  it("is not made of an object that only looks like it", () => {
    // @ts-expect-error -- nor does the compiler take it
    assert.throws(() => markup`${{ text: "<b>" }}`)
  })

  it("writes numbers short, and none that is no number", () => {
    assert.strictEqual(markup`${1 / 3} ${Number.NaN} ${0}`.text, "0.333  0")
  })

  it("has no style sheet that could end early", () => {
    assert.throws(() => style("p{content:'</style>'}"))
  })

  it("is printed without a hidden character, whatever it was made of", () => {
    // @ts-expect-error -- as it would be if the escaping had a hole
    assert.strictEqual(printable({ text: "<p>\u009b</p>\n" }), "<p>\\u009b</p>\n")
  })
})
