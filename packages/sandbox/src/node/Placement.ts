/**
 * Checks whether a node suits a pod: taints, selectors, affinity, resources, and the location of its
 * volumes.
 */
import { arrayAt, at, numberAt, stringAt } from "../apimachinery/Json.ts"
import * as Quantity from "../apimachinery/Quantity.ts"
import type { Registry } from "../registry/Registry.ts"
import {
  namespaces,
  type Node,
  type PersistentVolume,
  type Pod,
  pods,
  type Taint,
  type Toleration
} from "../registry/kinds/core.ts"
import { labelSelector } from "../apimachinery/Selector.ts"
import { type PodsByNode, repelsOf, requestsOf } from "../registry/PodsByNode.ts"

export const tolerates = (taint: Taint, toleration: Toleration): boolean =>
  (toleration.effect === undefined || toleration.effect === "" || toleration.effect === taint.effect) &&
  (toleration.key === undefined || toleration.key === "" || toleration.key === taint.key) &&
  (toleration.operator === "Exists" || (toleration.value ?? "") === (taint.value ?? ""))

/** The first taint that keeps the pod away. */
export const untolerated = (
  pod: Pod,
  node: Node,
  effects: ReadonlyArray<Taint["effect"]>
): Taint | undefined =>
  (node.spec.taints ?? []).find(
    (taint) =>
      effects.includes(taint.effect) &&
      !(pod.spec.tolerations ?? []).some((toleration) => tolerates(taint, toleration))
  )

const meets = (labels: Readonly<Record<string, string>>, expression: unknown): boolean => {
  const value = labels[stringAt(expression, "key") ?? ""]
  const values = arrayAt(expression, "values")
  switch (stringAt(expression, "operator") ?? "") {
    case "In":
      return value !== undefined && values.includes(value)
    case "NotIn":
      return value === undefined || !values.includes(value)
    case "Exists":
      return value !== undefined
    case "DoesNotExist":
      return value === undefined
    case "Gt":
      return Number(value) > Number(values[0])
    case "Lt":
      return Number(value) < Number(values[0])
    default:
      return false
  }
}

/** A node selector's terms are alternatives, the expressions of one all needed. */
const meetsTerms = (node: Node, terms: ReadonlyArray<unknown>): boolean =>
  terms.length === 0 ||
  terms.some(
    (term) =>
      arrayAt(term, "matchExpressions").every((each) => meets(node.metadata.labels ?? {}, each)) &&
      arrayAt(term, "matchFields").every((each) => meets({ "metadata.name": node.metadata.name }, each))
  )

/** By the pod's nodeSelector and its required node affinity. */
const isSelected = (pod: Pod, node: Node): boolean => {
  const labels = node.metadata.labels ?? {}
  const terms = arrayAt(
    pod.spec.affinity,
    "nodeAffinity",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "nodeSelectorTerms"
  )
  return (
    Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value) &&
    meetsTerms(node, terms)
  )
}

/** Zone and region of a volume that says them by labels, several as `a__b`; the beta labels mean those of today. */
const isInPlace = (node: Node, { metadata }: PersistentVolume): boolean =>
  ["region", "zone"].every((place) => {
    const current = `topology.kubernetes.io/${place}`
    const asked =
      metadata.labels?.[current] ?? metadata.labels?.[`failure-domain.beta.kubernetes.io/${place}`]
    return asked === undefined || asked.split("__").includes(node.metadata.labels?.[current] ?? "")
  })

export const holds = (node: Node, volume: PersistentVolume): boolean =>
  meetsTerms(node, arrayAt(volume.spec.nodeAffinity, "required", "nodeSelectorTerms")) &&
  isInPlace(node, volume)

/** Of a resource that it does not name a node has all one wants, but nothing of what only some nodes have. */
const offeredBy = ({ status }: Node, resource: string): number => {
  const amount = status.allocatable?.[resource]
  if (amount === undefined)
    return resource.includes("/") || resource.startsWith("hugepages-") ? 0 : Number.POSITIVE_INFINITY
  return resource === "cpu" ? Math.round(Quantity.parse(amount) * 1000) : Quantity.parse(amount)
}

const hasRoom = (pod: Pod, node: Node, byNode: PodsByNode): string | undefined => {
  const { name } = node.metadata
  for (const [resource, amount] of requestsOf(pod))
    if (amount > 0 && byNode.used(pod, name, resource) + amount > offeredBy(node, resource))
      return `Insufficient ${resource}`
  const most = Quantity.parse(node.status.allocatable?.["pods"] ?? "110")
  return byNode.count(pod, name) + 1 > most ? "Too many pods" : undefined
}

/**
 * The pods that a constraint of this pod matches: by its selector, and by the values of this pod's own
 * labels.
 */
const found = (pod: Pod, constraint: unknown): ((other: Pod) => boolean) => {
  const selects = labelSelector(at(constraint, "labelSelector"))
  const own = pod.metadata.labels ?? {}
  // A key that the pod has not says nothing.
  const keys = (field: string) =>
    arrayAt(constraint, field).filter((key): key is string => typeof key === "string" && key in own)
  const [same, different] = [keys("matchLabelKeys"), keys("mismatchLabelKeys")]
  return ({ metadata: { labels = {} } }) =>
    selects(labels) &&
    same.every((key) => labels[key] === own[key]) &&
    different.every((key) => labels[key] !== own[key])
}

/** The namespaces of an affinity term: by default its pod's own. */
const spacesOf = (
  { store }: Registry,
  { metadata: { namespace } }: Pod,
  term: unknown
): ReadonlyArray<string | undefined> => {
  const [names, selector] = [arrayAt(term, "namespaces"), at(term, "namespaceSelector")]
  if (names.length === 0 && selector === undefined) return [namespace]
  const selects = labelSelector(selector)
  return store
    .list(namespaces)
    .flatMap(({ metadata: { name, labels } }) =>
      names.includes(name) || selects(labels ?? {}) ? [name] : []
    )
}

/** Required anti-affinity, the pod's own and that of pods that run already: which nodes it leaves; counted once. */
export const repelled = (
  registry: Registry,
  pod: Pod,
  domainOf: (name: string, key: string) => string | undefined,
  byNode: PodsByNode
): ((node: Node) => string | undefined) => {
  const closed = new Map<string, Set<string>>()
  const close = (other: Pod, term: unknown): void => {
    const key = stringAt(term, "topologyKey") ?? ""
    const home = byNode.homeOf(other)
    const domain = home === undefined ? undefined : domainOf(home, key)
    if (domain === undefined || other.metadata.uid === pod.metadata.uid) return
    closed.set(key, (closed.get(key) ?? new Set()).add(domain))
  }
  for (const term of repelsOf(pod)) {
    const isMeant = found(pod, term)
    for (const space of spacesOf(registry, pod, term))
      for (const other of registry.store.list(pods, space)) if (isMeant(other)) close(other, term)
  }
  for (const other of byNode.wary())
    for (const term of repelsOf(other))
      if (found(other, term)(pod) && spacesOf(registry, other, term).includes(pod.metadata.namespace))
        close(other, term)
  return ({ metadata: { labels = {} } }) =>
    [...closed].some(([key, domains]) => key in labels && domains.has(labels[key] ?? ""))
      ? "node(s) didn't match pod anti-affinity rules"
      : undefined
}

/** The pod's DoNotSchedule spread constraints applied to a node; the other pods are counted once. */
export const spread = (
  registry: Registry,
  pod: Pod,
  all: ReadonlyArray<Node>,
  byNode: PodsByNode
): ((node: Node) => string | undefined) => {
  const hard = (pod.spec.topologySpreadConstraints ?? []).filter(
    (each) => stringAt(each, "whenUnsatisfiable") !== "ScheduleAnyway"
  )
  const limits = hard.map((each) => {
    const key = stringAt(each, "topologyKey") ?? ""
    const isCounted = found(pod, each)
    const isDomain = (node: Node): boolean =>
      (stringAt(each, "nodeAffinityPolicy") === "Ignore" || isSelected(pod, node)) &&
      (stringAt(each, "nodeTaintsPolicy") !== "Honor" ||
        untolerated(pod, node, ["NoSchedule", "NoExecute"]) === undefined)
    const domainOf = new Map(all.map(({ metadata }) => [metadata.name, metadata.labels?.[key]]))
    const counts = new Map<string, number>()
    for (const node of all) {
      const domain = domainOf.get(node.metadata.name)
      if (domain !== undefined && isDomain(node)) counts.set(domain, 0)
    }
    for (const other of registry.store.list(pods, pod.metadata.namespace)) {
      if (other.metadata.uid === pod.metadata.uid) continue
      const domain = domainOf.get(byNode.homeOf(other) ?? "")
      const count = domain === undefined ? undefined : counts.get(domain)
      if (domain === undefined || count === undefined || other.metadata.deletionTimestamp !== undefined)
        continue
      if (isCounted(other)) counts.set(domain, count + 1)
    }
    const least = counts.size < (numberAt(each, "minDomains") ?? 1) ? 0 : Math.min(...counts.values())
    const own = isCounted(pod) ? 1 : 0
    const most = least + (numberAt(each, "maxSkew") ?? 1) - own
    return (node: Node): boolean => {
      const domain = domainOf.get(node.metadata.name)
      return domain !== undefined && (counts.get(domain) ?? 0) <= most
    }
  })
  return (node) =>
    limits.every((fits) => fits(node)) ? undefined : "node(s) didn't match pod topology spread constraints"
}

/**
 * The reason that the node does not suit, in the scheduler's wording and order; undefined if it does.
 * `isFar`, `isRepelled`: the results of the pod's spread constraints and anti-affinity for the node.
 */
export const unfit = (
  pod: Pod,
  node: Node,
  volumes: ReadonlyArray<PersistentVolume>,
  byNode: PodsByNode,
  isFar: (node: Node) => string | undefined,
  isRepelled: (node: Node) => string | undefined
): string | undefined => {
  if (node.spec.unschedulable === true) return "node(s) were unschedulable"
  const taint = untolerated(pod, node, ["NoSchedule", "NoExecute"])
  if (taint !== undefined) return `node(s) had untolerated taint(s)`
  if (!isSelected(pod, node)) return "node(s) didn't match Pod's node affinity/selector"
  if (!byNode.hasPorts(pod, node.metadata.name))
    return "node(s) didn't have free ports for the requested pod ports"
  const full = hasRoom(pod, node, byNode)
  if (full !== undefined) return full
  if (!volumes.every((volume) => holds(node, volume)))
    return "node(s) didn't match PersistentVolume's node affinity"
  return isFar(node) ?? isRepelled(node)
}
