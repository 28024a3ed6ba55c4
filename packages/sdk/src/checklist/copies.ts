/** The sources of a restore: snapshots on the same storage, copies on other storage. */
import type { Claim } from "../Claim.ts"
import type { Copy, VolumeSnapshot } from "../Protection.ts"
import type { AppState } from "../state/AppState.ts"
import { boundClaims, ofClaim } from "./parts.ts"
import { no, unknown, yes } from "./rule.ts"
import { instant } from "./words.ts"

export const snapshotsOf = (state: AppState, claim: Claim): ReadonlyArray<VolumeSnapshot> =>
  ofClaim(state.protection.snapshots, claim)

/**
 * True if it is ready, and it and its content refer to each other: a one-sided reference may be another
 * application's data.
 */
export const restorable = (one: VolumeSnapshot): boolean => one.readyToUse && one.bound !== false

export const when = (one: VolumeSnapshot): string => one.cut ?? one.created

export const youngest = (times: ReadonlyArray<string>): string | undefined =>
  times.toSorted((a, b) => instant(b) - instant(a))[0]

export const copiesOf = (state: AppState, claim: Claim): ReadonlyArray<Copy> =>
  ofClaim(state.protection.copies, claim)

export const uncopied = (state: AppState): ReadonlyArray<Claim> =>
  boundClaims(state).filter((claim) => copiesOf(state, claim).length === 0)

/** The newest copy that does not say which claims it holds: a Velero Backup says namespaces. */
export const newestVague = (state: AppState): Copy | undefined =>
  (state.protection.copies ?? [])
    .filter((copy) => copy.claim === null)
    .toSorted(
      (a, b) => (b.taken === null ? 0 : instant(b.taken)) - (a.taken === null ? 0 : instant(a.taken))
    )[0]

/** Every claim has a copy elsewhere, which then decides; snapshots on the storage only come in handy. */
export const backed = (state: AppState): boolean => uncopied(state).length === 0

export const byCopy = (state: AppState) => {
  if (state.protection.copies === null || (!backed(state) && newestVague(state) !== undefined)) return unknown
  return backed(state) ? yes : no
}
