/**
 * Waiting for pods: on a watch plus a list on a timer, bounded by the time without progress, and
 * always able to say what it waits for.
 */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Cluster, ClusterError } from "../Cluster.ts"
import * as Fences from "../operation/Fence.ts"
import { kinds } from "../Kind.ts"
import type { Pod } from "../kind/Pod.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { format as selectorText } from "../LabelSelector.ts"
import { controllerOf } from "../state/Member.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import type { At } from "../operation/Performer.ts"
import { ofPod } from "../Ordinal.ts"
import { readinessOf } from "../state/Readiness.ts"
import * as Resource from "../Resource.ts"
import { format } from "../operation/Timeout.ts"

/** How long a step may go on without any progress, in milliseconds: as a Deployment's progress deadline. */
export const defaultStepTimeout = 600_000

/** How often the StatefulSet is looked at while pods are waited for, in milliseconds. */
const lookEvery = 2000

/** The set's own pods by ordinal: by owner, never by name. */
export type Pods = ReadonlyMap<number, Pod>

const own = (set: StatefulSet, objects: Iterable<unknown>): Pods => {
  const found = new Map<number, Pod>()
  for (const object of objects) {
    const accepted = kinds.pods.accept(object)
    if (Result.isFailure(accepted)) continue
    const pod = accepted.success
    if (controllerOf(pod.metadata)?.uid !== set.metadata.uid) continue
    const ordinal = ofPod(set, pod)
    if (ordinal !== null) found.set(ordinal, pod)
  }
  return found
}

const selection = (set: StatefulSet) => ({
  namespace: set.metadata.namespace ?? "",
  labelSelector: selectorText(set.spec.selector)
})

/** The pods now, from the store and not from a cache. */
export const podsOf = (set: StatefulSet): Effect.Effect<Pods, ClusterError, Cluster> =>
  Effect.map(Resource.list(Resource.pods, selection(set)), (listing) => own(set, listing.items))

export const isReady = (pod: Pod | undefined): boolean =>
  pod !== undefined && !pod.metadata.deletionTimestamp && readinessOf(pod, null).ready

/** What a pod waits for, in one line. */
export const pending = (pod: Pod | undefined): string => {
  if (pod === undefined) return "its pod to be created"
  return readinessOf(pod, null).reason ?? (pod.metadata.deletionTimestamp ? "its end" : "readiness")
}

/** A replica that something is waited for, and what. */
export interface Lack {
  readonly replica: string
  readonly for: string
  /** Whether its turn has not come: it is counted rather than told. */
  readonly queued?: boolean
}

/** Missing until the controller has seen the last change: its status is of before. */
export const notice = (set: StatefulSet): ReadonlyArray<Lack> =>
  (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 0)
    ? []
    : [{ replica: set.metadata.name, for: "the controller to see the change" }]

/** What is missing until a view is as it should be; empty: it is. */
export type Judge = (pods: Pods, set: StatefulSet) => ReadonlyArray<Lack>

export interface WaitOptions {
  readonly stepTimeout: number
  /** Called with each view, in order. */
  readonly seen?: (pods: Pods) => Effect.Effect<void>
  /** Why waiting is in vain; null: it is not. */
  readonly vain?: (set: StatefulSet) => OperationError | null
}

/** Whether nothing is missing but the set's own status. */
const isOnly = (lacks: ReadonlyArray<Lack>, name: string): boolean =>
  lacks.length === 1 && lacks[0]?.replica === name

const tell = (lacks: ReadonlyArray<Lack>): string =>
  lacks
    .slice(0, 3)
    .map((lack) => `${lack.replica} (${lack.for})`)
    .join(", ") + (lacks.length > 3 ? ` and ${lacks.length - 3} more` : "")

/**
 * Waits until the judge misses nothing. The fence is looked at meanwhile: whoever was replaced stops
 * waiting, and so does a wait for a count that somebody else has changed.
 */
export const until = (
  at: Pick<At, "fence" | "report" | "elapsed">,
  judge: Judge,
  options: WaitOptions
): Effect.Effect<void, ClusterError | OperationError, Cluster> =>
  Effect.gen(function* () {
    const current = yield* Fences.check(at.fence)
    const set = yield* Ref.make(current)
    const lacks = yield* Ref.make<ReadonlyArray<Lack>>([])
    const pods = yield* Ref.make<Pods | null>(null)
    const moved = yield* Ref.make(yield* at.elapsed)
    const told = new Map<string, string>()
    let queued = 0

    /** What has changed of what is waited for. */
    const report = (missing: ReadonlyArray<Lack>) =>
      Effect.gen(function* () {
        const now = new Map(missing.flatMap((lack) => (lack.queued ? [] : [[lack.replica, lack.for]])))
        for (const replica of [...told.keys()].filter((each) => !now.has(each))) {
          told.delete(replica)
          yield* at.report({ _tag: "Waiting", replica, for: null })
        }
        for (const [replica, reason] of now) {
          if (told.get(replica) === reason) continue
          told.set(replica, reason)
          yield* at.report({ _tag: "Waiting", replica, for: reason })
        }
        const count = missing.length - now.size
        if (count === queued) return
        queued = count
        yield* at.report({ _tag: "Queued", count })
      })

    const look = Effect.gen(function* () {
      const known = yield* Ref.get(pods)
      if (known === null) return false
      let missing = judge(known, yield* Ref.get(set))
      // Pods are as they should be before the status that we read says so: look again, soon.
      for (let pause = 20; isOnly(missing, current.metadata.name) && pause < 1000; pause *= 2) {
        yield* Effect.sleep(pause)
        missing = judge(known, yield* Effect.tap(Fences.check(at.fence), (now) => Ref.set(set, now)))
      }
      const before = yield* Ref.getAndSet(lacks, missing)
      if (
        missing.length !== before.length ||
        missing.some((lack, index) => lack.replica !== before[index]?.replica)
      ) {
        yield* Ref.set(moved, yield* at.elapsed)
      }
      yield* report(missing)
      return missing.length === 0
    })

    const watching = Resource.watchList(Resource.pods, { ...selection(current), relistEvery: "30 seconds" })
    // A watch outlives a lost network, but for its first list.
    const byPods = Stream.runForEachWhile(watching, (view) =>
      Effect.gen(function* () {
        const mine = own(current, view.objects.values())
        yield* Ref.set(pods, mine)
        yield* options.seen?.(mine) ?? Effect.void
        return !(yield* look)
      })
    )

    const bySet = Effect.gen(function* () {
      while (true) {
        yield* Effect.sleep(lookEvery)
        const now = yield* Fences.check(at.fence)
        yield* Ref.set(set, now)
        const vain = options.vain?.(now) ?? null
        if (vain !== null) yield* Effect.fail(vain)
        if (yield* look) return
        const idle = (yield* at.elapsed) - (yield* Ref.get(moved))
        if (idle >= options.stepTimeout) {
          yield* Effect.fail(
            because(
              "TimedOut",
              `no progress in ${format(options.stepTimeout)}: waiting for ${tell(yield* Ref.get(lacks))}`
            )
          )
        }
      }
    })
    yield* Effect.raceFirst(byPods, bySet)
  })
