/**
 * Deletes a snapshot: its data in the storage, the objects for it, and its record last, since the rest is
 * found by that.
 *
 * A volume snapshot is deleted only if it provably belongs to the snapshot, by its record in the Secret; see
 * `cutOwner.ts`. Anything else is kept, and named. A content is deleted by its driver, so it is set to Delete
 * just before its VolumeSnapshot is deleted.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds, volumeGroupSnapshotContents } from "../Kind.ts"
import * as Fence from "../operation/Fence.ts"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import * as Resource from "../Resource.ts"
import { noneLeft } from "../wait/condition.ts"
import { holdersOf } from "../wait/holders.ts"
import { defaultStepTimeout, polled, until } from "../wait/until.ts"
import {
  foreign,
  foreignGroup,
  isOfSet,
  isOrphan,
  isOrphanGroup,
  isRecorded,
  recordedAs
} from "./cutOwner.ts"
import type { RecordedCut } from "./record.ts"
import { recordName } from "../RecordName.ts"
import { readRecord } from "./recordList.ts"
import { policyOf, setPolicy, snapshotTarget, contentTarget } from "./snapshots.ts"
import { wakingSidecars } from "./wakeSidecars.ts"
import { counted } from "../Plural.ts"

type Settings = { readonly stepTimeout?: number }
type At = StepContext<Settings>
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** A VolumeSnapshot or a VolumeGroupSnapshot of the set, by uid. */
const Planned = Schema.Struct({
  name: Schema.String,
  uid: Schema.String,
  /**
   * Its content's name; `null` if it has none, or its handle is not recorded, so that its own policy applies.
   */
  content: Schema.NullOr(Schema.String),
  contentUid: Schema.NullOr(Schema.String)
})
export type Planned = typeof Planned.Type

/** A content that a namespace which is gone has left. */
const Left = Schema.Struct({ content: Schema.String, uid: Schema.String })

const DeleteSchema = Schema.TaggedStruct("DeleteSet", {
  on,
  set: Schema.String,
  /** Snapshots that were taken separately, and those of groups. */
  snapshots: Schema.Array(
    Schema.Struct({
      ...Planned.fields,
      /**
       * True if it was imported, and its data belongs to a group in the storage: it is deleted with the
       * group's content.
       */
      byGroup: Schema.Boolean
    })
  ),
  /** Of a group the members' snapshots go with it. */
  groups: Schema.Array(Schema.Struct({ ...Planned.fields, version: Schema.String })),
  /** Other contents with the same handles: the objects are deleted, and no data with them. */
  orphans: Schema.Array(Left),
  /** Contents of groups of these volume snapshots: those are deleted with their data. */
  orphanGroups: Schema.Array(Schema.Struct({ ...Left.fields, version: Schema.String })),
  /** The record's further Secrets, and the uid of the list's ConfigMap. The first Secret is the guard. */
  parts: Schema.Array(Schema.Struct({ name: Schema.String, uid: Schema.String })),
  listed: Schema.String
})
export type DeleteSet = typeof DeleteSchema.Type

const groupContentTarget = (name: string, version: string): Resource.Target => ({
  api: { ...volumeGroupSnapshotContents, version },
  name
})

const groupTarget = (namespace: string, name: string, version: string): Resource.Target => ({
  api: { ...kinds.volumegroupsnapshots, version },
  namespace,
  name
})

const isThere = (target: Resource.Target, uid: string | null) =>
  Effect.map(Resource.findObject(target, { metadataOnly: true }), (found) =>
    found !== null && (uid === null || found.metadata.uid === uid) ? found : null
  )

const isGoing = ({ metadata }: Resource.KubeObject): boolean =>
  Reflect.get(metadata, "deletionTimestamp") !== undefined

const removeSeen = (target: Resource.Target, found: Resource.KubeObject | null) =>
  Resource.remove(target, {
    ...(found?.metadata.uid === undefined ? {} : { uid: found.metadata.uid }),
    ...(found?.metadata.resourceVersion === undefined
      ? {}
      : { resourceVersion: found.metadata.resourceVersion })
  })

const remove = (at: At, target: Resource.Target, uid: string | null): Work =>
  Effect.asVoid(
    Fence.beside<Resource.KubeObject | null>(at.standing, {
      look: isThere(target, uid),
      done: (found) => found === null || isGoing(found),
      write: (found) => Effect.as(removeSeen(target, found), null)
    })
  )

/** Deletes a content whose data is kept: under Retain, in exactly the version that is deleted. */
const removeKept = (at: At, target: Resource.Target, uid: string | null): Work =>
  Effect.asVoid(
    Fence.beside<Resource.KubeObject | null>(at.standing, {
      look: Resource.findObject(target),
      done: (found) => found === null || found.metadata.uid !== uid || isGoing(found),
      stop: (found) =>
        policyOf(found) === "Retain"
          ? null
          : because(
              "Changed",
              `content ${target.name} no longer has deletionPolicy Retain`,
              "check it, then run the command again"
            ),
      write: (found) => Effect.as(removeSeen(target, found), null)
    })
  )

/** Its driver takes off the finalizers of its own API, and nobody else's. */
const whatFor = (found: Resource.KubeObject): string => {
  const others = holdersOf(found).filter((one) => !/^(group)?snapshot\.storage\.kubernetes\.io\//.test(one))
  return ["its driver to delete it", ...others.map((one) => `for finalizer ${one}`)].join(", and ")
}

const untilAllGone = (
  at: At,
  objects: ReadonlyArray<{ readonly target: Resource.Target; readonly uid: string | null }>
): Work =>
  wakingSidecars(
    at.fence.namespace,
    objects.map(({ target }) => target),
    Effect.asVoid(
      until(at, {
        views: polled(
          Effect.map(
            Effect.forEach(
              objects,
              ({ target, uid }) => Effect.map(isThere(target, uid), (found) => ({ target, found })),
              { concurrency: 16 }
            ),
            (all) => all.flatMap(({ target, found }) => (found === null ? [] : [{ target, found }]))
          )
        ),
        until: noneLeft(({ target, found }: { target: Resource.Target; found: Resource.KubeObject }) => ({
          subject: { kind: target.api.kind, name: target.name },
          for: whatFor(found)
        })),
        limit: at.settings.stepTimeout ?? defaultStepTimeout
      })
    )
  )

/** The recorded volume snapshots in the Secret; `null` if it was deleted, or is damaged. */
const recordedCuts = (at: At, set: string) =>
  readRecord(at.fence.namespace, set).pipe(
    Effect.map((record): ReadonlyArray<RecordedCut> | null => record?.cuts ?? null),
    Effect.catchIf(
      ({ reason }) => reason._tag === "NotFound" || reason._tag === "Unreadable",
      () => Effect.succeed(null)
    )
  )

const readGroupContent = (name: string, version: string) =>
  Resource.find({ ...volumeGroupSnapshotContents, version }, { name })

/** A planned group with its content, as far as they exist; `null` if neither does. */
const readGroup = (namespace: string, planned: DeleteSet["groups"][number]) =>
  Effect.gen(function* () {
    const { name, uid, content, contentUid, version } = planned
    const found = yield* Resource.find({ ...kinds.volumegroupsnapshots, version }, { namespace, name })
    const group = found?.metadata.uid === uid ? found : null
    const held = content === null ? null : yield* readGroupContent(content, version)
    const own = held?.metadata.uid === contentUid ? held : null
    return group === null && own === null ? null : { planned, group, content: own }
  })

/** The live objects of a step, and the facts about their owner. */
const look = (step: DeleteSet, at: At) =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    const [contents, snapshots, groups, orphanGroups, cuts] = yield* Effect.all(
      [
        Resource.list(kinds.volumesnapshotcontents),
        Resource.list(kinds.volumesnapshots, { namespace }),
        Effect.forEach(step.groups, (group) => readGroup(namespace, group)),
        Effect.forEach(step.orphanGroups, ({ content, version, uid }) =>
          Effect.map(readGroupContent(content, version), (found) =>
            found?.metadata.uid === uid ? found : null
          )
        ),
        recordedCuts(at, step.set)
      ],
      { concurrency: 5 }
    )
    return {
      contents,
      snapshots,
      left: step.orphans.flatMap(({ content, uid }) =>
        contents.filter(({ metadata }) => metadata.name === content && metadata.uid === uid)
      ),
      groups: groups.flatMap((group) => group ?? []),
      orphanGroups: orphanGroups.flatMap((group) => group ?? []),
      cuts
    }
  })

/**
 * Reason that the volume snapshots of a step must not be deleted; `null` if all existing ones belong to the
 * snapshot.
 */
const notOwned = (step: DeleteSet, at: At): Effect.Effect<string | null, ClusterError, Cluster> =>
  Effect.map(look(step, at), ({ contents, snapshots, left, groups, orphanGroups, cuts }) => {
    const { namespace } = at.fence
    const there = step.snapshots.flatMap((planned) => {
      const snapshot = snapshots.find(({ metadata }) => metadata.uid === planned.uid) ?? null
      const content = contents.find(({ metadata }) => metadata.name === planned.content) ?? null
      return snapshot === null && content === null ? [] : [{ planned, snapshot, content }]
    })
    if (cuts === null) {
      const isOver = [...there, ...left, ...groups, ...orphanGroups].length === 0
      return isOver ? null : "its record does not say which volume snapshots are its own"
    }
    const labelled = groups.flatMap(({ group }) =>
      group !== null && isOfSet(group.metadata, step.set) ? [group.metadata.name] : []
    )
    const ownership = { cuts, contents, orphans: step.orphans.map(({ uid }) => uid) }
    const whys = [
      ...there.map(({ planned, snapshot, content }) => {
        if (snapshot !== null && !isRecorded(snapshot, { cuts, contents, set: step.set, labelled })) {
          return `volumesnapshot "${planned.name}" is not one of its volume snapshots`
        }
        if (content === null) return null
        return content.metadata.uid === planned.contentUid
          ? foreign(content, planned, ownership)
          : `content ${content.metadata.name} was recreated since`
      }),
      ...groups.map(({ planned, content }) =>
        content === null ? null : foreignGroup(planned, content, cuts)
      ),
      ...left.map((content) =>
        recordedAs(content, cuts) !== null && isOrphan(content, namespace, snapshots)
          ? null
          : `content ${content.metadata.name} is still in use`
      ),
      ...orphanGroups.map((content) =>
        isOrphanGroup(content, namespace, cuts, [])
          ? null
          : `content ${content.metadata.name} has a snapshot handle that is not recorded`
      )
    ]
    return whys.find((why) => why !== null) ?? null
  })

const targetsOf = (step: DeleteSet, namespace: string) => {
  const singles = step.snapshots.map(({ name, uid }) => ({ target: snapshotTarget(namespace, name), uid }))
  const groups = step.groups.map(({ name, uid, version }) => ({
    target: groupTarget(namespace, name, version),
    uid
  }))
  const contents = step.snapshots.flatMap(({ content, contentUid, byGroup }) =>
    content === null ? [] : [{ target: contentTarget(content), uid: contentUid, byGroup }]
  )
  const groupContents = step.groups.flatMap(({ content, contentUid, version }) =>
    content === null ? [] : [{ target: groupContentTarget(content, version), uid: contentUid }]
  )
  return {
    /** The objects to delete: snapshots of a group cannot be deleted separately, only with the group. */
    objects: step.groups.length === 0 ? singles : [...groups],
    all: [...singles, ...groups, ...contents, ...groupContents],
    /** They go with their data, once their snapshots do. */
    withData: [...contents.filter(({ byGroup }) => !byGroup), ...groupContents],
    /** They go without it. */
    without: [
      ...step.orphans.map(({ content, uid }) => ({ target: contentTarget(content), uid })),
      ...contents.filter(({ byGroup }) => byGroup)
    ],
    last: step.orphanGroups.map(({ content, uid, version }) => ({
      target: groupContentTarget(content, version),
      uid
    }))
  }
}

const inParallel = { concurrency: 16, discard: true } as const

/** The volume snapshots of the snapshot, and their objects. */
const removeCuts = (step: DeleteSet, at: At): Work =>
  Effect.gen(function* () {
    const why = yield* notOwned(step, at)
    if (why !== null) {
      return yield* because(
        "Changed",
        `${why}: nothing of ${step.set} was deleted`,
        "check it, then run the command again"
      )
    }
    const { objects, all, withData, without, last } = targetsOf(step, at.fence.namespace)
    yield* Effect.forEach(withData, ({ target, uid }) => setPolicy(at, target, uid, "Delete"), inParallel)
    yield* Effect.forEach(objects, ({ target, uid }) => remove(at, target, uid), inParallel)
    yield* Effect.forEach(without, ({ target, uid }) => removeKept(at, target, uid), inParallel)
    yield* untilAllGone(at, [...all, ...without])
    yield* Effect.forEach(last, ({ target, uid }) => setPolicy(at, target, uid, "Delete"), inParallel)
    yield* Effect.forEach(last, ({ target, uid }) => remove(at, target, uid), inParallel)
    yield* untilAllGone(at, last)
  })

/** Deletes an object of the record; another one of its name is kept, and named. */
const removePlanned = (at: At, target: Resource.Target, uid: string): Work =>
  Effect.gen(function* () {
    const isOther = (found: Resource.KubeObject | null) => found !== null && found.metadata.uid !== uid
    const found = yield* Fence.beside<Resource.KubeObject | null>(at.standing, {
      look: isThere(target, null),
      done: (seen) => seen === null || isOther(seen) || isGoing(seen),
      write: (seen) => Effect.as(removeSeen(target, seen), null)
    })
    if (!isOther(found)) return
    const title = `${target.api.kind.toLowerCase()} "${target.name}"`
    const message = `${title} is kept: it was created after the plan; check it`
    yield* at.report({ _tag: "Note", message })
  })

const perform = (step: DeleteSet, at: At): Work =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    yield* removeCuts(step, at)
    for (const { name, uid } of step.parts) {
      yield* removePlanned(at, { api: kinds.secrets, namespace, name }, uid)
    }
    const index = { api: kinds.configmaps, namespace, name: recordName(step.set) }
    yield* removePlanned(at, index, step.listed)
  })

/** Everything that still exists is kept: an abort deletes nothing. */
const undo = (step: DeleteSet, at: At): Work =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    for (const { name, uid, content, contentUid, byGroup } of step.snapshots) {
      const found = yield* isThere(snapshotTarget(namespace, name), uid)
      if (found === null) {
        const rest = byGroup ? "its data is deleted only with its group" : "nothing brings it back"
        yield* at.report({ _tag: "Note", message: `volumesnapshot "${name}" is deleted: ${rest}` })
        continue
      }
      if (content !== null) yield* setPolicy(at, contentTarget(content), contentUid, "Retain")
      if (!isGoing(found)) continue
      const held = content === null ? null : yield* isThere(contentTarget(content), contentUid)
      const rest = held === null || isGoing(held) ? "with its data" : `its content ${content} keeps the data`
      yield* at.fallShort(`volumesnapshot "${name}" is being deleted, ${rest}`)
    }
    for (const { content, uid, version } of step.orphanGroups) {
      yield* setPolicy(at, groupContentTarget(content, version), uid, "Retain")
    }
    for (const { content, contentUid, version } of step.groups) {
      if (content !== null) {
        yield* setPolicy(at, groupContentTarget(content, version), contentUid, "Retain")
      }
    }
  })

/** Deletes a snapshot permanently, except the Secret that the operation owns. */
export const DeleteSet: StepKind<DeleteSet, Settings> = {
  tag: "DeleteSet",
  schema: DeleteSchema,
  describe: ({ set, snapshots, orphans, orphanGroups }) => {
    const more = orphans.length + orphanGroups.length
    const left = more === 0 ? "" : `, and ${counted(more, "content")} left from earlier`
    return `delete snapshot ${set}: ${counted(snapshots.length, "volume snapshot")}${left}`
  },
  access: ({ snapshots, groups, orphans, orphanGroups }, { namespace }) => {
    const grouped = [...groups, ...orphanGroups].length > 0
    const removes = orphans.length > 0 || snapshots.some(({ byGroup }) => byGroup)
    const contents = ["get", "list", "patch", ...(removes ? ["delete"] : [])]
    const groupContents = ["get", "patch", ...(orphanGroups.length > 0 ? ["delete"] : [])]
    return [
      ...rules("snapshot.storage.k8s.io", "volumesnapshots", ["get", "list", "delete"], namespace),
      ...rules("snapshot.storage.k8s.io", "volumesnapshotcontents", contents, null),
      ...(grouped
        ? [
            ...rules("groupsnapshot.storage.k8s.io", "volumegroupsnapshots", ["get", "delete"], namespace),
            ...rules("groupsnapshot.storage.k8s.io", "volumegroupsnapshotcontents", groupContents, null)
          ]
        : []),
      // Its plan lists them: without that right it does not know which they are.
      ...rules("", "secrets", ["list", "get", "delete"], namespace),
      ...rules("", "configmaps", ["get", "delete"], namespace)
    ]
  },
  rehearse: () => Effect.succeed([]),
  perform,
  undo,
  undoAlone: undo
}

const RecordSchema = Schema.TaggedStruct("DeleteRecord", { on, set: Schema.String })

/** Deletes the Secret of the record, which is the operation's guard: last of all. */
export const DeleteRecord: StepKind<typeof RecordSchema.Type, Settings> = {
  tag: "DeleteRecord",
  schema: RecordSchema,
  describe: ({ set }) => `delete the record ${set}`,
  access: (_, { namespace }) => rules("", "secrets", ["get", "delete"], namespace),
  rehearse: () => Effect.succeed([]),
  perform: (_, at) => Fence.remove(at.fence),
  undo: () => Effect.void
}
