/**
 * What the scheduler would not place, as far as the state tells: taints, labels, failure domains and
 * the reach of volumes. Capacity and required affinity are the scheduler's to weigh.
 */
import type { Claim } from "../Claim.ts"
import type { Node } from "../Placement.ts"
import { counted, obstacle } from "../state/Obstacle.ts"
import type { AppState } from "../State.ts"
import type { Workload } from "../Topology.ts"

const reaches = (claim: Claim, node: Node): boolean => {
  const terms = claim.volume?.nodeAffinity ?? []
  return (
    terms.length === 0 ||
    terms.some((term) =>
      term.every(
        (one) =>
          one.operator !== "In" ||
          one.values.includes(node.labels[one.key] ?? "") ||
          (one.key === "kubernetes.io/hostname" && one.values.includes(node.name))
      )
    )
  )
}

/** `zone b`, or the nodes that a volume's affinity names. */
const place = (claim: Claim): string => {
  const values = (claim.volume?.nodeAffinity ?? []).flatMap((term) => term.flatMap((one) => one.values))
  return values.length === 0 ? "nowhere" : [...new Set(values)].join(", ")
}

/** How many replicas fit where no two may share a value of this label. */
const room = (key: string, nodes: ReadonlyArray<Node>): number =>
  key === "kubernetes.io/hostname"
    ? nodes.length
    : new Set(nodes.flatMap((node) => (node.labels[key] === undefined ? [] : [node.labels[key]]))).size

const wording: Readonly<Record<string, readonly [string, string]>> = {
  "kubernetes.io/hostname": ["node", "nodes"],
  "topology.kubernetes.io/zone": ["zone", "zones"],
  "topology.kubernetes.io/region": ["region", "regions"]
}

/** One line for each thing that would leave new pods Pending. `left`: claims from before that are attached again. */
export const unschedulable = (
  state: AppState,
  workload: Workload,
  to: number,
  left: ReadonlyArray<Claim>
): ReadonlyArray<string> => {
  const { nodes } = state
  if (nodes === null || to <= workload.replicas) return []
  const { template, name } = workload
  const obstacles = nodes.map((node) => ({ node, reason: obstacle(template, node) }))
  const open = obstacles.flatMap(({ node, reason }) => (reason === null ? [node] : []))
  const first = `${name}-${workload.firstOrdinal + workload.replicas}`
  if (open.length === 0) {
    const why = counted(obstacles.flatMap(({ reason }) => (reason === null ? [] : [reason])))
    return [
      `no node takes ${first}${nodes.length === 0 ? "" : ` (${why})`}: it will wait until one does, and so will all after it`
    ]
  }
  const tight = template.antiAffinityKeys.flatMap((key) => {
    const there = room(key, open)
    if (there >= to) return []
    const [one, many] = wording[key] ?? [key, `values of ${key}`]
    const stuck = `${name}-${workload.firstOrdinal + Math.max(there, workload.replicas)}`
    return [
      `${to} replicas want a ${one} each, ${there} ${there === 1 ? one : many} can take pods: ${stuck} will not be scheduled`
    ]
  })
  const stranded = left.flatMap((claim) => {
    if ((claim.volume?.nodeAffinity ?? []).length === 0) return []
    if (open.some((node) => reaches(claim, node))) return []
    const near = obstacles.filter(({ node }) => reaches(claim, node))
    const why =
      near.length === 0
        ? `there is no node at ${place(claim)}`
        : counted(near.flatMap(({ reason }) => (reason === null ? [] : [reason])))
    return [
      `${claim.name}: no node that takes its pod can reach its volume at ${place(claim)} (${why}); the pod will not be scheduled`
    ]
  })
  return [...tight, ...stranded]
}
