/** Phrases of the checklist: lists of names, durations, commands. */
import { shellWord } from "../ShellWord.ts"
import type { AppState } from "../state/AppState.ts"
import type { Workload } from "../Topology.ts"

/** `a`, `a and b`, `a, b and c`, `a, b and 4 more`. */
export const names = (all: ReadonlyArray<string>, last: "and" | "or" = "and"): string => {
  if (all.length < 2) return all.join("")
  const shown = all.length <= 3 ? all.slice(0, -1) : all.slice(0, 2)
  const rest = all.length - shown.length
  return `${shown.join(", ")} ${last} ${rest === 1 ? all.at(-1) : `${rest} more`}`
}

/** `is`, `share` … by how many there are. */
export const verb = (all: ReadonlyArray<unknown>, one: string, several: string): string =>
  all.length === 1 ? one : several

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000]
] as const

/** A length of time in its largest unit, from two of it on: `3d`, `26h`, `90s`. */
export const span = (millis: number): string => {
  const [unit, size] = units.find(([, length]) => millis >= 2 * length) ?? ["s", 1000]
  return `${Math.round(millis / size)}${unit}`
}

/** An instant of the API in milliseconds. */
export const instant = (time: string): number => Date.parse(time)

/** Time before the state was observed. */
export const age = (state: AppState, time: string): number => instant(state.observed) - instant(time)

/** A selector of nothing but `key=value`, which is all that some commands take. */
export const equalities = /^[^\s!()=,]+=[^\s!()=,]+(,[^\s!()=,]+=[^\s!()=,]+)*$/

/** A message of another's, as part of a line of ours. */
export const oneLine = (text: string): string => {
  const line = text.replaceAll(/\s+/g, " ").trim()
  return line.length > 100 ? `${line.slice(0, 99)}…` : line
}

/** A kubectl command in the app's namespace. */
export const kubectl = (state: AppState, ...args: ReadonlyArray<string>): string =>
  ["kubectl", ...args, "-n", state.namespace].map(shellWord).join(" ")

/** Our own command that cuts all claims of the application as one. */
export const takeSnapshot = (state: AppState): string =>
  state.ref._tag === "StatefulSet"
    ? kubectl(state, "stateful", "snapshot", state.ref.name)
    : kubectl(state, "stateful", "snapshot", "-l", state.ref.selector)

/** A kubectl command on an object of the cluster. */
export const kubectlCluster = (...args: ReadonlyArray<string>): string =>
  ["kubectl", ...args].map(shellWord).join(" ")

/** A workload as `Kind/name`. */
export const title = ({ kind, name }: { readonly kind: string; readonly name: string }): string =>
  `${kind}/${name}`

/** Argo CD's and Flux' objects: the objects that they apply are changed at their source. */
const gitOps = /\.(argoproj|toolkit\.fluxcd)\.io\//

/** Changes a workload by `command`, or says who would undo that: an operator, or what applies a repository. */
export const change = (workload: Workload, command: string): string => {
  const owner = workload.writers.find((writer) => writer.by === "ownerReferences")
  if (owner !== undefined) return `change this in ${owner.name}, which owns ${workload.name}`
  const source = workload.writers.find((writer) => gitOps.test(writer.name))
  return source === undefined
    ? command
    : `change this in the source of ${source.name}, which applies ${workload.name}`
}

/** Where to keep the data of a workload's pods: only a StatefulSet creates claims of its own. */
export const intoClaim = (what: string, workload: Workload): string => {
  const isSet = workload.kind === "StatefulSet"
  const way = change(workload, isSet ? "volumeClaimTemplates" : "")
  return way === "" ? `store ${what} on a PVC that its volumes name` : `store ${what} on a PVC: ${way}`
}

/** A merge patch of a workload's pod template. */
export const patchTemplate = (state: AppState, workload: Workload, spec: object): string =>
  change(
    workload,
    kubectl(
      state,
      "patch",
      workload.kind.toLowerCase(),
      workload.name,
      "--type=merge",
      "-p",
      JSON.stringify({ spec: { template: { spec } } })
    )
  )
