/**
 * The record of an imported snapshot: its Secrets first, and once its volume snapshots exist the ConfigMap
 * for the list. The record itself is in no plan and no journal, since it contains the values of Secrets.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { isSame } from "../Digest.ts"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import type { SnapshotRecord } from "./record.ts"
import { recordName } from "../RecordName.ts"
import { readRecord, readWhole } from "./recordList.ts"
import { removeRecord, writeIndex, writeRecord } from "./recordWrite.ts"

type Settings = {
  /** The record to write; absent if the process that resumed the operation has no file. */
  readonly record?: SnapshotRecord
}
type At = StepContext<Settings>
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const RecordSchema = Schema.TaggedStruct("ImportRecord", { on, set: Schema.String })
type ImportRecord = typeof RecordSchema.Type

const perform = ({ set }: ImportRecord, at: At): Work =>
  Effect.gen(function* () {
    const { object } = yield* at.standing
    const { record } = at.settings
    if (record === undefined) {
      if (object === null) {
        return yield* because(
          "Mismatch",
          `the record of ${set} is not written yet, and a journal does not contain it`,
          "abort, and import the file again"
        )
      }
      return
    }
    if (object === null) yield* writeRecord(at, record)
    // A mark is anybody's who has seen the journal: only what says the very same is what the file says.
    const written = yield* readWhole(at.fence.namespace, set)
    if (written === null || !written.sealed || !isSame(written.record, record)) {
      return yield* because(
        "Changed",
        `secret "${recordName(set)}" does not contain what the file says`,
        "another client wrote it: abort, and import the file again"
      )
    }
  })

const undo = ({ set }: ImportRecord, at: At): Work => removeRecord(at, set)

/** The record in its Secrets. */
export const ImportRecord: StepKind<ImportRecord, Settings> = {
  tag: "ImportRecord",
  schema: RecordSchema,
  describe: ({ set }) => `save the snapshot record ${set}`,
  access: (_, { namespace }) => [
    ...rules("", "secrets", ["get", "list", "create", "patch", "delete"], namespace),
    ...rules("", "configmaps", ["get", "create", "delete"], namespace)
  ],
  rehearse: () => Effect.succeed([]),
  perform,
  undo,
  undoAlone: undo
}

const ListSchema = Schema.TaggedStruct("ListRecord", { on, set: Schema.String })

/** The ConfigMap by which the set is listed. */
export const ListRecord: StepKind<typeof ListSchema.Type, Settings> = {
  tag: "ListRecord",
  schema: ListSchema,
  describe: ({ set }) => `list the snapshot ${set}`,
  access: (_, { namespace }) => rules("", "secrets", ["get"], namespace),
  rehearse: () => Effect.succeed([]),
  perform: ({ set }, at) =>
    Effect.gen(function* () {
      const record = at.settings.record ?? (yield* readRecord(at.fence.namespace, set))
      if (record === null)
        return yield* because("Changed", `the record of ${set} is gone`, "abort, and import it again")
      return yield* writeIndex(at, record)
    }),
  // It is deleted with the record.
  undo: () => Effect.void
}
