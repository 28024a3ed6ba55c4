/**
 * One snapshot as it is now: its record, its live objects, and its differences from another one or from now.
 */
import * as Effect from "effect/Effect"
import { nameOf } from "./App.ts"
import type { Cluster, ClusterError } from "./Cluster.ts"
import { because, type OperationError } from "./operation/OperationError.ts"
import type { SnapshotRef } from "./snapshot/ref.ts"
import { configOf } from "./snapshot/config.ts"
import type { AppNotFound } from "./state/AppNotFound.ts"
import { read } from "./State.ts"
import { isOneMoment, type SnapshotRecord, keyOf } from "./step/record.ts"
import { type Difference, differences, type Side, sideOf } from "./step/recordDiff.ts"
import { type Listed, listReadable, noSnapshot, ofName, readRecord } from "./step/recordList.ts"
import { type ConfigObject, readObjects } from "./step/recordSet.ts"

export type { SnapshotRef } from "./snapshot/ref.ts"
export type { Difference } from "./step/recordDiff.ts"

/** All data of a snapshot. */
export interface Description extends Listed {
  /**
   * True if the storage reports that all volume snapshots are of one moment. False if they are not. `null` if
   * it is unknown, since a driver may give an atomic group slightly different times.
   */
  readonly oneMoment: boolean | null
}

export interface Diff {
  readonly differences: ReadonlyArray<Difference>
  /** What could not be compared, and why. */
  readonly notCompared: ReadonlyArray<string>
}

/** Describes a snapshot, and whether it can be restored here. Needs no permission on Secrets. */
export const describe = Effect.fn("SnapshotSet.describe")(function* (
  ref: SnapshotRef
): Effect.fn.Return<Description, ClusterError | OperationError, Cluster> {
  const found = yield* ofName(yield* listReadable(ref.namespace), ref)
  return { ...found, oneMoment: isOneMoment(found.summary) }
})

const recordOf = (ref: SnapshotRef): Effect.Effect<SnapshotRecord, ClusterError | OperationError, Cluster> =>
  Effect.flatMap(readRecord(ref.namespace, ref.name), (record) =>
    record === null ? Effect.fail(noSnapshot(ref.namespace, ref.name)) : Effect.succeed(record)
  )

/** The application as it is now, in the words of a record. */
const live = (namespace: string, { app, objects }: SnapshotRecord) =>
  Effect.gen(function* () {
    const state = yield* read({ ...app, namespace })
    const now = configOf(state)
    const titles = new Set(now.map(({ kind, name }) => `${kind}/${name}`))
    // What was in the snapshot and is no longer used may be there still.
    const before = objects.flatMap((object): ReadonlyArray<ConfigObject> => {
      const kind = object["kind"] as ConfigObject["kind"]
      const name = String(Reflect.get(Object(object["metadata"]), "name"))
      return titles.has(`${kind}/${name}`) ? [] : [{ kind, name, resourceVersion: null }]
    })
    const found = yield* readObjects(namespace, [...now, ...before])
    const side: Side = {
      objects: found.flatMap(({ object }) => (object === null ? [] : [object])),
      sizes: Object.fromEntries(
        state.claims.flatMap(({ name, capacity, requested, leftover }) =>
          leftover ? [] : [[name, capacity ?? requested]]
        )
      ),
      replicas: Object.fromEntries(
        state.workloads.map(({ kind, name, replicas }) => [`${kind}/${name}`, replicas])
      )
    }
    const notCompared = found.flatMap(({ leftOut, changed }) =>
      leftOut === null || changed !== null ? [] : [leftOut]
    )
    return { side, notCompared }
  })

/** Two sides without what could not be read on either of them. */
const compared = (
  before: Side,
  now: Side,
  left: ReadonlyArray<{ readonly what: string; readonly why: string }>
): Diff => {
  const hidden = new Map(left.map(({ what, why }) => [what, why]))
  const seen = (side: Side): Side => ({
    ...side,
    objects: side.objects.filter((object) => !hidden.has(keyOf(object)))
  })
  return {
    differences: differences(seen(before), seen(now)),
    notCompared: [...hidden].map(([what, why]) => `${what}: ${why}`)
  }
}

/**
 * The differences between two snapshots, or to the current application (`to` is `null`): images, keys of
 * ConfigMaps, whether Secrets changed, sizes and topology. Never a value, nor anything derived from one.
 */
export const diff = Effect.fn("SnapshotSet.diff")(function* (
  from: SnapshotRef,
  to: SnapshotRef | null
): Effect.fn.Return<Diff, ClusterError | OperationError | AppNotFound, Cluster> {
  const before = yield* recordOf(from)
  if (to === null) {
    const { side, notCompared } = yield* live(from.namespace, before)
    return compared(sideOf(before), side, [...before.leftOut, ...notCompared])
  }
  const now = yield* recordOf(to)
  if (nameOf(before.app) !== nameOf(now.app)) {
    return yield* because(
      "Mismatch",
      `snapshot ${from.name} is of ${nameOf(before.app)}, and ${to.name} of ${nameOf(now.app)}`,
      "compare snapshots of one application"
    )
  }
  return compared(sideOf(before), sideOf(now), [...before.leftOut, ...now.leftOut])
})
