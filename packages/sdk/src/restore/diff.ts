/**
 * The differences between a snapshot's manifests and the current application: by name and by key, never a
 * value. A restore of volumes only leaves all of them as they are.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { ConfigKind } from "../step/content.ts"
import { changes } from "../step/recordDiff.ts"
import { RecordedKind, type SnapshotRecord, keyOf } from "../step/record.ts"
import { readObjects } from "../step/recordSet.ts"

/** Without the differences that a restore of the configuration restores, and reports itself. */
export const withoutConfig = (record: SnapshotRecord): SnapshotRecord => ({
  ...record,
  objects: record.objects.filter(({ kind }) => kind !== "StatefulSet" && !Schema.is(ConfigKind)(kind))
})

/** All that differs, in words. */
export const differences = (
  namespace: string,
  { objects }: SnapshotRecord
): Effect.Effect<ReadonlyArray<string>, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const known = objects.flatMap((object) => {
      const { kind } = object
      const name = keyOf(object).slice(`${String(kind)}/`.length)
      return Schema.is(RecordedKind)(kind) ? [{ object, config: { kind, name, resourceVersion: null } }] : []
    })
    const now = yield* readObjects(
      namespace,
      known.map(({ config }) => config)
    )
    return known.flatMap(({ object }, index) => {
      const found = now[index]
      const what = keyOf(object)
      const words =
        found?.object != null
          ? changes(object, found.object).map(({ change }) => `${what}: ${change}`)
          : found?.changed != null
            ? [`${what} was in the snapshot, and is gone`]
            : []
      return words.map((one) => `${one}: a restore of volumes leaves it as it is`)
    })
  })
