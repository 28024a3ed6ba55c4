/**
 * The owner of the claims that an operation moves: a StatefulSet, whose templates name them by ordinal, or
 * a Deployment, whose pod template names them directly. Read under its fence.
 */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import * as Fence from "../operation/Fence.ts"
import { because } from "../operation/OperationError.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import * as Resource from "../Resource.ts"
import { podTemplateOf } from "../state/AppWorkload.ts"

/** The common fields of both; a Deployment has no claim templates. */
export interface Holder {
  readonly metadata: StatefulSet["metadata"]
  readonly spec: Pick<StatefulSet["spec"], "replicas" | "selector" | "template" | "volumeClaimTemplates">
}

type Work<A> = Effect.Effect<A, Failure, Cluster>

const isDeployment = ({ kind }: Pick<Fence.Fence, "kind">): boolean => kind === "Deployment"

/** The current object; fails unless this process may still write. */
export const assertHeld = (fence: Fence.Fence): Work<Holder> =>
  isDeployment(fence)
    ? Fence.assertHeld(fence, kinds.deployments)
    : Fence.assertHeld(fence, kinds.statefulsets)

/** The ownership of the operation, and the owner of the claims; `null` if that was deleted or replaced. */
export const standing = (at: Pick<StepContext, "standing" | "fence">) =>
  Effect.flatMap(at.standing, ({ why, object }) => {
    const holder: Effect.Effect<Holder | null, ClusterError> =
      object === null
        ? Effect.succeed(null)
        : isDeployment(at.fence)
          ? Resource.accept(kinds.deployments, object)
          : Resource.accept(kinds.statefulsets, object)
    return Effect.map(holder, (set) => ({ why, set }))
  })

/** The current object, without an ownership check: for a step that is only rehearsed. */
export const assertThere = (at: Pick<StepContext, "standing" | "fence">): Work<Holder> =>
  Effect.gen(function* () {
    const { set } = yield* standing(at)
    return set ?? (yield* because("NotFound", `${at.fence.kind.toLowerCase()} "${at.fence.name}" not found`))
  })

/** The desired number of pods. */
export const replicasOf = ({ spec }: Holder): number => spec.replicas ?? 1

/** The claims that the pod template names, each with the name of its volume there. */
export const namedBy = ({ spec }: Pick<Holder, "spec">): ReadonlyMap<string, string> =>
  new Map(
    (podTemplateOf(spec).spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim: claim }) =>
      claim ? [[claim.claimName, name] as const] : []
    )
  )
