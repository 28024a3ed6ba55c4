/**
 * The nodes that the other replicas of a workload leave for a replica: required anti-affinity, required
 * spread constraints, and ports of the node, as the scheduler reads them. Pods of others count in
 * anti-affinity, as far as the state knows them.
 */
import type { Node } from "../Placement.ts"
import type { Replica } from "../Replica.ts"
import type { AppState } from "../state/AppState.ts"
import type { Workload } from "../Topology.ts"
import { nodeNamed, placementOf, replicasOf, usable } from "./parts.ts"

const hostname = "kubernetes.io/hostname"

/** A node's value of a topology key. */
const valueOf = (node: Node | undefined, key: string): string | undefined =>
  node === undefined
    ? undefined
    : Object.hasOwn(node.labels, key)
      ? node.labels[key]
      : key === hostname
        ? node.name
        : undefined

/** The reason that a replica cannot run on a node, and the node label that it is about. */
export interface Apart {
  readonly by: "anti-affinity" | "spread constraints" | "host ports"
  readonly key: string
  /** A pod of others that it keeps apart from; `null`: its own workload's. */
  readonly from: string | null
}

/** True if a node is lost in the same disruption as the replica's own node. */
type IsLost = (node: string) => boolean

type Closed = (replica: Replica, node: Node) => boolean

type Counts = ReadonlyMap<string, number>

/** The number of replicas by the topology value of their nodes. */
const countedBy = (state: AppState, replicas: ReadonlyArray<Replica>, key: string): Counts => {
  const counts = new Map<string, number>()
  for (const { pod } of replicas) {
    const value = valueOf(nodeNamed(state, pod?.node ?? null), key)
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return counts
}

type Spread = Workload["template"]["spread"][number]

/**
 * The number of nodes that a spread counts, by the value of its label. A lost, tainted or cordoned node
 * counts, unless taints are honoured.
 */
const domainsOf = (
  state: AppState,
  { template }: Workload,
  replicas: ReadonlyArray<Replica>,
  { nodeAffinityPolicy, nodeTaintsPolicy, topologyKey }: Spread
): ReadonlyMap<string, number> => {
  const [first] = replicas
  // Pods of one template are kept to the same nodes by it.
  const asked = (first === undefined ? [] : (placementOf(state, first)?.pins ?? [])).filter(
    ({ by }) => nodeAffinityPolicy === "Honor" && (by === "nodeSelector" || by === "affinity")
  )
  const domains = new Map<string, number>()
  for (const node of state.nodes ?? []) {
    const value = valueOf(node, topologyKey)
    const isAsked = asked.every(({ nodes }) => nodes === null || nodes.includes(node.name))
    const isOpen = nodeTaintsPolicy !== "Honor" || usable(node, template.tolerations)
    if (value !== undefined && isAsked && isOpen) domains.set(value, (domains.get(value) ?? 0) + 1)
  }
  return domains
}

/** The lowest number of other replicas in a domain, once a replica's node is lost. */
const fewestWithout = (spread: Spread, domains: ReadonlyMap<string, number>, counts: Counts) => {
  const known = new Map<string | undefined, number>()
  return (left: string | undefined): number => {
    const found = known.get(left)
    if (found !== undefined) return found
    // A lost node is tainted.
    const isEmptied = spread.nodeTaintsPolicy === "Honor" && domains.get(left ?? "") === 1
    const there = [...domains.keys()].filter((value) => !isEmptied || value !== left)
    const fewest =
      there.length < spread.minDomains
        ? 0
        : Math.min(...there.map((value) => (counts.get(value) ?? 0) - (value === left ? 1 : 0)))
    known.set(left, fewest)
    return fewest
  }
}

/** Each rule that keeps replicas apart, with whether it closes a node to one of them as the others are now. */
const rulesOf = (
  state: AppState,
  workload: Workload
): ReadonlyArray<{ readonly apart: Apart; readonly closed: Closed }> => {
  const replicas = replicasOf(state, workload)
  const { antiAffinityKeys, hostPorts, spread: spreads } = workload.template
  const own = (replica: Replica, key: string) => valueOf(nodeNamed(state, replica.pod?.node ?? null), key)
  const alone = (by: Apart["by"], key: string) => {
    const counts = countedBy(state, replicas, key)
    return {
      apart: { by, key, from: null },
      closed: (replica: Replica, node: Node): boolean => {
        const value = valueOf(node, key)
        // Anti-affinity asks nothing of a node without the key.
        if (value === undefined) return false
        return (counts.get(value) ?? 0) - (own(replica, key) === value ? 1 : 0) > 0
      }
    }
  }
  const forbidden = spreads.filter((one) => one.whenUnsatisfiable === "DoNotSchedule" && one.own)
  return [
    ...antiAffinityKeys.map((key) => alone("anti-affinity", key)),
    ...(hostPorts.length === 0 ? [] : [alone("host ports", hostname)]),
    ...forbidden.map((spread) => {
      const { maxSkew, topologyKey: key } = spread
      const counts = countedBy(state, replicas, key)
      const fewest = fewestWithout(spread, domainsOf(state, workload, replicas, spread), counts)
      return {
        apart: { by: "spread constraints" as const, key, from: null },
        closed: (replica: Replica, node: Node): boolean => {
          const value = valueOf(node, key)
          if (value === undefined) return true
          const left = own(replica, key)
          return (counts.get(value) ?? 0) - (left === value ? 1 : 0) + 1 - fewest(left) > maxSkew
        }
      }
    })
  ]
}

/** The pod of others beside which anti-affinity lets a replica not run on a node; those on lost nodes are lost too. */
const besideOthers = (state: AppState, { repelling }: Workload) => {
  const byKey = [...Map.groupBy(repelling, ({ topologyKey }) => topologyKey)].map(
    ([key, all]) => [key, Map.groupBy(all, ({ node }) => valueOf(nodeNamed(state, node), key))] as const
  )
  return (node: Node, isLost: IsLost): Apart | null => {
    for (const [key, byValue] of byKey) {
      const value = valueOf(node, key)
      const there = value === undefined ? [] : (byValue.get(value) ?? [])
      const found = there.find((one) => !isLost(one.node))
      if (found !== undefined) return { by: "anti-affinity", key, from: found.pod }
    }
    return null
  }
}

/** The reason that this replica cannot run on that node; `null` if there is none. */
export const keptApart = (state: AppState, workload: Workload) => {
  const rules = rulesOf(state, workload)
  const beside = besideOthers(state, workload)
  return (replica: Replica, node: Node, isLost?: IsLost): Apart | null =>
    rules.find(({ closed }) => closed(replica, node))?.apart ??
    beside(node, isLost ?? ((name) => name === replica.pod?.node))
}
