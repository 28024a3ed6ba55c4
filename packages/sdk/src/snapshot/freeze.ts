/**
 * Checks whether the members of an application can be quiesced for its snapshot, and predicts for how long:
 * pure over the state.
 */
import type { Claim } from "../Claim.ts"
import type { Refusal } from "../operation/Plan.ts"
import { format } from "../GoDuration.ts"
import { type Means, meansOf, type Quiesce } from "../Quiesce.ts"
import { healthOf, type Replica } from "../Replica.ts"
import type { AppState } from "../state/AppState.ts"
import type { Quiescing } from "./level.ts"

/** The default rate limit of the snapshot controller and of the driver's sidecar. */
export const defaultQps = 5

/**
 * A recent snapshot of the same application: the number of claims, and the time from the request to the last
 * volume snapshot.
 */
export interface Recent {
  readonly claims: number
  readonly millis: number
}

export interface FreezeOptions {
  readonly quiesce?: Quiesce
  /**
   * True if members may be quiesced by functions or requests, which nothing in the pods ends if this process
   * crashes. Default false.
   */
  readonly allowUnboundedFreeze?: boolean
  /** Requests a second that the snapshot controller may make. Default: unknown, and so 5. */
  readonly snapshotQps?: number
  readonly recent?: Recent | null
}

/** The number of snapshots that each controller works on at a time, by default. */
const workers = 10

/**
 * Requests of the busiest client until the last volume snapshot is visible, as counted in the audit log of a
 * cluster with external-snapshotter 8.6. The sidecar, the controller's client for snapshots and its client
 * for everything else have a limit each. The sidecar makes four for each volume; if there are more volumes
 * than workers the controller is slower, with five for each that had to wait. If only the VolumeSnapshot can
 * be read, not its content, the controller makes nine for each. For a group it lists the claims and reads
 * each volume before the one snapshot.
 */
const requestsFor = (claims: number, isGroup: boolean, mayReadContents: boolean): number => {
  if (isGroup) return claims + 1
  return mayReadContents ? 4 * Math.min(claims, workers) + 5 * Math.max(0, claims - workers) : 9 * claims
}

/** The predicted duration of a freeze, in milliseconds, and the basis of the prediction. */
export const predicted = (
  claims: number,
  isGroup: boolean,
  mayReadContents: boolean,
  { snapshotQps, recent }: FreezeOptions
): { readonly millis: number; readonly how: string } => {
  if (recent != null && recent.claims > 0 && snapshotQps === undefined) {
    const millis = isGroup ? recent.millis : (recent.millis * Math.max(claims, recent.claims)) / recent.claims
    return { millis, how: `${recent.claims} volume snapshots recently took ${format(recent.millis)}` }
  }
  const qps = snapshotQps ?? defaultQps
  const requests = requestsFor(claims, isGroup, mayReadContents)
  // Twice as many at once, as in their defaults.
  const millis = (Math.max(0, requests - 2 * qps) / qps) * 1000
  const known = snapshotQps === undefined ? "the default unless --snapshot-qps is set" : "from --snapshot-qps"
  return { millis, how: `the snapshot controllers make ${requests} requests at ${qps} a second, ${known}` }
}

const refusal = (reason: string, remedy: string): Refusal => ({ reason, remedy })

/** The members to quiesce, or the reason that there are none. */
const membersIn = (state: AppState): ReadonlyArray<Replica> | Refusal => {
  const [workload, ...more] = state.workloads
  if (workload?.kind !== "StatefulSet" || more.length > 0) {
    return refusal(
      "only the members of one StatefulSet can be quiesced together",
      "take a snapshot of each StatefulSet by its name"
    )
  }
  const members = state.replicas.filter(({ wanted, pod }) => wanted || pod !== null)
  if (members.length === 0) {
    return refusal(
      `${workload.name} is scaled to 0: there is nothing to quiesce`,
      "use --consistency offline"
    )
  }
  const out = members.find((one) => healthOf(one) !== "Ready" || !one.wanted || one.ordinal === null)
  return out === undefined
    ? members
    : refusal(
        `${out.name} is ${healthOf(out)}, and a member that is not ready cannot be quiesced`,
        "wait until every member is ready, or use --consistency group"
      )
}

export interface Freeze extends Quiescing {
  readonly members: ReadonlyArray<{
    readonly pod: string
    readonly ordinal: number
    readonly fqdn: string
    readonly uid: string
  }>
  /** True if their volumes are snapshotted in stages, and nothing waits. */
  readonly isStaged: boolean
  /** In words: how long it would take, and how long it may. */
  readonly effect: string
  readonly warnings: ReadonlyArray<string>
}

/**
 * The effect of the freeze on probes. What a probe does is unknown: one that only reads or connects still
 * passes, one that writes fails. If the predicted freeze would outlast a liveness probe, so that the
 * container would be restarted, it is refused; if only the deadline would, there is a warning.
 */
const probesDuring = (
  state: AppState,
  millis: number,
  deadline: number
): { readonly refusal: Refusal | null; readonly warnings: ReadonlyArray<string> } => {
  const all = state.workloads.flatMap(({ template }) => template.probes)
  const found = all.flatMap(({ container, kind, by, periodSeconds, failureThreshold }) => {
    // The first of the failures may come as the freeze begins. A connection is taken by the kernel.
    const budget = (failureThreshold - 1) * periodSeconds * 1000
    if (kind === "startup" || by === "tcpSocket" || budget > deadline) return []
    const then = kind === "liveness" ? "restart it" : "take its pod out of its Services"
    const fact = `${kind}Probe of container ${container} may fail while members are quiesced, and ${failureThreshold} failures ${periodSeconds}s apart ${then} after ${format(budget)}`
    return [{ fact, isFatal: kind === "liveness" && millis > 0 && budget <= millis }]
  })
  const fatal = found.find(({ isFatal }) => isFatal)
  const way = "raise failureThreshold, or use a profile with a shorter deadline"
  return {
    refusal:
      fatal === undefined
        ? null
        : refusal(
            `${fatal.fact}, and the freeze takes about ${format(millis)}`,
            "raise its failureThreshold, or use --consistency group"
          ),
    warnings: found.map(({ fact }) => `${fact}; a freeze may last ${format(deadline)}: ${way}`)
  }
}

/** Reason that the profile cannot quiesce members; `null` if it can. */
const profileRefusal = (
  { profile, guarantee, hold }: Quiesce,
  means: Means,
  members: number,
  allowUnbounded: boolean
): Refusal | null => {
  if (hold._tag === "NotQuiesced") {
    return refusal(
      `${profile} quiesces nothing: each member recovers from its own snapshot`,
      "use --consistency group, offline or crash"
    )
  }
  if (guarantee === "one-member" && members > 1) {
    return refusal(
      `${profile} guarantees only single members: members that are snapshotted at different times are not consistent`,
      "use --consistency group or offline"
    )
  }
  return means === "command" || allowUnbounded
    ? null
    : refusal(
        `${profile} quiesces by a ${means}: if this process crashes, nothing in the pods ends the freeze`,
        "use --consistency group, or allow it with --allow-unbounded-freeze"
      )
}

/** True if a member has several volumes, so that separate volume snapshots are not of one moment. */
const areSplit = (claims: ReadonlyArray<Claim>): boolean =>
  [...Map.groupBy(claims, ({ ordinal }) => ordinal).values()].some(({ length }) => length > 1)

/** Members of a staged snapshot: nothing waits, so neither its duration nor probes matter. */
const stagedFreeze = (
  found: ReturnType<typeof membersIn>,
  { profile, guarantee, waves }: Quiesce
): Freeze => ({
  guarantee,
  isNothing: false,
  isStaged: true,
  refusal: "reason" in found ? found : null,
  members: "reason" in found ? [] : found.map(memberOf),
  effect: `the volumes of each member are snapshotted in stages by profile ${profile}: no writes are blocked, and it ends within ${format(waves?.hold.deadline ?? 0)}`,
  warnings: []
})

const memberOf = ({ name, ordinal, pod }: Replica): Freeze["members"][number] => ({
  pod: name,
  ordinal: ordinal ?? 0,
  fqdn: pod?.fqdn ?? name,
  uid: pod?.uid ?? ""
})

/** How the members would be quiesced; `null` without a profile. */
export const freezeOf = (
  state: AppState,
  claims: ReadonlyArray<Claim>,
  isGroup: boolean,
  mayReadContents: boolean,
  options: FreezeOptions
): Freeze | null => {
  const { quiesce, allowUnboundedFreeze = false } = options
  if (quiesce === undefined) return null
  const { guarantee, hold } = quiesce
  const means = meansOf(quiesce)
  const found = membersIn(state)
  if (quiesce.waves !== undefined && areSplit(claims)) return stagedFreeze(found, quiesce)
  const members = "reason" in found ? [] : found
  const { millis, how } = predicted(claims.length, isGroup, mayReadContents, options)
  const tooLong =
    millis > hold.deadline / 2
      ? refusal(
          `the members would be quiesced for ${format(millis)}, more than half of the deadline of ${format(hold.deadline)} (${how})`,
          "use --consistency group; or pass the rate with --snapshot-qps, if it is higher"
        )
      : null
  const probes = probesDuring(state, millis, hold.deadline)
  const unfit = profileRefusal(quiesce, means, members.length, allowUnboundedFreeze)
  const limit =
    means === "command"
      ? `and never beyond ${format(hold.deadline)}`
      : `and only this process ends that, after ${format(hold.deadline)}`
  return {
    guarantee,
    isNothing: hold._tag === "NotQuiesced",
    isStaged: false,
    refusal: "reason" in found ? found : (unfit ?? tooLong ?? probes.refusal),
    members: members.map(memberOf),
    effect: `${members.length} members are quiesced for ${millis === 0 ? "as long as the snapshot takes" : `about ${format(millis)}`}, ${limit}`,
    warnings: probes.warnings
  }
}
