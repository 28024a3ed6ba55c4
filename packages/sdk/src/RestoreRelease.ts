/** Releasing an application that was restored as another one: its fence is deleted, and it may reach its source. */
import * as Effect from "effect/Effect"
import { statefulSet } from "./App.ts"
import type { Cluster, ClusterError } from "./Cluster.ts"
import * as Operation from "./Operation.ts"
import { digest } from "./Digest.ts"
import { isOperationId } from "./operation/OperationId.ts"
import { because, type OperationError } from "./operation/OperationError.ts"
import { type AnyPlan, newId } from "./operation/Plan.ts"
import type { OperationResult } from "./operation/Progress.ts"
import { make } from "./operation/Step.ts"
import { fencedLabel, madeByAnnotation } from "./Labels.ts"
import * as Resource from "./Resource.ts"
import { type ReleasePlan, releaseVerb } from "./restore/releaseVerb.ts"
import { Release } from "./step/release.ts"
import * as Workload from "./step/workload.ts"

export { type ReleasePlan, ReleaseResult } from "./restore/releaseVerb.ts"

export type ReleaseError = OperationError | ClusterError

/** One line for each step of a plan that may come from a journal; empty if it cannot be parsed. */
export const describeSteps = (plan: AnyPlan): ReadonlyArray<string> => releaseVerb.describeSteps(plan)

const nothing = ({ namespace, id }: Operation.OperationAt) =>
  because(
    "NotFound",
    `restore ${id} has no isolation in namespace ${namespace}`,
    `\`kubectl get networkpolicies -A -l ${fencedLabel} -L ${madeByAnnotation}\` lists the fences that there are, with their restores`
  )

/** Finds the isolation of a restore, and returns a plan to remove it. Changes nothing. */
export const prepare = Effect.fn("RestoreRelease.prepare")(function* (
  at: Operation.OperationAt
): Effect.fn.Return<ReleasePlan, ReleaseError, Cluster> {
  const { namespace, id: restore } = at
  if (!isOperationId(restore)) return yield* nothing(at)
  const { items } = yield* Resource.listObjects(Resource.networkPolicies, {
    namespace,
    labelSelector: `${madeByAnnotation}=${restore},${fencedLabel}`
  })
  const [policy] = items
  const labels: unknown = Reflect.get(Object(policy?.metadata), "labels")
  const name = String(Reflect.get(Object(labels), fencedLabel) ?? "")
  const uid = policy?.metadata.uid
  if (policy === undefined || uid == null || name === "") return yield* nothing(at)
  const { metadata } = yield* Workload.read({ namespace, name })
  const step = make(Release, { policy: policy.metadata.name, uid, operation: restore })
  const withoutAccess: Omit<ReleasePlan, "access"> = {
    apiVersion: "kubectl-stateful.dev/v1",
    kind: "Plan",
    id: yield* newId,
    verb: "release",
    app: statefulSet(namespace, name),
    home: namespace,
    guards: [
      {
        kind: "StatefulSet",
        namespace,
        name,
        uid: metadata.uid ?? "",
        generation: metadata.generation ?? null
      }
    ],
    facts: digest([uid, metadata.uid]),
    hooks: [],
    effects: [`release ${name}: its pods may reach what it was copied from, and everything else`],
    warnings: [],
    refusals: [],
    unchecked: [],
    settings: { restore },
    steps: [step]
  }
  return { ...withoutAccess, access: releaseVerb.rules({ ...withoutAccess, access: [] }, {}) }
})

/**
 * Checks what a run would do, without changing anything. With `server`, each write is also sent with
 * `dryRun=All`.
 */
export const dryRun = Effect.fn("RestoreRelease.dryRun")(function* (
  made: ReleasePlan,
  mode: "client" | "server"
): Effect.fn.Return<ReleasePlan, ReleaseError, Cluster> {
  return yield* Operation.dryRun(made, releaseVerb, mode, {})
})

/**
 * Runs a prepared plan. Refused if a fact of the plan has changed since.
 *
 * **Errors**: `Refused`, `Access`, `Changed` or `Mismatch` with nothing changed; `Held` or `Unfinished` if
 * another operation is in the way. After any other error the operation can be resumed or aborted.
 */
export const run = Effect.fn("RestoreRelease.run")(function* (
  made: ReleasePlan,
  options: Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.execute(made, releaseVerb, options)
})

/** Removes the isolation of a restore: the copy can then reach its source, and everything else. */
export const release = Effect.fn("RestoreRelease.release")(function* (
  at: Operation.OperationAt,
  options: Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, ReleaseError, Cluster> {
  const made = yield* prepare(at)
  return yield* run(made, options)
})

/** Resumes an interrupted release. */
export const resume = Effect.fn("RestoreRelease.resume")(function* (
  at: Operation.OperationAt,
  options: Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.resume(at, releaseVerb, options)
})

/** Rolls back an interrupted release: recreates the NetworkPolicy. */
export const abort = Effect.fn("RestoreRelease.abort")(function* (
  at: Operation.OperationAt,
  options: Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.abort(at, releaseVerb, options)
})
