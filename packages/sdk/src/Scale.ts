/**
 * Ordered scaling: changes `spec.replicas` in steps, runs each member's join and leave hooks, keeps
 * quorum and creates claims ahead of their pods. An interrupted operation can be resumed by anyone.
 */
import * as Effect from "effect/Effect"
import type { AppNotFound } from "./state/AppNotFound.ts"
import { statefulSet } from "./App.ts"
import type { Cluster, ClusterError } from "./Cluster.ts"
import * as Workload from "./step/workload.ts"
import * as Operation from "./Operation.ts"
import { because, type OperationError, refusedBecause } from "./operation/OperationError.ts"
import { type AnyPlan, newId } from "./operation/Plan.ts"
import { stepsOf } from "./operation/Step.ts"
import { RetainVolumes } from "./step/reclaimPolicy.ts"
import { read } from "./State.ts"
import type { OperationResult } from "./operation/Progress.ts"
import type { RunSettings } from "./scale/settings.ts"
import { scaleVerb } from "./scale/verb.ts"
import { replicasAnnotation } from "./Labels.ts"
import type { ScaleOptions as PlanOptions } from "./scale/options.ts"
import { plan as planOf } from "./scale/plan.ts"
import { readGround } from "./scale/ground.ts"
import { readQuotas } from "./scale/quota.ts"
import { listAside } from "./step/purge.ts"
import type { ScalePlan, ScaleStep } from "./scale/steps.ts"
import * as Resource from "./Resource.ts"
import type { AppState } from "./state/AppState.ts"

export type { RunSettings } from "./scale/settings.ts"
export { needsConfirmation } from "./scale/settings.ts"
export type { ScalePlan, ScaleStep } from "./scale/steps.ts"
export { annotatedProfile } from "./scale/profile.ts"
export { profileAnnotation } from "./Labels.ts"
export { abortWithoutJournal } from "./scale/abortWithoutJournal.ts"
export { allowed } from "./Operation.ts"

export type ScaleError = OperationError | ClusterError | AppNotFound

/** Which StatefulSet. */
export interface SetRef {
  readonly namespace: string
  readonly name: string
}

/** `last`: the count that was remembered when it was scaled to zero. */
export interface ScaleOptions
  extends Omit<PlanOptions, "replicas" | "purge" | "quotas" | "mountedBy" | "ground">, RunSettings {
  /** Default: as many as there are now. */
  readonly replicas?: number | "last"
  /** Delete what earlier operations set aside of this StatefulSet, with its data. Default: false. */
  readonly purge?: boolean
}

/** One line of what a step of a plan does. */
export const describe = (plan: ScalePlan, step: ScaleStep): string => scaleVerb.describe(plan, step)

/** One line for each step of a plan that may have been read from a journal; none where it cannot be read. */
export const describeSteps = (plan: AnyPlan): ReadonlyArray<string> => scaleVerb.describeSteps(plan)

/** The plan, from a state. Pure. */
export const plan = (state: AppState, id: string, options: PlanOptions): ScalePlan | null => {
  const workload = state.workloads.find((one) => one.kind === "StatefulSet")
  return workload === undefined ? null : planOf(state, workload, id, options)
}

const remembered = (ref: SetRef): Effect.Effect<number, ScaleError, Cluster> =>
  Effect.flatMap(Workload.read(ref), (set) => {
    const text = set.metadata.annotations?.[replicasAnnotation] ?? ""
    return /^\d{1,9}$/.test(text)
      ? Effect.succeed(Number(text))
      : Effect.fail(
          because(
            "NotFound",
            `no count is remembered for statefulset "${ref.name}"`,
            "give a number: a count is remembered by the `scale` that takes it to 0"
          )
        )
  })

/** Whether this caller may set reclaim policies. */
const mayPatchVolumes = Resource.mayAll(["get", "patch"], {
  group: "",
  plural: "persistentvolumes"
})

/**
 * Plans to scale a StatefulSet; nothing is changed. What stands in the way is in the plan's `refusals`.
 *
 * **Errors**: `Refused` where the count is none; `NotFound` and `AppNotFound` where there is no such StatefulSet, or
 * no count that `last` could mean.
 */
export const prepare = Effect.fn("Scale.prepare")(function* (
  ref: SetRef,
  options: ScaleOptions = {}
): Effect.fn.Return<ScalePlan, ScaleError, Cluster> {
  const { purge = false, ...rest } = options
  const asked = options.replicas === "last" ? yield* remembered(ref) : options.replicas
  if (asked !== undefined && !(Number.isSafeInteger(asked) && asked >= 0 && asked <= 0x7fff_ffff)) {
    return yield* refusedBecause(`${asked} is not a valid number of replicas`, "give a whole number from 0")
  }
  const [state, aside, quotas, { ground, mountedBy }] = yield* Effect.all(
    [
      read(statefulSet(ref.namespace, ref.name), asked === undefined ? {} : { replicas: asked }),
      purge ? listAside(ref) : Effect.succeed([]),
      readQuotas(ref),
      readGround(ref)
    ],
    { concurrency: 4 }
  )
  const replicas = asked ?? state.workloads.find((one) => one.kind === "StatefulSet")?.replicas ?? 0
  const settings = { ...rest, replicas, purge: aside, quotas, mountedBy, ground }
  const id = yield* newId
  const first = plan(state, id, settings)
  const retains = first !== null && stepsOf(RetainVolumes, first.steps).some(({ retain }) => retain)
  // Who may not set reclaim policies keeps claims by whenScaled alone, and is told so.
  const made =
    retains && !(yield* mayPatchVolumes) ? plan(state, id, { ...settings, mayPatchVolumes: false }) : first
  return made ?? (yield* because("NotFound", `statefulset "${ref.name}" not found`))
})

/**
 * What a run would meet, and nothing changed: an operation that is in the way is a refusal of the plan.
 * `server`: each write is sent with `dryRun=All` as well.
 */
export const dryRun = Effect.fn("Scale.dryRun")(function* (
  plan: ScalePlan,
  mode: "client" | "server"
): Effect.fn.Return<ScalePlan, ScaleError, Cluster> {
  return yield* Operation.dryRun(plan, scaleVerb, mode, {})
})

/**
 * Scales a StatefulSet in order: each member that joins is ready and has run its hook before the next one comes, and
 * each that leaves has run its own before its pod goes.
 *
 * **Caveats**: hooks run commands in the pods. A run that ends early, or whose process dies, leaves an operation that
 * `resume` and `abort` take up; until then no other operation on the StatefulSet may begin.
 *
 * **Errors**: those of `prepare` and `run`.
 *
 * **Example**: `examples/scale-in-order.ts`
 */
export const scale = Effect.fn("Scale.scale")(function* (
  ref: SetRef,
  options: ScaleOptions & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, ScaleError, Cluster> {
  const plan = yield* prepare(ref, options)
  return yield* run(plan, options)
})

/**
 * Runs a plan that was made before. The same plan again has the same end, and does nothing twice.
 *
 * **Errors**: `Refused` where the plan has refusals; `Changed` where a fact that it rests on has changed; `Access` where
 * permissions are missing; `Held` and `Unfinished` where another operation is in the way. With `operation`, any error
 * leaves the operation to be resumed or aborted.
 */
export const run = Effect.fn("Scale.run")(function* (
  plan: ScalePlan,
  options: RunSettings & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.execute(plan, scaleVerb, options)
})

/** A plan, and how it is to be carried out. */
export interface Planned {
  readonly plan: ScalePlan
  readonly options: RunSettings
}

/** Plans for several StatefulSets, in the given order; nothing is changed. */
export const prepareAll = Effect.fn("Scale.prepareAll")(function* <Options extends ScaleOptions>(
  asked: ReadonlyArray<{ readonly ref: SetRef; readonly options: Options }>
): Effect.fn.Return<ReadonlyArray<Planned & { readonly options: Options }>, ScaleError, Cluster> {
  return yield* Effect.forEach(asked, ({ ref, options }) =>
    Effect.map(prepare(ref, options), (plan) => ({ plan, options }))
  )
})

/**
 * Runs plans one after another, each once the one before it is done: nothing is begun where one of
 * them is refused, and nothing more once one of them fails.
 */
export const inOrder = <One extends Planned, A, E, R>(
  planned: ReadonlyArray<One>,
  runOne: (one: One) => Effect.Effect<A, E, R>
): Effect.Effect<ReadonlyArray<A>, E | OperationError, R> =>
  Effect.andThen(
    Effect.forEach(planned, ({ plan }) => Operation.allowed(plan), { discard: true }),
    Effect.forEach(planned, runOne)
  )

/** Plans for several StatefulSets and scales them in the given order: nothing is begun where one is refused. */
export const scaleAll = Effect.fn("Scale.scaleAll")(function* (
  asked: ReadonlyArray<{ readonly ref: SetRef; readonly options: ScaleOptions }>,
  options: Operation.RunOptions = {}
): Effect.fn.Return<ReadonlyArray<OperationResult>, ScaleError, Cluster> {
  return yield* Effect.flatMap(prepareAll(asked), (planned) =>
    inOrder(planned, (one) => run(one.plan, { ...one.options, ...options }))
  )
})

/** Goes on with an interrupted scaling. The profile is given anew, and compared by digest. */
export const resume = Effect.fn("Scale.resume")(function* (
  at: { readonly namespace: string; readonly id: string },
  options: RunSettings & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.resume(at, scaleVerb, options)
})

/** Restores the previous count; members that have left already join again by `afterAdd`. */
export const abort = Effect.fn("Scale.abort")(function* (
  at: { readonly namespace: string; readonly id: string },
  options: RunSettings & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.abort(at, scaleVerb, options)
})
