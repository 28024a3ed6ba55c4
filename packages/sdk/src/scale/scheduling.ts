/**
 * Pods that the scheduler would not place, as far as known: taints, labels, failure domains, ports of the
 * node, anti-affinity and the reach of volumes. Capacity and pod affinity are left to the scheduler.
 */
import type { Claim } from "../Claim.ts"
import { hasAll, matchesNode } from "../LabelSelector.ts"
import type { Node } from "../Placement.ts"
import { counted, obstacle } from "../Obstacle.ts"
import type { AppState } from "../state/AppState.ts"
import type { Workload } from "../Topology.ts"
import type { Ground } from "./ground.ts"
import { span } from "./names.ts"

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

/**
 * The number of replicas that fit if no two may share a value of this label; nodes without it do not count.
 */
const room = (key: string, nodes: ReadonlyArray<Node>): number =>
  key === hostname
    ? nodes.length
    : nodes.some((node) => node.labels[key] === undefined)
      ? Number.POSITIVE_INFINITY
      : new Set(nodes.map((node) => node.labels[key])).size

const hostname = "kubernetes.io/hostname"

/** The value of a label that counts as one place; every node is one for itself by its name. */
const domainOf = (key: string, node: Node): string | undefined =>
  key === hostname ? node.name : node.labels[key]

const wording: Readonly<Record<string, readonly [string, string]>> = {
  "kubernetes.io/hostname": ["node", "nodes"],
  "topology.kubernetes.io/zone": ["zone", "zones"],
  "topology.kubernetes.io/region": ["region", "regions"]
}

/** For a number of replicas, the nodes of the set's pods, and the ordinals that wait for a node. */
const placed = (state: AppState, workload: Workload, to: number, nodes: ReadonlyArray<Node>) => {
  const byOrdinal = new Map(
    state.replicas
      .filter(({ workload: of, pod }) => of === `StatefulSet/${workload.name}` && pod !== null)
      .map(({ ordinal, pod }) => [ordinal, nodes.find(({ name }) => name === pod?.node)] as const)
  )
  const all = Array.from({ length: to }, (_, index) => workload.firstOrdinal + index)
  return {
    homes: all.flatMap((ordinal) => byOrdinal.get(ordinal) ?? []),
    waiting: all
      .filter((ordinal) => byOrdinal.get(ordinal) === undefined)
      .map((ordinal) => `${workload.name}-${ordinal}`)
  }
}

type Placed = ReturnType<typeof placed>

/** The ordinals that find no node if no two may share a value of this label. */
const apart = (key: string, { homes, waiting }: Placed, open: ReadonlyArray<Node>): ReadonlyArray<string> => {
  const taken = new Set(homes.map((node) => domainOf(key, node)))
  const free = open.filter((node) => {
    const domain = domainOf(key, node)
    return domain === undefined || !taken.has(domain)
  })
  return waiting.slice(Math.min(waiting.length, room(key, free)))
}

type Spread = Workload["template"]["spread"][number]

/** Those that find no node under a spread, of which `others` have some; places that take no pods count as the emptiest. */
const tooFar = (
  spread: Spread,
  { homes, waiting }: Placed,
  others: ReadonlyArray<Node>,
  all: ReadonlyArray<Node>,
  open: ReadonlyArray<Node>
): ReadonlyArray<string> => {
  const { topologyKey: key, maxSkew, minDomains } = spread
  const counts = new Map<string, number>()
  for (const node of all) {
    const domain = domainOf(key, node)
    if (domain !== undefined) counts.set(domain, 0)
  }
  const add = (domain: string | undefined): void => {
    const count = domain === undefined ? undefined : counts.get(domain)
    if (domain !== undefined && count !== undefined) counts.set(domain, count + 1)
  }
  for (const node of [...homes, ...others]) add(domainOf(key, node))
  const reachable = new Set(open.flatMap((node) => domainOf(key, node) ?? []))
  return waiting.filter(() => {
    const least = counts.size < minDomains ? 0 : Math.min(...counts.values())
    const [emptiest] = [...counts]
      .filter(([domain]) => reachable.has(domain))
      .toSorted(([, left], [, right]) => left - right)
    if (emptiest === undefined || emptiest[1] + 1 - least > maxSkew) return true
    add(emptiest[0])
    return false
  })
}

/** The pods that a spread leaves Pending, with the domains that accept no pods. */
const unevenly = (
  template: Workload["template"],
  to: number,
  now: Placed,
  around: {
    readonly nodes: ReadonlyArray<Node>
    readonly open: ReadonlyArray<Node>
    readonly isSelected: (node: Node) => boolean
    readonly others: Ground["others"]
  }
): ReadonlyArray<string> => {
  const { nodes, open, isSelected, others } = around
  return template.spread.flatMap((spread, index) => {
    const { topologyKey: key, maxSkew } = spread
    if (spread.whenUnsatisfiable === "ScheduleAnyway" || !spread.own) return []
    const counting = nodes.filter(
      (node) =>
        (spread.nodeAffinityPolicy !== "Honor" ||
          (isSelected(node) && hasAll(template.nodeSelector, node.labels))) &&
        (spread.nodeTaintsPolicy !== "Honor" || (obstacle(template, node) === null && isSelected(node)))
    )
    const crowd = others[index] ?? []
    const homes = crowd.flatMap((home) => nodes.find((node) => node.name === home) ?? [])
    const stuck = tooFar(spread, now, homes, counting, open)
    if (stuck.length === 0) return []
    const [, many] = wording[key] ?? [key, `values of ${key}`]
    const closed = new Set(counting.map((node) => domainOf(key, node)))
    for (const node of open) closed.delete(domainOf(key, node))
    const where = [...closed].filter((domain) => domain !== undefined)
    const why =
      where.length === 0 ? "" : `, and ${where.join(", ")} ${where.length === 1 ? "takes" : "take"} none`
    return [
      `${to} replicas may be at most ${maxSkew} apart over the ${many}${why}: ${span(stuck)} will not be scheduled`
    ]
  })
}

interface Judged {
  readonly node: Node
  readonly reason: string | null
}

/** Leftover claims whose volumes cannot be reached from any node that accepts their pod. */
const strandedBy = (
  left: ReadonlyArray<Claim>,
  open: ReadonlyArray<Node>,
  obstacles: ReadonlyArray<Judged>
): ReadonlyArray<string> =>
  left.flatMap((claim) => {
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

/** True if a node is in a domain with a pod that anti-affinity keeps the set's pods away from. */
const repelling = (ground: Ground | null, nodes: ReadonlyArray<Node>): ((node: Node) => boolean) => {
  const closed = (ground?.repelled ?? []).map(({ key, nodes: homes }) => ({
    key,
    domains: new Set(nodes.flatMap((node) => (homes.includes(node.name) ? (domainOf(key, node) ?? []) : [])))
  }))
  return (node) =>
    closed.some(({ domains, key }) => {
      const domain = domainOf(key, node)
      return domain !== undefined && domains.has(domain)
    })
}

/**
 * One line for each reason that would leave new pods Pending. `left`: leftover claims that are used again.
 */
export const unschedulable = (
  state: AppState,
  workload: Workload,
  to: number,
  left: ReadonlyArray<Claim>,
  ground: Ground | null = null
): ReadonlyArray<string> => {
  const { nodes } = state
  if (nodes === null || to <= workload.replicas) return []
  const { template, name } = workload
  const wanted = ground?.nodes ?? null
  const isSelected = (node: Node) => wanted === null || matchesNode(wanted, node.name, node.labels)
  const isRepelled = repelling(ground, nodes)
  const obstacles = nodes.map((node) => ({
    node,
    reason:
      obstacle(template, node) ??
      (isSelected(node) ? null : "not of the node affinity") ??
      (isRepelled(node) ? "anti-affinity with pods of others" : null)
  }))
  const open = obstacles.flatMap(({ node, reason }) => (reason === null ? [node] : []))
  const first = `${name}-${workload.firstOrdinal + workload.replicas}`
  if (open.length === 0) {
    const why = counted(obstacles.flatMap(({ reason }) => (reason === null ? [] : [reason])))
    return [
      `no node takes ${first}${nodes.length === 0 ? "" : ` (${why})`}: it will wait until one does, and so will all after it`
    ]
  }
  const now = placed(state, workload, to, nodes)
  const tight = template.antiAffinityKeys.flatMap((key) => {
    const stuck = apart(key, now, open)
    if (stuck.length === 0) return []
    const [one, many] = wording[key] ?? [key, `values of ${key}`]
    const there = room(key, open)
    return [
      `${to} replicas want a ${one} each, ${there} ${there === 1 ? one : many} can take pods: ${span(stuck)} will not be scheduled`
    ]
  })
  const ports = template.hostPorts.map((port) => `hostPort ${port}`)
  const unused = open.filter((node) => ground?.taken.includes(node.name) !== true)
  const held = ports.length === 0 ? [] : apart(hostname, now, unused)
  const ported =
    held.length === 0
      ? []
      : [
          `${to} replicas want a node each (${ports.join(", ")}), ${unused.length} ${unused.length === 1 ? "node" : "nodes"} can take pods: ${span(held)} will not be scheduled`
        ]
  const uneven = unevenly(template, to, now, { nodes, open, isSelected, others: ground?.others ?? [] })
  return [...tight, ...ported, ...uneven, ...strandedBy(left, open, obstacles)]
}
