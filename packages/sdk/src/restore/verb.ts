/** The restore verb: its steps, and its own parts. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import { because } from "../operation/OperationError.ts"
import * as Fence from "../operation/Fence.ts"
import { titleOf } from "../operation/Guarded.ts"
import { type Guard, keyOf, type Plan } from "../operation/Plan.ts"
import { rules, type StepOf, stepsOf } from "../operation/Step.ts"
import { detached, type Failure, type StepContext } from "../operation/StepContext.ts"
import { wanted } from "../Ordinal.ts"
import * as Resource from "../Resource.ts"
import { type InMillis, inMillis, type Objects, type StepOptions, verb } from "../operation/Verb.ts"
import { tryPod } from "../step/admitted.ts"
import { AssertClaims, AttachVolume, checkAttached, HandOverPolicies } from "../step/attachVolume.ts"
import { FillClaims } from "../step/fillClaims.ts"
import { copyName, SeedClaims } from "../step/seedClaims.ts"
import { MoveVolume } from "../step/moveVolume.ts"
import { checkPut, PutConfig } from "../step/putConfig.ts"
import { checkTemplate, PutTemplate, source } from "../step/putTemplate.ts"
import { RecordBefore } from "../step/recordBefore.ts"
import {
  checkClaims,
  claimsByName,
  RestoreReclaimPolicies,
  retainedBy,
  RetainVolumes
} from "../step/reclaimPolicy.ts"
import { countsOf, SetReplicas } from "../step/replicas.ts"
import { RestoreRetention, SetRetention } from "../step/retention.ts"
import { deploymentCountsOf, ScaleDeployment } from "../step/scaleDeployment.ts"
import { lost } from "../step/volumeOwner.ts"
import * as Holder from "../step/holder.ts"
import * as Workload from "../step/workload.ts"
import type { Restoring } from "../Verify.ts"
import type { Seed } from "../Seed.ts"

const steps = [
  FillClaims,
  SeedClaims,
  RetainVolumes,
  SetRetention,
  SetReplicas,
  ScaleDeployment,
  RecordBefore,
  PutConfig,
  PutTemplate,
  MoveVolume,
  AttachVolume,
  AssertClaims,
  RestoreRetention,
  HandOverPolicies,
  RestoreReclaimPolicies
] as const

export type RestoreStep = StepOf<(typeof steps)[number]>

/** A previous claim, and the name under which its volume is kept. */
export const KeptAs = Schema.Struct({ claim: Schema.String, as: Schema.String })

/** Configuration that is replaced, as `Kind/name`, and the Secret with the previous one. */
export const KeptConfig = Schema.Struct({ names: Schema.Array(Schema.String), before: Schema.String })

/** The settings in a plan in addition to its steps. */
export const RestoreSettings = Schema.Struct({
  /**
   * The snapshot; `null` if it undoes an earlier restore, or restores from VolumeSnapshots of other tools.
   */
  set: Schema.NullOr(Schema.String),
  /** The operation whose restore is undone; `null` for none. */
  undoes: Schema.NullOr(Schema.String),
  kept: Schema.Array(KeptAs),
  allowEmpty: Schema.Boolean,
  /** The ordinals to restore; absent for all. */
  ordinals: Schema.optionalKey(Schema.Array(Schema.Natural)),
  /** The configuration that is restored, and where the previous one is kept. Absent if none is. */
  config: Schema.optionalKey(KeptConfig),
  facts: Schema.optionalKey(Workload.Facts),
  /** The same of several StatefulSets, by their guards' keys. */
  factsOn: Schema.optionalKey(Schema.Record(Schema.String, Workload.Facts))
})
export type RestoreSettings = typeof RestoreSettings.Type

/** A plan to restore, as it is printed and journalled. */
export interface RestorePlan extends Plan<RestoreStep, RestoreSettings> {}

/** Options for running a plan, in addition to the plan itself. */
export interface RestoreRun extends Restoring, StepOptions {
  /** How members are rebuilt from one, if the plan does that. */
  readonly seed?: Seed
  /**
   * True to restore a pod template with more privileges than the live one: a resume must repeat it. Default
   * false.
   */
  readonly allowPrivileged?: boolean
}

type Going = RestoreSettings & InMillis<RestoreRun> & { readonly quorum: "none" }

/** The result of a restore. */
export const RestoreResult = Schema.Struct({
  set: Schema.NullOr(Schema.String),
  undoes: Schema.NullOr(Schema.String),
  replicas: Schema.Natural,
  /** The profile that verified their content; `null` without one. Absent if nothing was filled. */
  verified: Schema.optionalKey(Schema.NullOr(Schema.String)),
  /** The claims that have restored volumes. */
  claims: Schema.Array(Schema.String),
  /** Where the previous volumes are kept. */
  kept: Schema.Array(KeptAs),
  /** The restored configuration. Absent if there was none. */
  config: Schema.optionalKey(KeptConfig)
})
export type RestoreResult = typeof RestoreResult.Type

type At = StepContext<Going>
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** Checks that each workload exists, and is as planned. */
const checkWorkload = (guard: Guard, objects: Objects, resumed: boolean): Work =>
  Effect.gen(function* () {
    const object = objects.get(keyOf(guard))
    const title = titleOf(guard)
    const now = yield* object === undefined
      ? Effect.fail(because("Changed", `${title} was deleted since`))
      : guard.kind === "Deployment"
        ? Resource.accept(kinds.deployments, object)
        : Resource.accept(kinds.statefulsets, object)
    if (now.metadata.deletionTimestamp) return yield* because("Changed", `${title} is being deleted`)
    if (!resumed && now.metadata.generation !== guard.generation) {
      return yield* because("Changed", `${title} changed since this was planned`, "run the command again")
    }
  })

/** The application and its claims are still as they were planned with. */
const check = (plan: RestorePlan, objects: Objects, resumed: boolean): Work =>
  Effect.gen(function* () {
    for (const guard of plan.guards) yield* checkWorkload(guard, objects, resumed)
    if (resumed) return
    const before = retainedBy(plan)
    const filled = stepsOf(AttachVolume, plan.steps).map(({ to }) => to)
    const now = yield* claimsByName(plan.home, [...before.map(({ claim }) => claim), ...filled])
    for (const { claim, uid, volume } of before) {
      const why = lost({ claim, uid, volume: volume ?? "" }, now.get(claim) ?? null)
      if (why !== null)
        return yield* because("Changed", `${why} since this was planned`, "run the command again")
    }
    const stray = filled.find((name) => now.has(name) && !before.some(({ claim }) => claim === name))
    if (stray !== undefined) {
      return yield* because(
        "Changed",
        `claim ${stray} was created after the plan was made`,
        "run the command again"
      )
    }
  })

/** Checks that the previous volumes are with the claims that they were moved to. */
const checkKept = (plan: RestorePlan, at: At): Work =>
  Effect.gen(function* () {
    const moves = stepsOf(MoveVolume, plan.steps)
    const now = yield* claimsByName(
      at.fence.namespace,
      moves.map(({ to }) => to)
    )
    yield* checkClaims(
      at,
      moves.map(({ to: claim, volume }) => ({
        claim,
        uid: now.get(claim)?.metadata.uid ?? "",
        volume,
        reclaimPolicy: null
      }))
    )
  })

/** Tries each write of configuration on the server: before the application is stopped. */
const tryConfig = (plan: RestorePlan, objects: Objects, options: RestoreRun): Work =>
  Effect.gen(function* () {
    const [guard] = plan.guards
    const object = objects.get(keyOf(guard)) ?? null
    const at = detached({
      plan,
      settings: inMillis(options),
      fence: { ...guard, token: `${plan.id}.00000000` },
      standing: Effect.succeed({ why: null, object })
    })
    for (const step of stepsOf(PutConfig, plan.steps)) yield* PutConfig.rehearse(step, at)
    for (const step of stepsOf(PutTemplate, plan.steps)) yield* PutTemplate.rehearse(step, at)
  })

/** The changes of one guard's count, in their order. */
export const counts = (plan: RestorePlan, key: string) => [
  ...countsOf(plan, key),
  ...deploymentCountsOf(plan, key)
]

/** The first of a guard's pods that the plan starts, by how many are before it; `null` if it starts none. */
const firstStarted = (plan: RestorePlan, key: string): number | null => {
  const started = counts(plan, key).find(({ from, to }) => to > from)
  if (started !== undefined) return started.from
  return stepsOf(PutTemplate, plan.steps).some(({ rolls }) => rolls) ? 0 : null
}

/** Asks for each workload whether its pods would be admitted again: before any is stopped. */
const tryPods = (plan: RestorePlan, objects: Objects): Work =>
  Effect.forEach(
    plan.guards,
    (guard) =>
      Effect.gen(function* () {
        const first = firstStarted(plan, keyOf(guard))
        const object = objects.get(keyOf(guard))
        if (first === null || object === undefined) return
        if (guard.kind === "Deployment") {
          const holder = yield* Resource.accept(kinds.deployments, object)
          return yield* tryPod({ kind: guard.kind, holder, ordinal: first })
        }
        const set = yield* Resource.accept(kinds.statefulsets, object)
        const [put] = stepsOf(PutTemplate, plan.steps)
        const fence = { ...guard, token: `${plan.id}.00000000` }
        const template = put === undefined ? set.spec.template : yield* source({ fence }, put)
        const holder = { ...set, spec: { ...set.spec, template: template as typeof set.spec.template } }
        return yield* tryPod({ kind: guard.kind, holder, ordinal: wanted(set).start + first })
      }),
    { concurrency: 8, discard: true }
  )

const conclude = (plan: RestorePlan, at: At): Work<RestoreResult> =>
  Effect.gen(function* () {
    const { set, undoes, kept, config } = plan.settings
    let replicas = 0
    for (const [key, fence] of at.fences) {
      const is = Holder.replicasOf(yield* Holder.assertHeld(fence))
      const to = counts(plan, key).at(-1)?.to ?? null
      if (to !== null && is !== to) {
        yield* at.fallShort(`replicas of ${fence.name} are ${is}, and not ${to}: another client set them`)
      }
      replicas += is
    }
    yield* checkAttached(at)
    yield* checkKept(plan, at)
    yield* checkPut(at)
    yield* checkTemplate(at)
    const claims = stepsOf(AttachVolume, plan.steps).map(({ to: claim }) => claim)
    const fills = stepsOf(FillClaims, plan.steps)
    const verified = fills.length === 0 ? {} : { verified: fills[0]?.verify?.profile ?? null }
    const configured = config === undefined ? {} : { config }
    return { set, undoes, replicas, ...verified, claims, kept, ...configured }
  })

/** After an abort: the number of replicas is the previous one, and each claim has its previous volume. */
const concludeBack = (plan: RestorePlan, at: At): Work =>
  Effect.gen(function* () {
    for (const [key, fence] of at.fences) {
      const from = counts(plan, key)[0]?.from ?? null
      // Some of several may have been deleted: that was already reported.
      const { object } = yield* Fence.standing(fence)
      if (object === null && fence !== at.fence) continue
      const is = Holder.replicasOf(yield* Holder.assertHeld(fence))
      if (from !== null && is !== from) {
        yield* at.fallShort(`replicas of ${fence.name} are ${is} instead of ${from}: another client set them`)
      }
    }
    const before = retainedBy(plan)
    const now = yield* claimsByName(
      at.fence.namespace,
      before.map(({ claim }) => claim)
    )
    yield* checkClaims(
      at,
      before.map((own) => {
        const found = now.get(own.claim)
        // One whose volume came back is another claim of the same name.
        return found?.spec.volumeName === own.volume ? { ...own, uid: found?.metadata.uid ?? "" } : own
      })
    )
  })

export const restoreVerb = verb<RestoreStep, RestoreSettings, RestoreRun, Going, RestoreResult>({
  name: "restore",
  steps,
  settings: RestoreSettings,
  result: RestoreResult,
  misfit: ({ guards, home, id, steps: all }) => {
    if (guards.some(({ namespace }) => namespace !== home)) return "it owns objects of another namespace"
    if (stepsOf(SeedClaims, all).some(({ from }) => from.as !== copyName(from.claim, id)))
      return "it creates a copy with another name than its own"
    return guards.every(({ kind }) => kind === "StatefulSet" || kind === "Deployment")
      ? null
      : "it restores no StatefulSet and no Deployment"
  },
  // The application stops as a whole: no count on the way is one to keep.
  going: (plan, options) => ({ ...plan.settings, ...inMillis(options), quorum: "none" }),
  hooks: () => [],
  check: (plan, objects, _, resumed) => check(plan, objects, resumed),
  consent: () => null,
  access: (plan) =>
    plan.guards.some((guard) => firstStarted(plan, keyOf(guard)) !== null)
      ? rules("", "pods", ["create"], plan.home)
      : [],
  preflight: (plan, objects, options) =>
    Effect.andThen(tryConfig(plan, objects, options), tryPods(plan, objects)),
  conclude,
  concludeBack,
  capture: (plan, objects) => {
    const beyond = Workload.beyondOf(objects.get(keyOf(plan.guards[0])))
    return beyond === null ? {} : { beyond }
  }
})
