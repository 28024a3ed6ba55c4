/** Checks whether a snapshot can be taken at all: a command that would be refused is not recommended. */
import type { AppState } from "../state/AppState.ts"
import { boundClaims, byDriver, claimsToCome, liveClaims } from "./parts.ts"
import { takeSnapshot } from "./words.ts"

export const offers = (state: AppState): boolean => state.protection.snapshotApi === true

/** The API is missing, or a claim is terminating or has no volume that its driver can snapshot, as far as is known. */
export const isRefused = (state: AppState): boolean => {
  const { snapshotApi, snapshotClasses } = state.protection
  const claims = boundClaims(state)
  return (
    snapshotApi === false ||
    claims.length < liveClaims(state).length ||
    claimsToCome(state).length > 0 ||
    claims.some(({ deleted }) => deleted !== null) ||
    claims.some(({ volume }) => volume?.source != null && volume.source !== "csi") ||
    [...byDriver(state).keys()].some(
      (driver) => snapshotClasses?.some((one) => one.driver === driver && !one.group) === false
    )
  )
}

/** Our own command, after its purpose; `null` if it would be refused. */
export const snapshotRemedy = (state: AppState, what: string): string | null =>
  isRefused(state) ? null : `${what}: ${takeSnapshot(state)}`
