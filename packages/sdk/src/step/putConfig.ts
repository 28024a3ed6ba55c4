/**
 * Restores ConfigMaps and Secrets from a record: changes existing ones, recreates missing ones, and deletes
 * those that an earlier restore had created.
 *
 * The previous content is in the operation's own record, and the new content in the pinned one. So an
 * object with neither content was changed by another client: that stops the step, and an abort leaves it
 * and reports it. Values are copied from the record to the object, and into no message: not even one of the
 * server.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import * as Fence from "../operation/Fence.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import { on, rules, type StepKind, stepsOf } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import * as Resource from "../Resource.ts"
import {
  ConfigKind,
  type Content,
  contentIn,
  contentOf,
  dataOf,
  isNewNameOf,
  isPlain,
  isSame,
  keyOf,
  Pinned,
  readPinned,
  templateIn
} from "./content.ts"
import { beforeSet, type SnapshotRecord } from "./record.ts"
import { recordName } from "../RecordName.ts"
import { assertRecorded, orLost, readBefore, wasPinned } from "./recordBefore.ts"
import { isOurs } from "./snapshots.ts"
import { mentionsIn } from "./templateDiff.ts"
import { madeByAnnotation, managedByLabel } from "../Labels.ts"
import * as Workload from "./workload.ts"
import { titleOf } from "../operation/Guarded.ts"
import { configApis } from "../Kind.ts"

type At = StepContext
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** The change of one ConfigMap or Secret. */
export const ConfigChange = Schema.Struct({
  kind: ConfigKind,
  name: Schema.String,
  /** Its name in the record; different from its own if the object of that name cannot be changed. */
  of: Schema.String,
  /** `null` if it does not exist, and is created. */
  uid: Schema.NullOr(Schema.String),
  resourceVersion: Schema.NullOr(Schema.String),
  /** True if it is deleted. */
  goes: Schema.Boolean,
  /** The names of the keys that change. */
  keys: Schema.Array(Schema.String)
})
export type ConfigChange = typeof ConfigChange.Type

const PutSchema = Schema.TaggedStruct("PutConfig", {
  on,
  from: Pinned,
  changes: Schema.Array(ConfigChange)
})
type PutConfig = typeof PutSchema.Type

/** The content of an object before and after a step. */
interface Sides {
  readonly change: ConfigChange
  readonly from: Content | null
  readonly to: Content | null
}

const targetOf = (at: At, { kind, name }: ConfigChange): Resource.Target => ({
  api: configApis[kind],
  namespace: at.fence.namespace,
  name
})

/** Labels by which tools, including this one, find their objects: never restored. */
const isToolLabel = (key: string): boolean =>
  /^(kubectl-stateful\.dev|argocd\.argoproj\.io|(?:kustomize|helm)\.toolkit\.fluxcd\.io)\//.test(key) ||
  key === managedByLabel

/** A new object: without fields that the server or another tool maintains, and never immutable. */
const manifestOf = (at: At, { name }: ConfigChange, content: Content) => ({
  metadata: {
    name,
    labels: {
      ...Object.fromEntries(
        Object.entries(content.metadata.labels ?? {}).filter(([key]) => !isToolLabel(key))
      ),
      [madeByAnnotation]: at.plan.id
    }
  },
  ...dataOf(content)
})

const changed = (change: ConfigChange, what: string): OperationError =>
  because(
    "Changed",
    `${titleOf(change)} ${what}`,
    "another client changed it: check it; abort leaves it as it is, then run the command again"
  )

/** True if the object is the planned one, and not another one of its name. */
const isMeant = (at: At, { uid }: ConfigChange, object: Resource.KubeObject): boolean =>
  object.metadata.uid === uid || isOurs(at.plan.id, object)

const isGoing = ({ metadata }: Resource.KubeObject): boolean =>
  Reflect.get(metadata, "deletionTimestamp") !== undefined

/** True if the object has the expected content; `null` stands for a missing object. */
const holds = (at: At, change: ConfigChange, object: Resource.KubeObject | null, content: Content | null) =>
  object === null || isGoing(object)
    ? content === null
    : content !== null && isMeant(at, change, object) && isSame(contentOf(object), content)

/** True if there is nothing to delete: an object of that name that another client created is not ours. */
const isGone = (at: At, change: ConfigChange, object: Resource.KubeObject | null): boolean =>
  object === null || isGoing(object) || !isMeant(at, change, object)

const isThere = (at: At, { change, to }: Sides, object: Resource.KubeObject | null): boolean =>
  to === null ? isGone(at, change, object) : holds(at, change, object, to)

/** The write that leads to `to`; it tests the version that was read. */
const written = (
  at: At,
  { change, to }: Pick<Sides, "change" | "to">,
  seen: Resource.KubeObject | null,
  options: Resource.WriteOptions = {}
): Effect.Effect<Resource.KubeObject | null, ClusterError, Cluster> => {
  const target = targetOf(at, change)
  if (to === null) {
    if (seen === null) return Effect.succeed(null)
    return Effect.as(Resource.remove(target, { ...Resource.asRead(seen.metadata), ...options }), null)
  }
  if (seen === null) {
    const { namespace } = at.fence
    return Resource.create({ api: target.api, namespace }, manifestOf(at, change, to), options)
  }
  const { data, binaryData } = dataOf(to)
  return Resource.patch(
    target,
    {
      _tag: "Json",
      operations: [
        { op: "test", path: "/metadata/uid", value: seen.metadata.uid },
        { op: "test", path: "/metadata/resourceVersion", value: seen.metadata.resourceVersion },
        { op: "add", path: "/data", value: data },
        ...(binaryData === undefined
          ? seen["binaryData"] === undefined
            ? []
            : [{ op: "remove" as const, path: "/binaryData" }]
          : [{ op: "add" as const, path: "/binaryData", value: binaryData }])
      ]
    },
    options
  )
}

/** Changes one object from one side to the other, and reverts that if another process has taken over. */
const bring = (at: At, sides: Sides): Work => {
  const { change, from } = sides
  return Effect.asVoid(
    Fence.beside<Resource.KubeObject | null>(at.standing, {
      look: Resource.findObject(targetOf(at, change)),
      done: (object) => isThere(at, sides, object),
      stop: (object) => {
        if (isThere(at, sides, object) || holds(at, change, object, from)) return null
        if (object === null) return changed(change, "is gone")
        return changed(
          change,
          isMeant(at, change, object)
            ? "was changed since this was planned"
            : "is another one than the planned one"
        )
      },
      write: (object) => written(at, sides, object),
      takeBack: (object, why) =>
        why === null ? Effect.succeed(null) : Effect.as(written(at, { change, to: from }, object), null)
    })
  )
}

/** Both sides of each change, forward. */
const sidesOf = (
  { changes }: PutConfig,
  record: SnapshotRecord,
  before: SnapshotRecord
): ReadonlyArray<Sides | ConfigChange> =>
  changes.map((change) => {
    const { kind, name, of, uid, goes } = change
    const from = uid === null ? null : contentIn(before, { kind, name })
    const to = goes ? null : contentIn(record, { kind, name: of })
    return (uid === null || from !== null) && (goes || to !== null) ? { change, from, to } : change
  })

const bothOf = (
  step: PutConfig,
  record: SnapshotRecord,
  before: SnapshotRecord
): Work<ReadonlyArray<Sides>> =>
  Effect.forEach(sidesOf(step, record, before), (one) =>
    "change" in one
      ? Effect.succeed(one)
      : Effect.fail(
          because(
            "Mismatch",
            `${titleOf(one)} is not in the record that it is restored from`,
            "the plan is not the one that was made: abort, and plan again"
          )
        )
  )

/**
 * The change that a plan from this record would not contain; `null` if there is none. In a resumed
 * operation the plan comes from a journal, which anyone who can write ConfigMaps could have written.
 */
const strange = (
  { from, changes }: PutConfig,
  name: string,
  record: SnapshotRecord,
  before: SnapshotRecord
): ConfigChange | null => {
  const isVouched = wasPinned(before, from)
  const namedBy = (one: SnapshotRecord) => (mentionsIn(templateIn(one, name)) ?? []).map(keyOf)
  const wanted = new Set(namedBy(record))
  const own = new Set([...namedBy(before), ...(isVouched ? wanted : [])])
  const isPlanned = (change: ConfigChange): boolean => {
    const { kind, of, uid, goes } = change
    const key = keyOf(change)
    if (goes)
      return isVouched && record.before?.made.some((one) => `${one.kind}/${one.name}` === key) === true
    if (uid !== null) return change.name === of && own.has(key)
    const content = contentIn(record, { kind, name: of })
    const isName =
      change.name === of ? own.has(key) || wanted.has(key) : isNewNameOf({ kind, name: of }, change)
    return isName && content !== null && isPlain(change, content)
  }
  return changes.find((change) => !isPlanned(change)) ?? null
}

const perform = (step: PutConfig, at: At): Work =>
  Effect.gen(function* () {
    const before = yield* assertRecorded(at, yield* Workload.assertHeld(at.fence))
    const record = yield* readPinned(at.fence.namespace, step.from)
    const one = at.isTakenUp ? strange(step, at.fence.name, record, before) : null
    if (one !== null) {
      return yield* because(
        "Mismatch",
        `operation ${at.plan.id} writes ${titleOf(one)}, as its journal says, which does not belong to ${at.fence.name} or its record`,
        "find out who wrote that journal; abort, and plan again"
      )
    }
    const all = yield* bothOf(step, record, before)
    yield* Effect.forEach(all, (sides) => bring(at, sides), { concurrency: 8, discard: true })
  })

const notBack = (at: At, change: ConfigChange): Work =>
  at.fallShort(
    `${titleOf(change)} was changed by another client in the meantime, and left as it is: the previous content is in secret "${recordName(beforeSet(at.plan.id))}"`
  )

/** Restores the previous content; objects that another client has changed since are left, and reported. */
const undo = (step: PutConfig, at: At): Work =>
  Effect.gen(function* () {
    const before = yield* orLost(at, readBefore(at, yield* Workload.assertHeld(at.fence)))
    // Nothing is replaced before that is written down.
    if (before === null) return
    // Without the record that was put back nobody knows what is ours: only what is as before is right.
    const record = yield* orLost(at, readPinned(at.fence.namespace, step.from))
    yield* Effect.forEach(
      sidesOf(step, record ?? before, before),
      (one) =>
        Effect.gen(function* () {
          const { change, from, to } = "change" in one ? one : { change: one, from: null, to: null }
          const back = { change, from: record === null ? null : to, to: from }
          const object = yield* Resource.findObject(targetOf(at, change))
          const isOurDoing = "change" in one && record !== null && holds(at, change, object, to)
          const isRight = "change" in one && isThere(at, back, object)
          yield* isOurDoing || isRight ? bring(at, back) : notBack(at, change)
        }),
      { concurrency: 8, discard: true }
    )
  })

/** Reports objects that differ from what the step wrote: another client changed them since. */
export const checkPut = (at: At): Work =>
  Effect.forEach(
    stepsOf<PutConfig>(PutConfig, at.plan.steps),
    (step) =>
      Effect.gen(function* () {
        const record = yield* readPinned(at.fence.namespace, step.from)
        for (const change of step.changes) {
          const { kind, of, goes } = change
          const to = goes ? null : contentIn(record, { kind, name: of })
          const object = yield* Resource.findObject(targetOf(at, change))
          if (isThere(at, { change, from: null, to }, object)) continue
          yield* at.fallShort(`${titleOf(change)} was changed by another client after it was restored`)
        }
      }),
    { discard: true }
  )

const inWords = ({ kind, name, uid, goes }: ConfigChange): string =>
  `${goes ? "remove " : uid === null ? "make " : ""}${kind}/${name}`

/** Puts ConfigMaps and Secrets back. */
export const PutConfig: StepKind<PutConfig, object> = {
  tag: "PutConfig",
  schema: PutSchema,
  describe: ({ changes }) => `restore ${changes.map(inWords).join(", ")}`,
  access: ({ changes }, { namespace }) => [
    ...rules("", "secrets", ["get"], namespace),
    ...changes.flatMap(({ kind, uid, goes }) => {
      const verbs = goes
        ? ["get", "create", "delete"]
        : uid === null
          ? ["get", "create", "delete"]
          : ["get", "patch"]
      return rules("", configApis[kind].plural, verbs, namespace)
    })
  ],
  rehearse: (step, at) =>
    Effect.gen(function* () {
      const record = yield* readPinned(at.fence.namespace, step.from)
      for (const change of step.changes) {
        const to = change.goes ? null : contentIn(record, { kind: change.kind, name: change.of })
        const object = yield* Resource.findObject(targetOf(at, change))
        yield* written(at, { change, to }, object, { dryRun: true })
      }
      return []
    }),
  perform,
  undo,
  undoAlone: ({ changes }, at) =>
    at.fallShort(
      `${changes.map((change) => titleOf(change)).join(", ")}: not restored, since the StatefulSet with their previous values was deleted`
    )
}
