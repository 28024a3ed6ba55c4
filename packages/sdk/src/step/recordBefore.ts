/**
 * Writes the record of what a restore is about to replace: the current pod template, ConfigMaps and Secrets,
 * into a Secret as a snapshot's. The StatefulSet itself then names that Secret by uid: permission to write
 * Secrets is not enough to substitute another one, and an undo uses only this one.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { isSame as isSameData } from "../Digest.ts"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { annotationPath, configBeforeAnnotation } from "../Labels.ts"
import { kinds, configApis } from "../Kind.ts"
import * as Resource from "../Resource.ts"
import { ConfigKind, contentIn, contentOf, isSame, type Pinned, readPinned, templateIn } from "./content.ts"
import { beforeSet, encode, type SnapshotRecord } from "./record.ts"
import { recordName } from "../RecordName.ts"
import { readWhole, secretTarget } from "./recordList.ts"
import { secretOf } from "./recordWrite.ts"
import { labelsOf, makeBeside, removeOurs } from "./snapshots.ts"
import * as Workload from "./workload.ts"
import { format } from "../LabelSelector.ts"
import { titleOf } from "../operation/Guarded.ts"

type At = StepContext
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const Named = Schema.Struct({ kind: ConfigKind, name: Schema.String })

const BeforeSchema = Schema.TaggedStruct("RecordBefore", {
  on,
  /** The time of the plan: a record that is written twice is the same. */
  created: Schema.String,
  /** The objects that are replaced, as planned. */
  objects: Schema.Array(
    Schema.Struct({ ...Named.fields, uid: Schema.String, resourceVersion: Schema.String })
  ),
  /** The objects that are created, and did not exist before. */
  made: Schema.Array(Named)
})
type RecordBefore = typeof BeforeSchema.Type

const Pin = Schema.Struct({
  operation: Schema.String,
  /** The record's Secrets, by uid. */
  parts: Schema.Array(Schema.String),
  /** True if the pod template was replaced: written by the same patch. */
  template: Schema.Boolean
})
type Pin = typeof Pin.Type

const decodePin = Schema.decodeUnknownOption(Schema.fromJsonString(Pin))

/** The pin on the StatefulSet; `null` if there is none that can be parsed. */
export const pinOf = ({ metadata }: Pick<StatefulSet, "metadata">): Pin | null => {
  const found = decodePin(metadata.annotations?.[configBeforeAnnotation])
  return found._tag === "Some" ? found.value : null
}

/** The record of an operation's pin. */
export const pinned = ({ operation, parts }: Pin): Pinned => ({ set: beforeSet(operation), parts })

/** True if a pin refers to this record: the StatefulSet itself confirms it. */
export const isPinned = (pin: Pin | null, record: Pinned): boolean =>
  pin !== null && isSameData(pinned(pin), { set: record.set, parts: [...record.parts] })

/** The same for the previous pin of the StatefulSet, from the operation's own record. */
export const wasPinned = ({ before }: SnapshotRecord, record: Pinned): boolean =>
  Option.exists(decodePin(before?.pin), (pin) => isPinned(pin, record))

/** The change of a StatefulSet by which it says so. */
export const pinTo = (pin: Pin): Resource.JsonPatchOperation => ({
  op: "add",
  path: annotationPath(configBeforeAnnotation),
  value: JSON.stringify(pin)
})

/** The operation's own pin; `null` if it has not written one, or has removed it. */
export const ownPin = (at: Pick<At, "plan">, set: StatefulSet): Pin | null => {
  const pin = pinOf(set)
  return pin?.operation === at.plan.id ? pin : null
}

/** The previous state of what this operation has replaced; `null` if it has replaced nothing yet. */
export const readBefore = (at: At, set: StatefulSet): Work<SnapshotRecord | null> => {
  const pin = ownPin(at, set)
  return pin === null ? Effect.succeed(null) : readPinned(at.fence.namespace, pinned(pin))
}

/** The same before something is replaced: fails if that was not recorded. */
export const assertRecorded = (at: At, set: StatefulSet): Work<SnapshotRecord> =>
  Effect.flatMap(readBefore(at, set), (record) =>
    record === null
      ? Effect.fail(
          because(
            "Changed",
            "what would be replaced was not backed up: nothing was changed",
            "abort, and plan again"
          )
        )
      : Effect.succeed(record)
  )

/** Going back: null, and said, where the record is gone that it would go by. An abort has to end. */
export const orLost = (at: At, read: Work<SnapshotRecord | null>): Work<SnapshotRecord | null> =>
  Effect.catchReason(read, "OperationError", "Changed", (_, { message }) =>
    Effect.as(at.fallShort(`${message}: what it would restore is as it is now`), null)
  )

/** One of the objects, as a manifest; fails if it is no longer the planned one. */
const readPlanned = (at: At, one: RecordBefore["objects"][number]): Work<Readonly<Record<string, unknown>>> =>
  Effect.gen(function* () {
    const { kind, name, uid, resourceVersion } = one
    const { namespace } = at.fence
    const object = yield* Resource.getObject({ api: configApis[kind], namespace, name })
    const content = contentOf(object)
    const isPlanned = object.metadata.uid === uid && object.metadata.resourceVersion === resourceVersion
    if (!isPlanned || content === null) {
      return yield* because(
        "Changed",
        `${titleOf(one)} was changed since this was planned`,
        "run the command again"
      )
    }
    const { labels, annotations: _, ...rest } = { annotations: null, ...content.metadata }
    const { type, immutable, data, binaryData } = content
    return {
      apiVersion: "v1",
      kind,
      metadata: { ...rest, namespace, ...(labels == null ? {} : { labels }) },
      ...(type == null ? {} : { type }),
      ...(immutable === true ? { immutable } : {}),
      ...(data == null ? {} : { data }),
      ...(binaryData == null ? {} : { binaryData })
    }
  })

const recordOf = (step: RecordBefore, at: At, set: StatefulSet): Work<SnapshotRecord> =>
  Effect.gen(function* () {
    const { namespace, name } = at.fence
    const { id: operation, app } = at.plan
    const objects = yield* Effect.forEach(step.objects, (one) => readPlanned(at, one), { concurrency: 8 })
    const { template } = set.spec
    return {
      apiVersion: "kubectl-stateful.dev/v1",
      kind: "SnapshotRecord",
      name: beforeSet(operation),
      namespace,
      app,
      operation,
      created: step.created,
      asked: "auto",
      level: "crash",
      why: [`what restore ${operation} replaced: no volumes`],
      skew: null,
      retained: false,
      cuts: [],
      changed: [],
      leftOut: [],
      replicas: {},
      objects: [
        { apiVersion: "apps/v1", kind: "StatefulSet", metadata: { name, namespace }, spec: { template } },
        ...objects
      ],
      before: { operation, made: step.made, pin: set.metadata.annotations?.[configBeforeAnnotation] ?? null }
    }
  })

const perform = (step: RecordBefore, at: At): Work =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    const before = yield* Workload.assertHeld(at.fence)
    if (ownPin(at, before) !== null) return
    const set = beforeSet(at.plan.id)
    const record = yield* recordOf(step, at, before)
    const data = encode(record)
    for (const part of [...data.keys()].toReversed()) {
      const name = recordName(set, part + 1)
      const value = secretOf(at, set, part + 1, data.length)
      yield* makeBeside(at, secretTarget(namespace, name), {
        ...value,
        metadata: { ...value.metadata, name },
        data: { record: data[part] ?? "" }
      })
    }
    // A label is anybody's: only what says the very same is ours.
    const written = yield* readWhole(namespace, set)
    if (written === null || !written.sealed || !isSameData(written.record, record)) {
      return yield* because(
        "Changed",
        `secret "${recordName(set)}" does not contain the current state`,
        "another client wrote it: abort, and plan again"
      )
    }
    const parts = written?.parts ?? []
    yield* Workload.change(at.fence, {
      done: (now) => ownPin(at, now) !== null,
      operations: (now) => [
        // The template that was recorded is the one that stands there.
        { op: "test", path: "/metadata/generation", value: now.metadata.generation },
        pinTo({ operation: at.plan.id, parts, template: false })
      ],
      stop: (now) =>
        isSameData(now.spec.template, before.spec.template)
          ? null
          : because(
              "Changed",
              `another client changed the pod template of ${at.fence.name} just now`,
              "run the command again"
            )
    })
  })

/** True if everything recorded is restored, so that the record is no longer needed. */
const isBack = (step: RecordBefore, at: At, record: SnapshotRecord, set: StatefulSet): Work<boolean> =>
  Effect.gen(function* () {
    const { namespace, name } = at.fence
    if (!isSameData(templateIn(record, name), set.spec.template)) return false
    const same = yield* Effect.forEach(
      step.objects,
      ({ kind, name: of }) =>
        Effect.map(
          Resource.findObject({ api: configApis[kind], namespace, name: of }),
          (object) => object !== null && isSame(contentOf(object), contentIn(record, { kind, name: of }))
        ),
      { concurrency: 8 }
    )
    return same.every(Boolean)
  })

/** Deletes the record, once everything in it is restored. */
const undo = (step: RecordBefore, at: At): Work =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    const set = beforeSet(at.plan.id)
    const now = yield* Workload.assertHeld(at.fence)
    const record = yield* orLost(at, readBefore(at, now))
    if (record === null && ownPin(at, now) !== null) return
    if (record !== null) {
      if (!(yield* isBack(step, at, record, now))) {
        const message = `the previous content is kept in secret "${recordName(set)}"`
        yield* at.report({ _tag: "Note", message })
        return
      }
      const pin = record.before?.pin ?? null
      yield* Workload.change(at.fence, {
        done: (found) => ownPin(at, found) === null,
        operations: () => [
          pin === null
            ? { op: "remove", path: annotationPath(configBeforeAnnotation) }
            : { op: "add", path: annotationPath(configBeforeAnnotation), value: pin }
        ]
      })
    }
    const { items } = yield* Resource.listObjects(kinds.secrets, {
      namespace,
      metadataOnly: true,
      labelSelector: format({ matchLabels: labelsOf(set, at.plan.id) })
    })
    const own = items.filter(
      ({ metadata: { name } }) => name === recordName(set) || name.startsWith(`${recordName(set)}.`)
    )
    yield* removeOurs(
      at,
      own.map(({ metadata }) => secretTarget(namespace, metadata.name))
    )
  })

/** Records what is about to be replaced. */
export const RecordBefore: StepKind<RecordBefore, object> = {
  tag: "RecordBefore",
  schema: BeforeSchema,
  describe: ({ objects, made }) =>
    `back up what is replaced: the pod template${[...objects, ...made].map(({ kind, name }) => `, ${kind}/${name}`).join("")}`,
  access: (_, { namespace }) => [
    ...rules("", "secrets", ["get", "list", "create", "delete"], namespace),
    ...rules("", "configmaps", ["get"], namespace)
  ],
  rehearse: (step, at) =>
    Effect.gen(function* () {
      const { namespace } = at.fence
      const set = beforeSet(at.plan.id)
      const record = yield* recordOf(step, at, yield* Workload.assertThere(at))
      const data = encode(record)
      for (const [part, value] of data.entries()) {
        const made = secretOf(at, set, part + 1, data.length)
        yield* Resource.create(
          { api: kinds.secrets, namespace },
          {
            ...made,
            metadata: { ...made.metadata, name: recordName(set, part + 1) },
            data: { record: value }
          },
          { dryRun: true }
        )
      }
      return []
    }),
  perform,
  undo,
  // What nothing vouches for any more is left where it is.
  undoAlone: (_, at) =>
    at.report({
      _tag: "Note",
      message: `the previous content, if anything was replaced, is kept in secret "${recordName(beforeSet(at.plan.id))}"`
    })
}
