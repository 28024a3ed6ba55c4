/**
 * The possible levels of consistency of a snapshot: pure over the state. A level that is requested by name is
 * reached or refused; `auto` uses the best one that does not stop the application, and says why it is not a
 * better one.
 */
import type { Claim } from "../Claim.ts"
import type { Refusal } from "../operation/Plan.ts"
import type { SnapshotClass } from "../Protection.ts"
import type { Guarantee } from "../Quiesce.ts"
import type { AppState } from "../state/AppState.ts"
import type { Level } from "../step/record.ts"

export type Asked = "auto" | Level

/** How the volume snapshots are taken: as one group, or each with a class of its driver. */
export interface Ways {
  /** `null` if it is not possible, with the reason. */
  readonly group: { readonly class: string; readonly version: string } | null
  readonly noGroup: string | null
  /** The class for each driver; `null` for the cluster's default. */
  readonly classes: ReadonlyMap<string, string | null>
  readonly refusals: ReadonlyArray<Refusal>
}

const driverOf = (claim: Claim): string => claim.volume?.driver ?? ""

const choose = (
  classes: ReadonlyArray<SnapshotClass> | null,
  driver: string,
  group: boolean,
  asked: string | undefined
): string | null | Refusal => {
  const kind = group ? "VolumeGroupSnapshotClass" : "VolumeSnapshotClass"
  const found = classes?.filter((one) => one.driver === driver && one.group === group)
  // Without the right to list classes the cluster's own default counts.
  if (found === undefined) return asked ?? null
  if (asked !== undefined) {
    return found.some(({ name }) => name === asked)
      ? asked
      : {
          reason: `${kind} ${asked} does not belong to driver ${driver}`,
          remedy: `use one of its own: ${names(found)}`
        }
  }
  const defaults = found.filter(({ isDefault }) => isDefault)
  const [only, ...more] = defaults.length > 0 ? defaults : found
  if (only === undefined) {
    return {
      reason: `driver ${driver} has no ${kind}`,
      remedy: `create a ${kind} with driver: ${driver}, if it supports snapshots`
    }
  }
  return more.length === 0
    ? only.name
    : {
        reason: `driver ${driver} has ${defaults.length > 1 ? "two default classes" : "several classes, and none is the default"}: ${names([only, ...more])}`,
        remedy: "choose one with --class"
      }
}

const names = (classes: ReadonlyArray<SnapshotClass>): string =>
  classes.map(({ name }) => name).join(", ") || "it has none"

const isRefusal = (found: string | null | Refusal): found is Refusal =>
  typeof found === "object" && found !== null

/** The possible ways for these claims. */
export const waysOf = (
  state: AppState,
  claims: ReadonlyArray<Claim>,
  asked: { readonly class?: string; readonly groupClass?: string }
): Ways => {
  const { snapshotClasses, snapshotApi, groupSnapshotApi } = state.protection
  // A claim without a volume is of no driver yet: the plan refuses it for that.
  const drivers = [...new Set(claims.filter(({ volume }) => volume !== null).map(driverOf))]
  const chosen = drivers.map(
    (driver) => [driver, choose(snapshotClasses, driver, false, asked.class)] as const
  )
  const noApi =
    snapshotApi === false
      ? [
          {
            reason: "the API snapshot.storage.k8s.io is not installed",
            remedy: "install kubernetes-csi/external-snapshotter: its CRDs and its controller"
          }
        ]
      : []
  const foreign = claims.filter(({ volume }) => volume?.source != null && volume.source !== "csi")
  const [first = ""] = drivers
  const groupClass = choose(snapshotClasses, first, true, asked.groupClass)
  const noGroup =
    claims.length === 0
      ? "there is no claim"
      : claims.length === 1
        ? "one claim needs no group"
        : drivers.length > 1
          ? `the claims use ${drivers.length} drivers (${drivers.join(", ")}), and a group can contain only one`
          : groupSnapshotApi === null
            ? "the API groupsnapshot.storage.k8s.io is not served"
            : isRefusal(groupClass)
              ? groupClass.reason
              : groupClass === null
                ? "no permission to list VolumeGroupSnapshotClasses"
                : null
  return {
    group:
      noGroup === null && typeof groupClass === "string" && groupSnapshotApi !== null
        ? { class: groupClass, version: groupSnapshotApi }
        : null,
    noGroup,
    classes: new Map(chosen.map(([driver, found]) => [driver, isRefusal(found) ? null : found])),
    refusals: [
      ...noApi,
      ...(noApi.length > 0
        ? []
        : foreign.map(({ name, volume }) => ({
            reason: `${name}: ${volume?.source ?? "such"} volumes do not support snapshots`,
            remedy: "move the data to a StorageClass whose CSI driver supports snapshots"
          }))),
      ...(noApi.length > 0 || foreign.length > 0
        ? []
        : chosen.flatMap(([, found]) => (isRefusal(found) ? [found] : [])))
    ]
  }
}

/** How the members can be quiesced, if a profile defines it. */
export interface Quiescing {
  readonly guarantee: Guarantee
  /** Nothing is quiesced, but each member recovers from its own volume snapshot. */
  readonly isNothing: boolean
  /** Reason that they cannot be quiesced; `null` if they can. */
  readonly refusal: Refusal | null
}

interface Chosen {
  readonly level: Level
  readonly why: ReadonlyArray<string>
  readonly refusals: ReadonlyArray<Refusal>
}

const noProfile: Refusal = {
  reason: "no profile defines how to quiesce the application",
  remedy: "use --profile redis, or a file; or use --consistency group"
}

const noQuiesce = (profile: string): Refusal => ({
  reason: `${profile} quiesces nothing: its members are consistent only if they are snapshotted at one point in time`,
  remedy: "use --consistency group or offline"
})

/** The best level without quiescing anything. */
const unquiesced = (ways: Ways, why: ReadonlyArray<string>): Chosen =>
  ways.group !== null
    ? { level: "group", why, refusals: [] }
    : {
        level: "crash",
        why: [...why, ...(ways.noGroup === null ? [] : [`not as one group: ${ways.noGroup}`])],
        refusals: []
      }

/** Best first: quiesced if all writes stop, a group, quiesced per member, each separately. */
const automatic = (ways: Ways, quiescing: Quiescing | null): Chosen => {
  if (quiescing === null) return unquiesced(ways, [])
  if (quiescing.isNothing) return unquiesced(ways, ways.group === null ? perMember(quiescing) : [])
  if (quiescing.refusal !== null) return unquiesced(ways, [`not quiesced: ${quiescing.refusal.reason}`])
  if (quiescing.guarantee === "blocks-writes" || ways.group === null) {
    return { level: "quiesced", why: perMember(quiescing), refusals: [] }
  }
  return unquiesced(ways, [])
}

const perMember = ({ guarantee }: Quiescing): ReadonlyArray<string> =>
  guarantee === "blocks-writes"
    ? []
    : ["each member is recoverable from its own snapshot, not all at one moment"]

/** The level that is taken, and why not a better one; or why the asked one cannot be reached. */
export const levelOf = (
  asked: Asked,
  ways: Ways,
  quiescing: Quiescing | null,
  allowLower: boolean,
  oneMember?: string
): Chosen => {
  if (asked === "offline" || asked === "crash") return { level: asked, why: [], refusals: [] }
  if (asked === "auto") return automatic(ways, quiescing)
  if (asked === "quiesced") {
    const none = oneMember === undefined ? noProfile : noQuiesce(oneMember)
    const refusal = quiescing === null ? none : quiescing.refusal
    if (refusal === null && quiescing !== null)
      return { level: "quiesced", why: perMember(quiescing), refusals: [] }
    return allowLower
      ? unquiesced(ways, [`not quiesced: ${(refusal ?? none).reason}`])
      : { level: "quiesced", why: [], refusals: [refusal ?? none] }
  }
  const chosen = unquiesced(ways, [])
  return chosen.level === "group" || allowLower
    ? chosen
    : {
        ...chosen,
        refusals: [
          {
            reason: `a group is not possible: ${ways.noGroup ?? "for an unknown reason"}`,
            remedy: "use --consistency offline, or --allow-lower to snapshot each volume separately"
          }
        ]
      }
}
