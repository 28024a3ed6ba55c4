/**
 * Writes the published JSON Schema: `node --conditions=source packages/sdk/schema/generate.ts`.
 */
import { writeFileSync } from "node:fs"
import { appStateDocument } from "../src/JsonSchema.ts"

writeFileSync(new URL("AppState.json", import.meta.url), `${JSON.stringify(appStateDocument(), null, 2)}\n`)
