/** From the volumes that an application has to those that take their place: in which steps, and who is stopped. Pure. */
import { type Claim, claimsOfSet } from "../Claim.ts"
import { defaultRetention } from "../kind/Workload.ts"
import { make, type StepOf, stepsOf } from "../operation/Step.ts"
import type { AppState } from "../state/AppState.ts"
import { AssertClaims, AttachVolume, HandOverPolicies } from "../step/attachVolume.ts"
import { countSteps } from "../step/countSteps.ts"
import type { FilledClaim } from "../step/filledClaim.ts"
import { MoveVolume } from "../step/moveVolume.ts"
import { RestoreReclaimPolicies, RetainVolumes } from "../step/reclaimPolicy.ts"
import { SetReplicas } from "../step/replicas.ts"
import { RestoreRetention, SetRetention } from "../step/retention.ts"
import { ScaleDeployment } from "../step/scaleDeployment.ts"
import { keptClaim } from "../step/volume.ts"
import type { Workload } from "../Topology.ts"
import { isCount } from "./refusal.ts"
import type { AsideClaim, Source } from "./source.ts"
import type { Target } from "./target.ts"
import type { RestoreStep } from "./verb.ts"
import { podName, range } from "../Ordinal.ts"

/** The current volumes, and those that replace them. */
export interface Swap {
  readonly before: ReadonlyArray<Claim>
  readonly attach: ReadonlyArray<StepOf<typeof AttachVolume>>
  readonly from: number
  /** The number of replicas while volumes are swapped: members below it keep running. */
  readonly low: number
  readonly to: number
  /** Claims of members that are stopped and whose volumes stay. */
  readonly bystanders: ReadonlyArray<Claim>
}

/** The claims of the templates, for all ordinals; of named ones those that get another volume. */
const claimsOf = (state: AppState, { name, named }: Target, attach: Swap["attach"]): ReadonlyArray<Claim> =>
  named === undefined
    ? claimsOfSet(state.claims, name)
    : state.claims.filter((claim) => attach.some(({ to }) => to === claim.name))

export const swapSteps = (
  workload: Target,
  id: string,
  { before, attach, from, low, to, bystanders }: Swap,
  policies: ReadonlyMap<string, string | null>,
  /** The steps while no pod runs. */
  put: ReadonlyArray<RestoreStep>
): ReadonlyArray<RestoreStep> => {
  const retention = workload.retention ?? defaultRetention
  const during = { ...retention, whenScaled: "Retain" as const }
  const sets = retention.whenScaled === "Delete"
  const counts = (range: { readonly from: number; readonly to: number }): ReadonlyArray<RestoreStep> =>
    workload.named === undefined
      ? stepsOf(SetReplicas, countSteps(workload, range, { quorum: "none", once: true }))
      : [make(ScaleDeployment, range)]
  const claims = attach.map(({ to: claim }) => claim)
  // It is stopped for the sake of a claim that is another's to move.
  if (attach.length === 0)
    return [...(from === 0 ? [] : counts({ from, to: 0 })), ...(to === 0 ? [] : counts({ from: 0, to }))]
  return [
    ...(before.length === 0 ? [] : [make(RetainVolumes, { claims: before.map(keptClaim), retain: true })]),
    ...(bystanders.length === 0
      ? []
      : [make(RetainVolumes, { claims: bystanders.map(keptClaim), retain: true })]),
    ...(sets ? [make(SetRetention, { from: retention, to: during })] : []),
    ...(from === low ? [] : counts({ from, to: low })),
    ...before.map(({ name, uid, volume }) =>
      make(MoveVolume, {
        from: name,
        uid,
        volume: volume?.name ?? "",
        to: `${name}-${id}`,
        reclaimPolicy: volume?.reclaimPolicy ?? null,
        needed: true
      })
    ),
    ...attach,
    make(AssertClaims, { claims }),
    ...put,
    ...(to === low ? [] : counts({ from: low, to })),
    ...(sets ? [make(RestoreRetention, { from: during, to: retention, again: to > low })] : []),
    make(HandOverPolicies, {
      claims: claims.map((claim) => ({ claim, reclaimPolicy: policies.get(claim) ?? null }))
    }),
    ...(bystanders.length === 0
      ? []
      : [
          make(RestoreReclaimPolicies, {
            count: bystanders.length,
            claims: bystanders.map(({ name }) => name)
          })
        ])
  ]
}

/** The reclaim policy of each claim's previous volume, which the new volume gets. `null` if unknown. */
export const policiesBefore = (source: Source, { before }: Swap): ReadonlyMap<string, string | null> =>
  new Map(
    source._tag === "Aside"
      ? source.claims.map(({ claim, reclaimPolicy }) => [claim, reclaimPolicy] as const)
      : before.map(({ name, volume }) => [name, volume?.reclaimPolicy ?? null] as const)
  )

export const attachFilled = (claims: ReadonlyArray<FilledClaim>) =>
  claims.map(({ as, claim }) => make(AttachVolume, { from: as, uid: null, volume: null, to: claim }))

export const attachAside = (claims: ReadonlyArray<AsideClaim>) =>
  claims.map(({ as, uid, volume, claim }) => make(AttachVolume, { from: as, uid, volume, to: claim }))

const podsOf = ({ name, firstOrdinal }: Target, from: number, to: number): string =>
  range(firstOrdinal + from, to - from)
    .map((ordinal) => podName(name, ordinal))
    .join(", ")

/** The members that are stopped, and those that keep running. */
export const stops = (workload: Target, { from, low, to, bystanders }: Swap): string => {
  if (low === 0) return `${workload.name} is stopped: ${from} -> 0 -> ${to}`
  if (from === low) return "no pod is stopped"
  const why = bystanders.length === 0 ? "" : ", since a StatefulSet scales down from the last ordinal only"
  return `${podsOf(workload, low, from)} ${from - low === 1 ? "is" : "are"} stopped${why}: ${from} -> ${low} -> ${to}; ${podsOf(workload, 0, low)} ${low === 1 ? "keeps" : "keep"} running`
}

export const countOf = ({ replicas }: Source, workload: Workload): number =>
  // A snapshot of an application that was scaled to 0 says nothing of how many it needs.
  replicas === null || replicas === 0 || !isCount(replicas) ? workload.replicas : replicas

/** The swap for the requested ordinals, or for all. */
export const swapOf = (
  state: AppState,
  workload: Target,
  source: Source,
  attach: Swap["attach"],
  ordinals: ReadonlyArray<number> | undefined
): Swap => {
  const all = claimsOf(state, workload, attach)
  const from = workload.replicas
  if (ordinals === undefined) {
    return { before: all, attach, from, low: 0, to: countOf(source, workload), bystanders: [] }
  }
  const { firstOrdinal } = workload
  const low = Math.min(from, ...ordinals.map((ordinal) => Math.max(0, ordinal - firstOrdinal)))
  const isAsked = ({ ordinal }: Claim) => ordinal !== null && ordinals.includes(ordinal)
  const isStopped = ({ ordinal }: Claim) =>
    ordinal !== null && ordinal >= firstOrdinal + low && ordinal < firstOrdinal + from
  return {
    before: all.filter(isAsked),
    attach,
    from,
    low,
    to: from,
    bystanders: all.filter((claim) => isStopped(claim) && !isAsked(claim))
  }
}
