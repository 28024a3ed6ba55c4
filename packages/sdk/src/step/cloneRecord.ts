/**
 * The record that an application is restored from as another one. It is input, and not authority: what was
 * planned from it is made from the very same Secret, which nobody can change, and from nothing else of it.
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

/** What the steps of such a restore go by. */
export const CloneSettings = Schema.Struct({
  /** The snapshot, where its record is, and the uid of each of its Secrets, with spaces between. */
  set: Schema.String,
  record: Schema.Struct({ namespace: Schema.String, uid: Schema.String }),
  renaming: Renaming,
  /** The NetworkPolicy that keeps it from its source; null: none does. */
  fence: Schema.NullOr(Schema.String)
})
export type CloneSettings = typeof CloneSettings.Type

export type At = StepContext<CloneSettings>

/** What a record's Secrets are, beside what they say. */
export interface Sealed {
  readonly record: SnapshotRecord
  /** Of all its Secrets, in their order: whoever replaces any of them has made another record. */
  readonly uid: string
  /** Whether the API server lets nobody change them, as it is with each that a snapshot writes. */
  readonly immutable: boolean
}

/** Null: there is none. */
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

/** The manifest of this kind and name; null: the record has none. */
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
