import { readdirSync, readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { published, violations } from "../jsonSchema.ts"
import { jsonSchemas } from "../../../packages/sdk/src/state/jsonSchema.ts"

const folder = new URL("../../../packages/sdk/schema/", import.meta.url)

const required = published("AppDocument").required ?? []

describe("a check against them", () => {
  it("finds what is absent, of another type or not described", () => {
    const list = { apiVersion: "kubectl-stateful.dev/v1", kind: "AppStateList", items: [{}], more: 1 }
    const found = violations(published("AppStateList"), list)
    for (const name of required) assert.include(found, `$.items[0].${name}: absent`)
    assert.include(found, "$.more: not described")
    assert.deepEqual(
      violations(published("AppStateList"), { ...list, items: {} })[0],
      "$.items: object, not array"
    )
  })
})

describe("the published JSON Schemas", () => {
  it("are those of what `-o json` prints, and no others", () => {
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith(".json")),
      Object.keys(jsonSchemas())
        .map((name) => `${name}.json`)
        .toSorted()
    )
  })

  for (const [name, schema] of Object.entries(jsonSchemas())) {
    const text = readFileSync(new URL(`${name}.json`, folder), "utf8")

    it(`${name} is current: npm run schema writes it anew`, () => {
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(schema)))
    })

    it(`${name} asks for plain JSON numbers`, () => {
      assert.notInclude(text, "Infinity")
    })
  }
})
