/** The volumes of a workload that are restored, and their sources. Pure. */
import * as Quantity from "../Quantity.ts"
import type { AppState } from "../state/AppState.ts"
import { type FilledClaim, filledName } from "../step/filledClaim.ts"
import { copyName } from "../step/seedClaims.ts"
import { type SeedFrom, seedingOf } from "./seed.ts"
import type { FoundCut, Source } from "./source.ts"
import { attachAside, attachFilled, countOf, swapOf } from "./swap.ts"
import { slotOf, type Target } from "./target.ts"
import { claimName, range } from "../Ordinal.ts"

/** The members whose volumes are restored, and from which. */
export interface AskedMembers {
  /**
   * Restore only these ordinals; the number of replicas stays as it is. Default: all, and the snapshot's
   * number.
   */
  readonly ordinals?: ReadonlyArray<number>
  /** Make every member from this one's data. Default: each has its own. */
  readonly seedFrom?: SeedFrom
}

const filled = (
  state: AppState,
  workload: Target,
  id: string,
  cuts: ReadonlyArray<FoundCut>
): ReadonlyArray<FilledClaim> =>
  cuts.flatMap(({ claim, snapshot, handle, volumeHandle, driver, size }) => {
    const slot = slotOf(workload, claim)
    if (slot === null) return []
    const now = state.claims.find(({ name }) => name === claim)
    return [
      {
        as: filledName(claim, id),
        claim,
        template: slot.template.name,
        ordinal: slot.ordinal,
        snapshot,
        handle,
        volumeHandle,
        driver,
        storageClass: now?.storageClass ?? slot.template.storageClass,
        size: Quantity.largest([now?.capacity, now?.requested, slot.template.requested, size]) ?? "1Gi"
      }
    ]
  })

/**
 * Every ordinal's claim, rebuilt from one member's volume snapshot, and the copy that they are rebuilt from;
 * `null` if each has its own.
 */
const seeded = (
  state: AppState,
  workload: Target,
  id: string,
  source: Source,
  { seedFrom, ordinals }: AskedMembers
) => {
  if (seedFrom === undefined || source._tag !== "Snapshot") return null
  const template = workload.claimTemplates[0]?.name ?? ""
  const claimOf = (ordinal: number) => claimName(template, workload.name, ordinal)
  const cuts = source.cuts.filter(({ claim }) => claim === claimOf(seedFrom.ordinal))
  const as = copyName(claimOf(seedFrom.ordinal), id)
  const from = filled(state, workload, id, cuts).map((one) => ({ ...one, as }))[0]
  // What a record asks for may be absurd: as many as it has volumes for can be right.
  const length = Math.min(countOf(source, workload), source.cuts.length + 1)
  const others = cuts.flatMap((cut) =>
    range(workload.firstOrdinal, length).map((ordinal) => ({
      ...cut,
      claim: claimOf(ordinal),
      snapshot: as,
      handle: null,
      volumeHandle: null,
      size: from?.size ?? cut.size
    }))
  )
  const claims = filled(state, workload, id, others)
  return { cuts, claims, ...seedingOf(state, workload, seedFrom, from, claims, ordinals) }
}

/** Those of the ordinals that are asked for. */
const ofOrdinals = <A extends { readonly claim: string }>(
  workload: Target,
  { ordinals }: AskedMembers,
  all: ReadonlyArray<A>
): ReadonlyArray<A> =>
  ordinals === undefined
    ? all
    : all.filter(({ claim }) => ordinals.includes(slotOf(workload, claim)?.ordinal ?? -1))

/** The volumes of a restore, with their sources and claims. */
export const volumesOf = (
  state: AppState,
  workload: Target,
  id: string,
  source: Source,
  asked: AskedMembers
) => {
  const seeds = seeded(state, workload, id, source, asked)
  const cuts = seeds?.cuts ?? (source._tag === "Snapshot" ? ofOrdinals(workload, asked, source.cuts) : [])
  const claims = seeds?.claims ?? filled(state, workload, id, cuts)
  const aside = source._tag === "Aside" ? ofOrdinals(workload, asked, source.claims) : []
  const attach = source._tag === "Snapshot" ? attachFilled(claims) : attachAside(aside)
  return { seeds, cuts, claims, swap: swapOf(state, workload, source, attach, asked.ordinals) }
}

export type Volumes = ReturnType<typeof volumesOf>
