/**
 * Applications as documents for programs: `-o json`, `-o yaml`, `-o name`.
 */
import type { Checklist } from "@kubectl-stateful/sdk/Checklist"
import type { AppState } from "@kubectl-stateful/sdk/State"
import type { Answered } from "./list.ts"
import { visible, visibleJson } from "./terminal.ts"

/** An AppState and beside its fields its answers. */
export interface AppDocument extends AppState {
  readonly checklist: Checklist
}

/** Several, as the API prints lists. */
export interface AppListDocument {
  readonly apiVersion: "kubectl-stateful.dev/v1"
  readonly kind: "AppStateList"
  readonly items: ReadonlyArray<AppDocument>
}

export const appDocument = ({ state, checklist }: Answered): AppDocument => ({ ...state, checklist })

export const listDocument = (apps: ReadonlyArray<Answered>): AppListDocument => ({
  apiVersion: "kubectl-stateful.dev/v1",
  kind: "AppStateList",
  items: apps.map(appDocument)
})

/** JSON as kubectl indents it; what a terminal would obey is escaped. */
export const json = (document: AppDocument | AppListDocument): string =>
  `${visibleJson(JSON.stringify(document, null, 4))}\n`

/** `statefulset.apps/db`, a line for each workload. */
export const names = (apps: ReadonlyArray<Answered>): string =>
  apps
    .flatMap(({ state }) => state.workloads)
    .map((workload) => `${workload.kind.toLowerCase()}.apps/${visible(workload.name)}\n`)
    .join("")
