/** One VolumeSnapshot that an operation made for itself, deleted again. */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import {
  contentsOf,
  isOurs,
  isUnderWay,
  readContent,
  readSnapshot,
  removeOurs,
  setPolicy,
  snapshotTarget,
  unconfirmed,
  untilContentsGone,
  untilNoneUnderWay
} from "./snapshots.ts"
import { wakingSidecars } from "./wakeSidecars.ts"

type At = StepContext
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/**
 * Deletes a VolumeSnapshot that this operation created, with its data in the storage, whatever the policy of
 * its class.
 */
export const dropCut = (at: At, name: string): Work =>
  Effect.gen(function* () {
    const look = Effect.map(readSnapshot(at.fence.namespace, name), (found) =>
      found !== null && isOurs(at.plan.id, found) ? found : null
    )
    yield* untilNoneUnderWay(
      at,
      Effect.gen(function* () {
        const found = yield* look
        if (found === null || !(yield* isUnderWay(found))) return []
        const isTaken = found.status?.creationTime != null
        return [{ subject: { kind: "VolumeSnapshot", name }, for: isTaken ? unconfirmed : "its snapshot" }]
      })
    )
    const found = yield* look
    if (found === null) return
    const contents = contentsOf([found])
    for (const target of contents) {
      const content = yield* readContent(target.name)
      const isItsOwn = content !== null && content.spec.volumeSnapshotRef.uid === found.metadata.uid
      if (isItsOwn) yield* setPolicy(at, target, content.metadata.uid ?? null, "Delete")
    }
    yield* wakingSidecars(
      at.fence.namespace,
      contents,
      Effect.andThen(
        removeOurs(at, [snapshotTarget(at.fence.namespace, name)]),
        untilContentsGone(at, contents)
      )
    )
  })
