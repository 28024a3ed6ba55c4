/**
 * How replicas that share a node, a rack or a zone come apart: by the label that was read, and only once there is
 * another node to run on, and nothing that pins them.
 */
import { obstacle } from "../Obstacle.ts"
import { defaultDomainLabels, type Node } from "../Placement.ts"
import type { AppState } from "../state/AppState.ts"
import type { Workload } from "../Topology.ts"
import { dataFirst } from "./leaving.ts"
import { nodeNamed, placementOf, replicaNamed } from "./parts.ts"
import type { Domain } from "./rule.ts"
import { change, names, title } from "./words.ts"
import { counted } from "../Plural.ts"

const labelKeys: Readonly<Record<Domain, readonly [string, ...ReadonlyArray<string>]>> = {
  node: ["kubernetes.io/hostname"],
  rack: ["topology.kubectl-stateful.dev/rack", ...defaultDomainLabels.rack],
  zone: ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"]
}

const valueOf = (node: Node, domain: Domain): string | null => (domain === "node" ? node.name : node[domain])

/** The label from which most nodes have their rack or zone; where none has one, what we would read first. */
export const labelOf = (state: AppState, domain: Domain): string => {
  const [first, ...others] = labelKeys[domain]
  if (domain === "node") return first
  const nodes = (state.nodes ?? []).filter((node) => node[domain] !== null)
  const known = [first, ...others]
  const keys = new Set([...known, ...nodes.flatMap(({ labels }) => Object.keys(labels))])
  // Of a zone's or a host's name it is no rack, whatever its value.
  for (const key of Object.values(labelKeys).flat()) if (!known.includes(key)) keys.delete(key)
  const readFrom = (key: string) => nodes.filter((node) => node.labels[key] === node[domain]).length
  return [...keys].reduce((best, key) => (readFrom(key) > readFrom(best) ? key : best), first)
}

/** Those of these replicas whose volumes leave them only nodes with one value of a label. */
export const heldBy = (
  state: AppState,
  replicas: ReadonlyArray<string>,
  key: string
): ReadonlyArray<string> =>
  replicas.filter((name) => {
    const replica = replicaNamed(state, name)
    const pins = (replica === undefined ? undefined : placementOf(state, replica))?.pins ?? []
    return pins.some(({ by, nodes }) => {
      const values = new Set((nodes ?? []).map((one) => nodeNamed(state, one)?.labels[key]))
      return by === "volume" && values.size === 1 && !values.has(undefined)
    })
  })

/** Those of these replicas whose volumes can be attached nowhere but in the place they share. */
const heldIn = (state: AppState, replicas: ReadonlyArray<string>, domain: Domain, place: string | null) =>
  replicas.filter((name) => {
    const replica = replicaNamed(state, name)
    const pins = (replica === undefined ? undefined : placementOf(state, replica))?.pins ?? []
    return pins.some(
      ({ by, domain: within, nodes }) =>
        by === "volume" &&
        (nodes === null
          ? within === "node" || within === domain
          : nodes.every((one) => {
              const node = nodeNamed(state, one)
              return node !== undefined && valueOf(node, domain) === place
            }))
    )
  })

/** In how many of these places there are nodes for such pods, also while they are away or cordoned; null: not known. */
const placesFor = ({ nodes }: AppState, { template }: Workload, domain: Domain): number | null => {
  if (nodes === null) return null
  const fitting = nodes.filter(
    (node) =>
      obstacle(template, {
        ...node,
        ready: true,
        unschedulable: false,
        taints: node.taints.filter((taint) => !taint.startsWith("node.kubernetes.io/"))
      }) === null
  )
  const places = fitting.map((node) => valueOf(node, domain))
  return places.includes(null) ? null : new Set(places).size
}

/** Until they are in so many places that any one of these may be lost. */
const morePlaces = (lacking: number, domain: Domain): string =>
  domain === "node"
    ? `add ${counted(lacking, "node")} that can run its pods first`
    : `add nodes in ${lacking} more ${domain}${lacking === 1 ? "" : "s"} first`

/** What other findings about its pods already report of that place. */
const constraintOf = ({ template }: Workload, key: string): "hard" | "soft" | null => {
  const found = template.spread.filter(({ own, topologyKey }) => own && topologyKey === key)
  if (template.antiAffinityKeys.includes(key)) return "hard"
  if (found.some(({ whenUnsatisfiable }) => whenUnsatisfiable !== "ScheduleAnyway")) return "hard"
  return found.length > 0 ? "soft" : null
}

export const spreadOver = (
  state: AppState,
  workloads: readonly [Workload, ...ReadonlyArray<Workload>],
  group: { readonly name: string | null; readonly replicas: ReadonlyArray<string> },
  domain: Domain,
  spare: number
): string => {
  const [workload] = workloads
  const { name, replicas } = group
  const before = dataFirst(state, replicas)
  if (before !== null) return before
  const held = heldIn(state, replicas, domain, name)
  if (held.length > spare)
    return `move the data of ${names(held, "or")} to another ${domain} first: ${held.length === 1 ? "its volumes" : "their volumes"} can be attached ${domain === "node" ? "on" : `in ${domain}`} ${name} only`
  const key = labelOf(state, domain)
  const isOne = workloads.length === 1
  const all = workloads.reduce((sum, one) => sum + one.replicas, 0)
  const places = placesFor(state, workload, domain)
  const lacking = places === null ? 0 : Math.ceil(all / spare) - places
  const has = isOne ? constraintOf(workload, key) : null
  const spread = !isOne
    ? `spread ${names(workloads.map((one) => one.name))} over ${domain}s`
    : has === null
      ? `spread ${title(workload)} over ${domain}s: topologySpreadConstraints with ${key}`
      : has === "soft"
        ? `spread ${title(workload)} over ${domain}s: topologySpreadConstraints with ${key} and DoNotSchedule`
        : `have one of ${names(replicas)} recreated: what keeps pods of ${workload.name} apart over ${key} holds for new pods only`
  const words = lacking > 0 ? `${morePlaces(lacking, domain)}, then ${spread}` : spread
  return isOne ? change(workload, words) : words
}
