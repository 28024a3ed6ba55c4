/** Whether a node suits a pod: taints, selectors, affinity, room, and where its volumes are. */
import { arrayAt, at, stringAt } from "../Json.ts"
import * as Quantity from "../Quantity.ts"
import type { Registry } from "../Registry.ts"
import {
  type Node,
  type PersistentVolume,
  type Pod,
  pods,
  type Taint,
  type Toleration
} from "../resource/core.ts"

const tolerates = (taint: Taint, toleration: Toleration): boolean =>
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

export const holds = (node: Node, volume: PersistentVolume): boolean =>
  meetsTerms(node, arrayAt(volume.spec.nodeAffinity, "required", "nodeSelectorTerms"))

const requested = (pod: Pod, resource: string): number =>
  pod.spec.containers.reduce(
    (sum, { resources }) => sum + Quantity.parse(resources?.requests?.[resource] ?? "0"),
    0
  )

const hasRoom = (registry: Registry, pod: Pod, node: Node): string | undefined => {
  const here = registry.store
    .list(pods)
    .filter(
      ({ spec, status }) =>
        spec.nodeName === node.metadata.name && status.phase !== "Succeeded" && status.phase !== "Failed"
    )
  const allocatable = node.status.allocatable ?? {}
  for (const resource of ["cpu", "memory"]) {
    const room = Quantity.parse(allocatable[resource] ?? "1Ei")
    const used = here.reduce((sum, each) => sum + requested(each, resource), 0)
    if (used + requested(pod, resource) > room) return `Insufficient ${resource}`
  }
  return here.length + 1 > Quantity.parse(allocatable["pods"] ?? "110") ? "Too many pods" : undefined
}

/** Pods of the term's selector that already run in the node's domain: required anti-affinity. */
const isRepelled = (
  registry: Registry,
  pod: Pod,
  node: Node,
  domainOf: (name: string, key: string) => string | undefined
): boolean =>
  arrayAt(pod.spec.affinity, "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution").some(
    (term) => {
      const key = stringAt(term, "topologyKey") ?? ""
      const domain = node.metadata.labels?.[key]
      const wanted = at(term, "labelSelector", "matchLabels")
      return registry.store.list(pods, pod.metadata.namespace).some((other) => {
        const { nodeName } = other.spec
        return (
          nodeName !== undefined &&
          other.metadata.uid !== pod.metadata.uid &&
          domain !== undefined &&
          domainOf(nodeName, key) === domain &&
          typeof wanted === "object" &&
          wanted !== null &&
          Object.entries(wanted).every(([label, value]) => other.metadata.labels?.[label] === value)
        )
      })
    }
  )

/** Why the node does not suit, in the scheduler's words; undefined when it does. */
export const unfit = (
  registry: Registry,
  pod: Pod,
  node: Node,
  volumes: ReadonlyArray<PersistentVolume>,
  domainOf: (name: string, key: string) => string | undefined
): string | undefined => {
  if (node.spec.unschedulable === true) return "node(s) were unschedulable"
  const taint = untolerated(pod, node, ["NoSchedule", "NoExecute"])
  if (taint !== undefined) return `node(s) had untolerated taint(s)`
  const labels = node.metadata.labels ?? {}
  const selected = Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)
  const terms = arrayAt(
    pod.spec.affinity,
    "nodeAffinity",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "nodeSelectorTerms"
  )
  if (!selected || !meetsTerms(node, terms)) return "node(s) didn't match Pod's node affinity/selector"
  if (!volumes.every((volume) => holds(node, volume)))
    return "node(s) didn't match PersistentVolume's node affinity"
  if (isRepelled(registry, pod, node, domainOf)) return "node(s) didn't match pod anti-affinity rules"
  return hasRoom(registry, pod, node)
}
