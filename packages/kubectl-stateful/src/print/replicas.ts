/** The replicas of one workload: their readiness, placement and constraints. */
import type { Placement } from "@kubectl-stateful/sdk/Placement"
import type { Replica } from "@kubectl-stateful/sdk/Replica"
import type { AppState } from "@kubectl-stateful/sdk/State"
import { age } from "./age.ts"
import type { Page } from "./checklist.ts"
import { type Cell, type Row, table } from "./table.ts"
import { type Line, span } from "./text.ts"

/** What prevents a replica from moving. */
export const pinnedBy = (placement: Placement | undefined): string => {
  if (placement === undefined) return "<unknown>"
  const pins = placement.pins.map((pin) =>
    pin.domain === null || pin.domain === "node" ? pin.by : `${pin.by} (${pin.domain})`
  )
  // Volumes that could not be read may pin it too.
  if (pins.length === 0) return placement.storage === null ? "<unknown>" : "<none>"
  return [...new Set(pins)].join(",")
}

/** Its deletion was requested for the end of its grace period. */
const terminating = (deleted: string, observed: string): string =>
  Date.parse(deleted) > Date.parse(observed)
    ? `Terminating, up to ${age(observed, deleted)} left`
    : `Terminating for ${age(deleted, observed)}`

/** What is unusual about a replica; `null` if nothing is. */
export const replicaNote = (replica: Replica, observed: string): string | null => {
  const pod = replica.pod
  const said = [
    ...(replica.wanted ? [] : ["beyond spec.replicas"]),
    ...(replica.known && pod === null ? ["no pod"] : []),
    ...(pod === null || pod.deleted === null ? [] : [terminating(pod.deleted, observed)]),
    ...(pod === null || pod.reason === null ? [] : [pod.reason]),
    ...(pod === null || pod.current ? [] : ["old revision"])
  ]
  return said.length === 0 ? null : said.join("; ")
}

const ready = (replica: Replica): Cell => {
  if (!replica.known) return span("<unknown>", "doubt")
  return replica.pod?.ready === true ? "True" : span("False", replica.wanted ? "bad" : "plain")
}

const row = (state: AppState, replica: Replica, wide: boolean): Row => {
  const pod = replica.pod
  const placement = state.placements.find((each) => each.replica === replica.name)
  const nodeName = pod?.node ?? null
  const node = state.nodes?.find((each) => each.name === nodeName)
  // Without pods to read nothing is known of the place; a pod that has no node has no place.
  const nowhere = replica.known ? "<none>" : "<unknown>"
  const domain = (value: string | null | undefined) => (nodeName === null ? nowhere : (value ?? "<unknown>"))
  return {
    cells: [
      replica.name,
      ready(replica),
      nodeName ?? nowhere,
      domain(placement?.zone),
      domain(placement?.rack),
      pinnedBy(placement),
      pod === null ? nowhere : age(pod.created, state.observed),
      ...(wide
        ? [
            pod === null ? nowhere : String(pod.restarts),
            pod === null || pod.ips.length === 0 ? nowhere : pod.ips.join(","),
            pod?.revision ?? nowhere,
            domain(node?.instanceType),
            domain(node?.region),
            placement?.storage ?? "<unknown>"
          ]
        : [])
    ],
    note: replicaNote(replica, state.observed)
  }
}

/** The table of these replicas, in the state's order. */
export const replicaTable = (
  state: AppState,
  replicas: ReadonlyArray<Replica>,
  page: Page
): ReadonlyArray<Line> =>
  table(
    [
      "REPLICA",
      "READY",
      "NODE",
      "ZONE",
      "RACK",
      "PINNED BY",
      "AGE",
      ...(page.wide ? ["RESTARTS", "IP", "REVISION", "INSTANCE-TYPE", "REGION", "STORAGE"] : [])
    ],
    replicas.map((replica) => row(state, replica, page.wide)),
    page
  )
