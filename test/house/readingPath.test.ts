import { assert, describe, it } from "vitest"
import { code, files, read } from "./sources.ts"

/** What a reader who knows TypeScript takes in, in a minute. */
const linesAMinute = 200
const wordsAMinute = 230

/** The documents a section of CONTRIBUTING.md names, in its order. */
const namedIn = (heading: RegExp): ReadonlyArray<string> => {
  const section = read("CONTRIBUTING.md")
    .split(/^## /m)
    .find((one) => heading.test(one))
  return [...(section ?? "").matchAll(/`(packages\/[^`]+\.ts)`/g)].map(([, path = ""]) => path)
}

const minutesOf = (path: string): number => {
  const lines = code(path)
    .split("\n")
    .filter((line) => line.trim() !== "").length
  const comments = read(path).match(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm) ?? []
  const words = comments.join(" ").match(/[\w`'.]+/g)?.length ?? 0
  return lines / linesAMinute + words / wordsAMinute
}

describe.each([
  ["the main path", /^The main path, in half an hour/],
  ["the path of a verb that writes", /^A verb that writes, in another half hour/]
])("%s of CONTRIBUTING.md", (_, heading) => {
  const path = namedIn(heading)

  it("names files that are there", () => {
    assert.isAbove(path.length, 5)
    const all = new Set(files("packages"))
    assert.deepEqual(
      path.filter((one) => !all.has(one)),
      []
    )
  })

  it("is read in half an hour", () => {
    assert.isAtMost(
      path.reduce((sum, one) => sum + minutesOf(one), 0),
      30
    )
  })
})
