import { assert, describe, it } from "vitest"
import { code, files } from "./sources.ts"

/** The fields that a tagged error declares for itself, up to the end of its braces. */
const errors = /extends Schema\.TaggedError<(\w+)>\(\)\(\s*"\w+",\s*\{([\s\S]*?)\n\}\s*\) \{/g

describe("an error", () => {
  it("keeps what every error has: its own name, stack and cause", () => {
    const found = files("packages")
      .filter((path) => /\/src\/.*\.ts$/.test(path))
      .flatMap((path) =>
        [...code(path).matchAll(errors)].map(([, name = "", fields = ""]) => ({ name, fields }))
      )
    assert.isAbove(found.length, 4)
    assert.deepEqual(
      found.filter(({ fields }) => /^ {2}(name|stack|cause):/m.test(fields)).map(({ name }) => name),
      []
    )
  })
})
