/**
 * The JSON Schemas of what `-o json` prints, for readers in other languages, and of a profile's file, for who
 * writes one.
 */
import * as Schema from "effect/Schema"
import { AppDocument, AppStateList } from "../AppDocument.ts"
import { File } from "../Profile.ts"
import { AppState } from "./AppState.ts"

/** Draft 2020-12, one self-contained document; `strict`: what it does not describe is an error. */
const documentOf = (title: string, described: Schema.Top, strict = false): object => {
  const { schema, definitions } = Schema.toJsonSchemaDocument(
    described,
    strict ? { onExcessProperty: "error" } : {}
  )
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `https://kubectl-stateful.dev/schema/v1/${title}.json`,
    title,
    ...schema,
    ...(Object.keys(definitions).length === 0 ? {} : { $defs: definitions })
  }
}

/** Every published schema by its name, which is its file's. */
export const jsonSchemas = (): Readonly<Record<string, object>> => ({
  AppState: documentOf("AppState", AppState),
  AppDocument: documentOf("AppDocument", AppDocument),
  AppStateList: documentOf("AppStateList", AppStateList),
  Profile: documentOf("Profile", File, true)
})
