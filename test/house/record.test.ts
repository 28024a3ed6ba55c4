import { existsSync, statSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { files, read, root } from "./sources.ts"

const page = "test/TRACK-RECORD.md"
const guards = [...read(page).matchAll(/`t (\S+) "([^"]+)"`/g)].map(([, path = "", name = ""]) => ({
  path,
  name
}))

describe("the track record", () => {
  it("names a guard in each row", () => {
    const rows = read(page)
      .split("\n")
      .filter((line) => /^\| (?!What was|-)/.test(line))
    assert.isAbove(rows.length, 20)
    assert.lengthOf(guards, rows.length)
  })

  for (const { path, name } of guards) {
    it(`names a test that is there: ${path} "${name}"`, () => {
      assert.isTrue(existsSync(join(root, path)), path)
      const places = statSync(join(root, path)).isDirectory() ? files(path) : [path]
      assert.isTrue(
        places.some((place) => read(place).includes(name)),
        `${name} in ${path}`
      )
    })
  }
})
