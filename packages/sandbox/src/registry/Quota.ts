/** ResourceQuotas: counts of objects, sums of requests, and the refusal when one would be crossed. */
import { arrayAt, at, stringAt } from "../apimachinery/Json.ts"
import type { KubeObject } from "../apimachinery/KubeObject.ts"
import * as Quantity from "../apimachinery/Quantity.ts"
import type { Stored } from "./Store.ts"
import { persistentvolumeclaims, pods, type ResourceQuota, resourcequotas } from "./kinds/core.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"
import * as Status from "../apimachinery/Status.ts"
import { classOf } from "./StorageClassOf.ts"
import { isEnd } from "./PodPhase.ts"

const counted = ["configmaps", "persistentvolumeclaims", "pods", "secrets", "services"]

const podSum = (object: KubeObject, kind: "requests" | "limits", resource: string): number =>
  arrayAt(object.spec, "containers").reduce<number>(
    (sum, each) => sum + Quantity.parse(at(each, "resources", kind, resource) ?? "0"),
    0
  )

/** The amount that one object uses of each resource that a quota can name. */
const usage = (type: ResourceType, object: KubeObject, resource: string): number => {
  const name = type.group === "" ? type.resource : `${type.resource}.${type.group}`
  if (resource === `count/${name}`) return 1
  if (type.group === "" && resource === type.resource && counted.includes(resource)) {
    return type === pods && isEnd(stringAt(object.status, "phase")) ? 0 : 1
  }
  if (type === persistentvolumeclaims) {
    const size = Quantity.parse(at(object.spec, "resources", "requests", "storage") ?? "0")
    const ofClass = `${classOf(object)}.storageclass.storage.k8s.io/`
    if (resource === "requests.storage" || resource === `${ofClass}requests.storage`) return size
    if (resource === `${ofClass}persistentvolumeclaims`) return 1
  }
  if (type === pods) {
    if (resource === "cpu" || resource === "requests.cpu") return podSum(object, "requests", "cpu")
    if (resource === "memory" || resource === "requests.memory") return podSum(object, "requests", "memory")
    if (resource === "limits.cpu") return podSum(object, "limits", "cpu")
    if (resource === "limits.memory") return podSum(object, "limits", "memory")
  }
  return 0
}

const written = (resource: string, amount: number): string => {
  if (resource.startsWith("count/")) return String(amount)
  if (/storage|memory/.test(resource)) return Quantity.bytes(amount)
  return Number.isInteger(amount) ? String(amount) : `${Math.round(amount * 1000)}m`
}

const shown = (resource: string, amount: number): string => `${resource}=${written(resource, amount)}`

/** The usage of everything that a quota limits, as in its status. */
export const used = (
  registry: Stored,
  types: ReadonlyArray<ResourceType>,
  { metadata, spec }: ResourceQuota
): Readonly<Record<string, string>> => {
  const sums = new Map(Object.keys(spec.hard ?? {}).map((resource) => [resource, 0]))
  for (const type of types) {
    if (!type.namespaced) continue
    for (const object of registry.store.list(type, metadata.namespace)) {
      for (const [resource, sum] of sums) sums.set(resource, sum + usage(type, object, resource))
    }
  }
  return Object.fromEntries([...sums].map(([resource, sum]) => [resource, written(resource, sum)]))
}

/** A quota on requests refuses pods that do not set them. */
const checkAsked = (quota: ResourceQuota, pod: KubeObject): void => {
  for (const resource of Object.keys(quota.spec.hard ?? {})) {
    const [kind, what] = resource.includes(".") ? resource.split(".") : ["requests", resource]
    if (what === undefined || !["cpu", "memory"].includes(what) || (kind !== "requests" && kind !== "limits"))
      continue
    const silent = arrayAt(pod.spec, "containers").filter(
      (each) => at(each, "resources", kind, what) === undefined
    )
    if (silent.length === 0) continue
    throw Status.forbidden(
      pods,
      pod.metadata.name,
      `failed quota: ${quota.metadata.name}: must specify ${resource} for: ${silent.map((each) => stringAt(each, "name") ?? "").join(",")}`
    )
  }
}

/** Throws the response of the ResourceQuota admission. */
export const checkQuota = (
  registry: Stored,
  type: ResourceType,
  object: KubeObject,
  previous: KubeObject | undefined
): void => {
  const { namespace, name } = object.metadata
  if (namespace === undefined) return
  for (const quota of registry.store.list(resourcequotas, namespace)) {
    if (type === pods && previous === undefined) checkAsked(quota, object)
    const exceeded: Array<{ resource: string; requested: number; used: number; hard: string }> = []
    for (const [resource, hard] of Object.entries(quota.spec.hard ?? {})) {
      const requested =
        usage(type, object, resource) - (previous === undefined ? 0 : usage(type, previous, resource))
      if (requested <= 0) continue
      const used = registry.store
        .list(type, namespace)
        .reduce((sum, each) => sum + usage(type, each, resource), 0)
      if (used + requested > Quantity.parse(hard)) exceeded.push({ resource, requested, used, hard })
    }
    if (exceeded.length === 0) continue
    const sorted = exceeded.toSorted((left, right) => (left.resource < right.resource ? -1 : 1))
    const list = (each: (item: (typeof sorted)[number]) => string): string => sorted.map(each).join(",")
    throw Status.forbidden(
      type,
      name,
      `exceeded quota: ${quota.metadata.name}, requested: ${list((item) => shown(item.resource, item.requested))}, used: ${list((item) => shown(item.resource, item.used))}, limited: ${list((item) => `${item.resource}=${item.hard}`)}`
    )
  }
}
