/** Takes the fence of a restored application away: from then on it is one like any other. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import * as Fence from "../operation/Fence.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import * as Resource from "../Resource.ts"
import { cloneLabel, fencedLabel } from "../Labels.ts"
import { fencePolicy, fenceTarget, readFence } from "./isolate.ts"
import * as Workload from "./workload.ts"
import { fieldAt } from "../resource/KubeObject.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const ReleaseSchema = Schema.TaggedStruct("Release", {
  on,
  policy: Schema.String,
  uid: Schema.String,
  /** The restore that created it. */
  operation: Schema.String
})
type Release = typeof ReleaseSchema.Type

/** The NetworkPolicy of this application: a journal that names another's releases nothing. */
const look = (at: StepContext, { policy, operation }: Release) =>
  Effect.map(readFence({ namespace: at.fence.namespace, operation }, policy), (found) =>
    fieldAt(found?.metadata, "labels", fencedLabel) === at.fence.name ? found : null
  )

const perform = (step: Release, at: StepContext): Work =>
  Effect.gen(function* () {
    const target = fenceTarget(at.fence.namespace, step.policy)
    yield* Fence.beside<Resource.KubeObject | null>(at.standing, {
      look: look(at, step),
      // A namesake made since is not the planned one.
      done: (found) => found?.metadata.uid !== step.uid,
      write: () => Effect.as(Resource.remove(target, { uid: step.uid }), null)
    })
    if ((yield* Resource.findObject(target)) === null) return
    yield* at.fallShort(
      `networkpolicy ${step.policy} exists, but not as it was created for ${at.fence.name}: it is kept, and may isolate it`
    )
  })

/** True if the restore created this StatefulSet: its pods have the label that the NetworkPolicy selects. */
const isMadeBy = ({ operation }: Release, set: StatefulSet | null): boolean =>
  set?.spec.template.metadata?.labels?.[cloneLabel] === operation

/** Recreates the same NetworkPolicy if it is missing: for this application only. */
const undo = (step: Release, at: StepContext): Work =>
  Effect.gen(function* () {
    const { set } = yield* Workload.standing(at)
    if (!isMadeBy(step, set)) {
      yield* at.fallShort(`${at.fence.name} was not created by restore ${step.operation}: it is not isolated`)
      return
    }
    yield* Fence.beside<Resource.KubeObject | null>(at.standing, {
      look: look(at, step),
      done: (found) => found !== null,
      write: () =>
        Resource.create(
          { api: Resource.networkPolicies, namespace: at.fence.namespace },
          fencePolicy(step.policy, at.fence.name, step.operation)
        )
    })
  })

/** The fence is gone. */
export const Release: StepKind<Release, object> = {
  tag: "Release",
  schema: ReleaseSchema,
  describe: ({ policy }, { name }) => `end the isolation of ${name}: delete networkpolicy ${policy}`,
  access: (_, { namespace }) =>
    rules("networking.k8s.io", "networkpolicies", ["get", "create", "delete"], namespace),
  rehearse: ({ policy, uid }, at) =>
    Effect.as(Resource.remove(fenceTarget(at.fence.namespace, policy), { uid, dryRun: true }), []),
  perform,
  // Where its StatefulSet is gone there is nothing that a fence would be around.
  undo
}
