import { existsSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { assert, describe, it } from "vitest"
import { anchorsOf } from "./anchors.ts"
import { pages, rendered } from "./codeBlocks.ts"
import { read, root } from "./sources.ts"

/** Relative links, in the text and at the end of a page, that lead nowhere. */
const brokenIn = (page: string): ReadonlyArray<string> => {
  const prose = read(page)
    .replaceAll(/^```[\s\S]*?^```/gm, "")
    .replaceAll(/`[^`\n]*`/g, "")
  return [...prose.matchAll(/\]\(([^)\s]+)|^\[[\w-]+\]: (\S+)/gm)]
    .map(([, inText, atEnd]) => inText ?? atEnd ?? "")
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path = "", anchor] = link.split("#")
      const target = path === "" ? page : normalize(join(dirname(page), path))
      if (!existsSync(join(root, target))) return true
      return anchor !== undefined && target.endsWith(".md") && !anchorsOf(target).has(anchor)
    })
}

describe("the documentation", () => {
  for (const page of pages()) {
    it(`${page} shows code as it stands in the files that are run (npm run docs)`, () => {
      assert.equal(read(page), rendered(page))
    })

    it(`${page} links only to what is there, and to headings that are there`, () => {
      assert.deepEqual(brokenIn(page), [])
    })

    it(`${page} has no TypeScript that no file stands behind`, () => {
      const loose = read(page)
        .replaceAll(/<!-- code: [\s\S]*?-->\n+```[\s\S]*?```/g, "")
        .match(/```(ts|typescript|js)\n/g)
      assert.isNull(loose)
    })
  }
})
