/** Failure domains: pods that may not share one, and pods that are spread over them. */
import { hasAll } from "../LabelSelector.ts"
import { obstacle } from "../Obstacle.ts"
import type { Node } from "../Placement.ts"
import type { Workload } from "../Topology.ts"
import { heldFirst, type Placed, type Stranded, type Waiting } from "./waiting.ts"

/** How many replicas fit where no two may share a value of this label: without it there is nothing to share. */
export const room = (key: string, nodes: ReadonlyArray<Node>): number =>
  key === hostname
    ? nodes.length
    : nodes.some((node) => node.labels[key] === undefined)
      ? Number.POSITIVE_INFINITY
      : new Set(nodes.map((node) => node.labels[key])).size

export const hostname = "kubernetes.io/hostname"

/** The value of a label that counts as one place; every node is one for itself by its name. */
export const domainOf = (key: string, node: Node): string | undefined =>
  key === hostname ? node.name : node.labels[key]

export const wording: Readonly<Record<string, readonly [string, string]>> = {
  "kubernetes.io/hostname": ["node", "nodes"],
  "topology.kubernetes.io/zone": ["zone", "zones"],
  "topology.kubernetes.io/region": ["region", "regions"]
}

/** Those that find no node where no two may share a value of this label. */
export const apart = (
  key: string,
  { homes, waiting }: Placed,
  open: ReadonlyArray<Node>
): { readonly held: ReadonlyArray<Waiting>; readonly free: ReadonlyArray<string> } => {
  const taken = new Set(homes.map((node) => domainOf(key, node)))
  const isFree = (node: Node): boolean => {
    const domain = domainOf(key, node)
    return domain === undefined || !taken.has(domain)
  }
  const [held, rest] = heldFirst(waiting)
  const stuck = held.filter(({ reach }) => {
    const home = open.find((node) => reach?.has(node) === true && isFree(node))
    const domain = home === undefined ? undefined : domainOf(key, home)
    if (domain !== undefined) taken.add(domain)
    return home === undefined
  })
  const there = room(key, open.filter(isFree))
  return { held: stuck, free: rest.slice(Math.min(rest.length, there)).map(({ name }) => name) }
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
  const domainsOf = (within: ReadonlyArray<Node>) =>
    new Set(within.flatMap((node) => domainOf(key, node) ?? []))
  const everywhere = domainsOf(open)
  const stuck = heldFirst(waiting)
    .flat()
    .filter(({ reach }) => {
      const reachable = reach === null ? everywhere : domainsOf(open.filter((node) => reach.has(node)))
      const least = counts.size < minDomains ? 0 : Math.min(...counts.values())
      const [emptiest] = [...counts]
        .filter(([domain]) => reachable.has(domain))
        .toSorted(([, left], [, right]) => left - right)
      if (emptiest === undefined || emptiest[1] + 1 - least > maxSkew) return true
      add(emptiest[0])
      return false
    })
  const left = new Set(stuck)
  return waiting.filter((one) => left.has(one)).map(({ name }) => name)
}

/** What a spread leaves Pending, with the places that take no pods. */
export const unevenly = (
  template: Workload["template"],
  to: number,
  now: Placed,
  around: {
    readonly nodes: ReadonlyArray<Node>
    readonly open: ReadonlyArray<Node>
    readonly isSelected: (node: Node) => boolean
    readonly others: ReadonlyArray<ReadonlyArray<string>>
  }
): ReadonlyArray<Stranded> => {
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
    return [{ why: `${to} replicas may be at most ${maxSkew} apart over the ${many}${why}`, pods: stuck }]
  })
}
