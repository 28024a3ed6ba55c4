/**
 * The plan to scale a StatefulSet: pure over its state.
 *
 * The order is the controller's own (pods are created by ordinal and deleted in reverse); the plan only
 * says how far one change of `spec.replicas` may go: to the next hook, quorum or `step`.
 */
import type { AppState } from "../state/AppState.ts"
import { describe as describeQuorum } from "../Quorum.ts"
import { defaultRetention } from "../kind/Workload.ts"
import type { Refusal } from "../operation/Plan.ts"
import { make, stepsOf } from "../operation/Step.ts"
import { names } from "../Profile.ts"
import { type ClaimSlot, CreateClaims } from "../step/claims.ts"
import { MoveVolume } from "../step/moveVolume.ts"
import { Purge } from "../step/purge.ts"
import { RestoreReclaimPolicies, RetainVolumes } from "../step/reclaimPolicy.ts"
import { countSteps } from "../step/countSteps.ts"
import { SetReplicas } from "../step/replicas.ts"
import { RestoreRetention, SetRetention } from "../step/retention.ts"
import { keptClaim } from "../step/volume.ts"
import { factsOf } from "../step/workload.ts"
import { endedRollout } from "../step/partition.ts"
import type { ScalePlan, ScaleStep } from "./steps.ts"
import { scaleVerb } from "./verb.ts"
import { type Claim, trouble, claimsOfSet } from "../Claim.ts"
import { basisOf, claimFacts } from "./facts.ts"
import { dataRefusals, mountRefusals } from "./data.ts"
import { beyondQuota } from "./quota.ts"
import { groundRefusals, unreadForPods } from "./ground.ts"
import type { ScaleOptions } from "./options.ts"
import { notReady, refusals } from "./refusal.ts"
import type { Workload } from "../Topology.ts"
import * as Predictions from "./predictions.ts"
import { isAskedFor } from "../Protection.ts"
import { claimName, range } from "../Ordinal.ts"

/** More than this in one operation is taken for a typing error. */
const most = 10_000

const slotsOf = (workload: Workload, from: number, to: number): ReadonlyArray<ClaimSlot> =>
  range(workload.firstOrdinal + from, to - from).flatMap((ordinal) =>
    workload.claimTemplates.map((template) => ({
      name: claimName(template.name, workload.name, ordinal),
      template: template.name,
      ordinal
    }))
  )

/**
 * The claims whose pods are deleted. Scaling to 0 includes leftover claims as well: nothing of the set
 * runs then that would miss them.
 */
const losingPods = (state: AppState, workload: Workload, to: number): ReadonlyArray<Claim> => {
  if (to >= workload.replicas) return []
  const beyond = workload.firstOrdinal + to
  const asked = workload.firstOrdinal + workload.replicas
  return claimsOfSet(state.claims, workload.name).filter(
    ({ ordinal }) => ordinal !== null && (to === 0 || (ordinal >= beyond && ordinal < asked))
  )
}

/** The claims left over from an earlier scale-down, which new pods would find. */
const leftovers = (state: AppState, workload: Workload, slots: ReadonlyArray<ClaimSlot>) =>
  state.claims.filter(
    (claim) =>
      claim.workload === `StatefulSet/${workload.name}` && slots.some((slot) => slot.name === claim.name)
  )

/**
 * Ordinals beyond the number of replicas whose pods are terminating: under whenScaled Delete they own their
 * claims.
 */
const ending = (state: AppState, workload: Workload): ReadonlySet<number> =>
  new Set(
    state.replicas.flatMap(({ workload: of, ordinal, wanted, pod }) =>
      of === `StatefulSet/${workload.name}` && ordinal !== null && !wanted && pod !== null ? [ordinal] : []
    )
  )

/**
 * True if a claim of this template is provisioned immediately, before any pod: only then is creating it up
 * front faster.
 */
const isImmediate = (state: AppState, storageClass: string | null): boolean =>
  state.protection.storageClasses?.find((one) => isAskedFor(storageClass, one))?.bindingMode === "Immediate"

/** The effect of a change of the number of replicas on claims and volumes. */
const changeOf = (state: AppState, workload: Workload, options: ScaleOptions) => {
  const { replicas: to } = options
  const from = workload.replicas
  const retention = workload.retention ?? defaultRetention
  const isTooFar = Math.abs(to - from) > most
  const reach = isTooFar ? from : to
  const slots = slotsOf(workload, from, reach)
  const left = leftovers(state, workload, slots)
  const aside = options.leftoverClaims === "set-aside" ? left : []
  const isAside = (name: string) => aside.some((claim) => claim.name === name)
  const attached = left
    .filter((claim) => !isAside(claim.name) && claim.phase === "Bound" && trouble(claim) === null)
    .map(keptClaim)
  // Existing data outlives an abort, which deletes the pods that got it.
  const keepsClaims = (to === 0 && from > 0) || attached.length > 0
  const whenScaled = options.whenScaled ?? (keepsClaims ? ("Retain" as const) : retention.whenScaled)
  // On the way to 0 past a sick member there is no barrier: OrderedReady takes no pod away for any count
  // above 0 until it is well, and quorum cannot be kept on the way.
  const past = to === 0 && notReady(state, workload).length > 0 ? { quorum: "none" as const } : {}
  const moving = countSteps(workload, { from, to: reach }, { ...options, ...past })
  const leaving = losingPods(state, workload, reach)
  const losing = whenScaled === "Retain" ? leaving : []
  // Those that are in trouble are refused, or named: they keep nothing.
  const keeps = losing.filter((claim) => trouble(claim) === null).map(keptClaim)
  const retain =
    options.mayPatchVolumes !== false &&
    keeps.some(({ reclaimPolicy: policy }) => policy !== null && policy !== "Retain")
  const before =
    whenScaled === "Delete" && reach < from
      ? claimsOfSet(state.claims, workload.name)
          .filter((claim) => !claim.leftover && trouble(claim) === null)
          .map(keptClaim)
      : []
  return {
    from,
    to,
    before,
    isTooFar,
    reach,
    retention,
    whenScaled,
    slots,
    left,
    aside,
    isAside,
    attached,
    moving,
    leaving,
    losing,
    keeps,
    retain,
    byPolicyAlone: !retain && keeps.some(({ reclaimPolicy }) => reclaimPolicy !== "Retain"),
    purged: options.purge ?? []
  }
}

type Change = ReturnType<typeof changeOf>

/** The slots whose claims are created before their pods, since their StorageClass provisions immediately. */
const aheadOf = (state: AppState, workload: Workload, { slots, left, isAside }: Change) =>
  slots.filter((slot) => {
    const template = workload.claimTemplates.find((one) => one.name === slot.template)
    const present = left.some((claim) => claim.name === slot.name)
    return isImmediate(state, template?.storageClass ?? null) && (!present || isAside(slot.name))
  })

const planSteps = (
  { from, to, aside, keeps, moving, purged, retain, retention, whenScaled }: Change,
  ahead: ReadonlyArray<ClaimSlot>,
  id: string
): ReadonlyArray<ScaleStep> => {
  const during = { ...retention, whenScaled }
  const setsRetention = moving.length > 0 && whenScaled !== retention.whenScaled
  return [
    ...(keeps.length > 0 ? [make(RetainVolumes, { claims: keeps, retain })] : []),
    ...(setsRetention ? [make(SetRetention, { from: retention, to: during })] : []),
    ...aside.flatMap(({ name, uid, volume }) =>
      volume === null
        ? []
        : [
            make(MoveVolume, {
              from: name,
              uid,
              volume: volume.name,
              to: `${name}-${id}`,
              reclaimPolicy: volume.reclaimPolicy
            })
          ]
    ),
    ...(ahead.length > 0 ? [make(CreateClaims, { slots: ahead })] : []),
    ...moving,
    ...(setsRetention ? [make(RestoreRetention, { from: during, to: retention, again: to > from })] : []),
    ...(keeps.length > 0 ? [make(RestoreReclaimPolicies, { count: keeps.length })] : []),
    // Last: what cannot be undone comes after all that can fail.
    ...purged.map((claim) => make(Purge, claim))
  ]
}

const settingsOf = (
  workload: Workload,
  { quorum, health }: ScaleOptions,
  { attached: bound, before, left, isAside, moving, whenScaled }: Change
): ScalePlan["settings"] => {
  // One without a volume gets its first now, and keeps none.
  const unbound = left.filter(({ name, phase }) => phase === "Pending" && !isAside(name))
  const attached = [...bound, ...unbound.map((claim) => keptClaim({ ...claim, volume: null }))]
  return {
    ...(quorum === undefined ? {} : { quorum }),
    ...(health === undefined ? {} : { health }),
    ...(moving.length === 0 ? {} : { facts: factsOf(workload, whenScaled) }),
    ...(attached.length > 0 ? { attached } : {}),
    ...(before.length > 0 ? { before } : {})
  }
}

const effectsOf = (
  state: AppState,
  workload: Workload,
  { quorum = "majority" }: ScaleOptions,
  change: Change,
  ahead: number
): ReadonlyArray<string> => {
  const { aside, byPolicyAlone, from, left, losing, moving, purged, reach, retention, whenScaled } = change
  const deleted = purged.map(
    ({ claim, volume, size }) =>
      `${claim}: deleted permanently${volume === null ? "" : `, with volume ${volume} (${size})`}`
  )
  if (moving.length === 0) {
    return [
      `${workload.name} has ${from} replicas: ${deleted.length > 0 ? "they stay" : "nothing to do"}`,
      ...deleted
    ]
  }
  return [
    ...Predictions.effects(state, workload, reach, {
      left,
      losing,
      keptBy: byPolicyAlone ? "policy" : "volumes",
      aside: aside.map((claim) => claim.name),
      whenScaled,
      was: retention.whenScaled,
      quorum: [describeQuorum(quorum, from), describeQuorum(quorum, reach)],
      ahead
    }),
    ...deleted
  ]
}

const warningsOf = (
  state: AppState,
  workload: Workload,
  { ground = null, profile = {}, quorum = "majority" }: ScaleOptions,
  { aside, byPolicyAlone, left, losing, moving, reach, slots }: Change
): ReadonlyArray<string> =>
  moving.length === 0
    ? []
    : Predictions.warnings(state, workload, reach, {
        left,
        losing,
        byPolicyAlone,
        aside,
        made: slots.filter((slot) => !left.some(({ name }) => name === slot.name)),
        ground,
        profile,
        first: stepsOf(SetReplicas, moving)[0]?.to ?? reach,
        quorum,
        downs: stepsOf(SetReplicas, moving).filter(({ from, to }) => to < from)
      })

/** Refusals about existing data, or about pods that have it mounted. */
const dataRefusalsOf = (
  state: AppState,
  workload: Workload,
  { mountedBy = {} }: ScaleOptions,
  { isAside, leaving, left, losing, moving, retention, whenScaled }: Change
): ReadonlyArray<Refusal> => {
  if (moving.length === 0) return []
  const set = { namespace: state.namespace, name: workload.name }
  const condemned = retention.whenScaled === "Delete" ? ending(state, workload) : new Set<number>()
  const isDoomed = ({ ordinal }: Claim) => ordinal !== null && condemned.has(ordinal)
  const deleted = whenScaled === "Delete" ? leaving.filter(({ leftover }) => !leftover) : []
  return [
    ...dataRefusals(state.namespace, workload, { losing, left, isAside, isDoomed }),
    ...mountRefusals(set, mountedBy, { left, isAside, deleted })
  ]
}

const refusalsOf = (
  state: AppState,
  workload: Workload,
  options: ScaleOptions,
  change: Change
): ReadonlyArray<Refusal> => {
  const { from, isAside, isTooFar, left, reach, slots, to } = change
  const made = slots.filter((slot) => !left.some((claim) => claim.name === slot.name) || isAside(slot.name))
  return [
    ...(isTooFar
      ? [
          {
            reason: `${from} to ${to} is more than ${most} replicas in one operation`,
            remedy: "check the count; go there in parts"
          }
        ]
      : []),
    ...refusals(state, workload, options),
    ...dataRefusalsOf(state, workload, options, change),
    ...groundRefusals(state, options.ground ?? null, workload, reach),
    ...(options.quotas ? beyondQuota(options.quotas, workload, reach, made) : []),
    ...(options.leftoverClaims === "refuse" && left.length > 0
      ? [
          {
            reason: `${left.map((claim) => claim.name).join(", ")}: already exists, a new pod would start on what ${left.length === 1 ? "it holds" : "they hold"}`,
            remedy: "use --leftover-claims keep to start on it, or set-aside to start on new volumes"
          }
        ]
      : [])
  ]
}

const uncheckedOf = (
  state: AppState,
  workload: Workload,
  { quotas }: ScaleOptions,
  { from, keeps, moving, reach }: Change
): ReadonlyArray<string> =>
  moving.length === 0
    ? []
    : [
        `${quotas ? "" : "quota, "}pod security, limit ranges, admission webhooks and the room on nodes are known only when a pod is created`,
        ...(quotas?.quotas ?? [])
          .filter(({ scoped }) => scoped)
          .map(({ name }) => `quota "${name}" counts some pods only: not checked`),
        ...(reach > from ? unreadForPods(state, workload) : []).map((what) => `${what} could not be read`),
        ...(keeps.some(({ reclaimPolicy }) => reclaimPolicy === null)
          ? ["reclaim policies of the volumes could not be read, so they are not set to Retain"]
          : [])
      ]

/** The plan of a scaling. `id` names the operation. */
export const plan = (state: AppState, workload: Workload, id: string, options: ScaleOptions): ScalePlan => {
  const { health, profile = {} } = options
  const change = changeOf(state, workload, options)
  const { from, reach, retention } = change
  const ahead = aheadOf(state, workload, change)
  const steps = planSteps(change, ahead, id)
  const withoutAccess: Omit<ScalePlan, "access"> = {
    apiVersion: "kubectl-stateful.dev/v1",
    kind: "Plan",
    id,
    verb: "scale",
    app: { _tag: "StatefulSet", namespace: state.namespace, name: workload.name },
    home: state.namespace,
    guards: [
      {
        kind: "StatefulSet",
        namespace: state.namespace,
        name: workload.name,
        uid: workload.uid,
        generation: workload.generation
      }
    ],
    facts: basisOf({
      replicas: from,
      firstOrdinal: workload.firstOrdinal,
      policy: workload.podManagementPolicy ?? "OrderedReady",
      retention,
      minReadySeconds: workload.minReadySeconds,
      claims: claimFacts(
        claimsOfSet(state.claims, workload.name),
        workload.firstOrdinal,
        Math.max(from, reach)
      ),
      profile
    }),
    hooks: names(profile),
    settings: settingsOf(workload, options, change),
    effects: effectsOf(state, workload, options, change, ahead.length),
    warnings: [...warningsOf(state, workload, options, change), ...endedRollout(workload, steps)],
    refusals: refusalsOf(state, workload, options, change),
    unchecked: uncheckedOf(state, workload, options, change),
    steps
  }
  const given = { profile, ...(health === undefined ? {} : { health }) }
  return { ...withoutAccess, access: scaleVerb.rules({ ...withoutAccess, access: [] }, given) }
}
