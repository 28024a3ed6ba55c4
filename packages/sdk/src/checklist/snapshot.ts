/**
 * Can it be snapshotted consistently? One claim: a snapshot of it is one cut. Several: they need
 * a group, or the cuts fall between one member's write and another's.
 */
import type { CutLevel } from "./verdict.ts"
import { claimsKnown, type Claim } from "../Claim.ts"
import type { SnapshotClass, VolumeSnapshot } from "../Protection.ts"
import type { AppState } from "../state/AppState.ts"
import {
  beingDeletedRule,
  classMissingRule,
  driverMissingRule,
  hasDataOutside,
  hostPathRule,
  notBoundRule,
  withoutClaimRule
} from "./data.ts"
import { sourceMissingRule } from "./dataSource.ts"
import { cutOfSickRule } from "./health.ts"
import {
  boundClaims,
  byDriver,
  claimNames,
  claimObjects,
  claimsToCome,
  isStopped,
  liveClaims,
  mountedClaims,
  ofClaim
} from "./parts.ts"
import { type Facts, no, rule, type Rule, type Evidence, unknown, withDowntime, yes } from "./rule.ts"
import { hasEphemeralData, isAllInImageVolumes, ephemeralRules } from "./ephemeral.ts"
import { unreadRule } from "./unread.ts"
import { isRefused, offers } from "./cut.ts"
import { age, instant, kubectl, kubectlCluster, names, oneLine, takeSnapshot, verb } from "./words.ts"
import { counted } from "../Plural.ts"

/** Drivers whose own documentation says that a group's members are cut at different times. */
const knownApart: ReadonlyMap<string, string> = new Map([["driver.longhorn.io", "longhorn/website#1435"]])

const classesFor = (state: AppState, driver: string, group: boolean): ReadonlyArray<SnapshotClass> | null =>
  state.protection.snapshotClasses?.filter((one) => one.driver === driver && one.group === group) ?? null

/** Claims that support snapshots, by driver: volumes of other provisioners do not. */
const cuttable = (state: AppState): ReadonlyMap<string, ReadonlyArray<Claim>> =>
  new Map(
    [...byDriver(state)].flatMap(([driver, claims]) => {
      const own = claims.filter(({ volume }) => volume?.source == null || volume.source === "csi")
      return own.length === 0 ? [] : [[driver, own] as const]
    })
  )

/**
 * The remedy with separate snapshots while nothing is written: one moment for all of them; `null` if it would
 * be refused.
 */
const whileStopped = (state: AppState): string | null =>
  isRefused(state) ? null : `${takeSnapshot(state)} --consistency offline`

const kind = (group: boolean): string => (group ? "VolumeGroupSnapshotClass" : "VolumeSnapshotClass")

/** Where no volume is a CSI driver's it would cut none: what is to be done first stands with the volumes. */
const apiMissing = ({ state }: Facts): ReadonlyArray<Evidence> =>
  state.protection.snapshotApi === false && boundClaims(state).length > 0
    ? [
        no(
          "no snapshots: the API snapshot.storage.k8s.io is not installed",
          [],
          cuttable(state).size === 0 &&
            boundClaims(state).every(({ volume }) => volume?.source != null && volume.source !== "csi")
            ? null
            : "install kubernetes-csi/external-snapshotter: its CRDs and its controller"
        )
      ]
    : []

const withoutDriver = ({ state }: Facts): ReadonlyArray<Evidence> =>
  [
    ...Map.groupBy(
      boundClaims(state).filter((claim) => claim.volume?.source != null && claim.volume.source !== "csi"),
      (claim) => claim.volume?.source ?? ""
    )
  ].map(([source, claims]) =>
    no(
      `${claimNames(state, claims)}: ${source} volumes do not support snapshots`,
      claimObjects(claims),
      "move the data to a StorageClass whose CSI driver supports snapshots"
    )
  )

const classMissing = ({ state }: Facts): ReadonlyArray<Evidence> =>
  offers(state)
    ? [...cuttable(state)].flatMap(([driver, claims]) =>
        classesFor(state, driver, false)?.length === 0
          ? [
              no(
                `${claimNames(state, claims)}: ${driver} has no VolumeSnapshotClass`,
                claimObjects(claims),
                `create a VolumeSnapshotClass with driver: ${driver}, if it supports snapshots`
              )
            ]
          : []
      )
    : []

/** Two defaults for one driver are an error of the API, not a choice. */
const twoDefaults = ({ state }: Facts): ReadonlyArray<Evidence> =>
  [...byDriver(state).keys()].flatMap((driver) =>
    [false, true].flatMap((group) => {
      const defaults = (classesFor(state, driver, group) ?? []).filter((one) => one.isDefault)
      const last = defaults.at(-1)
      if (defaults.length < 2 || last === undefined) return []
      const prefix = group ? "groupsnapshot" : "snapshot"
      return [
        no(
          `${names(defaults.map((one) => one.name))} are both the default ${kind(group)} for ${driver}`,
          defaults.map((one) => `${kind(group)}/${one.name}`),
          kubectlCluster(
            "annotate",
            kind(group).toLowerCase(),
            last.name,
            `${prefix}.storage.kubernetes.io/is-default-class-`
          )
        )
      ]
    })
  )

const acrossDrivers = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const drivers = [...cuttable(state)]
  return drivers.length < 2 || isStopped(state)
    ? []
    : [
        withDowntime(
          `one group snapshot cannot span drivers: ${names(drivers.map(([driver]) => driver))}`,
          claimObjects(drivers.flatMap(([, claims]) => claims)),
          whileStopped(state)
        )
      ]
}

/** True where claims are several, of one driver, and snapshots exist at all: what is left is the group. */
const wantsGroup = (state: AppState): boolean =>
  offers(state) && mountedClaims(state).length > 1 && cuttable(state).size === 1 && !isStopped(state)

const groupApiMissing = ({ state }: Facts): ReadonlyArray<Evidence> => {
  if (!wantsGroup(state) || state.protection.groupSnapshotApi !== null) return []
  const claims = mountedClaims(state)
  if (state.unread.some((one) => one.resource.includes("groupsnapshot"))) {
    return [
      unknown(
        `cannot read whether ${counted(claims.length, "claim")} can be snapshotted as one group`,
        [],
        "use an account that can list volumegroupsnapshotclasses"
      )
    ]
  }
  return [
    withDowntime(
      `${counted(claims.length, "claim")} and no group snapshots: while it runs, each is snapshotted separately`,
      claimObjects(claims),
      whileStopped(state)
    )
  ]
}

const groupClassMissing = ({ state }: Facts): ReadonlyArray<Evidence> =>
  wantsGroup(state) && state.protection.groupSnapshotApi !== null
    ? [...cuttable(state)].flatMap(([driver, all]) => {
        const claims = all.filter(({ mounted }) => mounted)
        return classesFor(state, driver, true)?.length === 0
          ? [
              withDowntime(
                `${counted(claims.length, "claim")}, and ${driver} has no VolumeGroupSnapshotClass`,
                claimObjects(claims),
                whileStopped(state)
              )
            ]
          : []
      })
    : []

/** Times of a VolumeSnapshot are whole seconds, cut off: a second apart proves nothing. */
const sameCut = 1000

/** The time between the snapshots of each group of today's drivers, longest first. */
const spreads = (state: AppState): ReadonlyArray<{ readonly group: string; readonly millis: number }> => {
  const drivers = byDriver(state)
  const ofToday = (state.protection.snapshots ?? []).filter(
    (one) => one.driver === null || drivers.has(one.driver)
  )
  return [...Map.groupBy(ofToday, (one) => one.group ?? "")]
    .filter(([group]) => group !== "")
    .map(([group, members]) => {
      const cuts = members.flatMap((one) => (one.cut === null ? [] : [instant(one.cut)]))
      return { group, millis: cuts.length === 0 ? 0 : Math.max(...cuts) - Math.min(...cuts) }
    })
    .toSorted((a, b) => b.millis - a.millis)
}

const groupApart = ({ state }: Pick<Facts, "state">): ReadonlyArray<Evidence> => {
  const seen = spreads(state).find(({ millis }) => millis > sameCut)
  if (seen !== undefined) {
    return [
      withDowntime(
        `the volume snapshots of group ${seen.group} were taken ${seen.millis / 1000}s apart`,
        [`VolumeGroupSnapshot/${seen.group}`],
        whileStopped(state)
      )
    ]
  }
  return wantsGroup(state)
    ? [...byDriver(state).keys()].flatMap((driver) => {
        const source = knownApart.get(driver)
        return source === undefined
          ? []
          : [
              withDowntime(
                `${driver} snapshots the volumes of a group one by one (${source})`,
                [`CSIDriver/${driver}`],
                whileStopped(state)
              )
            ]
      })
    : []
}

/** A cut takes seconds; what follows it may take hours, but not days. */
const cutPatience = 600_000
const readyPatience = 86_400_000

/** It names a class that does not exist: its failure says nothing about the storage. */
const hasNoClass = (state: AppState, snapshot: VolumeSnapshot): boolean =>
  !snapshot.readyToUse &&
  snapshot.class !== null &&
  state.protection.snapshotClasses?.every(({ name }) => name !== snapshot.class) === true

/** An error disappears when a retry succeeds, so only a claim's newest snapshot counts. */
const snapshotStuck = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const readyGroups = new Set(
    (state.protection.snapshots ?? []).flatMap((one) =>
      one.readyToUse && one.group !== null ? [one.group] : []
    )
  )
  return boundClaims(state).flatMap((claim) => {
    const [newest] = ofClaim(state.protection.snapshots, claim)
      .filter((one) => !hasNoClass(state, one))
      .toSorted((a, b) => instant(b.created) - instant(a.created))
    if (newest === undefined || newest.readyToUse) return []
    const siblingsReady = newest.group !== null && readyGroups.has(newest.group)
    const waited = age(state, newest.created)
    const limit = newest.cut === null || siblingsReady ? cutPatience : readyPatience
    if (newest.error === null && waited < limit) return []
    const what =
      newest.error === null
        ? siblingsReady
          ? "never ready, though its group is"
          : "never ready"
        : oneLine(newest.error)
    return [
      no(
        `snapshot ${newest.name}: ${what}`,
        [`VolumeSnapshot/${newest.name}`, `PersistentVolumeClaim/${claim.name}`],
        kubectl(state, "describe", "volumesnapshot", newest.name)
      )
    ]
  })
}

/** Others write there too, and no cut of this application waits for them. Once is once a node: it keeps no pod on it away. */
const sharedClaim = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const own = new Set(state.replicas.map((replica) => replica.name))
  return boundClaims(state).flatMap((claim) => {
    const others = claim.usedBy.filter((pod) => !own.has(pod))
    return claim.accessModes.some((mode) => mode !== "ReadOnlyMany") && others.length > 0
      ? [
          unknown(
            `${claim.name} is also mounted by ${names(others)}: a snapshot may catch a partial write`,
            [...claimObjects([claim]), ...others.map((pod) => `Pod/${pod}`)],
            `stop ${verb(others, "that pod", "those pods")} while the snapshot is taken`
          )
        ]
      : []
  })
}

/** The class a snapshot would take, as far as it is known. */
const consistent = ({ state, settings }: Facts): ReadonlyArray<Evidence> => {
  const claims = boundClaims(state)
  if (!claimsKnown(state) || claimsToCome(state).length > 0) return []
  const written = mountedClaims(state)
  if (written.length === 0) {
    if (hasDataOutside(state) || hasEphemeralData({ state, settings })) return []
    const none = claims.length === 0 ? "no claims" : `no container mounts ${claimNames(state, claims)}`
    return [yes(`${none}: only its configuration needs to be saved`, claimObjects(claims))]
  }
  const [driver] = [...byDriver(state).keys()]
  if (!offers(state) || driver === undefined || claims.length !== liveClaims(state).length) return []
  const single = classesFor(state, driver, false)?.[0]
  const group = classesFor(state, driver, true)?.[0]
  if (written.length === 1) {
    return single === undefined
      ? []
      : [
          yes(
            `${written[0]?.name} is the only claim${claims.length > 1 ? " that is mounted" : ""}: one snapshot is enough (VolumeSnapshotClass ${single.name})`,
            claimObjects(written)
          )
        ]
  }
  if (isStopped(state) && levelOf(state) === "crash")
    return [yes("not running: separate snapshots of its claims are consistent", claimObjects(claims))]
  const isWhole = byDriver(state).get(driver)?.length === claims.length && groupApart({ state }).length === 0
  return isWhole && wantsGroup(state) && group !== undefined && state.protection.groupSnapshotApi !== null
    ? [
        yes(
          `${claims.length === 2 ? "both" : `all ${claims.length}`} claims in one crash-consistent group snapshot (VolumeGroupSnapshotClass ${group.name})`,
          claimObjects(claims)
        )
      ]
    : []
}

const classDeletes = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const drivers = byDriver(state)
  const deleting = (state.protection.snapshotClasses ?? []).filter(
    (one) => drivers.has(one.driver) && one.deletionPolicy === "Delete"
  )
  return deleting.length === 0
    ? []
    : [
        yes(
          `snapshots of class ${names(deleting.map((one) => one.name))} are deleted with their namespace (deletionPolicy Delete)`,
          deleting.map((one) => `${kind(one.group)}/${one.name}`)
        )
      ]
}

/** The best level while it runs, without knowledge of the application itself. */
export const levelOf = (state: AppState): CutLevel | null => {
  const claims = liveClaims(state)
  const drivers = [...byDriver(state)]
  const isCut =
    offers(state) &&
    mountedClaims(state).length > 0 &&
    !isAllInImageVolumes(state) &&
    claimsKnown(state) &&
    claimsToCome(state).length === 0 &&
    claims.every((claim) => claim.deleted === null) &&
    claims.every(({ volume }) => volume?.source == null || volume.source === "csi") &&
    drivers.reduce((sum, [, all]) => sum + all.length, 0) === claims.length &&
    drivers.every(([driver]) => (classesFor(state, driver, false)?.length ?? 0) > 0)
  if (!isCut) return null
  const isGroup =
    wantsGroup(state) &&
    state.protection.groupSnapshotApi !== null &&
    drivers.every(([driver]) => (classesFor(state, driver, true)?.length ?? 0) > 0) &&
    groupApart({ state }).length === 0
  return isGroup ? "group" : "crash"
}

export const snapshotRules: ReadonlyArray<Rule> = [
  rule("snapshot", "one-cut", consistent),
  rule("snapshot", "snapshot-api-missing", apiMissing),
  rule("snapshot", "volume-without-driver", withoutDriver),
  rule("snapshot", "snapshot-class-missing", classMissing),
  rule("snapshot", "two-default-classes", twoDefaults),
  rule("snapshot", "claims-across-drivers", acrossDrivers),
  rule("snapshot", "group-api-missing", groupApiMissing),
  rule("snapshot", "group-class-missing", groupClassMissing),
  rule("snapshot", "group-cut-apart", groupApart),
  classMissingRule("snapshot"),
  driverMissingRule("snapshot"),
  sourceMissingRule("snapshot"),
  notBoundRule("snapshot"),
  // The snapshot controller puts no finalizer on a claim in deletion, and so cuts none.
  beingDeletedRule("snapshot"),
  ...ephemeralRules("snapshot"),
  hostPathRule("snapshot"),
  withoutClaimRule("snapshot"),
  rule("snapshot", "snapshot-stuck", snapshotStuck),
  cutOfSickRule,
  rule("snapshot", "claim-shared", sharedClaim),
  rule("snapshot", "class-deletes", classDeletes),
  unreadRule("snapshot")
]
