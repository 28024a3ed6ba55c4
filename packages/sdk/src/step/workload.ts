/** The StatefulSet that a step is about: read, changed and looked at as one, always behind its fence. */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { type Assumption, findWriter } from "../operation/Assumption.ts"
import * as Fence from "../operation/Fence.ts"
import type { Place } from "../operation/Guarded.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { because } from "../operation/OperationError.ts"
import { wanted, podName } from "../Ordinal.ts"
import * as Resource from "../Resource.ts"
import { Retention, type Workload } from "../Topology.ts"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

type Work<A> = Effect.Effect<A, Failure, Cluster>

const kind = kinds.statefulsets

/** The current object, without an ownership check. */
export const read = (ref: {
  readonly namespace: string
  readonly name: string
}): Effect.Effect<StatefulSet, ClusterError, Cluster> => Resource.get(kind, ref)

/** The current object; fails unless this process may still write. */
export const assertHeld = (fence: Fence.Fence): Work<StatefulSet> => Fence.assertHeld(fence, kind)

/** Changes it until `done`, as long as the token is there. */
export const change = (fence: Fence.Fence, spec: Fence.Change<StatefulSet>): Work<StatefulSet> =>
  Fence.change(fence, kind, spec)

/** The ownership of the operation, and the StatefulSet; `null` if that was deleted or replaced. */
export const standing = (at: Pick<StepContext, "standing" | "fence">) =>
  Effect.flatMap(at.standing, ({ why, object }) =>
    Effect.map(object === null ? Effect.succeed(null) : Resource.accept(kind, object), (set) => ({
      why,
      set
    }))
  )

/** The current object, without an ownership check: for a step that is only rehearsed. */
export const assertThere = (at: Pick<StepContext, "standing" | "fence">): Work<StatefulSet> =>
  Effect.gen(function* () {
    const { set } = yield* standing(at)
    return set ?? (yield* because("NotFound", `statefulset "${at.fence.name}" not found`))
  })

export const replicasOf = (set: StatefulSet): number => wanted(set).count

/** The first ordinal beyond the number of replicas; `null` if it is not a StatefulSet. */
export const beyondOf = (object: unknown): number | null => {
  const accepted = kind.accept(object)
  if (Result.isFailure(accepted)) return null
  const { start, count } = wanted(accepted.success)
  return start + count
}

/**
 * The facts that each change of the number of replicas relies on: pods and claims are created and removed
 * by them.
 */
export const Facts = Schema.Struct({
  /** As it is while the count is changed. */
  whenScaled: Retention.fields.whenScaled,
  firstOrdinal: Schema.Natural,
  podManagementPolicy: Schema.String,
  /** The claim templates, by name. */
  templates: Schema.Array(Schema.String)
})
export type Facts = typeof Facts.Type

/** Of a workload as it was read, while the count is changed with that `whenScaled`. */
export const factsOf = (
  { firstOrdinal, podManagementPolicy, claimTemplates }: Workload,
  whenScaled: Facts["whenScaled"]
): Facts => ({
  whenScaled,
  firstOrdinal,
  podManagementPolicy: podManagementPolicy ?? "OrderedReady",
  templates: claimTemplates.map(({ name }) => name)
})

export const whenScaledField = {
  path: ["spec", "persistentVolumeClaimRetentionPolicy", "whenScaled"],
  absent: "Retain"
}
export const whenDeletedField = {
  path: ["spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"],
  absent: "Retain"
}
export const replicasField = { path: ["spec", "replicas"], absent: "1" }

/** The facts as assumptions. With `down` pods are removed, so whenScaled decides about their claims. */
export const assumed = (facts: Facts | undefined, down: boolean): ReadonlyArray<Assumption> => {
  if (facts === undefined) return []
  return [
    ...(down ? [{ what: "whenScaled", ...whenScaledField, is: facts.whenScaled }] : []),
    { what: "ordinals.start", path: ["spec", "ordinals", "start"], absent: "0", is: `${facts.firstOrdinal}` },
    {
      what: "podManagementPolicy",
      path: ["spec", "podManagementPolicy"],
      absent: "OrderedReady",
      is: facts.podManagementPolicy
    },
    {
      what: "volumeClaimTemplates",
      path: ["spec", "volumeClaimTemplates", "*", "metadata", "name"],
      absent: "",
      is: facts.templates.join(", ")
    }
  ]
}

/** The error for a number of replicas that is neither on the way nor the target: another client set it. */
export const overwritten = (place: Place, is: number, wanted: number) =>
  because(
    "Changed",
    `another client set replicas of ${place.name} to ${is}, on the way to ${wanted}`,
    findWriter(place)
  )

/** The member whose hook runs, or whose health is checked. */
export const memberOf = (set: StatefulSet, ordinal: number) => {
  const pod = podName(set.metadata.name, ordinal)
  const namespace = set.metadata.namespace ?? ""
  const fqdn = set.spec.serviceName ? `${pod}.${set.spec.serviceName}.${namespace}.svc` : pod
  return { namespace, pod, ordinal, fqdn }
}
