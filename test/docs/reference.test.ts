/** The reference is what the code says, and says something of everything. */
import { assert, describe, it } from "vitest"
import { code, files, read } from "../house/sources.ts"
import { concepts, purposeOf } from "./apiReference.ts"
import { variables } from "./commandReference.ts"
import { errors } from "./errorReference.ts"
import { reference } from "./reference.ts"

describe("the reference", async () => {
  for (const [page, text] of Object.entries(await reference())) {
    it(`${page} is what the code says (npm run docs)`, () => {
      assert.equal(read(page), text)
    })
  }

  it("says of every error, and of every reason, when it happens", () => {
    assert.isAbove(errors.length, 5)
    assert.deepEqual(
      errors.filter(({ comment, fields }) => comment === "" || fields.length === 0).map(({ tag }) => tag),
      []
    )
    const withReasons = errors.filter(
      ({ fields, path }) =>
        fields.some(({ name }) => name === "reason") && read(path).includes("Reason = Schema.Union")
    )
    assert.deepEqual(
      withReasons.flatMap(({ tag, reasons }) =>
        reasons.length === 0
          ? [tag]
          : reasons.filter(({ comment }) => comment === "").map((reason) => `${tag}: ${reason.tag}`)
      ),
      []
    )
  })

  it("says of every concept what it is", () => {
    assert.isAbove(concepts.length, 40)
    assert.deepEqual(
      concepts.filter(({ path }) => purposeOf(path) === "").map(({ name }) => name),
      []
    )
  })

  it("lists the environment variables that are read", () => {
    const sources = files("packages").filter((path) => /\/(sdk|kubectl-stateful)\/src\/.*\.ts$/.test(path))
    const names = sources.flatMap((path) =>
      [...code(path).matchAll(/(?:environment|process\.env)\["([A-Z_]+)"\]|read\(.*?"([A-Z]+_PROXY)"/g)].map(
        ([, one, other]) => one ?? other ?? ""
      )
    )
    assert.isAbove(names.length, 7)
    assert.deepEqual(
      names.filter((name) => !Object.hasOwn(variables, name)),
      []
    )
  })
})
