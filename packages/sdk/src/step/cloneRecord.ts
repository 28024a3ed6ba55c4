/**
 * The record that an application is restored from as another one. It is input, not authority: what was
 * planned from it is created from exactly the same Secrets, which are immutable, and from nothing else.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import type { StepContext } from "../operation/StepContext.ts"
import { setManifest } from "./cloneManifest.ts"
import { Renaming } from "./cloneNames.ts"
import type { SnapshotRecord } from "./record.ts"
import { readWhole } from "./recordList.ts"

/** Settings of the steps of such a restore. */
export const CloneSettings = Schema.Struct({
  /** The snapshot, where its record is, and the uid of each of its Secrets, with spaces between. */
  set: Schema.String,
  record: Schema.Struct({ namespace: Schema.String, uid: Schema.String }),
  renaming: Renaming,
  /** The NetworkPolicy that isolates it from its source; `null` without one. */
  fence: Schema.NullOr(Schema.String)
})
export type CloneSettings = typeof CloneSettings.Type

export type At = StepContext<CloneSettings>

/** The Secrets of a record, in addition to their contents. */
export interface Sealed {
  readonly record: SnapshotRecord
  /** The uids of all its Secrets, in their order: replacing any of them makes another record. */
  readonly uid: string
  /** True if all are immutable, as those that a snapshot writes are. */
  readonly immutable: boolean
}

/** `null` if there is no record. */
export const readSealed = (
  namespace: string,
  set: string
): Effect.Effect<Sealed | null, ClusterError, Cluster> =>
  Effect.map(readWhole(namespace, set), (found) =>
    found === null ? null : { record: found.record, uid: found.parts.join(" "), immutable: found.sealed }
  )

/** The record that was planned with. */
export const recordOf = ({
  settings: { set, record }
}: Pick<At, "settings">): Effect.Effect<SnapshotRecord, ClusterError | OperationError, Cluster> =>
  Effect.flatMap(readSealed(record.namespace, set), (found) =>
    found?.uid === record.uid && found.immutable
      ? Effect.succeed(found.record)
      : Effect.fail(
          because(
            "Changed",
            `the record of snapshot ${set} is not the one that was planned with`,
            "abort, and plan again"
          )
        )
  )

/** The manifest of this kind and name; `null` if the record has none. */
export const manifestIn = (
  { objects }: SnapshotRecord,
  kind: string,
  name: string
): Readonly<Record<string, unknown>> | null =>
  objects.find((one) => {
    const { metadata } = one
    return one["kind"] === kind && Predicate.isObject(metadata) && Reflect.get(metadata, "name") === name
  }) ?? null

/** The StatefulSet as it is restored. */
export const restoredSet = (
  settings: CloneSettings,
  operation: string,
  record: SnapshotRecord
): { readonly metadata: object; readonly spec: object } | null => {
  const found = manifestIn(record, "StatefulSet", settings.renaming.from.name)
  return found === null ? null : setManifest(settings.renaming, operation, found)
}
