/**
 * The first question, one disruption at a time: a server or a rack restarts, is gone for good, is drained.
 */
import { type Answer, type Disruption, type DisruptionVerdict, type Finding, isRestart } from "./verdict.ts"
import type { AppState } from "../state/AppState.ts"
import type { Workload } from "../Topology.ts"
import { needsCloud } from "./gone.ts"
import { staysSeconds } from "./parts.ts"
import { everyDisruption } from "./rule.ts"

/** Worst first. */
export const weight: Readonly<Record<Answer, number>> = { No: 0, Unknown: 1, YesWithDowntime: 2, Yes: 3 }

export const worst = (answers: ReadonlyArray<Answer>): Answer =>
  answers.toSorted((a, b) => weight[a] - weight[b])[0] ?? "Yes"

/** The minimum time from the start of a pod until it counts. */
const startsSeconds = ({ minReadySeconds, template }: Workload): number =>
  minReadySeconds +
  Math.max(
    0,
    ...template.containers.map(({ name }) =>
      Math.max(
        0,
        ...template.probes.flatMap((probe) =>
          probe.container === name && probe.kind !== "liveness" ? [probe.initialDelaySeconds] : []
        )
      )
    )
  )

const longest = (state: AppState, of: (workload: Workload) => number): number =>
  Math.max(0, ...state.workloads.filter(({ replicas }) => replicas > 0).map(of))

/** The minimum downtime of what is lost, without the time of the node, controllers and storage. */
const awaySeconds = (state: AppState, disruption: Disruption): number => {
  const starts = longest(state, startsSeconds)
  if (disruption === "Drain" || isRestart(disruption)) return starts
  return longest(state, (workload) => startsSeconds(workload) + (staysSeconds(workload) ?? 0))
}

const quiet: Readonly<Record<Disruption, string>> = {
  ServerRestarts: "a server restart loses none of its data",
  RackRestarts: "a rack or zone restart loses none of its data",
  ServerGone: "its pods are recreated on other nodes",
  RackGone: "its pods are recreated on other nodes",
  Drain: "its pods start on other nodes"
}

/** Its pods are each for a server: none is made elsewhere in place of one. */
const isOfServers = (state: AppState): boolean =>
  state.workloads.length > 0 && state.workloads.every(({ kind }) => kind === "DaemonSet")

const quietly = (state: AppState, disruption: Disruption): string =>
  isOfServers(state) && !isRestart(disruption)
    ? "its pods on the other servers stay: a DaemonSet runs one on each, and the data on a lost server is lost"
    : quiet[disruption]

export const disruptionsOf = (
  state: AppState,
  findings: ReadonlyArray<Finding>
): ReadonlyArray<DisruptionVerdict> =>
  everyDisruption.map((disruption) => {
    const deciding = findings.filter(({ disruptions }) => disruptions.includes(disruption))
    const answer = worst(deciding.map((finding) => finding.answer))
    const first = deciding.find((finding) => finding.answer === answer)
    const comesBack = answer === "Yes" || answer === "YesWithDowntime"
    return {
      disruption,
      answer,
      evidence: first?.evidence ?? quietly(state, disruption),
      remedy: first?.remedy ?? null,
      condition:
        comesBack && disruption.endsWith("Gone") && needsCloud(state)
          ? "if the cloud deletes the Node"
          : null,
      awaySeconds: comesBack ? awaySeconds(state, disruption) : null
    }
  })
