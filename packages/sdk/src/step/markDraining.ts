/**
 * Annotates the pods of leaving members, so that routers send them no new keys, and waits. Routers do not
 * acknowledge it: the wait is all the time they get.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { drainingAnnotation } from "../Labels.ts"
import { because } from "../operation/OperationError.ts"
import * as Fence from "../operation/Fence.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { format } from "../GoDuration.ts"
import { kinds } from "../Kind.ts"
import * as Resource from "../Resource.ts"
import { podsOf } from "../wait/pods.ts"
import * as Workload from "./workload.ts"
import { podName } from "../Ordinal.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const MarkSchema = Schema.TaggedStruct("MarkDraining", {
  on,
  ordinals: Schema.Array(Schema.Natural),
  /** Milliseconds between the annotations and the next step. */
  wait: Schema.Natural
})
type MarkDraining = typeof MarkSchema.Type

const markOf = (pod: Resource.KubeObject): unknown =>
  Reflect.get(Object(pod.metadata["annotations"]), drainingAnnotation)

interface Leaving {
  readonly name: string
  readonly uid: string
  readonly mark: string | undefined
}

/** The pods of these ordinals that are the set's own and stay. */
const leaving = ({ ordinals }: MarkDraining, at: StepContext): Work<ReadonlyArray<Leaving>> =>
  Effect.gen(function* () {
    const pods = yield* podsOf(yield* Workload.assertHeld(at.fence))
    return ordinals.flatMap((ordinal) => {
      const { name, uid, deletionTimestamp, annotations } = pods.get(ordinal)?.metadata ?? {}
      return name === undefined || uid === undefined || uid === null || deletionTimestamp
        ? []
        : [{ name, uid, mark: annotations?.[drainingAnnotation] }]
    })
  })

/** Sets a pod's annotation to `to` if it differs from `is`; another pod of its name is left as it is. */
const write = (
  at: StepContext,
  { name, uid }: Leaving,
  to: string | null,
  isDone: (mark: unknown) => boolean
): Work => {
  const target = { api: kinds.pods, namespace: at.fence.namespace, name }
  const patch = (pod: Resource.KubeObject | null, mark: string | null) => {
    // A process that was paused since its read finds the pod changed if another one has marked it.
    const resourceVersion = pod?.metadata.resourceVersion
    const value = { metadata: { uid, resourceVersion, annotations: { [drainingAnnotation]: mark } } }
    return Resource.patch(target, { _tag: "Merge", value })
  }
  return Effect.asVoid(
    Fence.beside<Resource.KubeObject | null>(at.standing, {
      look: Resource.findObject(target),
      done: (pod) => pod === null || pod.metadata.uid !== uid || isDone(markOf(pod)),
      write: (pod) => patch(pod, to),
      // An abort that had found no mark to take off would leave this one for good.
      takeBack: (pod, why) =>
        why === null || to === null
          ? Effect.succeed(null)
          : patch(pod, null).pipe(
              Effect.as(null),
              Effect.catchReason("ClusterError", "NotFound", () => Effect.succeed(null))
            )
    })
  )
}

/** The maximum number of times that a pod may be recreated, or lose its annotation, during the wait. */
const mostRounds = 5

/**
 * Annotates a pod unless it is annotated already. A pod that was recreated in the meantime, or lost its
 * annotation, may have got new keys: then routers get the same time again.
 */
const perform = (step: MarkDraining, at: StepContext): Work =>
  Effect.gen(function* () {
    let pods = yield* leaving(step, at)
    for (let round = 0; round < mostRounds; round++) {
      if (pods.length === 0) return
      for (const pod of pods) yield* write(at, pod, at.plan.id, (mark) => mark !== undefined)
      yield* Effect.sleep(step.wait)
      pods = yield* leaving(step, at)
      if (pods.every(({ mark }) => mark !== undefined)) return
    }
    const bare = pods.find(({ mark }) => mark === undefined)
    return yield* because(
      "Changed",
      `pod ${bare?.name ?? ""} lost its draining annotation`,
      `find out what removes the annotation ${drainingAnnotation} or deletes the pod, then resume`
    )
  })

/** Only a mark of this operation is taken off. */
const undo = (step: MarkDraining, at: StepContext): Work =>
  Effect.gen(function* () {
    for (const pod of yield* leaving(step, at)) yield* write(at, pod, null, (mark) => mark !== at.plan.id)
  })

/** Routers were given time to see who leaves. */
export const MarkDraining: StepKind<MarkDraining, object> = {
  tag: "MarkDraining",
  schema: MarkSchema,
  describe: ({ ordinals, wait }, { name }) =>
    `mark ${ordinals.map((ordinal) => podName(name, ordinal)).join(", ")} as draining, and wait ${format(wait)}`,
  access: (_, { namespace }) => rules("", "pods", ["get", "list", "patch"], namespace),
  rehearse: () => Effect.succeed([]),
  perform,
  undo
}
