/**
 * The JSON Schema of an AppState, for readers of `-o json` in other languages.
 */
import * as Schema from "effect/Schema"
import { AppState } from "./State.ts"

/** Draft 2020-12, one self-contained document. */
export const appStateDocument = (): object => {
  const { schema, definitions } = Schema.toJsonSchemaDocument(AppState)
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: "https://kubectl-stateful.dev/schema/v1/AppState.json",
    title: "AppState",
    ...schema,
    ...(Object.keys(definitions).length === 0 ? {} : { $defs: definitions })
  }
}
