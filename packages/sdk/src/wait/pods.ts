/** Waiting for pods: on a watch of them, and a look at their StatefulSet on a timer. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { Pod } from "../kind/Pod.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { format as selectorText } from "../LabelSelector.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import type { Subject } from "../operation/Progress.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { isWanted, ofPod, podName } from "../Ordinal.ts"
import * as Resource from "../Resource.ts"
import { controllerOf, type ObjectMeta } from "../kind/Meta.ts"
import { readinessOf } from "../state/Readiness.ts"
import * as Workload from "../step/workload.ts"
import { type Condition, noneLeft, type Unmet } from "./condition.ts"
import { defaultStepTimeout, polled, until } from "./until.ts"

/** Interval at which the StatefulSet is read while waiting for pods, in milliseconds. */
const lookEvery = 2000

/** The set's own pods by ordinal: by owner, never by name. */
export type Pods = ReadonlyMap<number, Pod>

const byOrdinal = (set: StatefulSet, own: ReadonlyArray<Pod>): Pods => {
  const found = new Map<number, Pod>()
  for (const pod of own) {
    const ordinal = ofPod(set, pod)
    if (ordinal !== null) found.set(ordinal, pod)
  }
  return found
}

const selection = (set: StatefulSet) => ({
  namespace: set.metadata.namespace ?? "",
  labelSelector: selectorText(set.spec.selector),
  which: (metadata: ObjectMeta) => controllerOf(metadata)?.uid === set.metadata.uid
})

/** The pods now, from the store and not from a cache. */
export const podsOf = (set: StatefulSet): Effect.Effect<Pods, ClusterError, Cluster> =>
  Effect.map(Resource.list(kinds.pods, selection(set)), (pods) => byOrdinal(set, pods))

export const isReady = (pod: Pod | undefined): boolean =>
  pod !== undefined && !pod.metadata.deletionTimestamp && readinessOf(pod, null).ready

/** The reason that a pod waits, in one line. */
export const pending = (pod: Pod | undefined): string => {
  if (pod === undefined) return "its pod to be created"
  return readinessOf(pod, null).reason ?? (pod.metadata.deletionTimestamp ? "its deletion" : "readiness")
}

export const podSubject = (set: StatefulSet, ordinal: number): Subject => ({
  kind: "Pod",
  name: podName(set.metadata.name, ordinal)
})

export const setSubject = (set: StatefulSet): Subject => ({ kind: "StatefulSet", name: set.metadata.name })

/** The StatefulSet and its pods at one moment. */
export interface PodView {
  readonly set: StatefulSet
  /** `null` if not listed yet. */
  readonly pods: Pods | null
}

/** Missing until the controller has seen the last change: its status is stale. */
export const notice: Condition<StatefulSet> = (set) =>
  (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 0)
    ? []
    : [{ subject: setSubject(set), for: "the controller to see the change" }]

/**
 * Reads the reasons in parallel to the set, which does not wait for them: the next report contains them.
 * Events have no index: a server searches all events of the namespace for those of one pod, so this takes a
 * tenth of the time at most.
 */
const learning = (
  latest: Ref.Ref<PodView>,
  learn: NonNullable<PodWait["learn"]>
): Effect.Effect<never, never, Cluster> =>
  Effect.gen(function* () {
    // In the middle between two looks.
    let pause = lookEvery / 2
    while (true) {
      yield* Effect.sleep(pause)
      const { pods, set } = yield* Ref.get(latest)
      const [took] = yield* Effect.timed(pods === null ? Effect.void : learn(pods, set))
      pause = Math.max(lookEvery, 9 * Duration.toMillis(took))
    }
  })

/**
 * The pods as they change, and the set every two seconds with an ownership check: a process that was replaced
 * stops waiting.
 */
const views = (at: Pick<StepContext, "fence">, set: StatefulSet) =>
  Effect.map(Ref.make<PodView>({ set, pods: null }), (latest) => {
    const watching = Resource.watch(kinds.pods, { ...selection(set), relistEvery: "30 seconds" })
    // A watch outlives a lost network, but for its first list.
    const byPods = Stream.mapEffect(watching, (pods) =>
      Ref.updateAndGet(latest, (view) => ({ ...view, pods: byOrdinal(set, pods) }))
    )
    const look = Effect.flatMap(Workload.assertHeld(at.fence), (now) =>
      Ref.updateAndGet(latest, (view) => ({ ...view, set: now }))
    )
    const bySet = Stream.fromEffectRepeat(Effect.andThen(Effect.sleep(lookEvery), look))
    const all: Stream.Stream<PodView, Failure, Cluster> = Stream.merge(byPods, bySet)
    return { all, look, latest }
  })

export interface PodWait {
  readonly until: (pods: Pods, set: StatefulSet) => ReadonlyArray<Unmet>
  readonly stepTimeout?: number | undefined
  /** Called with each view, in order. */
  readonly seen?: (pods: Pods) => Effect.Effect<void>
  /** Finds the reason that pods are missing, every two seconds, or less often if that takes long. */
  readonly learn?: ((pods: Pods, set: StatefulSet) => Effect.Effect<void, never, Cluster>) | undefined
  /** Reason to give up waiting; `null` if there is none. */
  readonly vain?: (set: StatefulSet) => OperationError | null
}

/**
 * Waits until nothing is missing of the set's pods. The fence is checked in the meantime: a process that was
 * replaced stops waiting, and so does a wait for a number of replicas that another client has changed.
 */
export const untilPods = (
  at: Pick<StepContext, "fence" | "report" | "elapsed">,
  spec: PodWait
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const set = yield* Workload.assertHeld(at.fence)
    const { all, look, latest } = yield* views(at, set)
    const waiting = until(at, {
      views: Stream.tap(all, ({ pods }) =>
        pods === null ? Effect.void : (spec.seen?.(pods) ?? Effect.void)
      ),
      until: ({ pods, set: now }) =>
        pods === null
          ? [{ subject: { kind: "Pod", name: now.metadata.name }, for: "its pods to be listed" }]
          : spec.until(pods, now),
      limit: spec.stepTimeout ?? defaultStepTimeout,
      vain: ({ set: now }) => (now === set ? null : (spec.vain?.(now) ?? null)),
      // Pods are as they should be before the status that we read says so: look again, soon.
      lagging: {
        is: ([first, ...rest]) => rest.length === 0 && first?.subject.kind === "StatefulSet",
        again: look
      }
    })
    yield* spec.learn === undefined ? waiting : Effect.raceFirst(waiting, learning(latest, spec.learn))
  })

/**
 * Waits until no pod is left beyond the count: while one terminates, whenScaled Delete takes its claim
 * with it, and a reclaim policy Delete its data. Answers with the StatefulSet as it was looked at.
 */
export const untilSettled = (
  at: Pick<StepContext, "fence" | "report" | "elapsed">,
  set: StatefulSet,
  stepTimeout: number = defaultStepTimeout
): Effect.Effect<StatefulSet, Failure, Cluster> => {
  let known: StatefulSet | null = set
  const look = Effect.gen(function* () {
    // The first look is at what was read just now.
    const now = known ?? (yield* Workload.assertHeld(at.fence))
    known = null
    const pods = yield* podsOf(now)
    return { set: now, left: [...pods.keys()].filter((ordinal) => !isWanted(now, ordinal)) }
  })
  return Effect.map(
    until(at, {
      views: polled(look, 500),
      until: ({ set: of, left }) =>
        noneLeft((ordinal: number) => ({ subject: podSubject(of, ordinal), for: "its pod to terminate" }))(
          left
        ),
      limit: stepTimeout,
      late: ([first]) =>
        Effect.succeed(
          because(
            "TimedOut",
            `pod ${first?.subject.name ?? ""} is stuck terminating`,
            "delete it: policies are restored only after that"
          )
        )
    }),
    (view) => view.set
  )
}
