/**
 * Reasons that pods are late, in the words of the component that reported them: the newest events about them,
 * if events can be read.
 */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { ObjectMeta } from "../kind/Meta.ts"
import type { Pod } from "../kind/Pod.ts"
import type { Event } from "../kind/Policy.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import * as Resource from "../Resource.ts"
import { lastSeen, lineOf } from "./warning.ts"

/** A late replica: its pod, if it exists, and the claim that it waits for. */
export interface Late {
  readonly replica: string
  readonly pod: Pod | undefined
  readonly claim: ObjectMeta | null
}

/** By uid: events of a previous object with the same name stay for an hour. */
const about = (
  kind: string,
  { namespace, name, uid }: ObjectMeta
): Effect.Effect<ReadonlyArray<Event>, never, Cluster> =>
  Resource.listReadable(kinds.events, {
    namespace: namespace ?? "",
    fieldSelector: `involvedObject.kind=${kind},involvedObject.name=${name}`
  }).pipe(
    Effect.map(({ items }) =>
      items
        .filter(({ involvedObject }) => involvedObject.uid === uid)
        // Of one second a warning counts as the later.
        .toSorted(
          (left, right) =>
            lastSeen(left) - lastSeen(right) ||
            Number(left.type === "Warning") - Number(right.type === "Warning")
        )
    ),
    // They are a help, and never worth a failure.
    Effect.catch(() => Effect.succeed([]))
  )

/** The message of the last event, if it is a warning: a warning followed by another event is outdated. */
const ofLast = (events: ReadonlyArray<Event>): string | null => {
  const last = events.at(-1)
  const line = last?.type === "Warning" ? lineOf(last) : null
  return line?.replace(/^\(combined from similar events\): /, "").replace(/^Error: /, "") ?? null
}

/** The controller stops at the first pod that it cannot update: the rest of the message is a whole diff. */
const ofUpdate = (events: ReadonlyArray<Event>): string | null => {
  const last = events.at(-1)
  return last?.reason === "FailedUpdate" ? (last.message?.split("\n", 1)[0]?.slice(0, 300) ?? null) : null
}

/** The controller names the pod in its events about creating it and its claims. */
const ofCreation = (events: ReadonlyArray<Event>, replica: string): string | null => {
  const said = ofLast(events.filter(({ message }) => message?.includes(` Pod ${replica} in StatefulSet `)))
  return said === null ? null : (said.split(" failed error: ").at(-1) ?? said)
}

/** By replica. Replicas without a cause are left out. */
export const causesOf = (
  set: StatefulSet,
  late: ReadonlyArray<Late>
): Effect.Effect<ReadonlyMap<string, string>, never, Cluster> =>
  Effect.gen(function* () {
    const isAbsent = late.some(({ pod }) => pod === undefined)
    const own = isAbsent ? yield* about("StatefulSet", set.metadata) : []
    // Only a pod that is ready is updated.
    const stop = late.every(({ pod }) => pod === undefined) ? ofUpdate(own) : null
    const found = yield* Effect.forEach(
      late,
      ({ replica, pod, claim }) =>
        Effect.gen(function* () {
          if (pod === undefined) return [replica, ofCreation(own, replica) ?? stop] as const
          const ofPod = ofLast(yield* about("Pod", pod.metadata))
          const isBound = claim === null || Boolean(pod.spec.nodeName)
          return [
            replica,
            (isBound ? null : ofLast(yield* about("PersistentVolumeClaim", claim))) ?? ofPod
          ] as const
        }),
      { concurrency: 3 }
    )
    return new Map(found.flatMap(([replica, why]) => (why === null ? [] : [[replica, why] as const])))
  })
