/** What a page shows of a terminal is what its commands print, in its order, on one sandbox. */
import { assert, describe, it } from "vitest"
import { pages } from "../house/codeBlocks.ts"
import { compared, isSession, shows } from "./terminal.ts"

describe("a terminal in the documentation", () => {
  it("is known by what it shows, but for chance and what is left out", () => {
    assert.isTrue(shows("a 10ms\n...\nd\n", "a 1.2s\nb\nc\nd\n"))
    assert.isTrue(shows("a\n...\n", "a\n"))
    assert.isTrue(shows("operation 44a52dc5: 3 -> 4\n", "operation 0b6aa1f2: 3 -> 4\n"))
    assert.isFalse(shows("operation 44a52dc5: 3 -> 4\n", "operation 44a52dc5: 3 -> 5\n"))
    assert.isFalse(shows("a\n...\nd\n", "a\nb\n"))
    assert.isFalse(shows("a\n", "a\nb\n"))
    assert.isFalse(shows("a.c\n", "abc\n"))
  })

  const shown = pages().filter(isSession)

  it("is in the tutorial", () => {
    assert.include(shown, "docs/tutorial.md")
  })

  for (const page of shown) {
    it(`${page} shows what its commands print (npm run docs)`, async () => {
      for (const { line, shown: text, output } of await compared(page)) {
        assert.isNotNull(output, `${line} is run by no page`)
        // The whole page is run: the difference is what helps.
        if (!shows(text, output ?? "")) assert.equal(text.trimEnd(), output?.trimEnd(), line)
      }
    })
  }
})
