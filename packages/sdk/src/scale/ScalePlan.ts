/**
 * The plan to scale a StatefulSet: pure over its state.
 *
 * The order is the controller's own (pods come up by ordinal and go down in reverse); the plan only
 * says how far one change of `spec.replicas` may go: to the next hook, quorum or `step`.
 */
import type { AppState } from "../State.ts"
import { describe as describeQuorum, barrier, type Quorum } from "../Quorum.ts"
import { digest } from "../operation/Digest.ts"
import type { Basis, Rule } from "../operation/Plan.ts"
import { type HttpHealth, names, type Profile } from "../Profile.ts"
import type { ClaimSlot, KeptVolume, PurgedClaim, ScalePlan, ScaleStep } from "./ScaleStep.ts"
import { beyondQuota, type Quotas } from "./ScaleQuota.ts"
import { refusals } from "./ScaleRefusal.ts"
import type { Workload } from "../Topology.ts"
import { terms } from "./ScaleTerms.ts"
import * as Effects from "./ScaleEffect.ts"

export interface ScaleOptions {
  readonly replicas: number
  /** Refuse unless there are so many now. */
  readonly currentReplicas?: number
  /** Refuse unless the StatefulSet is at this version. */
  readonly resourceVersion?: string
  /** Default: majority. */
  readonly quorum?: Quorum
  /** At most so many replicas with one change. */
  readonly step?: number
  readonly profile?: Profile
  readonly health?: HttpHealth
  /** What to do with claims left by an earlier scale-down. Default: keep. */
  readonly leftoverClaims?: "keep" | "refuse" | "set-aside"
  /** For the time of this operation; put back at its end. */
  readonly whenScaled?: "Retain" | "Delete"
  /** Scale although something else writes `spec.replicas`. */
  readonly forceConflicts?: boolean
  /** Claims that earlier operations set aside, to be deleted with their data at the end. */
  readonly purge?: ReadonlyArray<PurgedClaim>
  /** The namespace's quotas; null: they could not be read. Default: not asked. */
  readonly quotas?: Quotas | null
}

/** More than this in one operation is taken for a typing error. */
const most = 10_000

const group = { apps: "apps", core: "", coordination: "coordination.k8s.io" }

const access = (
  namespace: string,
  needs: {
    readonly exec: boolean
    readonly proxy: boolean
    readonly createClaims: boolean
    readonly purge: boolean
    readonly volumes: boolean
  }
): ReadonlyArray<Rule> => {
  const rule = (
    group: string,
    resource: string,
    verbs: ReadonlyArray<string>,
    options: { readonly subresource?: string; readonly cluster?: boolean } = {}
  ): ReadonlyArray<Rule> =>
    verbs.map((verb) => ({
      verb,
      group,
      resource,
      subresource: options.subresource ?? null,
      namespace: options.cluster === true ? null : namespace
    }))
  return [
    ...rule(group.apps, "statefulsets", ["get", "patch"]),
    ...rule(group.core, "pods", ["list", "watch"]),
    ...rule(group.core, "configmaps", ["get", "list", "create", "patch", "delete"]),
    ...rule(group.coordination, "leases", ["get", "create", "patch", "delete"]),
    ...rule(group.core, "persistentvolumeclaims", [
      "list",
      "watch",
      ...(needs.createClaims ? ["get", "create", "delete"] : needs.purge ? ["get", "delete"] : []),
      ...(needs.purge ? ["patch"] : [])
    ]),
    ...(needs.exec ? rule(group.core, "pods", ["get", "create"], { subresource: "exec" }) : []),
    ...(needs.proxy ? rule(group.core, "pods", ["get"], { subresource: "proxy" }) : []),
    ...(needs.volumes ? rule(group.core, "persistentvolumes", ["get", "patch"], { cluster: true }) : [])
  ]
}

/** The facts a plan rests on; the same from a state and from the objects themselves. */
export const basisOf = (facts: {
  readonly uid: string
  readonly generation: number
  readonly replicas: number
  readonly firstOrdinal: number
  readonly policy: string
  readonly retention: { readonly whenScaled: string; readonly whenDeleted: string }
  readonly minReadySeconds: number
  /** Claims of this StatefulSet's templates, uid by name. */
  readonly claims: Readonly<Record<string, string>>
  readonly profile: Profile
}): Basis => {
  const { uid, generation, profile, ...rest } = facts
  return { uid, generation, digest: digest({ ...rest, hooks: names(profile) }) }
}

const retentionOf = (workload: Workload) =>
  workload.retention ?? { whenScaled: "Retain" as const, whenDeleted: "Retain" as const }

/** From one count to another, in changes that stop at each barrier, with hooks between. */
const changes = (workload: Workload, to: number, options: ScaleOptions): ReadonlyArray<ScaleStep> => {
  const steps: Array<ScaleStep> = []
  const { beforeRemove, afterAdd } = options.profile ?? {}
  const start = workload.firstOrdinal
  const up = to > workload.replicas
  const hooked = up ? afterAdd !== undefined : beforeRemove !== undefined
  let count = workload.replicas
  while (count !== to) {
    const next = barrier(options.quorum ?? "majority", count, to, {
      parallel: workload.podManagementPolicy === "Parallel",
      step: hooked ? 1 : (options.step ?? null)
    })
    if (!up && hooked) steps.push({ _tag: "Hook", hook: "beforeRemove", ordinal: start + count - 1 })
    steps.push({
      _tag: "Replicas",
      from: count,
      to: next,
      remember: next === 0 ? workload.replicas : null
    })
    if (up && hooked) steps.push({ _tag: "Hook", hook: "afterAdd", ordinal: start + count })
    count = next
  }
  return steps
}

const slotsOf = (workload: Workload, from: number, to: number): ReadonlyArray<ClaimSlot> =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => workload.firstOrdinal + from + index).flatMap(
    (ordinal) =>
      workload.claimTemplates.map((template) => ({
        name: `${template.name}-${workload.name}-${ordinal}`,
        template: template.name,
        ordinal
      }))
  )

/** What the plan says of claims that an earlier scale-down left. */
const leftovers = (state: AppState, workload: Workload, slots: ReadonlyArray<ClaimSlot>) =>
  state.claims.filter(
    (claim) =>
      claim.workload === `StatefulSet/${workload.name}` && slots.some((slot) => slot.name === claim.name)
  )

/** The volumes of this set that go with their claims; unknown ones are none. */
const deletable = (state: AppState, workload: Workload): ReadonlyArray<KeptVolume> =>
  state.claims.flatMap(({ uid, volume, workload: of, template }) =>
    of === `StatefulSet/${workload.name}` && template !== null && volume?.reclaimPolicy === "Delete"
      ? [{ name: volume.name, claim: uid, was: volume.reclaimPolicy }]
      : []
  )

const unknownVolumes = (state: AppState, workload: Workload): boolean =>
  state.claims.some(
    ({ volume, workload: of }) =>
      of === `StatefulSet/${workload.name}` && volume !== null && volume.reclaimPolicy === null
  )

/** Whether a claim of this template is provisioned at once, before any pod: only then is ahead faster. */
const isImmediate = (state: AppState, storageClass: string | null): boolean => {
  const classes = state.protection.storageClasses ?? []
  const found =
    storageClass === null
      ? classes.find((one) => one.isDefault)
      : classes.find((one) => one.name === storageClass)
  return found?.bindingMode === "Immediate"
}

/** What scaling would do. `id` names the operation. */
export const plan = (state: AppState, workload: Workload, id: string, options: ScaleOptions): ScalePlan => {
  const { replicas: to, profile = {} } = options
  const from = workload.replicas
  const retention = retentionOf(workload)
  const whenScaled = options.whenScaled ?? (to === 0 && from > 0 ? ("Retain" as const) : retention.whenScaled)
  const during = { ...retention, whenScaled }
  const tooFar =
    Math.abs(to - from) > most
      ? [
          {
            reason: `${from} to ${to} is more than ${most} replicas in one operation`,
            remedy: "check the count; go there in parts"
          }
        ]
      : []
  const reach = tooFar.length > 0 ? from : to
  const slots = slotsOf(workload, from, reach)
  const left = leftovers(state, workload, slots)
  const aside = options.leftoverClaims === "set-aside" ? left : []
  const isAside = (name: string) => aside.some((claim) => claim.name === name)
  const ahead = slots.filter((slot) => {
    const template = workload.claimTemplates.find((one) => one.name === slot.template)
    const present = left.some((claim) => claim.name === slot.name)
    return isImmediate(state, template?.storageClass ?? null) && (!present || isAside(slot.name))
  })
  const purged = options.purge ?? []
  const made = slots.filter((slot) => !left.some((claim) => claim.name === slot.name) || isAside(slot.name))
  const unbound = aside.filter((claim) => claim.volume === null)
  const moving = changes(workload, reach, options)
  const setsRetention = moving.length > 0 && whenScaled !== retention.whenScaled
  const kept = reach === 0 && moving.length > 0 ? deletable(state, workload) : []
  const steps: ReadonlyArray<ScaleStep> = [
    ...(kept.length > 0 ? [{ _tag: "KeepVolumes" as const, volumes: kept }] : []),
    ...(setsRetention ? [{ _tag: "Retain" as const, was: retention, to: during }] : []),
    ...aside.flatMap((claim) =>
      claim.volume === null
        ? []
        : [
            {
              _tag: "SetAside" as const,
              claim: claim.name,
              uid: claim.uid,
              volume: claim.volume.name,
              as: `${claim.name}-${id}`,
              was: claim.volume.reclaimPolicy
            }
          ]
    ),
    ...(ahead.length > 0 ? [{ _tag: "Claims" as const, slots: ahead }] : []),
    ...moving,
    ...(setsRetention ? [{ _tag: "PutBack" as const, to: retention }] : []),
    ...(kept.length > 0 ? [{ _tag: "ReleaseVolumes" as const, volumes: kept }] : []),
    // Last: what cannot be undone comes after all that can fail.
    ...purged.map((claim) => ({ _tag: "Purge" as const, ...claim }))
  ]
  const runs = moving.length > 0
  const deleted = purged.map(
    ({ claim, volume, size }) =>
      `${claim}: deleted for good${volume === null ? "" : `, with volume ${volume} (${size})`}`
  )
  return {
    apiVersion: "kubectl-stateful.dev/v1",
    kind: "Plan",
    id,
    verb: "scale",
    app: { namespace: state.namespace, kind: "StatefulSet", name: workload.name },
    basis: basisOf({
      uid: workload.uid,
      generation: workload.generation,
      replicas: from,
      firstOrdinal: workload.firstOrdinal,
      policy: workload.podManagementPolicy ?? "OrderedReady",
      retention,
      minReadySeconds: workload.minReadySeconds,
      claims: Object.fromEntries(
        state.claims
          .filter((claim) => claim.workload === `StatefulSet/${workload.name}` && claim.template !== null)
          .map((claim) => [claim.name, claim.uid])
      ),
      profile
    }),
    hooks: names(profile),
    terms: terms(options),
    access: access(state.namespace, {
      exec: Object.values(profile).some((hook) => hook._tag === "Command"),
      proxy: options.health !== undefined,
      createClaims: ahead.length > 0 || aside.length > 0,
      purge: purged.length > 0,
      volumes: aside.length > 0 || kept.length > 0 || purged.length > 0
    }),
    effects: [
      ...(runs
        ? Effects.effects(state, workload, reach, {
            left,
            aside: aside.map((claim) => claim.name),
            whenScaled,
            was: retention.whenScaled,
            quorum: [
              describeQuorum(options.quorum ?? "majority", from),
              describeQuorum(options.quorum ?? "majority", reach)
            ],
            ahead: ahead.length
          })
        : [`${workload.name} has ${from} replicas: ${deleted.length > 0 ? "they stay" : "nothing to do"}`]),
      ...deleted
    ],
    warnings: runs ? Effects.warnings(state, workload, reach, { left, aside, profile }) : [],
    refusals: [
      ...tooFar,
      ...refusals(state, workload, options),
      ...(options.quotas ? beyondQuota(options.quotas, workload, reach, made) : []),
      ...(options.leftoverClaims === "refuse" && left.length > 0
        ? [
            {
              reason: `${left.map((claim) => claim.name).join(", ")}: left by an earlier scale-down, a new pod would start on that data`,
              remedy: "use --leftover-claims keep to start on it, or set-aside to start empty"
            }
          ]
        : []),
      ...unbound.map((claim) => ({
        reason: `${claim.name} has no volume that could be set aside`,
        remedy: "delete the claim, or use --leftover-claims keep"
      }))
    ],
    unchecked: runs
      ? [
          `${options.quotas ? "" : "quota, "}pod security, limit ranges, admission webhooks and the room on nodes are known only when a pod is created`,
          ...(options.quotas?.quotas ?? [])
            .filter(({ scoped }) => scoped)
            .map(({ name }) => `quota "${name}" counts some pods only: not checked`),
          ...(reach === 0 && unknownVolumes(state, workload)
            ? ["reclaim policies of the volumes could not be read, so they are not set to Retain"]
            : [])
        ]
      : [],
    steps
  }
}
