/**
 * Applications as documents for programs: `-o json`, `-o yaml`, `-o name`.
 */
import type { AppDocument, AppStateList } from "@kubectl-stateful/sdk/state/AppDocument"
import type { Answered } from "./list.ts"
import { visible, visibleJson } from "./terminal.ts"

export const appDocument = ({ state, checklist }: Answered): AppDocument => ({ ...state, checklist })

export const listDocument = (apps: ReadonlyArray<Answered>): AppStateList => ({
  apiVersion: "kubectl-stateful.dev/v1",
  kind: "AppStateList",
  items: apps.map(appDocument)
})

/** JSON as kubectl indents it; what a terminal would obey is escaped. */
export const json = (document: AppDocument | AppStateList): string =>
  `${visibleJson(JSON.stringify(document, null, 4))}\n`

/** `statefulset.apps/db`, a line for each workload. */
export const names = (apps: ReadonlyArray<Answered>): string =>
  apps
    .flatMap(({ state }) => state.workloads)
    .map((workload) => `${workload.kind.toLowerCase()}.apps/${visible(workload.name)}\n`)
    .join("")
