/** The verb that restores as another application: its steps, and its own parts. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { nameOf } from "../App.ts"
import type { Cluster } from "../Cluster.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import { lookAtOperations } from "../operation/OperationId.ts"
import { keyOf, type Plan } from "../operation/Plan.ts"
import { type StepKind, type StepOf, stepsOf } from "../operation/Step.ts"
import type { AnyStep, Failure, StepContext } from "../operation/StepContext.ts"
import { madeByAnnotation } from "../Labels.ts"
import { type InMillis, inMillis, type StepOptions, verb } from "../operation/Verb.ts"
import { AssertClaims, AttachVolume, checkAttached, HandOverPolicies } from "../step/attachVolume.ts"
import { BringCuts, ReturnCuts } from "../step/bringCuts.ts"
import { ClonedObject } from "../step/cloneNames.ts"
import { CloneSettings as RecordSettings, manifestIn, recordOf } from "../step/cloneRecord.ts"
import { FillClaims } from "../step/fillClaims.ts"
import { Isolate } from "../step/isolate.ts"
import { MakeObjects } from "../step/makeObjects.ts"
import { MakeSet } from "../step/makeSet.ts"
import { assertFenced, fenceFault, ProveFence } from "../step/proveFence.ts"
import { claimsByName } from "../step/reclaimPolicy.ts"
import { lastCount, SetReplicas } from "../step/replicas.ts"
import { RestoreRetention } from "../step/retention.ts"
import { readClaim } from "../step/volume.ts"
import * as Workload from "../step/workload.ts"
import type { Restoring } from "../Verify.ts"
import { hostAccess } from "./clonePods.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/**
 * The StatefulSet may not exist yet when its operation is aborted, or another client has deleted it: then the
 * objects that are changed through it stay as they are.
 */
const withSet = <S extends AnyStep, T>(
  kind: StepKind<S, T>,
  without: (step: S, at: StepContext) => Work = () => Effect.void
): StepKind<S, T> => ({
  ...kind,
  undo: (step, at) =>
    Effect.flatMap(at.standing, ({ object }) => (object === null ? without(step, at) : kind.undo(step, at)))
})

/** Checks that the verified isolation still exists when pods are started. */
const fenced = <S extends AnyStep, T>(kind: StepKind<S, T>): StepKind<S, T & RecordSettings> => ({
  ...kind,
  perform: (step, at) => Effect.andThen(assertFenced(at), kind.perform(step, at))
})

/** Data that pods have written while they were isolated is deleted with them: nothing else has seen it. */
const fencedOff = <S extends AnyStep, T>(
  kind: StepKind<S, T & { readonly discards?: boolean }>
): StepKind<S, T & RecordSettings> => ({
  ...kind,
  undo: (step, at) =>
    Effect.gen(function* () {
      const discards = at.settings.fence !== null && (yield* fenceFault(at)) === null
      yield* kind.undo(step, { ...at, settings: { ...at.settings, discards } })
    })
})

/** Names a claim that is left behind by a StatefulSet that another client deleted. */
const nameClaim = ({ to }: StepOf<typeof AttachVolume>, at: StepContext): Work =>
  Effect.gen(function* () {
    const claim = yield* readClaim(at.fence.namespace, to)
    if (claim?.metadata.annotations?.[madeByAnnotation] !== at.plan.id) return
    yield* at.fallShort(
      `claim ${to}, which was created for ${at.fence.name}, remains with its volume: another client deleted the StatefulSet`
    )
  })

const steps = [
  Isolate,
  MakeSet,
  MakeObjects,
  ProveFence,
  BringCuts,
  fencedOff(FillClaims),
  ReturnCuts,
  withSet(AttachVolume, nameClaim),
  AssertClaims,
  fenced(withSet(SetReplicas)),
  withSet(RestoreRetention),
  withSet(HandOverPolicies)
] as const

export type CloneStep = StepOf<(typeof steps)[number]>

/** The settings in a plan in addition to its steps. */
export const CloneSettings = Schema.Struct({
  ...RecordSettings.fields,
  allowEmpty: Schema.Boolean,
  facts: Schema.optionalKey(Workload.Facts)
})
export type CloneSettings = typeof CloneSettings.Type

export interface ClonePlan extends Plan<CloneStep, CloneSettings> {}

/** Options for running a plan, in addition to the plan itself. */
export interface CloneRun extends Restoring, StepOptions {
  /** True if the copy may run without isolation. Default false. */
  readonly noFence?: boolean
  /** True if its pods may access their nodes, as those of the source do. Default false. */
  readonly hostAccess?: boolean
  /** Consent to resume: the name of the copy, since the journal alone is not trusted. */
  readonly clone?: string
  /** The same, of other namespaces: that of the snapshot. */
  readonly namespaces?: ReadonlyArray<string>
}

type Going = CloneSettings & InMillis<CloneRun> & { readonly quorum: "none" }

/** The result of the operation. */
export const CloneResult = Schema.Struct({
  set: Schema.String,
  /** The application that it was copied from. */
  source: Schema.Struct({ namespace: Schema.String, name: Schema.String }),
  replicas: Schema.Natural,
  claims: Schema.Array(Schema.String),
  objects: Schema.Array(ClonedObject),
  /** The NetworkPolicy that isolates it; `null` without one. */
  fence: Schema.NullOr(Schema.String)
})
export type CloneResult = typeof CloneResult.Type

type At = StepContext<Going>

/** True if the isolation is created and verified before anything is started: a journal may lack a step. */
const isProven = (steps: ReadonlyArray<CloneStep>, fence: string): boolean => {
  const [start] = stepsOf(SetReplicas, steps)
  const before = start === undefined ? steps : steps.slice(0, steps.indexOf(start))
  return [stepsOf(Isolate, before), stepsOf(ProveFence, before)].every((found) =>
    found.some(({ policy }) => policy === fence)
  )
}

/** The consent that a journal needs: a resume must repeat it. */
const consent = ({ id, home, settings, steps: all }: ClonePlan, options: CloneRun): OperationError | null => {
  const { renaming, record, set, fence } = settings
  if (fence !== null && !isProven(all, fence)) {
    return because(
      "Mismatch",
      `operation ${id} starts ${renaming.to.name} with an isolation that is not verified, as its journal says`,
      "abort, and plan again"
    )
  }
  const { name, namespace } = renaming.to
  const flags = [
    ...(options.clone === name ? [] : [`--clone ${name}`]),
    ...(record.namespace === namespace || options.namespaces?.includes(record.namespace) === true
      ? []
      : [`--allow-namespace ${record.namespace}`]),
    ...(fence === null && options.noFence !== true ? ["--no-fence"] : [])
  ]
  return flags.length === 0
    ? null
    : because(
        "Mismatch",
        `operation ${id} creates ${name} from snapshot ${set} of namespace ${record.namespace}${fence === null ? ", without isolation" : ""}, as its journal says`,
        `${lookAtOperations(home)}; if that is intended, pass ${flags.join(" ")}`
      )
}

/** Checks that the names of the new objects are free, and that the record needs no more than was allowed. */
const check = (plan: ClonePlan, options: CloneRun, resumed: boolean): Work =>
  Effect.gen(function* () {
    const { renaming } = plan.settings
    const record = yield* recordOf({ settings: plan.settings })
    const [reach] = hostAccess(manifestIn(record, "StatefulSet", renaming.from.name))
    if (reach !== undefined && options.hostAccess !== true) {
      return yield* because(
        "Mismatch",
        `its pods have access to more than their own resources: ${reach}`,
        "pass --allow-privileged if that is intended"
      )
    }
    if (resumed) return
    const filled = stepsOf(AttachVolume, plan.steps).map(({ to }) => to)
    const now = yield* claimsByName(plan.home, filled)
    const stray = filled.find((name) => now.has(name))
    if (stray !== undefined) {
      return yield* because(
        "Changed",
        `claim ${stray} was created after the plan was made`,
        "run the command again"
      )
    }
  })

const conclude = (plan: ClonePlan, at: At): Work<CloneResult> =>
  Effect.gen(function* () {
    const { set, renaming, fence } = plan.settings
    const is = Workload.replicasOf(yield* Workload.assertHeld(at.fence))
    const to = lastCount(plan) ?? 0
    if (is !== to) {
      yield* at.fallShort(`replicas of ${at.fence.name} are ${is}, and not ${to}: another client set them`)
    }
    yield* checkAttached(at)
    const open = yield* fenceFault(at)
    if (open !== null) yield* at.fallShort(`${open}: nothing isolates ${at.fence.name} from its source`)
    const claims = stepsOf(AttachVolume, plan.steps).map(({ to: claim }) => claim)
    return { set, source: renaming.from, replicas: is, claims, objects: renaming.objects, fence }
  })

export const cloneVerb = verb<CloneStep, CloneSettings, CloneRun, Going, CloneResult>({
  name: "clone",
  steps,
  settings: CloneSettings,
  result: CloneResult,
  misfit: ({ guards, home, app, settings }) => {
    const [guard] = guards
    const { to } = settings.renaming
    const isOwn =
      keyOf(guard) === keyOf({ kind: "StatefulSet", ...to }) && guard.uid === null && to.namespace === home
    return isOwn && guards.length === 1 && nameOf(app) === to.name
      ? null
      : "it owns something other than what it creates"
  },
  going: (plan, options) => ({ ...plan.settings, ...inMillis(options), quorum: "none" }),
  hooks: () => [],
  check: (plan, _, options, resumed) => check(plan, options, resumed),
  consent,
  preflight: () => Effect.void,
  conclude,
  // Everything that it created was deleted by then, or is reported.
  concludeBack: () => Effect.void,
  capture: (plan, objects) => {
    const beyond = Workload.beyondOf(objects.get(keyOf(plan.guards[0])))
    return beyond === null ? {} : { beyond }
  }
})
