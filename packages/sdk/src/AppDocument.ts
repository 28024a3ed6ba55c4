/** The output of `describe -o json`: the state of an application with its answers, or a list of those. */
import * as Schema from "effect/Schema"
import { Checklist } from "./Checklist.ts"
import { documented } from "./Documented.ts"
import { AppState } from "./state/AppState.ts"

/** An AppState with its answers. */
export interface AppDocument extends AppState {
  /** The answer to each question, with its evidence. */
  readonly checklist: Checklist
}
export const AppDocument = documented<AppDocument>({ ...AppState.fields, checklist: Checklist })

/** Several, as the API prints lists. */
export interface AppStateList {
  readonly apiVersion: "kubectl-stateful.dev/v1"
  readonly kind: "AppStateList"
  readonly items: ReadonlyArray<AppDocument>
}
export const AppStateList = documented<AppStateList>({
  apiVersion: Schema.Literal("kubectl-stateful.dev/v1"),
  kind: Schema.Literal("AppStateList"),
  items: Schema.Array(AppDocument)
})
