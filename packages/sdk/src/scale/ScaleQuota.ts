/**
 * Whether the namespace's quotas leave room for the new replicas: the API server refuses what is
 * beyond, pod by pod, and the controller would try for ever.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { IntOrString, optional } from "../kind/Meta.ts"
import type { ContainerSpec, PodTemplateSpec } from "../kind/Pod.ts"
import * as Fences from "../operation/Fence.ts"
import type { Refusal } from "../operation/Plan.ts"
import * as Quantity from "../Quantity.ts"
import * as Resource from "../Resource.ts"
import type { Workload } from "../Topology.ts"
import type { ClaimSlot } from "./ScaleStep.ts"

const { Record, String, Struct } = Schema

const Body = Struct({
  metadata: Struct({ name: String }),
  spec: optional(Struct({ scopes: optional(Schema.Array(String)), scopeSelector: optional(Schema.Unknown) })),
  status: optional(
    Struct({ hard: optional(Record(String, IntOrString)), used: optional(Record(String, IntOrString)) })
  )
})

export interface Quota {
  readonly name: string
  /** It counts only some pods, such as those that are not BestEffort. */
  readonly scoped: boolean
  readonly hard: Readonly<Record<string, string | number>>
  readonly used: Readonly<Record<string, string | number>>
}

export interface Quotas {
  readonly quotas: ReadonlyArray<Quota>
  /** What one pod counts for: `requests.cpu`, `limits.memory` and so on. */
  readonly pod: Readonly<Record<string, BigDecimal.BigDecimal>>
}

const zero = BigDecimal.fromBigInt(0n)
const parsed = (text: string | number | undefined): BigDecimal.BigDecimal =>
  text === undefined ? zero : (Quantity.parse(text) ?? zero)

const larger = (left: BigDecimal.BigDecimal, right: BigDecimal.BigDecimal) =>
  BigDecimal.Order(left, right) < 0 ? right : left

type Amounts = Readonly<Record<string, string | number>> | null | undefined

/** What one pod of a template asks for: containers and side-cars together, or its greatest init container. */
export const podNeeds = ({ spec }: PodTemplateSpec): Quotas["pod"] => {
  const of = (container: ContainerSpec, part: "requests" | "limits", name: string) => {
    const { requests, limits }: { readonly requests?: Amounts; readonly limits?: Amounts } =
      container.resources ?? {}
    // A request that is left out is the limit.
    return parsed(part === "limits" ? limits?.[name] : (requests?.[name] ?? limits?.[name]))
  }
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always")
  const before = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy !== "Always")
  const amount = (part: "requests" | "limits", name: string) =>
    before.reduce(
      (most, container) => larger(most, of(container, part, name)),
      [...spec.containers, ...sidecars].reduce(
        (sum, container) => BigDecimal.sum(sum, of(container, part, name)),
        zero
      )
    )
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

/** The namespace's quotas; null: they may not be read. Of a namespace without, nothing more is asked. */
export const readQuotas = (ref: {
  readonly namespace: string
  readonly name: string
}): Effect.Effect<Quotas | null, never, Cluster> =>
  Effect.gen(function* () {
    const { items } = yield* Resource.list(Resource.resourceQuotas, { namespace: ref.namespace })
    const quotas = items.flatMap((item) => {
      const body = Schema.decodeUnknownResult(Body)(item)
      if (Result.isFailure(body)) return []
      const { metadata, spec, status } = body.success
      const scoped = (spec?.scopes ?? []).length > 0 || Boolean(spec?.scopeSelector)
      return [{ name: metadata.name, scoped, hard: status?.hard ?? {}, used: status?.used ?? {} }]
    })
    if (quotas.length === 0) return { quotas, pod: {} }
    const set = yield* Fences.read(ref)
    return { quotas, pod: podNeeds(set.spec.template) }
  }).pipe(Effect.catch(() => Effect.succeed(null)))

/** What a claim of a template counts for. */
const claimNeeds = (template: Workload["claimTemplates"][number]): Quotas["pod"] => {
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

/** The refusal of each quota that the new pods and claims do not fit into, by the first pod that does not. */
export const beyondQuota = (
  { quotas, pod }: Quotas,
  workload: Workload,
  to: number,
  made: ReadonlyArray<ClaimSlot>
): ReadonlyArray<Refusal> =>
  quotas
    .filter(({ scoped }) => !scoped)
    .flatMap(({ name, hard, used }) => {
      const taken = new Map(Object.keys(hard).map((resource) => [resource, parsed(used[resource])] as const))
      for (let count = workload.replicas; count < to; count++) {
        const ordinal = workload.firstOrdinal + count
        const claims = made
          .filter((slot) => slot.ordinal === ordinal)
          .flatMap((slot) => workload.claimTemplates.filter((one) => one.name === slot.template))
        for (const needs of [pod, ...claims.map(claimNeeds)]) {
          for (const [resource, amount] of Object.entries(needs)) {
            const limit = hard[resource]
            if (limit === undefined) continue
            const sum = BigDecimal.sum(taken.get(resource) ?? zero, amount)
            taken.set(resource, sum)
            if (BigDecimal.Order(sum, parsed(limit)) > 0) {
              return [
                {
                  reason: `${workload.name}-${ordinal} does not fit into quota "${name}": ${resource} would be ${Quantity.format(sum)} of ${limit}`,
                  remedy: `ask for ${count} replicas, or raise the quota`
                }
              ]
            }
          }
        }
      }
      return []
    })
