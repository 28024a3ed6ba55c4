/**
 * Writes the published JSON Schemas: `node --conditions=source packages/sdk/schema/generate.ts`.
 */
import { writeFileSync } from "node:fs"
import { jsonSchemas } from "../src/state/jsonSchema.ts"

for (const [name, schema] of Object.entries(jsonSchemas())) {
  writeFileSync(new URL(`${name}.json`, import.meta.url), `${JSON.stringify(schema, null, 2)}\n`)
}
