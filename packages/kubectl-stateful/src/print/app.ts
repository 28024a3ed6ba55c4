/**
 * One application as a page of text.
 */
import type { Checklist } from "@kubectl-stateful/sdk/Checklist"
import type { AppState } from "@kubectl-stateful/sdk/State"
import { checklistLines, type Page } from "./checklist.ts"
import { claimTable, keptVolumeTable, otherVolumes, keptConfigTable, setAsideTable } from "./claims.ts"
import { replicaTable } from "./replicas.ts"
import { eventTable, surroundings, unreadLines } from "./surroundings.ts"
import { blank, line, type Line, lineColumns } from "./text.ts"
import { valueColumn, workloadLines, workloadName } from "./workload.ts"

/** The column of `Namespace:`, if the name leaves room. */
const namespaceColumn = 52

const title = (state: AppState, columns: number): ReadonlyArray<Line> => {
  const label = state.ref._tag === "Selector" ? "Selector:" : "Name:"
  const name = line(`${label.padEnd(valueColumn)}${state.name}`)
  const namespace = line(`Namespace:  ${state.namespace}`)
  const used = lineColumns(name)
  return used + 2 <= namespaceColumn && namespaceColumn + lineColumns(namespace) <= columns
    ? [[...name, ...line(" ".repeat(namespaceColumn - used)), ...namespace]]
    : [name, line(`Namespace:   ${state.namespace}`)]
}

/** Blocks with an empty line between them, leaving out those without lines. */
const blocks = (...parts: ReadonlyArray<ReadonlyArray<Line>>): ReadonlyArray<Line> =>
  parts.filter((part) => part.length > 0).flatMap((part, index) => (index === 0 ? part : [blank, ...part]))

/** Everything that `describe` says of one application. */
export const appPage = (state: AppState, checklist: Checklist, page: Page): ReadonlyArray<Line> => {
  const { wide, columns } = page
  const workloads = state.workloads.flatMap((workload, index) => {
    const replicas = state.replicas.filter((replica) => replica.workload === workloadName(workload))
    const lines = workloadLines(state, workload, columns)
    return [index === 0 ? [...title(state, columns), ...lines] : lines, replicaTable(state, replicas, page)]
  })
  return blocks(
    ...(workloads.length === 0 ? [title(state, columns)] : workloads),
    claimTable(state, page),
    keptVolumeTable(state, page),
    setAsideTable(state, page),
    keptConfigTable(state, page),
    [...otherVolumes(state, columns), ...surroundings(state, columns), ...unreadLines(state, wide, columns)],
    eventTable(state, page),
    checklistLines(checklist, state, page)
  )
}
