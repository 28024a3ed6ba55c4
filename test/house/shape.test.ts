import { basename } from "node:path"
import { assert, describe, it } from "vitest"
import { files, read } from "./sources.ts"

const lines = (path: string) => read(path).split("\n").length
const sources = files("packages").filter((path) => /\/src\/.*\.ts$/.test(path))
const ours = [...sources, ...files("test", "examples", "demo")].filter((path) => /\.(ts|go)$/.test(path))

describe("the repository stays readable", () => {
  it("the median source file has at most 140 lines", () => {
    const sizes = sources.map(lines).toSorted((a, b) => a - b)
    assert.isAtMost(sizes[Math.floor(sizes.length / 2)] ?? 0, 140)
  })

  it("at most one source file in twenty has more than 400 lines, and none more than 600", () => {
    const long = sources.filter((path) => lines(path) > 400)
    assert.isAtMost(long.length, Math.ceil(sources.length / 20), long.join(", "))
    assert.deepEqual(
      sources.filter((path) => lines(path) > 600),
      []
    )
  })

  it("every command is under 100 lines", () => {
    assert.deepEqual(
      sources.filter((path) => path.includes("/commands/") && lines(path) > 100),
      []
    )
  })

  it("no file is a drawer without a name of its own", () => {
    const drawer = /^(utils?|helpers?|common|shared|misc|types|constants|errors)\.(ts|go)$/
    assert.deepEqual(
      ours.filter((path) => drawer.test(basename(path))),
      []
    )
  })

  it("no test is skipped, focused or left to do", () => {
    const marker = /\b(it|test|describe)\.(skip|todo|only|fails)\b/
    assert.deepEqual(
      ours.filter((path) => path.endsWith(".test.ts") && marker.test(read(path))),
      []
    )
  })

  it("no test leaves its process other than it found it: files share one", () => {
    const changing =
      /\bvi\.|process\.env(\.\w+|\[[^\]]+\]) = |process\.chdir\(|\bglobalThis(\.\w+|\[[^\]]+\]) = /
    const tests = files("test").filter(
      (path) => path.endsWith(".test.ts") && path !== "test/house/shape.test.ts"
    )
    assert.deepEqual(
      tests.filter((path) => changing.test(read(path))),
      []
    )
  })

  it("no source leaves a promise to be kept later", () => {
    const promise = /\b(T[O]DO|F[I]XME|H[A]CK)\b/

    assert.deepEqual(
      ours.filter((path) => promise.test(read(path))),
      []
    )
  })
})
