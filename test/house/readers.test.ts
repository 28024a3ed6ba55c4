import { assert, describe, it } from "vitest"
import { files, read } from "./sources.ts"

/** Who shows or foretells, and neither deletes, moves nor calls something done for what a list does not have. */
const readers = [
  "packages/kubectl-stateful/src/program/names.ts",
  "packages/sdk/src/discovery/watch.ts",
  "packages/sdk/src/restore/look.ts",
  "packages/sdk/src/restore/order.ts",
  "packages/sdk/src/scale/ground.ts",
  "packages/sdk/src/step/recordList.ts",
  "packages/sdk/src/wait/causes.ts",
  "packages/sdk/src/wait/warning.ts"
]

describe("an object that cannot be read", () => {
  it("is passed over by those alone who only show", () => {
    const found = files("packages").filter(
      (path) =>
        /\/src\/.*\.ts$/.test(path) &&
        !path.startsWith("packages/sdk/src/resource/") &&
        /\blistReadable\(kinds|Resource\.(listReadable|watchReadable|readable)\(/.test(read(path))
    )
    assert.deepEqual(found.toSorted(), readers)
  })
})
