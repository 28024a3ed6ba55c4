/** The plan to take a set of an application's state: pure over that state. */
import type { AppRef } from "../App.ts"
import { type Claim, trouble } from "../Claim.ts"
import { digest } from "../Digest.ts"
import { type Guard, keyOf, type Refusal } from "../operation/Plan.ts"
import { make, type StepOf, stepsOf } from "../operation/Step.ts"
import * as Quantity from "../Quantity.ts"
import type { Quorum } from "../Quorum.ts"
import type { AppState } from "../state/AppState.ts"
import { AwaitReady } from "../step/awaitReady.ts"
import { type CountOptions, countSteps } from "../step/countSteps.ts"
import { fingerprint, meansOf, reachesOf } from "../Quiesce.ts"
import { CutGroup } from "../step/cutGroup.ts"
import { CutQuiesced } from "../step/cutQuiesced.ts"
import { CutVolumes } from "../step/cutVolumes.ts"
import { RestoreReclaimPolicies, RetainVolumes } from "../step/reclaimPolicy.ts"
import { cutName, isSetName, type Level, longestName, seedOnlyOf } from "../step/record.ts"
import { recordName } from "../RecordName.ts"
import { RecordSet, type SetSettings } from "../step/recordSet.ts"
import { SetReplicas } from "../step/replicas.ts"
import { RetainContents } from "../step/retainContents.ts"
import { RestoreRetention, SetRetention } from "../step/retention.ts"
import type { KeptClaim } from "../step/volume.ts"
import type { Workload } from "../Topology.ts"
import { configOf } from "./config.ts"
import { type FreezeOptions, type Held, heldOf } from "./freeze.ts"
import { type Asked, levelOf, type Ways, waysOf } from "./level.ts"
import { affinityOf, placementOf } from "./placement.ts"
import { type SnapshotPlan, type SnapshotStep, snapshotVerb } from "./verb.ts"
import { shellWord } from "../ShellWord.ts"

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
  /** The profile that keeps one member's promise: members that are cut apart are not restored together. */
  readonly oneMember?: string
  /** Whether this caller may set contents to Retain. Default true. */
  readonly mayRetain?: boolean
}

const nameRefusal = (name: string): ReadonlyArray<Refusal> =>
  isSetName(name)
    ? []
    : [
        {
          reason: `"${name}" is no name for a snapshot`,
          remedy: `use at most ${longestName} lower case letters, digits and dashes`
        }
      ]

/** The claims of a set: those in use; of an application that is scaled to 0, all of them. */
const claimsOf = (state: AppState): ReadonlyArray<Claim> => {
  const runs = state.workloads.some(({ replicas }) => replicas > 0)
  return runs ? state.claims.filter(({ leftover }) => !leftover) : state.claims
}

/** Why a claim cannot be cut; null: it can. */
const uncuttable = (namespace: string, claim: Claim): Refusal | null => {
  const why = trouble(claim)
  return why === null
    ? null
    : {
        reason: `${why}: a snapshot without it would not be whole`,
        remedy: `look at it: kubectl describe pvc ${claim.name} -n ${shellWord(namespace)}`
      }
}

const nodeAffinityOf = (claim: Claim) => {
  const nodeAffinity = affinityOf(claim)
  return nodeAffinity === null ? {} : { nodeAffinity }
}

const settingsOf = (claim: Claim, ways: Ways, group: string | null): SetSettings["claims"][number] => ({
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

const leftOutOf = (state: AppState, claims: ReadonlyArray<Claim>): SetSettings["leftOut"] => [
  ...state.claims
    .filter((claim) => !claims.includes(claim))
    .map(({ name }) => ({
      what: `PersistentVolumeClaim/${name}`,
      why: "left by a scale-down: no pod uses it"
    })),
  // What is written on another volume than a claim's has no cut.
  ...state.volumes
    .filter(({ writers }) => writers.length > 0)
    .map(({ workload, name, source, detail, writers }) => ({
      what: `${source} ${detail !== null && detail !== "" ? detail : name} of ${workload}`,
      why: `${writers[0]} is on no claim`
    })),
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

const cutSteps = (
  claims: ReadonlyArray<Claim>,
  ways: Ways,
  set: string,
  grouped: boolean
): ReadonlyArray<StepOf<typeof CutGroup> | StepOf<typeof CutVolumes>> => {
  const planned = claims.map((claim) => settingsOf(claim, ways, null))
  const { group } = ways
  if (grouped && group !== null) {
    return [
      make(CutGroup, {
        set,
        as: set,
        class: group.class,
        version: group.version,
        claims: planned.map(({ claim, uid, volume, volumeHandle }) => ({
          claim,
          uid,
          volume,
          handle: volumeHandle
        }))
      })
    ]
  }
  return [
    make(CutVolumes, {
      set,
      claims: planned.map(({ claim, uid, volume, volumeHandle, class: of }) => ({
        claim,
        uid,
        volume,
        handle: volumeHandle,
        class: of,
        as: cutName(set, claim)
      }))
    })
  ]
}

/** The same cut with every member held still around it. */
const quiescedSteps = (
  steps: ReturnType<typeof cutSteps>,
  { members, guarantee }: Held,
  { quiesce }: SnapshotOptions,
  inWaves: boolean
): ReadonlyArray<SnapshotStep> =>
  quiesce === undefined
    ? steps
    : steps.map((cut) =>
        make(CutQuiesced, {
          guarantee,
          profile: quiesce.profile,
          digest: fingerprint(quiesce),
          deadline: (inWaves ? quiesce.waves : undefined)?.hold.deadline ?? quiesce.hold.deadline,
          ...(inWaves ? { waves: true as const } : {}),
          ...(meansOf(quiesce) === "command"
            ? {}
            : { unbounded: meansOf(quiesce), reaches: reachesOf(quiesce) }),
          members,
          cut
        })
      )

const kept = ({ name, uid, volume }: Claim): KeptClaim => ({
  claim: name,
  uid,
  volume: volume?.name ?? null,
  reclaimPolicy: volume?.reclaimPolicy ?? null
})

/** The steps around the cut of a set that is taken offline: down before it, and back up behind it. */
const offlineSteps = (
  workload: Workload,
  claims: ReadonlyArray<Claim>,
  { quorum }: SnapshotOptions
): { readonly before: ReadonlyArray<SnapshotStep>; readonly after: ReadonlyArray<SnapshotStep> } => {
  const { replicas } = workload
  if (replicas === 0) return { before: [], after: [] }
  const retention = workload.retention ?? { whenScaled: "Retain" as const, whenDeleted: "Retain" as const }
  const during = { ...retention, whenScaled: "Retain" as const }
  const sets = retention.whenScaled === "Delete"
  const keeps = claims.map(kept)
  const retain = keeps.some(({ reclaimPolicy: policy }) => policy !== null && policy !== "Retain")
  const options = { once: true, ...(quorum === undefined ? {} : { quorum }) }
  // No hooks: the members stop together and come back, and none of them leaves the application.
  const counts = (range: { readonly from: number; readonly to: number }, how: CountOptions) =>
    stepsOf(SetReplicas, countSteps(workload, range, how))
  return {
    before: [
      make(RetainVolumes, { claims: keeps, retain }),
      ...(sets ? [make(SetRetention, { from: retention, to: during })] : []),
      ...counts({ from: replicas, to: 0 }, options)
    ],
    after: [
      ...counts({ from: 0, to: replicas }, { ...options, returns: true }),
      ...(sets ? [make(RestoreRetention, { from: during, to: retention, again: false })] : []),
      make(RestoreReclaimPolicies, { count: keeps.length })
    ]
  }
}

const total = (claims: ReadonlyArray<Claim>): string => {
  const sum = Quantity.sum(claims.map(({ capacity, requested }) => capacity ?? requested ?? "0"))
  return sum === null ? "of an unknown size" : Quantity.format(sum)
}

/** Who is asked where the data is: ready or not, whoever runs can say it. */
const askable = (state: AppState): Held["members"] =>
  state.replicas.flatMap(({ name, ordinal, pod }) =>
    pod === null ? [] : [{ pod: name, ordinal: ordinal ?? 0, fqdn: pod.fqdn ?? name, uid: pod.uid }]
  )

/**
 * Where the data must be, as the application says itself. Where each volume is cut alone and somebody cannot be
 * asked, nothing is claimed, and nothing less is taken in silence.
 */
const placesOf = (
  state: AppState,
  level: Level,
  { quiesce, allowLower = false }: SnapshotOptions,
  inWaves: boolean
): Pick<SnapshotPlan["settings"], "places" | "recoverable"> & { readonly refusal?: Refusal } => {
  if (quiesce?.oneVolume === undefined || (level === "quiesced" && !inWaves)) return {}
  const { profile, guarantee } = quiesce
  const isOne = level === "crash" && guarantee === "recoverable-per-member"
  const members = askable(state)
  const absent = state.replicas.find(({ wanted, pod }) => wanted && pod === null)
  if (members.length === 0 || absent !== undefined) {
    const fact = `${absent?.name ?? state.name} does not run, so nobody can be asked whether its data is on one volume`
    const remedy =
      "start it, take it with --consistency group or offline, or with --allow-lower as crash alone"
    return isOne && !allowLower ? { refusal: { reason: fact, remedy } } : {}
  }
  return {
    places: { profile, digest: fingerprint(quiesce), members, isOne },
    ...(isOne ? { recoverable: { profile } } : {})
  }
}

/** What taking a set would do. `id` names the operation. Null: there is no workload to own. */
export const plan = (
  state: AppState,
  ref: AppRef,
  id: string,
  options: SnapshotOptions
): SnapshotPlan | null => {
  const { name, consistency = "auto", mayRetain = true } = options
  const guards = guardsOf(state, name)
  if (guards === null) return null
  const claims = claimsOf(state)
  const ways = waysOf(state, claims, options)
  const held = heldOf(state, claims, ways.group !== null, mayRetain, options)
  const { oneMember } = options
  const { level, why, refusals } = levelOf(consistency, ways, held, options.allowLower === true, oneMember)
  // One that is refused is no set.
  const { seedOnly } = refusals.length > 0 ? {} : seedOnlyOf(oneMember, level, claims.length)
  const inWaves = level === "quiesced" && held?.inWaves === true
  const grouped = ways.group !== null && consistency !== "crash" && !inWaves
  const { refusal: unplaced, ...places } = placesOf(state, level, options, inWaves)
  const [workload, ...others] = state.workloads
  const isOffline = level === "offline"
  const offline =
    isOffline && workload !== undefined ? offlineSteps(workload, claims, options) : { before: [], after: [] }
  const record = keyOf(guards[guards.length - 1] ?? guards[0])
  const cuts = claims.length === 0 ? [] : cutSteps(claims, ways, name, grouped)
  const steps: ReadonlyArray<SnapshotStep> = [
    ...offline.before,
    ...(level === "quiesced" && held !== null ? quiescedSteps(cuts, held, options, inWaves) : cuts),
    ...(mayRetain && claims.length > 0 ? [make(RetainContents, { of: "cuts" })] : []),
    make(RecordSet, { on: record, set: name }),
    ...offline.after,
    ...(claims.length === 0 ? [] : [make(AwaitReady, {})]),
    ...(mayRetain && grouped ? [make(RetainContents, { of: "members" })] : [])
  ]
  const plannedClaims = claims.map((claim) =>
    settingsOf(claim, ways, grouped ? (ways.group?.class ?? null) : null)
  )
  const withoutAccess: Omit<SnapshotPlan, "access"> = {
    apiVersion: "kubectl-stateful.dev/v1",
    kind: "Plan",
    id,
    verb: "snapshot",
    app: ref,
    home: state.namespace,
    guards,
    facts: digest(plannedClaims.map(({ claim, uid, volume }) => ({ claim, uid, volume }))),
    hooks: [],
    effects: [
      `snapshot ${name} of ${state.name}: ${level}, ${claims.length} claim${claims.length === 1 ? "" : "s"}${claims.length === 0 ? "" : `, ${total(claims)}`}`,
      ...why,
      ...(level === "quiesced" && held !== null ? [held.effect] : []),
      ...(isOffline && workload !== undefined && workload.replicas > 0
        ? [`${workload.name} is stopped for the cut: ${workload.replicas} -> 0 -> ${workload.replicas}`]
        : []),
      ...(mayRetain ? [] : ["contents may not be set to Retain: the cuts go with their namespace"])
    ],
    warnings: [
      ...(level === "quiesced" ? (held?.warnings ?? []) : []),
      ...(level === "crash" && claims.length > 1
        ? [
            "each volume is cut alone: what one member has sent to another may be in one cut and not in the other"
          ]
        : []),
      ...(seedOnly === undefined
        ? []
        : [
            `the members are cut at different moments: with ${seedOnly} such a set is restorable by seeding only, all members from one`
          ]),
      ...(isOffline && consistency !== "offline" ? ["the application is stopped"] : [])
    ],
    refusals: [
      ...nameRefusal(name),
      ...claims.flatMap((claim) => uncuttable(state.namespace, claim) ?? []),
      ...(claims.length === 0 ? [] : ways.refusals),
      ...refusals,
      ...(unplaced === undefined ? [] : [unplaced]),
      ...(isOffline && (workload?.kind !== "StatefulSet" || others.length > 0)
        ? [
            {
              reason: "only one StatefulSet at a time can be stopped for its cut",
              remedy: "take a set of each StatefulSet by its name, or scale them to 0 in order first"
            }
          ]
        : [])
    ],
    unchecked: ["whether the driver cuts, and how fast, is known only when it is asked"],
    settings: {
      set: name,
      asked: consistency,
      // What waves would have made whole is nothing each alone.
      strict: (consistency !== "auto" || inWaves) && options.allowLower !== true,
      level,
      why,
      retained: mayRetain,
      ...(oneMember === undefined ? {} : { oneMember }),
      claims: plannedClaims,
      config: configOf(state),
      replicas: Object.fromEntries(
        state.workloads.map(({ kind, name: of, replicas }) => [`${kind}/${of}`, replicas])
      ),
      placement: placementOf(state),
      leftOut: leftOutOf(state, claims),
      ...places,
      ...(isOffline && workload !== undefined
        ? {
            facts: {
              whenScaled: "Retain" as const,
              firstOrdinal: workload.firstOrdinal,
              podManagementPolicy: workload.podManagementPolicy ?? "OrderedReady",
              templates: workload.claimTemplates.map(({ name: template }) => template)
            }
          }
        : {})
    },
    steps
  }
  return { ...withoutAccess, access: snapshotVerb.rules({ ...withoutAccess, access: [] }, {}) }
}
