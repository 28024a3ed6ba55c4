/**
 * Which nodes the others of a workload leave a replica: required anti-affinity, spread constraints that
 * forbid, and ports of the node, as the scheduler reads them. Pods of other workloads are not known.
 */
import type { Node } from "../Placement.ts"
import type { Replica } from "../Replica.ts"
import type { AppState } from "../State.ts"
import type { Workload } from "../Topology.ts"
import { nodeNamed, replicasOf } from "./parts.ts"

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

/** What keeps a replica off a node, and over which of the nodes' labels. */
export interface Apart {
  readonly by: "anti-affinity" | "spread constraints" | "host ports"
  readonly key: string
}

type Closed = (replica: Replica, node: Node) => boolean

/** How many replicas there are by the topology value of their nodes. */
const countedBy = (state: AppState, replicas: ReadonlyArray<Replica>, key: string) => {
  const counts = new Map<string, number>()
  for (const { pod } of replicas) {
    const value = valueOf(nodeNamed(state, pod?.node ?? null), key)
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return counts
}

/** Each rule that keeps replicas apart, with whether it closes a node to one of them as the others are now. */
const rulesOf = (
  state: AppState,
  workload: Workload
): ReadonlyArray<{ readonly apart: Apart; readonly closed: Closed }> => {
  const replicas = replicasOf(state, workload)
  const { antiAffinityKeys, hostPorts, spread } = workload.template
  const own = (replica: Replica, key: string) => valueOf(nodeNamed(state, replica.pod?.node ?? null), key)
  const alone = (by: Apart["by"], key: string) => {
    const counts = countedBy(state, replicas, key)
    return {
      apart: { by, key },
      closed: (replica: Replica, node: Node): boolean => {
        const value = valueOf(node, key)
        // Anti-affinity asks nothing of a node without the key.
        if (value === undefined) return false
        return (counts.get(value) ?? 0) - (own(replica, key) === value ? 1 : 0) > 0
      }
    }
  }
  const forbidden = spread.filter((one) => one.whenUnsatisfiable === "DoNotSchedule" && one.own)
  return [
    ...antiAffinityKeys.map((key) => alone("anti-affinity", key)),
    ...(hostPorts.length === 0 ? [] : [alone("host ports", hostname)]),
    ...forbidden.map(({ maxSkew, topologyKey: key }) => {
      const counts = countedBy(state, replicas, key)
      // A node that is lost, tainted or cordoned is still there to be spread over.
      const domains = new Set((state.nodes ?? []).flatMap((node) => valueOf(node, key) ?? []))
      const fewest = Math.min(...[...domains].map((value) => counts.get(value) ?? 0))
      return {
        apart: { by: "spread constraints" as const, key },
        closed: (replica: Replica, node: Node): boolean => {
          const value = valueOf(node, key)
          if (value === undefined) return true
          const left = own(replica, key)
          const least = left === undefined ? fewest : Math.min(fewest, (counts.get(left) ?? 0) - 1)
          return (counts.get(value) ?? 0) - (left === value ? 1 : 0) + 1 - least > maxSkew
        }
      }
    })
  ]
}

/** What keeps this replica off that node; null: nothing of its own workload does. */
export const keptApart = (state: AppState, workload: Workload) => {
  const rules = rulesOf(state, workload)
  return (replica: Replica, node: Node): Apart | null =>
    rules.find(({ closed }) => closed(replica, node))?.apart ?? null
}
