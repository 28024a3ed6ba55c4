/**
 * Quotas of a namespace: the API server refuses what exceeds them, one object at a time, and an operation
 * that created only some of its objects is stuck half way.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "./Cluster.ts"
import { reading } from "./Kind.ts"
import { IntOrString, ObjectMeta, optional } from "./kind/Meta.ts"
import type { ContainerSpec, PodTemplateSpec } from "./kind/Pod.ts"
import * as Quantity from "./Quantity.ts"
import * as Resource from "./Resource.ts"
import type { Workload } from "./Topology.ts"

const { Record, String, Struct } = Schema

const Body = Struct({
  metadata: ObjectMeta,
  spec: optional(Struct({ scopes: optional(Schema.Array(String)), scopeSelector: optional(Schema.Unknown) })),
  status: optional(
    Struct({ hard: optional(Record(String, IntOrString)), used: optional(Record(String, IntOrString)) })
  )
})

const quotas = reading(Resource.resourceQuotas, Body)

export interface Quota {
  readonly name: string
  /** It counts only some pods, such as those that are not BestEffort. */
  readonly scoped: boolean
  readonly hard: Readonly<Record<string, string | number>>
  readonly used: Readonly<Record<string, string | number>>
}

/** The usage of an object: `requests.cpu`, `limits.memory`, `persistentvolumeclaims` and so on. */
export type Needs = Readonly<Record<string, BigDecimal.BigDecimal>>

const zero = BigDecimal.fromBigInt(0n)
const parsed = (text: string | number | undefined): BigDecimal.BigDecimal =>
  text === undefined ? zero : (Quantity.parse(text) ?? zero)

const larger = (left: BigDecimal.BigDecimal, right: BigDecimal.BigDecimal) =>
  BigDecimal.Order(left, right) < 0 ? right : left

type Amounts = Readonly<Record<string, string | number>> | null | undefined

/**
 * The requests of one pod of a template: containers and sidecars together, or its largest init container. What
 * the pod itself requests takes their place.
 */
export const podNeeds = ({ spec }: PodTemplateSpec): Needs => {
  const of = (container: ContainerSpec, part: "requests" | "limits", name: string) => {
    const { requests, limits }: { readonly requests?: Amounts; readonly limits?: Amounts } =
      container.resources ?? {}
    // A request that is left out is the limit.
    return parsed(part === "limits" ? limits?.[name] : (requests?.[name] ?? limits?.[name]))
  }
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always")
  const before = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy !== "Always")
  const ofContainers = (part: "requests" | "limits", name: string) =>
    before.reduce(
      (most, container) => larger(most, of(container, part, name)),
      [...spec.containers, ...sidecars].reduce(
        (sum, container) => BigDecimal.sum(sum, of(container, part, name)),
        zero
      )
    )
  const amount = (part: "requests" | "limits", name: string) => {
    const own = spec.resources?.[part]?.[name]
    if (own !== undefined) return parsed(own)
    const sum = ofContainers(part, name)
    return part === "requests" && BigDecimal.isZero(sum) ? parsed(spec.resources?.limits?.[name]) : sum
  }
  const needs: Record<string, BigDecimal.BigDecimal> = { pods: BigDecimal.fromBigInt(1n) }
  needs["count/pods"] = BigDecimal.fromBigInt(1n)
  for (const name of ["cpu", "memory", "ephemeral-storage"]) {
    const asked = amount("requests", name)
    needs[name] = asked
    needs[`requests.${name}`] = asked
    needs[`limits.${name}`] = amount("limits", name)
  }
  return needs
}

/** The usage of a claim of a template. */
export const claimNeeds = (
  template: Pick<Workload["claimTemplates"][number], "requested" | "storageClass">
): Needs => {
  const storage = parsed(template.requested ?? undefined)
  const one = BigDecimal.fromBigInt(1n)
  const suffix = `${template.storageClass}.storageclass.storage.k8s.io/`
  return {
    persistentvolumeclaims: one,
    "count/persistentvolumeclaims": one,
    "requests.storage": storage,
    ...(template.storageClass === null
      ? {}
      : { [`${suffix}persistentvolumeclaims`]: one, [`${suffix}requests.storage`]: storage })
  }
}

/** The quotas of a namespace. */
export const list = (namespace: string): Effect.Effect<ReadonlyArray<Quota>, ClusterError, Cluster> =>
  Effect.map(Resource.list(quotas, { namespace }), (all) =>
    all.map(({ metadata, spec, status }) => {
      const scoped = (spec?.scopes ?? []).length > 0 || Boolean(spec?.scopeSelector)
      return { name: metadata.name, scoped, hard: status?.hard ?? {}, used: status?.used ?? {} }
    })
  )

/** The same; none where they may not be read: one that is full is then met only in the middle. */
export const listReadable = (namespace: string) =>
  Effect.catchReason(list(namespace), "ClusterError", "Forbidden", () => Effect.succeed([]))

/**
 * The index of the first object that does not fit into a quota together with those before it; `null` if all
 * fit.
 */
export interface Overrun {
  readonly place: number
  readonly resource: string
  readonly sum: string
  readonly limit: string
}

export const overrun = ({ hard, used }: Quota, all: ReadonlyArray<Needs>): Overrun | null => {
  const taken = new Map(Object.keys(hard).map((resource) => [resource, parsed(used[resource])] as const))
  for (const [place, needs] of all.entries()) {
    for (const [resource, amount] of Object.entries(needs)) {
      const limit = hard[resource]
      if (limit === undefined) continue
      const sum = BigDecimal.sum(taken.get(resource) ?? zero, amount)
      taken.set(resource, sum)
      if (BigDecimal.Order(sum, parsed(limit)) > 0)
        return { place, resource, sum: Quantity.format(sum), limit: `${limit}` }
    }
  }
  return null
}
