/**
 * Checks whether the namespace's quotas have room for the new replicas: the API server refuses what exceeds
 * them, pod by pod, and the controller would retry forever.
 */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import { read } from "../step/workload.ts"
import type { Refusal } from "../operation/Plan.ts"
import * as Quota from "../Quota.ts"
import type { Workload } from "../Topology.ts"
import type { ClaimSlot } from "../step/claims.ts"
import { range } from "../Ordinal.ts"

export interface Quotas {
  readonly quotas: ReadonlyArray<Quota.Quota>
  /** The usage of one pod. */
  readonly pod: Quota.Needs
}

/**
 * The namespace's quotas; `null` if they cannot be read. In a namespace without quotas nothing more is read.
 */
export const readQuotas = (ref: {
  readonly namespace: string
  readonly name: string
}): Effect.Effect<Quotas | null, never, Cluster> =>
  Effect.gen(function* () {
    const quotas = yield* Quota.list(ref.namespace)
    if (quotas.length === 0) return { quotas, pod: {} }
    const set = yield* read(ref)
    return { quotas, pod: Quota.podNeeds(set.spec.template) }
  }).pipe(Effect.catch(() => Effect.succeed(null)))

/** The refusal of each quota that the new pods and claims do not fit into, by the first pod that does not. */
export const beyondQuota = (
  { quotas, pod }: Quotas,
  workload: Workload,
  to: number,
  made: ReadonlyArray<ClaimSlot>
): ReadonlyArray<Refusal> => {
  const all = range(workload.firstOrdinal + workload.replicas, to - workload.replicas).flatMap((ordinal) => {
    const claims = made
      .filter((slot) => slot.ordinal === ordinal)
      .flatMap((slot) => workload.claimTemplates.filter((one) => one.name === slot.template))
    return [pod, ...claims.map(Quota.claimNeeds)].map((needs) => ({ needs, ordinal }))
  })
  return quotas
    .filter(({ scoped }) => !scoped)
    .flatMap((quota) => {
      const found = Quota.overrun(
        quota,
        all.map(({ needs }) => needs)
      )
      const ordinal = all[found?.place ?? 0]?.ordinal
      if (found === null || ordinal === undefined) return []
      return [
        {
          reason: `${workload.name}-${ordinal} does not fit into quota "${quota.name}": ${found.resource} would be ${found.sum} of ${found.limit}`,
          remedy: `request ${ordinal - workload.firstOrdinal} replicas, or raise the quota`
        }
      ]
    })
}
