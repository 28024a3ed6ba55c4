/**
 * A restore in which all members are rebuilt from one: for members that must not be combined as they were
 * snapshotted. Pure over the state.
 */
import type { Refusal } from "../operation/Plan.ts"
import { make } from "../operation/Step.ts"
import { fingerprint, type Seed } from "../Seed.ts"
import { shellWord } from "../ShellWord.ts"
import type { AppState } from "../state/AppState.ts"
import type { FilledClaim } from "../step/filledClaim.ts"
import { SeedClaims } from "../step/seedClaims.ts"
import type { Workload } from "../Topology.ts"
import type { Source } from "./source.ts"

/** From which member, and how. */
export interface SeedFrom {
  readonly seed: Seed
  readonly ordinal: number
}

/** Taken at one moment, or while nothing ran: then members differ no more than after a power failure. */
const isOneMoment = (level: string): boolean => level === "group" || level === "offline"

/**
 * Reasons that members must not be restored as they were snapshotted: from their record, or from the given
 * profile.
 */
export const apartRefusals = (
  namespace: string,
  source: Source,
  volumes: number,
  options: { readonly oneMember?: string; readonly ordinals?: ReadonlyArray<number> }
): ReadonlyArray<Refusal> => {
  if (source._tag !== "Snapshot" || options.ordinals !== undefined) return []
  const { set, level } = source
  const profile = source.seedOnly ?? (isOneMoment(level) ? undefined : options.oneMember)
  if (profile === undefined || volumes < 2) return []
  const from = set === null ? "these volumesnapshots" : `snapshot ${set}`
  const way = `--profile ${shellWord(profile)} --seed ORDINAL`
  return [
    {
      reason: `the members in ${from} were snapshotted at different times, which is unsafe with ${profile}: a member may have lost what it agreed to`,
      remedy: `rebuild all of them from one: ${set === null ? way : `kubectl stateful restore ${shellWord(set)} ${way} -n ${shellWord(namespace)}`}`
    }
  ]
}

/** The VolumeSnapshotClass for the snapshot of the copy; fails if there is none. */
const classOf = (state: AppState, driver: string): string | null | Refusal => {
  const found = state.protection.snapshotClasses?.filter((one) => one.driver === driver && !one.group)
  // Without the right to list classes the cluster's own default counts.
  if (found === undefined) return null
  const defaults = found.filter(({ isDefault }) => isDefault)
  const [only, ...more] = defaults.length > 0 ? defaults : found
  return only !== undefined && more.length === 0
    ? only.name
    : {
        reason: `driver ${driver} has ${only === undefined ? "no VolumeSnapshotClass" : "several VolumeSnapshotClasses, and not one default"}: no snapshot of the copy could be taken`,
        remedy:
          "make one of them the default with the annotation snapshot.storage.kubernetes.io/is-default-class"
      }
}

export interface Seeding {
  readonly steps: ReadonlyArray<ReturnType<typeof seedStep>>
  readonly effects: ReadonlyArray<string>
  readonly refusals: ReadonlyArray<Refusal>
}

const refused = (reason: string, remedy: string): Seeding => ({
  steps: [],
  effects: [],
  refusals: [{ reason, remedy }]
})

const seedStep = (
  { seed }: SeedFrom,
  from: FilledClaim,
  snapshotClass: string | null,
  claims: ReadonlyArray<FilledClaim>
) =>
  make(SeedClaims, { profile: seed.profile, digest: fingerprint(seed), from, class: snapshotClass, claims })

/** The step that fills `claims` from a copy, which is `from`. */
export const seedingOf = (
  state: AppState,
  workload: Workload,
  how: SeedFrom,
  from: FilledClaim | undefined,
  claims: ReadonlyArray<FilledClaim>,
  ordinals?: ReadonlyArray<number>
): Seeding => {
  const { length } = workload.claimTemplates
  if (length !== 1) {
    return refused(
      `${workload.name} has ${length} volumes for each member: only members with one can be rebuilt from another`,
      "rebuild it with the application's own tools"
    )
  }
  if (ordinals !== undefined) {
    return refused("--seed rebuilds all members together", "leave out the ordinals")
  }
  if (from === undefined) {
    return refused(`the snapshot has no volume of ordinal ${how.ordinal}`, "seed from an ordinal that it has")
  }
  const chosen = classOf(state, from.driver)
  const isRefused = typeof chosen === "object" && chosen !== null
  return {
    steps: [seedStep(how, from, isRefused ? null : chosen, claims)],
    effects: [
      `all members are rebuilt from ${from.claim} by profile ${how.seed.profile}: data that only other members had is lost`
    ],
    refusals: isRefused ? [chosen] : []
  }
}
