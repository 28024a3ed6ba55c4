/**
 * Changes the number of replicas of a Deployment once, and waits until its pods are available, or gone:
 * then nothing writes to its claims. If it was already done, by this process or by one that crashed, it
 * detects that.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import { hasEnded, type Pod } from "../kind/Pod.ts"
import type { Deployment } from "../kind/Workload.ts"
import { format as selectorText } from "../LabelSelector.ts"
import * as Fence from "../operation/Fence.ts"
import { on, rules, type StepKind, stepsOf } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import * as Resource from "../Resource.ts"
import { controllerOf } from "../kind/Meta.ts"
import type { Unmet } from "../wait/condition.ts"
import { isReady, pending } from "../wait/pods.ts"
import { defaultStepTimeout, polled, until } from "../wait/until.ts"
import * as Holder from "./holder.ts"
import { once } from "./once.ts"
import { overwritten, replicasField } from "./workload.ts"

export interface DeploymentSettings {
  /** Milliseconds without progress after which the step stops. Default 10 minutes. */
  readonly stepTimeout?: number
}

type At = StepContext<DeploymentSettings>
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const ScaleSchema = Schema.TaggedStruct("ScaleDeployment", { on, from: Schema.Natural, to: Schema.Natural })
type ScaleDeployment = typeof ScaleSchema.Type

/** The changes of a Deployment's number of replicas in a plan, in order; `guard` selects one of several. */
export const deploymentCountsOf = (
  plan: { readonly steps: StepContext["plan"]["steps"] },
  guard: string
): ReadonlyArray<ScaleDeployment> =>
  stepsOf<ScaleDeployment>(ScaleDeployment, plan.steps).filter(({ on: key }) => key === guard)

const replicasOf = ({ spec }: Deployment): number => spec.replicas ?? 1

const held = (at: At): Work<Deployment> => Fence.assertHeld(at.fence, kinds.deployments)

/** Its pods, by who owns their owners: never by name. */
const podsOf = ({ metadata, spec }: Deployment): Effect.Effect<ReadonlyArray<Pod>, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const selection = { namespace: metadata.namespace ?? "", labelSelector: selectorText(spec.selector) }
    const [sets, pods] = yield* Effect.all(
      [
        Resource.list(kinds.replicasets, {
          ...selection,
          which: (set) => controllerOf(set)?.uid === metadata.uid
        }),
        Resource.listObjects(kinds.pods, selection)
      ],
      { concurrency: 2 }
    )
    const own = new Set(sets.map((set) => set.metadata.uid))
    return yield* Resource.acceptAll(kinds.pods, pods.items, (pod) => own.has(controllerOf(pod)?.uid))
  })

/** One that has ended is left by its controller for good: it writes nothing. */
const isLeft = (pod: Pod): boolean => !pod.metadata.deletionTimestamp && hasEnded(pod)

const missing = (now: Deployment, pods: ReadonlyArray<Pod>, to: number): ReadonlyArray<Unmet> => {
  const subject = { kind: "Deployment", name: now.metadata.name }
  const there = pods.filter((pod) => !isLeft(pod))
  if ((now.status?.observedGeneration ?? 0) < (now.metadata.generation ?? 0))
    return [{ subject, for: "the controller to see the change" }]
  if (to === 0)
    return there.map(({ metadata: { name } }) => ({
      subject: { kind: "Pod", name },
      for: "its pod to terminate"
    }))
  const { availableReplicas: available, updatedReplicas: updated } = now.status ?? {}
  if ((available ?? 0) >= to && (updated ?? 0) >= to) return []
  const lacking = there.filter((pod) => !isReady(pod))
  return lacking.length === 0
    ? [{ subject, for: `${available ?? 0} of ${to} available` }]
    : lacking.map((pod) => ({ subject: { kind: "Pod", name: pod.metadata.name }, for: pending(pod) }))
}

/** Waits until this number of pods is available, or for zero until no pod is left. */
const arrive = (at: At, to: number): Work =>
  Effect.asVoid(
    until(at, {
      views: polled(
        Effect.flatMap(held(at), (now) => Effect.map(podsOf(now), (pods) => ({ now, pods }))),
        500
      ),
      until: ({ now, pods }) => missing(now, pods, to),
      vain: ({ now }) => (replicasOf(now) === to ? null : overwritten(at.fence, replicasOf(now), to)),
      limit: at.settings.stepTimeout ?? defaultStepTimeout
    })
  )

/**
 * Sets the number of replicas once; a number that is neither on the way nor the target was set by another
 * client.
 */
const scale = (at: At, known: Deployment, to: number, mayBe: (count: number) => boolean): Work =>
  Effect.asVoid(
    Fence.change(at.fence, kinds.deployments, {
      done: (now) => replicasOf(now) === to,
      operations: (now) => [
        { op: "test", path: "/spec/replicas", value: replicasOf(now) },
        { op: "replace", path: "/spec/replicas", value: to }
      ],
      stop: (now) => (mayBe(replicasOf(now)) ? null : overwritten(at.fence, replicasOf(now), to)),
      known
    })
  )

const moveTo = ({ from, to }: ScaleDeployment, at: At): Work =>
  Effect.gen(function* () {
    const before = yield* held(at)
    yield* scale(at, before, to, (count) => count === from || count === to)
    yield* arrive(at, to)
  })

const moveBack = ({ on: key, from, to }: ScaleDeployment, at: At): Work =>
  Effect.gen(function* () {
    const own = stepsOf<ScaleDeployment>(ScaleDeployment, at.plan.steps).filter((one) => one.on === key)
    // Its pods were never stopped, and need not be. Its generation does not tell: the fence raises that as well.
    if (!own.some(at.isBegun)) return
    const before = yield* held(at)
    const now = replicasOf(before)
    // Going back means to take pods away, or to let as many come as there were.
    const isThere = to > from ? now <= from : now >= from
    if (!isThere) yield* scale(at, before, from, (count) => count === now || count === from)
    yield* arrive(at, isThere ? now : from)
  })

/** One change of a Deployment's `spec.replicas`, and the wait until its pods are available, or gone. */
export const ScaleDeployment: StepKind<ScaleDeployment, DeploymentSettings> = {
  tag: "ScaleDeployment",
  schema: ScaleSchema,
  describe: ({ from, to }, { name }) => `replicas of ${name} ${from} -> ${to}`,
  access: (_, { namespace }) => [
    ...rules("", "pods", ["list"], namespace),
    ...rules("apps", "replicasets", ["list"], namespace)
  ],
  specWrites: ({ from, to }) => [[{ ...replicasField, from: `${from}`, to: `${to}` }]],
  rehearse: ({ to }, at) =>
    Effect.flatMap(Holder.assertThere(at), (now) =>
      Effect.as(Fence.tryOut(at.fence, now, [{ op: "replace", path: "/spec/replicas", value: to }]), [])
    ),
  // The plan comes by a count twice: its outcome stands in the journal.
  marks: () => 1,
  perform: once(moveTo),
  undo: once(moveBack)
}
