/**
 * Can it be restored after a disaster? A disaster also destroys the storage, so only a copy on other storage
 * counts: complete, consistent and recent. Problems of snapshots next to it are a remark.
 */
import * as Duration from "effect/Duration"
import type { RestoreVerdict } from "./verdict.ts"
import type { Claim } from "../Claim.ts"
import type { AppState } from "../state/AppState.ts"
import { fsGroupRule, nameTooLongRule, referenceMissingRule } from "./configuration.ts"
import {
  backed,
  byCopy,
  copiesOf,
  newestVague,
  restorable,
  snapshotsOf,
  uncopied,
  when,
  youngest
} from "./copies.ts"
import {
  classMissingRule,
  driverMissingRule,
  hasDataOutside,
  hostPathRule,
  notBoundRule,
  withoutClaimRule
} from "./data.ts"
import { sourceMissingRule } from "./dataSource.ts"
import { boundClaims, claimNames, claimObjects, hasNoClaims } from "./parts.ts"
import { type Facts, no, type Rule, rule, type Evidence, unknown, yes } from "./rule.ts"
import { ephemeralRules, hasEphemeralData } from "./ephemeral.ts"
import { unreadRule } from "./unread.ts"
import { snapshotRemedy } from "./cut.ts"
import { age, instant, kubectl, names, span, verb } from "./words.ts"
import { claimsGo, scaledDown, snapshotsGo, volumesGo } from "./deletion.ts"
import { counted } from "../Plural.ts"

const noSnapshot = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const { snapshots } = state.protection
  const claims = boundClaims(state).filter((claim) => snapshotsOf(state, claim).length === 0)
  return snapshots === null || claims.length === 0
    ? []
    : [
        byCopy(state)(
          claims.length === boundClaims(state).length
            ? "no claim has a snapshot"
            : `there is no snapshot of ${claimNames(state, claims)}`,
          claimObjects(claims),
          snapshotRemedy(state, "take a snapshot of all claims")
        )
      ]
}

const notReady = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const claims = boundClaims(state).filter((claim) => {
    const all = snapshotsOf(state, claim)
    return all.length > 0 && !all.some(restorable)
  })
  const [first] = claims.flatMap((claim) => snapshotsOf(state, claim))
  return first === undefined
    ? []
    : [
        byCopy(state)(
          `no snapshot of ${claimNames(state, claims)} is ready to use`,
          claimObjects(claims),
          kubectl(state, "describe", "volumesnapshot", first.name)
        )
      ]
}

const tooOld = ({ state, settings }: Facts): ReadonlyArray<Evidence> => {
  const limit = Duration.toMillis(settings.maxAge)
  const old = boundClaims(state).flatMap((claim) => {
    const newest = youngest(snapshotsOf(state, claim).filter(restorable).map(when))
    return newest !== undefined && age(state, newest) > limit ? [{ claim, millis: age(state, newest) }] : []
  })
  const oldest = Math.max(0, ...old.map((one) => one.millis))
  return old.length === 0
    ? []
    : [
        byCopy(state)(
          `the last snapshot of ${claimNames(
            state,
            old.map((one) => one.claim)
          )} is ${span(oldest)} old (limit ${span(limit)})`,
          claimObjects(old.map((one) => one.claim)),
          snapshotRemedy(state, "take a snapshot, and more often")
        )
      ]
}

/** Times of a VolumeSnapshot are whole seconds, cut off. */
const sameCut = 1000

const spread = (times: ReadonlyArray<string>): number =>
  times.length === 0 ? 0 : Math.max(...times.map(instant)) - Math.min(...times.map(instant))

const holds = (
  members: ReadonlyArray<{ readonly claim: string | null }>,
  claims: ReadonlyArray<string>
): boolean => {
  const held = new Set(members.map((one) => one.claim))
  return claims.every((claim) => held.has(claim))
}

/** A set that holds every claim: a group cut at once, or a set of ours, which keeps its own record of how it was cut. */
const hasWholeSet = (state: AppState): boolean => {
  const claims = boundClaims(state).map((claim) => claim.name)
  const sets = Map.groupBy((state.protection.snapshots ?? []).filter(restorable), (one) =>
    one.set === null ? `group ${one.group}` : `set ${one.set}`
  )
  return [...sets].some(
    ([key, members]) =>
      key !== "group null" &&
      holds(members, claims) &&
      (key.startsWith("set ") || spread(members.map(when)) <= sameCut)
  )
}

const torn = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const claims = boundClaims(state)
  const newest = claims.flatMap((claim) => {
    const time = youngest(snapshotsOf(state, claim).filter(restorable).map(when))
    return time === undefined ? [] : [time]
  })
  // Claims without any are another rule's.
  if (claims.length < 2 || newest.length < claims.length || hasWholeSet(state)) return []
  const apart = spread(newest)
  return [
    byCopy(state)(
      apart > sameCut
        ? `no single snapshot contains all ${claims.length} claims: the last ones are ${span(apart)} apart`
        : `no single snapshot contains all ${claims.length} claims: each was taken separately`,
      claimObjects(claims),
      snapshotRemedy(state, "take one snapshot of all claims")
    )
  ]
}

const sameStorage = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const { copies } = state.protection
  const claims = uncopied(state)
  if (copies === null || claims.length === 0) return []
  const vague = newestVague(state)
  if (vague !== undefined) {
    return [
      unknown(
        `${vague.name} does not show whether it contains ${claimNames(state, claims)}`,
        [vague.name, ...claimObjects(claims)],
        vague.name.startsWith("Backup/") ? `velero backup describe ${vague.name.slice(7)} --details` : null
      )
    ]
  }
  const all = claims.length === boundClaims(state).length
  const snapshots = boundClaims(state).some((claim) => snapshotsOf(state, claim).length > 0)
  return [
    no(
      all && snapshots
        ? "all snapshots are on the same storage; no backup on other storage found"
        : `no backup of ${all ? "any claim" : claimNames(state, claims)} on other storage found`,
      claimObjects(claims),
      "copy the data to other storage with a backup tool (Velero, VolSync)"
    )
  ]
}

const copyAge = ({ state, settings }: Facts): ReadonlyArray<Evidence> => {
  const limit = Duration.toMillis(settings.maxAge)
  const vague = newestVague(state)
  const newest = boundClaims(state).flatMap((claim) => {
    const own = copiesOf(state, claim)
    const copies = own.length === 0 && vague !== undefined ? [vague] : own
    const time = youngest(copies.flatMap((copy) => (copy.taken === null ? [] : [copy.taken])))
    return copies[0] === undefined ? [] : [{ claim, copy: copies[0].name, time }]
  })
  const timeless = newest.filter((one) => one.time === undefined)
  const old = newest.flatMap(({ claim, copy, time }) =>
    time !== undefined && age(state, time) > limit ? [{ claim, copy, millis: age(state, time) }] : []
  )
  const objects = (all: ReadonlyArray<{ readonly claim: Claim; readonly copy: string }>) => [
    ...new Set(all.map((one) => one.copy)),
    ...claimObjects(all.map((one) => one.claim))
  ]
  return [
    ...(old.length === 0
      ? []
      : [
          no(
            `the backup of ${claimNames(
              state,
              old.map((one) => one.claim)
            )} is ${span(Math.max(...old.map((one) => one.millis)))} old (limit ${span(limit)})`,
            objects(old),
            "back up more often, and check that it succeeds"
          )
        ]),
    ...(timeless.length === 0
      ? []
      : [
          unknown(
            `the backup of ${claimNames(
              state,
              timeless.map((one) => one.claim)
            )} has no timestamp`,
            objects(timeless)
          )
        ])
  ]
}

/** Copies that a tool took claim by claim are of different moments. */
const copiesTorn = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const claims = boundClaims(state)
  if (claims.length < 2 || !backed(state)) return []
  const objects = Map.groupBy(state.protection.copies ?? [], (copy) => copy.name)
  const whole = [...objects.values()].some((copies) =>
    holds(
      copies,
      claims.map((claim) => claim.name)
    )
  )
  const newest = claims.flatMap((claim) => {
    const time = youngest(copiesOf(state, claim).flatMap((copy) => (copy.taken === null ? [] : [copy.taken])))
    return time === undefined ? [] : [time]
  })
  const apart = spread(newest)
  return whole || apart <= sameCut
    ? []
    : [
        no(
          `no single backup contains all ${claims.length} claims: they were taken ${span(apart)} apart`,
          [...objects.keys()],
          "back up from one group snapshot of all claims"
        )
      ]
}

/** VolumeSnapshots and VolSync hold volumes alone; a Velero Backup and a set of ours hold manifests too. */
const configurationKept = (state: AppState): boolean =>
  (state.protection.copies ?? []).some((copy) => copy.name.startsWith("Backup/")) ||
  (state.protection.snapshots ?? []).some((one) => one.set !== null && restorable(one))

const unrecorded = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const kept = state.references.filter((one) => one.present === true && one.required)
  return kept.length === 0 || configurationKept(state)
    ? []
    : [
        unknown(
          `cannot tell whether ${names(kept.map((one) => `${one.kind} ${one.name}`))} ${verb(kept, "is", "are")} stored elsewhere`,
          kept.map((one) => `${one.kind}/${one.name}`),
          `keep ${verb(kept, "it", "them")} in version control or a secret store, or in the backup`
        )
      ]
}

const elsewhere = ({ state, settings }: Facts): ReadonlyArray<Evidence> => {
  const claims = boundClaims(state)
  if (hasNoClaims(state) && (hasDataOutside(state) || hasEphemeralData({ state, settings }))) return []
  if (hasNoClaims(state)) return [yes("no claims: only its configuration needs to be restored", [])]
  if (claims.length === 0 || !backed(state)) return []
  const copies = claims.flatMap((claim) => copiesOf(state, claim))
  const newest = youngest(copies.flatMap((copy) => (copy.taken === null ? [] : [copy.taken])))
  const from = [...new Set(copies.map((copy) => copy.name))]
  return newest === undefined || age(state, newest) > Duration.toMillis(settings.maxAge)
    ? []
    : [
        yes(
          `${names(from)} (${span(age(state, newest))} ago) ${verb(from, "contains", "contain")} ${claims.length === 1 ? claims[0]?.name : `all ${counted(claims.length, "claim")}`}, on other storage`,
          from
        )
      ]
}

/** The newest copy of all claims as one: a copy elsewhere, or a set or group of snapshots on the same storage. */
export const newestOf = (state: AppState): RestoreVerdict["newest"] => {
  const claims = boundClaims(state).map(({ name }) => name)
  if (claims.length === 0) return null
  const copies = [...Map.groupBy(state.protection.copies ?? [], ({ name }) => name)].map(([name, all]) => ({
    name,
    elsewhere: true,
    members: all.map(({ claim, taken }) => ({ claim, taken }))
  }))
  const snapshots = [
    ...Map.groupBy(
      (state.protection.snapshots ?? []).filter(restorable),
      ({ group, name, set }) => set ?? group ?? name
    )
  ].map(([name, all]) => ({
    name,
    elsewhere: false,
    members: all.map((one) => ({ claim: one.claim, taken: when(one) }))
  }))
  const whole = [...copies, ...snapshots].flatMap(({ elsewhere, members, name }) => {
    // As old as the first of its members.
    const oldest = members
      .flatMap(({ taken }) => (taken === null ? [] : [taken]))
      .toSorted((a, b) => instant(a) - instant(b))[0]
    return oldest !== undefined && holds(members, claims) ? [{ name, taken: oldest, elsewhere }] : []
  })
  return whole.toSorted((a, b) => instant(b.taken) - instant(a.taken))[0] ?? null
}

export const restoreRules: ReadonlyArray<Rule> = [
  rule("restore", "copy-elsewhere", elsewhere),
  rule("restore", "no-snapshot", noSnapshot),
  rule("restore", "snapshot-not-ready", notReady),
  rule("restore", "same-storage-only", sameStorage),
  rule("restore", "copy-too-old", copyAge),
  rule("restore", "copies-torn", copiesTorn),
  rule("restore", "snapshot-too-old", tooOld),
  rule("restore", "snapshots-torn", torn),
  classMissingRule("restore"),
  driverMissingRule("restore"),
  sourceMissingRule("restore"),
  notBoundRule("restore"),
  ...ephemeralRules("restore"),
  hostPathRule("restore"),
  withoutClaimRule("restore"),
  fsGroupRule("restore"),
  nameTooLongRule("restore"),
  referenceMissingRule("restore"),
  rule("restore", "configuration-not-kept", unrecorded),
  rule("restore", "snapshots-go-with-namespace", snapshotsGo),
  rule("restore", "volumes-go-with-claims", volumesGo),
  rule("restore", "claims-go-with-workload", claimsGo),
  rule("restore", "autoscaler-deletes-claims", scaledDown),
  unreadRule("restore")
]
