import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { assert, describe, it } from "vitest"
import { pages, rendered } from "./codeBlocks.ts"
import { read, root } from "./sources.ts"

describe("the documentation", () => {
  for (const page of pages()) {
    it(`${page} shows code as it stands in the files that are run (npm run docs)`, () => {
      assert.equal(read(page), rendered(page))
    })

    it(`${page} links only to what is there`, () => {
      const links = [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((match) => match[1] ?? "")
      assert.deepEqual(
        links.filter((link) => !existsSync(join(root, dirname(page), link))),
        []
      )
    })

    it(`${page} has no TypeScript that no file stands behind`, () => {
      const loose = read(page)
        .replaceAll(/<!-- code: [\s\S]*?-->\n+```[\s\S]*?```/g, "")
        .match(/```(ts|typescript|js)\n/g)
      assert.isNull(loose)
    })
  }
})
