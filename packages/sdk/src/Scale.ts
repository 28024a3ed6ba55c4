/**
 * Ordered scaling: `spec.replicas` moved from barrier to barrier, with each member's hello and
 * goodbye, quorum kept, claims made ahead, and every step taken up again by whoever resumes.
 */
import * as Effect from "effect/Effect"
import type { AppNotFound } from "./state/AppNotFound.ts"
import { statefulSet } from "./App.ts"
import type { Cluster, ClusterError } from "./Cluster.ts"
import * as Fences from "./operation/Fence.ts"
import * as Operation from "./Operation.ts"
import { because, type OperationError, refusedBecause } from "./operation/OperationError.ts"
import { newId } from "./operation/Plan.ts"
import { read } from "./state/Read.ts"
import type { OperationResult } from "./operation/Report.ts"
import { type Manner, performer, rememberedReplicas } from "./scale/ScalePerformer.ts"
import { plan as planOf, type ScaleOptions as PlanOptions } from "./scale/ScalePlan.ts"
import { readQuotas } from "./scale/ScaleQuota.ts"
import { listAside } from "./scale/ScalePurge.ts"
import type { ScalePlan } from "./scale/ScaleStep.ts"
import type { AppState } from "./State.ts"

export type { Manner } from "./scale/ScalePerformer.ts"
export type { ScalePlan } from "./scale/ScaleStep.ts"
export { annotatedProfile, annotation as profileAnnotation } from "./scale/ScaleProfile.ts"
export { tryOut } from "./scale/ScaleDryRun.ts"
export { allowed } from "./Operation.ts"
export { describe } from "./scale/ScaleStep.ts"

export type ScaleError = OperationError | ClusterError | AppNotFound

/** Which StatefulSet. */
export interface SetRef {
  readonly namespace: string
  readonly name: string
}

/** `last`: the count that was remembered when it was scaled to zero. */
export interface ScaleOptions extends Omit<PlanOptions, "replicas" | "purge" | "quotas">, Manner {
  /** Default: as many as there are now. */
  readonly replicas?: number | "last"
  /** Delete what earlier operations set aside of this StatefulSet, with its data. Default: false. */
  readonly purge?: boolean
}

/** The plan, from a state. Pure. */
export const plan = (state: AppState, id: string, options: PlanOptions): ScalePlan | null => {
  const workload = state.workloads.find((one) => one.kind === "StatefulSet")
  return workload === undefined ? null : planOf(state, workload, id, options)
}

const remembered = (ref: SetRef): Effect.Effect<number, ScaleError, Cluster> =>
  Effect.flatMap(Fences.read(ref), (set) => {
    const text = set.metadata.annotations?.[rememberedReplicas] ?? ""
    return /^\d{1,9}$/.test(text)
      ? Effect.succeed(Number(text))
      : Effect.fail(
          because(
            "NotFound",
            `no count is remembered for statefulset "${ref.name}"`,
            "give a number: a count is remembered when it is scaled to 0 by kubectl stateful"
          )
        )
  })

/** Reads the state and plans; nothing is changed. */
export const prepare = (ref: SetRef, options: ScaleOptions): Effect.Effect<ScalePlan, ScaleError, Cluster> =>
  Effect.gen(function* () {
    const { purge = false, ...rest } = options
    const asked = options.replicas === "last" ? yield* remembered(ref) : options.replicas
    if (asked !== undefined && !(Number.isSafeInteger(asked) && asked >= 0 && asked <= 0x7fff_ffff)) {
      return yield* Effect.fail(
        refusedBecause(`${asked} is no count of replicas`, "give a whole number from 0")
      )
    }
    const [state, aside, quotas] = yield* Effect.all(
      [
        read(statefulSet(ref.namespace, ref.name)),
        purge ? listAside(ref) : Effect.succeed([]),
        readQuotas(ref)
      ],
      { concurrency: 3 }
    )
    const replicas = asked ?? state.workloads.find((one) => one.kind === "StatefulSet")?.replicas ?? 0
    const made = plan(state, yield* newId, { ...rest, replicas, purge: aside, quotas })
    return made ?? (yield* Effect.fail(because("NotFound", `statefulset "${ref.name}" not found`)))
  })

/** Plans and runs. */
export const scale = (
  ref: SetRef,
  options: ScaleOptions & Operation.RunOptions
): Effect.Effect<OperationResult, ScaleError, Cluster> =>
  Effect.flatMap(prepare(ref, options), (plan) => run(plan, options))

/** Runs a plan that was made before; refused if a fact that it rests on has changed. */
export const run = (
  plan: ScalePlan,
  options: Manner & Operation.RunOptions
): Effect.Effect<OperationResult, Operation.Failure, Cluster> =>
  Operation.execute(plan, performer(options), options)

/** Goes on with an interrupted scaling. The profile is given anew, and compared by digest. */
export const resume = (
  at: { readonly namespace: string; readonly id: string },
  options: Manner & Operation.RunOptions
): Effect.Effect<OperationResult, Operation.Failure, Cluster> =>
  Operation.resume(at, performer(options), options)

/** Goes back to the count from before; members that said goodbye are brought back by `afterAdd`. */
export const abort = (
  at: { readonly namespace: string; readonly id: string },
  options: Manner & Operation.RunOptions
): Effect.Effect<OperationResult, Operation.Failure, Cluster> =>
  Operation.abort(at, performer(options), options)
