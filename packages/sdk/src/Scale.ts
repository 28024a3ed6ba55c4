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
import { mayPatchVolumes } from "./step/volume.ts"
import type { AppState } from "./state/AppState.ts"

export type { RunSettings } from "./scale/settings.ts"
export { needsConfirmation } from "./scale/settings.ts"
export type { ScalePlan, ScaleStep } from "./scale/steps.ts"
export { annotatedProfile } from "./scale/profile.ts"
export { profileAnnotation } from "./Labels.ts"
export { abortWithoutJournal } from "./scale/abortWithoutJournal.ts"
export { allowed, inOrder } from "./Operation.ts"

export type ScaleError = OperationError | ClusterError | AppNotFound

/** The reference to a StatefulSet. */
export interface SetRef {
  readonly namespace: string
  readonly name: string
}

/** Options of a scaling. `replicas: "last"` restores the number of replicas from before a scale to 0. */
export interface ScaleOptions
  extends Omit<PlanOptions, "replicas" | "purge" | "quotas" | "mountedBy" | "ground">, RunSettings {
  /** Default: the current number. */
  readonly replicas?: number | "last"
  /**
   * Delete the claims that earlier operations set aside from this StatefulSet, with their data. Default:
   * false.
   */
  readonly purge?: boolean
}

/** A one-line description of a step of a plan. */
export const describe = (plan: ScalePlan, step: ScaleStep): string => scaleVerb.describe(plan, step)

/** One line for each step of a plan that may come from a journal; empty if it cannot be parsed. */
export const describeSteps = (plan: AnyPlan): ReadonlyArray<string> => scaleVerb.describeSteps(plan)

/** The plan of a scaling, from a state that was read before. Pure. `null` if the state has no StatefulSet. */
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
            `no number of replicas was saved for statefulset "${ref.name}"`,
            "use a number: only a `scale` to 0 saves it"
          )
        )
  })

/**
 * Plans to scale a StatefulSet. Changes nothing. Refusals are in the plan's `refusals`.
 *
 * **Errors**: `Refused` if the number of replicas is invalid; `NotFound` and `AppNotFound` if there is no
 * such StatefulSet, or no number that `last` could mean.
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
  // Without permission to set reclaim policies, claims are kept by whenScaled alone, and the plan says so.
  const made =
    retains && !(yield* mayPatchVolumes) ? plan(state, id, { ...settings, mayPatchVolumes: false }) : first
  return made ?? (yield* because("NotFound", `statefulset "${ref.name}" not found`))
})

/**
 * Checks what a run would do, without changing anything: an operation that is in the way is a refusal of the
 * plan. With `server`, each write is also sent with `dryRun=All`.
 */
export const dryRun = Effect.fn("Scale.dryRun")(function* (
  plan: ScalePlan,
  mode: "client" | "server"
): Effect.fn.Return<ScalePlan, ScaleError, Cluster> {
  return yield* Operation.dryRun(plan, scaleVerb, mode, {})
})

/**
 * Scales a StatefulSet in order: each member that joins is ready and has run its hook before the next one
 * comes, and each that leaves has run its own before its pod goes.
 *
 * **Caveats**: hooks run commands in the pods. A run that ends early, or whose process crashes, leaves an
 * operation for `resume` or `abort`; until then no other operation on the StatefulSet can start.
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
 * Runs a prepared plan. Running the same plan again has the same result, and does nothing twice.
 *
 * **Errors**: `Refused` if the plan has refusals; `Changed` if a fact of the plan has changed; `Access` if
 * permissions are missing; `Held` and `Unfinished` if another operation is in the way. An error with
 * `operation` leaves the operation to be resumed or aborted.
 */
export const run = Effect.fn("Scale.run")(function* (
  plan: ScalePlan,
  options: RunSettings & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.execute(plan, scaleVerb, options)
})

/** A plan, and the options for running it. */
export interface Planned {
  readonly plan: ScalePlan
  readonly options: RunSettings
}

/** Plans for several StatefulSets, in the given order. Changes nothing. */
export const prepareAll = Effect.fn("Scale.prepareAll")(function* <Options extends ScaleOptions>(
  asked: ReadonlyArray<{ readonly ref: SetRef; readonly options: Options }>
): Effect.fn.Return<ReadonlyArray<Planned & { readonly options: Options }>, ScaleError, Cluster> {
  return yield* Effect.forEach(asked, ({ ref, options }) =>
    Effect.map(prepare(ref, options), (plan) => ({ plan, options }))
  )
})

/**
 * Plans for several StatefulSets and scales them in the given order: nothing is started if one is refused.
 */
export const scaleAll = Effect.fn("Scale.scaleAll")(function* (
  asked: ReadonlyArray<{ readonly ref: SetRef; readonly options: ScaleOptions }>,
  options: Operation.RunOptions = {}
): Effect.fn.Return<ReadonlyArray<OperationResult>, ScaleError, Cluster> {
  return yield* Effect.flatMap(prepareAll(asked), (planned) =>
    Operation.inOrder(planned, (one) => run(one.plan, { ...one.options, ...options }))
  )
})

/**
 * Resumes an interrupted scaling, from any machine. Pass the same profile again: it is compared by its
 * digest.
 */
export const resume = Effect.fn("Scale.resume")(function* (
  at: { readonly namespace: string; readonly id: string },
  options: RunSettings & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.resume(at, scaleVerb, options)
})

/**
 * Rolls back an interrupted scaling: restores the previous number of replicas. Members that have already left
 * join again with `afterAdd`.
 */
export const abort = Effect.fn("Scale.abort")(function* (
  at: { readonly namespace: string; readonly id: string },
  options: RunSettings & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.abort(at, scaleVerb, options)
})
