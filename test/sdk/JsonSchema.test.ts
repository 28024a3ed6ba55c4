import { readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { appStateDocument } from "../../packages/sdk/src/JsonSchema.ts"

const published = new URL("../../packages/sdk/schema/AppState.json", import.meta.url)

describe("the published JSON Schema", () => {
  it("is current: node --conditions=source packages/sdk/schema/generate.ts writes it anew", () => {
    assert.deepEqual(
      JSON.parse(readFileSync(published, "utf8")),
      JSON.parse(JSON.stringify(appStateDocument()))
    )
  })

  it("asks for plain JSON numbers", () => {
    assert.notInclude(readFileSync(published, "utf8"), "Infinity")
  })
})
