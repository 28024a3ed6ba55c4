/**
 * What `describe -o json` prints: the state of an application and beside it its answers, or a list of those.
 */
import * as Schema from "effect/Schema"
import { Checklist } from "./Checklist.ts"
import { AppState } from "./state/AppState.ts"

/** An AppState and beside its fields its answers. */
export const AppDocument = Schema.Struct({ ...AppState.fields, checklist: Checklist })
export type AppDocument = typeof AppDocument.Type

/** Several, as the API prints lists. */
export const AppStateList = Schema.Struct({
  apiVersion: Schema.Literal("kubectl-stateful.dev/v1"),
  kind: Schema.Literal("AppStateList"),
  items: Schema.Array(AppDocument)
})
export type AppStateList = typeof AppStateList.Type
