/**
 * Contents whose deletion their sidecar has missed.
 *
 * While a snapshot is not ready its sidecar asks the driver again and again, with an annotation of its own on
 * the content meanwhile. A deletion that arrives in such a moment is put off until that annotation is gone, and
 * its going alone is no reason to look again: the content would stay until the next resync, 15 minutes later
 * (external-snapshotter 8.6). Any other change of the content is one.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import { wokenAnnotation } from "../Labels.ts"
import type { Failure } from "../operation/StepContext.ts"
import * as Resource from "../Resource.ts"
import { isBeingCut, readContent } from "./snapshots.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** When contents are looked at that have not gone, each so many milliseconds after the one before. */
const pauses = [3000, 9000, 27_000, 81_000]

/**
 * Only contents of this namespace: a VolumeSnapshot's status may name any. Without the right to change it, it
 * goes at the resync.
 */
const wake = (namespace: string, target: Resource.Target): Effect.Effect<void, never, Cluster> =>
  Effect.gen(function* () {
    const content = yield* readContent(target.name)
    if (content === null || !content.metadata.deletionTimestamp || isBeingCut(content)) return
    if (content.spec.volumeSnapshotRef.namespace !== namespace) return
    const { uid } = content.metadata
    const annotations = { [wokenAnnotation]: new Date(yield* Clock.currentTimeMillis).toISOString() }
    yield* Resource.patch(target, { _tag: "Merge", value: { metadata: { uid, annotations } } })
  }).pipe(Effect.ignore)

/** Waits for the deletion of these contents, and wakes the sidecars of those that stay. */
export const wakingSidecars = <A>(
  namespace: string,
  targets: ReadonlyArray<Resource.Target>,
  deletion: Work<A>
): Work<A> => {
  const contents = targets.filter(({ api }) => api.kind === "VolumeSnapshotContent")
  if (contents.length === 0) return deletion
  const waking = Effect.forEach(pauses, (pause) =>
    Effect.andThen(
      Effect.sleep(pause),
      Effect.forEach(contents, (content) => wake(namespace, content), { concurrency: 16, discard: true })
    )
  )
  return Effect.raceFirst(deletion, Effect.andThen(waking, Effect.never))
}
