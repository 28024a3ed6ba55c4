/**
 * What the scheduler would not place, as far as is known: taints, labels, failure domains, ports of the
 * node, pods to keep away from and the reach of volumes. Capacity and whom to be near are the scheduler's to weigh.
 */
import type { Claim } from "./Claim.ts"
import type { NodeSelector } from "./kind/Meta.ts"
import { matchesNode } from "./LabelSelector.ts"
import type { Node } from "./Placement.ts"
import { counted, obstacle } from "./Obstacle.ts"
import { span } from "./Ordinal.ts"
import * as Quantity from "./Quantity.ts"
import { apart, domainOf, hostname, room, unevenly, wording } from "./scheduling/domains.ts"
import { place, placed, type Placed, reaches, type Stranded, type Waiting } from "./scheduling/waiting.ts"
import type { AppState } from "./state/AppState.ts"
import type { Workload } from "./Topology.ts"

/** What is around the set's pods and not in the state. */
export interface Around {
  /** Nodes where pods of somebody else have a port that the set's pods want. */
  readonly taken: ReadonlyArray<string>
  /** Somebody else's pods beside which required anti-affinity, theirs or the set's, lets none. */
  readonly repelling: Workload["repelling"]
  /** The node affinity that the template requires; null: as the state has it. */
  readonly nodes: NodeSelector | null
  /** For each spread constraint of the template, the nodes of somebody else's pods that it counts. */
  readonly others: ReadonlyArray<ReadonlyArray<string>>
}

interface Judged {
  readonly node: Node
  readonly reason: string | null
}

/** Claims whose volumes no node that takes their pod can reach. */
const strandedBy = (
  waiting: ReadonlyArray<Waiting>,
  open: ReadonlyArray<Node>,
  obstacles: ReadonlyArray<Judged>
): ReadonlyArray<string> =>
  waiting
    .flatMap(({ claims }) => claims)
    .flatMap((claim) => {
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

/** Pods whose volumes leave them only nodes where another one of the workload is. */
const besideAnother = (held: ReadonlyArray<Waiting>, one: string): ReadonlyArray<string> =>
  held.map(
    ({ claims, name }) =>
      `${claims.map((claim) => claim.name).join(", ")}: can be reached at ${[...new Set(claims.map(place))].join(", ")} only, where another replica is, and replicas want a ${one} each: ${name} will not be scheduled`
  )

/** Whether a node is in one place with somebody whom anti-affinity keeps the set's pods from. */
const repelling = (others: Workload["repelling"], nodes: ReadonlyArray<Node>): ((node: Node) => boolean) => {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const closed = [...Map.groupBy(others, ({ topologyKey }) => topologyKey)].map(([key, all]) => ({
    key,
    domains: new Set(
      all.flatMap(({ node: name }) => {
        const node = byName.get(name)
        return node === undefined ? [] : (domainOf(key, node) ?? [])
      })
    )
  }))
  return (node) =>
    closed.some(({ domains, key }) => {
      const domain = domainOf(key, node)
      return domain !== undefined && domains.has(domain)
    })
}

/** How many pods a node's own devices are enough for. */
const enoughFor = (node: Node, device: string, quantity: string): number => {
  const there = Object.hasOwn(node.devices, device) ? node.devices[device] : undefined
  const [all, each] = [Quantity.toNumber(there ?? "0"), Quantity.toNumber(quantity)]
  return all === null || each === null || each <= 0 ? Number.POSITIVE_INFINITY : Math.floor(all / each)
}

/** Those that find no device left. */
const withoutDevice = (
  { extendedResources }: Workload["template"],
  to: number,
  { homes, waiting }: Placed,
  open: ReadonlyArray<Node>
): ReadonlyArray<Stranded> =>
  Object.entries(extendedResources).flatMap(([device, quantity]) => {
    const left = open.map((node) =>
      Math.max(0, enoughFor(node, device, quantity) - homes.filter((home) => home === node).length)
    )
    const room = left.reduce((sum, one) => sum + one, 0)
    const stuck = waiting.slice(Math.min(waiting.length, room)).map(({ name }) => name)
    const all = open.reduce((sum, node) => sum + enoughFor(node, device, quantity), 0)
    return stuck.length === 0
      ? []
      : [
          {
            why: `${to} replicas want ${quantity} ${device} each, nodes that can take pods have enough for ${all}`,
            pods: stuck
          }
        ]
  })

/** The node affinity that a template requires, as the state has it. */
const affinityOf = ({ nodeAffinity }: Workload["template"]): NodeSelector | null =>
  nodeAffinity.length === 0
    ? null
    : {
        nodeSelectorTerms: nodeAffinity.map((term) => ({
          matchExpressions: term.filter(({ key }) => key !== "metadata.name"),
          matchFields: term.filter(({ key }) => key === "metadata.name")
        }))
      }

/** Each node, with what keeps the workload's pods off it; null: nothing does. */
const judge = (
  { repelling: others, template }: Workload,
  nodes: ReadonlyArray<Node>,
  around: Around | null
): { readonly obstacles: ReadonlyArray<Judged>; readonly isSelected: (node: Node) => boolean } => {
  const wanted = around?.nodes ?? affinityOf(template)
  const isSelected = (node: Node) => wanted === null || matchesNode(wanted, node.name, node.labels)
  const isRepelled = repelling(around?.repelling ?? others, nodes)
  const devices = Object.entries(template.extendedResources)
  const lacking = (node: Node): string | null => {
    const found = devices.find(([device, quantity]) => enoughFor(node, device, quantity) === 0)
    return found === undefined ? null : `without ${found[0]}`
  }
  return {
    isSelected,
    obstacles: nodes.map((node) => ({
      node,
      reason:
        obstacle(template, node) ??
        (isSelected(node) ? null : "not of the node affinity") ??
        lacking(node) ??
        (isRepelled(node) ? "anti-affinity with pods of others" : null)
    }))
  }
}

/** What would leave pods of a greater count without a node: by a reason each, and in lines of their own. */
const foretold = (
  state: AppState,
  workload: Workload,
  to: number,
  isLeft: (claim: Claim) => boolean,
  around: Around | null
): {
  readonly closed: string | null
  readonly stranded: ReadonlyArray<Stranded>
  readonly lines: ReadonlyArray<string>
} => {
  const { nodes } = state
  if (nodes === null || to <= workload.replicas) return { closed: null, stranded: [], lines: [] }
  const { template, name } = workload
  const { isSelected, obstacles } = judge(workload, nodes, around)
  const open = obstacles.flatMap(({ node, reason }) => (reason === null ? [node] : []))
  if (open.length === 0) {
    const first =
      workload.kind === "StatefulSet"
        ? `${name}-${workload.firstOrdinal + workload.replicas}`
        : `pods of ${name}`
    const why = counted(obstacles.flatMap(({ reason }) => (reason === null ? [] : [reason])))
    return {
      closed: `no node takes ${first}${nodes.length === 0 ? "" : ` (${why})`}`,
      stranded: [],
      lines: []
    }
  }
  const all = placed(state, workload, to, nodes, isLeft)
  const isLost = ({ claims }: Waiting) => claims.some((claim) => !open.some((node) => reaches(claim, node)))
  // What its volume alone keeps from every node takes none from the others.
  const now = { homes: all.homes, waiting: all.waiting.filter((one) => !isLost(one)) }
  const tight = template.antiAffinityKeys.map((key) => {
    const [one, many] = wording[key] ?? [key, `values of ${key}`]
    const { free, held } = apart(key, now, open)
    const there = room(key, open)
    const why = `${to} replicas want a ${one} each, ${there} ${there === 1 ? one : many} can take pods`
    return { stranded: { why, pods: free }, lines: besideAnother(held, one) }
  })
  const ports = template.hostPorts.map((port) => `hostPort ${port}`)
  const unused = open.filter((node) => around?.taken.includes(node.name) !== true)
  const ported = ports.length === 0 ? { free: [], held: [] } : apart(hostname, now, unused)
  const held = template.antiAffinityKeys.includes(hostname) ? [] : besideAnother(ported.held, "node")
  const stranded = [
    ...tight.map((one) => one.stranded),
    {
      why: `${to} replicas want a node each (${ports.join(", ")}), ${unused.length} ${unused.length === 1 ? "node" : "nodes"} can take pods`,
      pods: ported.free
    },
    ...withoutDevice(template, to, now, open),
    ...unevenly(template, to, now, { nodes, open, isSelected, others: around?.others ?? [] })
  ]
  return {
    closed: null,
    stranded: stranded.filter(({ pods }) => pods.length > 0),
    lines: [
      ...tight.flatMap(({ lines }) => lines),
      ...held,
      ...strandedBy(all.waiting.filter(isLost), open, obstacles)
    ]
  }
}

/**
 * One line for each thing that would leave pods Pending, once there are more. `left`: claims from before
 * that are attached again.
 */
export const unschedulable = (
  state: AppState,
  workload: Workload,
  to: number,
  left: ReadonlyArray<Claim>,
  around: Around | null = null
): ReadonlyArray<string> => {
  const names = new Set(left.map(({ name }) => name))
  const { closed, lines, stranded } = foretold(state, workload, to, ({ name }) => names.has(name), around)
  if (closed !== null) return [`${closed}: it will wait until one does, and so will all after it`]
  return [...stranded.map(({ pods, why }) => `${why}: ${span(pods)} will not be scheduled`), ...lines]
}

/** Why more replicas would find no node, as far as the state tells; null: they may find one. */
export const noRoomFor = (state: AppState, workload: Workload, to: number): string | null => {
  const { closed, stranded } = foretold(state, workload, to, () => true, null)
  // What those that are there now wait for is no lack of room for others.
  const waiting = new Set(
    state.replicas.flatMap(({ name, workload: of }) =>
      of === `${workload.kind}/${workload.name}` ? [name] : []
    )
  )
  return closed ?? stranded.find(({ pods }) => pods.some((pod) => !waiting.has(pod)))?.why ?? null
}
