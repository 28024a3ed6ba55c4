/** The plan to take a set of an application's state: pure over that state. */
import type { AppRef } from "../App.ts"
import { type Claim, trouble } from "../Claim.ts"
import { digest } from "../Digest.ts"
import { unlistedClaims } from "../MissingVolume.ts"
import { type Guard, keyOf, type Refusal } from "../operation/Plan.ts"
import { make } from "../operation/Step.ts"
import * as Quantity from "../Quantity.ts"
import type { Quota } from "../Quota.ts"
import { fingerprint } from "../Quiesce.ts"
import type { Quorum } from "../Quorum.ts"
import { shellWord } from "../ShellWord.ts"
import type { AppState } from "../state/AppState.ts"
import { AwaitReady } from "../step/awaitReady.ts"
import { longestRestored } from "../step/filledClaim.ts"
import { isSetName, type Level, longestName, seedOnlyOf } from "../step/record.ts"
import { recordName } from "../RecordName.ts"
import { RecordSet, type SetSettings } from "../step/recordSet.ts"
import { RetainContents } from "../step/retainContents.ts"
import { factsOf } from "../step/workload.ts"
import { endedRollout } from "../step/partition.ts"
import { configOf } from "./config.ts"
import { type Freeze, freezeOf, type FreezeOptions } from "./freeze.ts"
import { type Asked, levelOf, type Ways, waysOf } from "./level.ts"
import { affinityOf, placementOf } from "./placement.ts"
import { quotaRefusals } from "./quota.ts"
import { cutSteps, offlineSteps, quiescedSteps } from "./steps.ts"
import { type SnapshotPlan, type SnapshotStep, snapshotVerb } from "./verb.ts"
import { counted } from "../Plural.ts"

export interface SnapshotOptions extends FreezeOptions {
  /** The set's name: a DNS label of at most 40 characters. */
  readonly name: string
  /** Default: auto, the best level that does not stop the application. */
  readonly consistency?: Asked
  /** Take a lower level where the asked one is not possible. Default false. */
  readonly allowLower?: boolean
  /** VolumeSnapshotClass. Default: the driver's default class, or its only one. */
  readonly class?: string
  /** VolumeGroupSnapshotClass. Default: likewise. */
  readonly groupClass?: string
  /** While the application is stopped for an offline set and started again. Default: majority. */
  readonly quorum?: Quorum
  /**
   * The profile with the guarantee `one-member`: members that were snapshotted separately are not restored
   * together.
   */
  readonly oneMember?: string
  /** True if this process can set contents to Retain. Default true. */
  readonly mayRetain?: boolean
  /** The pods that have each claim mounted. Default: not read. */
  readonly mountedBy?: Readonly<Record<string, ReadonlyArray<string>>>
  /** The namespace's quotas. Default: not read. */
  readonly quotas?: ReadonlyArray<Quota>
}

const nameRefusal = (name: string): ReadonlyArray<Refusal> =>
  isSetName(name)
    ? []
    : [
        {
          reason: `"${name}" is not a valid name for a snapshot`,
          remedy: `use at most ${longestName} lowercase letters, digits and dashes`
        }
      ]

/** The claims of a set: those in use; of an application that is scaled to 0, all of them. */
const claimsOf = (state: AppState): ReadonlyArray<Claim> => {
  const runs = state.workloads.some(({ replicas }) => replicas > 0)
  return runs ? state.claims.filter(({ leftover }) => !leftover) : state.claims
}

const check = (namespace: string, claim: string): string =>
  `check it: kubectl describe pvc ${shellWord(claim)} -n ${shellWord(namespace)}`

/** Reason that a claim cannot be snapshotted; `null` if it can. */
const uncuttable = (namespace: string, claim: Claim): Refusal | null => {
  const why = trouble(claim)
  return why === null
    ? null
    : {
        reason: `${why}: a snapshot without it would be incomplete`,
        remedy: check(namespace, claim.name)
      }
}

const unlisted = (state: AppState): ReadonlyArray<Refusal> =>
  unlistedClaims(state).map(({ claim, pod }) => ({
    reason: `claim ${claim} of pod ${pod} was not found: a snapshot without it would be incomplete`,
    remedy: check(state.namespace, claim)
  }))

const nodeAffinityOf = (claim: Claim) => {
  const nodeAffinity = affinityOf(claim)
  return nodeAffinity === null ? {} : { nodeAffinity }
}

const plannedClaim = (claim: Claim, ways: Ways, group: string | null): SetSettings["claims"][number] => ({
  claim: claim.name,
  uid: claim.uid,
  workload: claim.workload,
  ordinal: claim.ordinal,
  volume: claim.volume?.name ?? "",
  volumeHandle: claim.volume?.handle ?? null,
  driver: claim.volume?.driver ?? "",
  class: group ?? ways.classes.get(claim.volume?.driver ?? "") ?? "",
  storageClass: claim.storageClass,
  size: claim.capacity ?? claim.requested,
  volumeMode: claim.volumeMode,
  ...nodeAffinityOf(claim)
})

/** What is written on another volume than a claim's has no cut. */
const unclaimed = (state: AppState): SetSettings["leftOut"] =>
  state.volumes
    .filter(({ writers }) => writers.length > 0)
    .map(({ workload, name, source, detail, writers }) => ({
      what: `${source} ${detail !== null && detail !== "" ? detail : name} of ${workload}`,
      why: `${writers[0]} is on no claim`
    }))

const leftOutOf = (state: AppState, claims: ReadonlyArray<Claim>): SetSettings["leftOut"] => [
  ...state.claims
    .filter((claim) => !claims.includes(claim))
    .map(({ name }) => ({
      what: `PersistentVolumeClaim/${name}`,
      why: "left by a scale-down: no pod uses it"
    })),
  ...unclaimed(state),
  ...state.unread.map(({ resource }) => ({ what: resource, why: "it could not be read" }))
]

const guardsOf = (state: AppState, name: string): readonly [Guard, ...ReadonlyArray<Guard>] | null => {
  const workloads = state.workloads.flatMap(({ kind, name: of, uid, generation }): ReadonlyArray<Guard> =>
    kind === "StatefulSet" || kind === "Deployment"
      ? [{ kind, namespace: state.namespace, name: of, uid, generation }]
      : []
  )
  const [first, ...rest] = workloads
  if (first === undefined) return null
  const record: Guard = {
    kind: "Secret",
    namespace: state.namespace,
    name: recordName(name),
    uid: null,
    generation: null
  }
  return [first, ...rest, record]
}

const total = (claims: ReadonlyArray<Claim>): string => {
  const sum = Quantity.sum(claims.map(({ capacity, requested }) => capacity ?? requested ?? "0"))
  return sum === null ? "of an unknown size" : Quantity.format(sum)
}

/** The members to ask for their directories: ready or not, any running one can answer. */
const askable = (state: AppState): Freeze["members"] =>
  state.replicas.flatMap(({ name, ordinal, pod }) =>
    pod === null ? [] : [{ pod: name, ordinal: ordinal ?? 0, fqdn: pod.fqdn ?? name, uid: pod.uid }]
  )

/**
 * The directories that must be in the snapshot, as reported by the application. If volumes are snapshotted
 * separately and a member cannot be asked, nothing is claimed, and nothing less is taken silently.
 */
const placesOf = (
  state: AppState,
  level: Level,
  { quiesce, allowLower = false }: SnapshotOptions,
  isStaged: boolean
): Pick<SnapshotPlan["settings"], "places" | "recoverable"> & { readonly refusal?: Refusal } => {
  if (quiesce?.oneVolume === undefined || (level === "quiesced" && !isStaged)) return {}
  const { profile, guarantee } = quiesce
  const isOne = level === "crash" && guarantee === "recoverable-per-member"
  const members = askable(state)
  const absent = state.replicas.find(({ wanted, pod }) => wanted && pod === null)
  if (members.length === 0 || absent !== undefined) {
    const fact = `${absent?.name ?? state.name} is not running, so it is unknown whether its data is on one volume`
    const remedy = "start it, use --consistency group or offline, or --allow-lower to accept crash"
    return isOne && !allowLower ? { refusal: { reason: fact, remedy } } : {}
  }
  return {
    places: { profile, digest: fingerprint(quiesce), members, isOne },
    ...(isOne ? { recoverable: { profile } } : {})
  }
}

/** The volumes of the snapshot, its level, and how it is taken. */
const cutOf = (state: AppState, options: SnapshotOptions) => {
  const { consistency = "auto", mayRetain = true, allowLower = false, oneMember } = options
  const claims = claimsOf(state)
  const ways = waysOf(state, claims, options)
  const freeze = freezeOf(state, claims, ways.group !== null, mayRetain, options)
  const { level, why, refusals } = levelOf(consistency, ways, freeze, allowLower, oneMember)
  const isStaged = level === "quiesced" && freeze?.isStaged === true
  const group = consistency === "crash" || isStaged ? null : ways.group
  const { refusal: unplaced, ...places } = placesOf(state, level, options, isStaged)
  return {
    consistency,
    mayRetain,
    level,
    why,
    // One that is refused is no set.
    seedOnly: refusals.length > 0 ? undefined : seedOnlyOf(oneMember, level, claims.length).seedOnly,
    // What waves would have made whole is nothing each alone.
    strict: (consistency !== "auto" || isStaged) && !allowLower,
    claims,
    planned: claims.map((claim) => plannedClaim(claim, ways, group?.class ?? null)),
    group,
    isStaged,
    freeze: level === "quiesced" ? freeze : null,
    /** The workload that is stopped for it; `null` for none. */
    stopped: level === "offline" ? (state.workloads[0] ?? null) : null,
    places,
    refusals: [
      ...(claims.length === 0 ? [] : ways.refusals),
      ...refusals,
      ...(unplaced === undefined ? [] : [unplaced])
    ]
  }
}

type Cut = ReturnType<typeof cutOf>

const planSteps = (
  record: string,
  { claims, group, freeze, isStaged, mayRetain, planned, stopped }: Cut,
  options: SnapshotOptions
): ReadonlyArray<SnapshotStep> => {
  const { name } = options
  const cuts = cutSteps(name, planned, group)
  const around = stopped === null ? { before: [], after: [] } : offlineSteps(stopped, claims, options)
  return [
    ...around.before,
    ...(freeze === null ? cuts : quiescedSteps(cuts, freeze, options, isStaged)),
    ...(mayRetain && claims.length > 0 ? [make(RetainContents, { of: "cuts" })] : []),
    make(RecordSet, { on: record, set: name }),
    ...around.after,
    ...(claims.length === 0 ? [] : [make(AwaitReady, {})]),
    ...(mayRetain && group !== null ? [make(RetainContents, { of: "members" })] : [])
  ]
}

const settingsOf = (
  state: AppState,
  { claims, consistency, level, mayRetain, places, planned, stopped, strict, why }: Cut,
  { name, oneMember }: SnapshotOptions
): SnapshotPlan["settings"] => ({
  set: name,
  asked: consistency,
  strict,
  level,
  why,
  retained: mayRetain,
  ...(oneMember === undefined ? {} : { oneMember }),
  claims: planned,
  config: configOf(state),
  replicas: Object.fromEntries(
    state.workloads.map(({ kind, name: of, replicas }) => [`${kind}/${of}`, replicas])
  ),
  placement: placementOf(state),
  leftOut: leftOutOf(state, claims),
  ...places,
  ...(stopped === null ? {} : { facts: factsOf(stopped, "Retain") })
})

const effectsOf = (
  state: AppState,
  { claims, freeze, level, mayRetain, stopped, why }: Cut,
  { name }: SnapshotOptions
): ReadonlyArray<string> => [
  `snapshot ${name} of ${state.name}: ${level}, ${counted(claims.length, "claim")}${claims.length === 0 ? "" : `, ${total(claims)}`}`,
  ...why,
  ...(freeze === null ? [] : [freeze.effect]),
  ...(stopped !== null && stopped.replicas > 0
    ? [`${stopped.name} is stopped for the snapshot: ${stopped.replicas} -> 0 -> ${stopped.replicas}`]
    : []),
  ...(mayRetain
    ? []
    : ["no permission to set contents to Retain: the snapshots are deleted with their namespace"])
]

/** What is stopped or quiesced are the members alone: who else has their volumes can go on writing. */
const strangersOf = (
  { replicas }: AppState,
  { claims }: Cut,
  { mountedBy = {} }: SnapshotOptions
): ReadonlyArray<string> => {
  const own = new Set(replicas.map(({ name }) => name))
  return claims.flatMap(({ name }) => {
    const others = (mountedBy[name] ?? []).filter((pod) => !own.has(pod))
    return others.length === 0 ? [] : [`claim ${name} is mounted by ${others.join(", ")} too`]
  })
}

const warningsOf = (state: AppState, cut: Cut, options: SnapshotOptions): ReadonlyArray<string> => {
  const { claims, freeze, level, seedOnly } = cut
  return [
    ...(freeze?.warnings ?? []),
    ...(freeze === null
      ? []
      : strangersOf(state, cut, options).map(
          (fact) => `${fact}, which is not quiesced: what it writes meanwhile may be in the snapshot in part`
        )),
    ...(claims.length === 0
      ? [
          "the snapshot has no volume, only manifests",
          ...unclaimed(state).map(({ what, why }) => `${what} is not in the snapshot: ${why}`)
        ]
      : []),
    ...claims
      .filter(({ name }) => name.length > longestRestored)
      .map(
        ({ name }) =>
          `claim ${name} has a name of ${name.length} characters, and a restore takes at most ${longestRestored}: its data can only be copied by hand from its VolumeSnapshot`
      ),
    ...(level === "crash" && claims.length > 1
      ? [
          "each volume is snapshotted separately: what one member has sent to another may be in one snapshot and not in the other"
        ]
      : []),
    ...(seedOnly === undefined
      ? []
      : [
          `the members are snapshotted at different times: with ${seedOnly} such a snapshot is restorable by seeding only, all members from one`
        ])
  ]
}

const mountRefusals = (state: AppState, cut: Cut, options: SnapshotOptions): ReadonlyArray<Refusal> =>
  cut.level !== "offline"
    ? []
    : strangersOf(state, cut, options).map((fact) => ({
        reason: `${fact}, which is not stopped: the snapshot would not be offline`,
        remedy: "stop that first, or use --consistency group or crash"
      }))

const refusalsOf = (state: AppState, cut: Cut, options: SnapshotOptions): ReadonlyArray<Refusal> => {
  const { claims, refusals, stopped } = cut
  return [
    ...nameRefusal(options.name),
    ...mountRefusals(state, cut, options),
    ...quotaRefusals(options.quotas ?? [], options.name, claims, cut.group !== null),
    ...claims.flatMap((claim) => uncuttable(state.namespace, claim) ?? []),
    ...unlisted(state),
    ...refusals,
    ...(stopped !== null && (stopped.kind !== "StatefulSet" || state.workloads.length > 1)
      ? [
          {
            reason: "only one StatefulSet at a time can be stopped for its snapshot",
            remedy: "take a snapshot of each StatefulSet by its name, or scale them to 0 in order first"
          }
        ]
      : [])
  ]
}

/** The plan of a snapshot. `id` names the operation. `null` if there is no workload to own. */
export const plan = (
  state: AppState,
  ref: AppRef,
  id: string,
  options: SnapshotOptions
): SnapshotPlan | null => {
  const guards = guardsOf(state, options.name)
  if (guards === null) return null
  const cut = cutOf(state, options)
  const record = keyOf(guards[guards.length - 1] ?? guards[0])
  const steps = planSteps(record, cut, options)
  const withoutAccess: Omit<SnapshotPlan, "access"> = {
    apiVersion: "kubectl-stateful.dev/v1",
    kind: "Plan",
    id,
    verb: "snapshot",
    app: ref,
    home: state.namespace,
    guards,
    facts: digest(cut.planned.map(({ claim, uid, volume }) => ({ claim, uid, volume }))),
    hooks: [],
    effects: effectsOf(state, cut, options),
    warnings: [
      ...warningsOf(state, cut, options),
      ...state.workloads.flatMap((workload) => endedRollout(workload, steps))
    ],
    refusals: refusalsOf(state, cut, options),
    unchecked: ["whether the driver takes the snapshots, and how fast, is known only once it tries"],
    settings: settingsOf(state, cut, options),
    steps
  }
  return { ...withoutAccess, access: snapshotVerb.rules({ ...withoutAccess, access: [] }, {}) }
}
