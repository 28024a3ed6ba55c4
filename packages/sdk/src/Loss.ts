/** The effect of losing a node, a rack or a zone: pure over a state. */
import { needed, type Quorum } from "./Quorum.ts"
import type { Node } from "./Placement.ts"
import type { AppState } from "./state/AppState.ts"
import { admits } from "./Taint.ts"

/** A failure domain by its kind and name. */
export interface Domain {
  readonly kind: "node" | "rack" | "zone" | "region"
  readonly name: string
}

/** Where one lost replica could run again. */
export interface Move {
  readonly replica: string
  /**
   * The remaining nodes that its pins, taints and anti-affinity allow, without regard to capacity; `null` if
   * unknown.
   */
  readonly nodes: ReadonlyArray<string> | null
}

/** The effect of a loss on one workload's quorum. */
export interface QuorumAfter {
  readonly workload: string
  /** Asked for. */
  readonly members: number
  readonly needed: number
  /** Ready replicas that stay for sure. */
  readonly left: number
  /** `null` if it depends on replicas whose domain is unknown. */
  readonly kept: boolean | null
}

export interface Loss {
  readonly domain: Domain
  /** `null` if nodes could not be read. */
  readonly nodes: ReadonlyArray<string> | null
  readonly lost: ReadonlyArray<string>
  readonly survivors: ReadonlyArray<string>
  /** Replicas on nodes of which it is not known whether they are in the domain: a label is missing there. */
  readonly unknown: ReadonlyArray<string>
  readonly quorum: ReadonlyArray<QuorumAfter>
  /** One for each lost replica. */
  readonly moves: ReadonlyArray<Move>
}

/** True if the node is in the domain; `null` if its label is missing, which does not mean elsewhere. */
const within = (domain: Domain, name: string, node: Node | undefined): boolean | null => {
  if (domain.kind === "node") return name === domain.name
  const value = node?.[domain.kind] ?? null
  return value === null ? null : value === domain.name
}

/** The node's value of a topology key that scheduling rules use. */
const topologyValue = (key: string, node: Node | undefined): string | undefined =>
  node && Object.hasOwn(node.labels, key) ? node.labels[key] : undefined

const couldRun = (
  state: AppState,
  replica: AppState["replicas"][number],
  candidates: ReadonlyArray<Node>,
  survivors: ReadonlySet<string>
): ReadonlyArray<string> => {
  const workload = state.workloads.find(({ kind, name }) => `${kind}/${name}` === replica.workload)
  const template = workload?.template
  const pins = state.placements.find((placement) => placement.replica === replica.name)?.pins ?? []
  const nodes = new Map((state.nodes ?? []).map((node) => [node.name, node]))
  const siblings = state.replicas.flatMap((other) =>
    other.workload === replica.workload && survivors.has(other.name) && other.pod?.node
      ? [other.pod.node]
      : []
  )
  const left = new Set(candidates.map(({ name }) => name))
  const others = (workload?.repelling ?? []).filter(({ node }) => left.has(node))
  return candidates
    .filter(
      (node) =>
        node.ready === true &&
        !node.unschedulable &&
        admits(node.taints, template?.tolerations ?? []) &&
        pins.every((pin) => pin.nodes === null || pin.nodes.includes(node.name)) &&
        (template?.antiAffinityKeys ?? []).every((key) => {
          const own = topologyValue(key, node)
          return own === undefined || !siblings.some((name) => topologyValue(key, nodes.get(name)) === own)
        }) &&
        !others.some(({ node: name, topologyKey: key }) => {
          const own = topologyValue(key, node)
          return own !== undefined && topologyValue(key, nodes.get(name)) === own
        })
    )
    .map((node) => node.name)
}

/** The remaining app if the domain were lost now. */
export const lose = (state: AppState, domain: Domain, quorum: Quorum = "majority"): Loss => {
  const byName = new Map((state.nodes ?? []).map((node) => [node.name, node]))
  const placed = state.replicas.flatMap((replica) => {
    const node = replica.pod?.node ?? null
    return node === null ? [] : [{ replica, inside: within(domain, node, byName.get(node)) }]
  })
  const names = (inside: boolean | null) =>
    placed.filter((one) => one.inside === inside).map(({ replica }) => replica.name)
  const survivors = new Set(names(false))
  const outside = state.nodes?.filter((node) => within(domain, node.name, node) === false) ?? null
  return {
    domain,
    nodes:
      state.nodes?.filter((node) => within(domain, node.name, node) === true).map(({ name }) => name) ?? null,
    lost: names(true),
    survivors: [...survivors],
    unknown: names(null),
    quorum: state.workloads
      .filter(({ kind }) => kind === "StatefulSet")
      .map(({ kind, name, replicas: members }) => {
        const workload = `${kind}/${name}`
        const ready = (inside: boolean | null) =>
          placed.filter(
            (one) => one.inside === inside && one.replica.workload === workload && one.replica.pod?.ready
          ).length
        const left = ready(false)
        const least = needed(quorum, members)
        const known = state.replicas.every((replica) => replica.workload !== workload || replica.known)
        const kept = left >= least ? true : !known || left + ready(null) >= least ? null : false
        return { workload, members, needed: least, left, kept }
      }),
    moves: placed
      .filter((one) => one.inside === true)
      .map(({ replica }) => ({
        replica: replica.name,
        nodes: outside === null ? null : couldRun(state, replica, outside, survivors)
      }))
  }
}
