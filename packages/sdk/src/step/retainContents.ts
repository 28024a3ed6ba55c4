/**
 * Sets the contents of a snapshot to Retain, so that the data survives their namespace, and deleting a
 * VolumeSnapshot deletes no data. The previous policy is kept on each content.
 *
 * A content is of the whole cluster: it is written to only while it and a VolumeSnapshot of this operation
 * name each other.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fence from "../operation/Fence.ts"
import { kinds, reading, volumeGroupSnapshotContents } from "../Kind.ts"
import * as Resource from "../Resource.ts"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { because } from "../operation/OperationError.ts"
import { on, type Outliving, rules, type StepKind } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { polled, until } from "../wait/until.ts"
import { groupsOf } from "./cutGroup.ts"
import { singlesOf } from "./cutVolumes.ts"
import { memberContents, type OwnContent, ownContents } from "./cuts.ts"
import { deletionPolicyBeforeLabel, setByLabel } from "../Labels.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const RetainSchema = Schema.TaggedStruct("RetainContents", {
  on,
  /**
   * `cuts`: of separate snapshots and of groups. `members`: of the snapshots of groups, which are created
   * later.
   */
  of: Schema.Literals(["cuts", "members"])
})
type RetainContents = typeof RetainSchema.Type

interface Content {
  readonly policy: string
  readonly labels: Readonly<Record<string, string>> | null
  readonly uid: string | undefined
}

const textAt = (object: unknown, ...path: ReadonlyArray<string>): string | null => {
  const found = path.reduce<unknown>((inner, key) => Reflect.get(Object(inner), key), object)
  return typeof found === "string" ? found : null
}

const policyPath = "/spec/deletionPolicy"

const labelPath = (name: string): string => `/metadata/labels/${name.replaceAll("/", "~1")}`

const Shape = Schema.Struct({
  metadata: Schema.Struct({ labels: Schema.optional(Schema.Record(Schema.String, Schema.String)) }),
  spec: Schema.Struct({ deletionPolicy: Schema.String })
})

const seen = ({ target, look }: OwnContent): Effect.Effect<Content | null, ClusterError, Cluster> =>
  Effect.flatMap(look, (object) =>
    object === null
      ? Effect.succeed(null)
      : Effect.map(Resource.accept(reading(target.api, Shape), object), ({ metadata, spec }) => ({
          policy: spec.deletionPolicy,
          labels: metadata.labels ?? null,
          uid: object.metadata.uid
        }))
  )

/**
 * No resourceVersion is asked for: while a group is not ready its controller writes to the content many
 * times a second, an annotation on and off, and a write that tests it would never come through.
 */
const change = (
  at: StepContext,
  own: OwnContent,
  done: (content: Content) => boolean,
  patch: (content: Content) => Resource.Patch
): Work<Content | null> =>
  Fence.beside<Content | null>(at.standing, {
    look: seen(own),
    done: (content) => content === null || done(content),
    write: (content) =>
      content === null
        ? Effect.succeed(null)
        : Effect.andThen(Resource.patch(own.target, patch(content)), seen(own))
  })

const isThis = ({ uid }: Content) => ({ op: "test" as const, path: "/metadata/uid", value: uid })

const retain = (at: StepContext, own: OwnContent): Work =>
  Effect.gen(function* () {
    const content = yield* change(
      at,
      own,
      ({ policy }) => policy === "Retain",
      // A merge: there may be labels already, or none.
      ({ policy, uid }) => ({
        _tag: "Merge",
        value: {
          metadata: { uid, labels: { [deletionPolicyBeforeLabel]: policy, [setByLabel]: at.plan.id } },
          spec: { deletionPolicy: "Retain" }
        }
      })
    )
    if (content === null) {
      return yield* because(
        "Changed",
        `${own.target.api.kind.toLowerCase()} "${own.target.name}" is no longer that of its snapshot`,
        "abort, and take another snapshot"
      )
    }
  })

/** True if the content says which policy it had: one that does not keeps its mark, by which it is named. */
const isKnown = ({ labels }: Content): boolean =>
  ["Delete", "Retain"].includes(labels?.[deletionPolicyBeforeLabel] ?? "")

/** Restores only what this operation has set, and only while it is unchanged. */
const putBack = (at: StepContext, own: OwnContent): Work =>
  Effect.asVoid(
    change(
      at,
      own,
      (content) => content.labels?.[setByLabel] !== at.plan.id || !isKnown(content),
      (content) => ({
        _tag: "Json",
        operations: [
          isThis(content),
          { op: "test", path: policyPath, value: content.policy },
          { op: "test", path: labelPath(setByLabel), value: at.plan.id },
          ...(content.policy === "Retain" && content.labels?.[deletionPolicyBeforeLabel] === "Delete"
            ? [{ op: "replace" as const, path: policyPath, value: "Delete" }]
            : []),
          { op: "remove", path: labelPath(deletionPolicyBeforeLabel) },
          { op: "remove", path: labelPath(setByLabel) }
        ]
      })
    )
  )

/**
 * The snapshots of a group got the policy of its content, so those that were created while that was Retain
 * are deleted with their group only under the previous policy.
 */
const releaseMembers = (at: StepContext, contents: ReadonlyArray<OwnContent>): Work =>
  Effect.gen(function* () {
    const groups = contents.filter(({ target }) => target.api.kind === "VolumeGroupSnapshotContent")
    const went = (yield* Effect.forEach(groups, seen)).some(
      (content) =>
        content?.labels?.[setByLabel] === at.plan.id && content.labels[deletionPolicyBeforeLabel] === "Delete"
    )
    if (!went) return
    yield* Effect.forEach(
      yield* memberContents(at),
      (own) =>
        change(
          at,
          own,
          ({ policy }) => policy === "Delete",
          (content) => ({
            _tag: "Json",
            operations: [
              isThis(content),
              { op: "test", path: policyPath, value: content.policy },
              { op: "replace", path: policyPath, value: "Delete" }
            ]
          })
        ),
      { concurrency: 16, discard: true }
    )
  })

/** Time that a volume snapshot may take to name its content after it was first seen, in milliseconds. */
const patience = 30_000

/**
 * The contents of all volume snapshots: one that is missed, because a view of it was outdated, would be
 * deleted with its namespace.
 */
const everyContent = (step: RetainContents, at: StepContext) => {
  const groups = groupsOf(at.plan)
  const all =
    step.of === "cuts"
      ? singlesOf(at.plan).length + groups.length
      : groups.reduce((sum, { claims }) => sum + claims.length, 0)
  return until(at, {
    views: polled(contentsOf(step, at)),
    until: (contents) =>
      contents.length >= all
        ? []
        : [
            {
              subject: { kind: "VolumeSnapshot", name: `${all - contents.length} of ${all}` },
              for: "the content of its snapshot"
            }
          ],
    limit: patience,
    late: () =>
      Effect.succeed(
        because(
          "Changed",
          "a volume snapshot has no content, or was deleted: it would not be kept",
          "abort, and take another snapshot"
        )
      )
  })
}

const undo = (step: RetainContents, at: StepContext): Work =>
  Effect.gen(function* () {
    const contents = yield* contentsOf(step, at)
    if (step.of === "cuts") yield* releaseMembers(at, contents)
    yield* Effect.forEach(contents, (own) => putBack(at, own), { concurrency: 16, discard: true })
    if (step.of === "cuts") yield* nameKept(at)
  })

/**
 * Names contents whose VolumeSnapshot another client has deleted or replaced, or whose policy before: their
 * data stays in the storage.
 */
const nameKept = (at: StepContext): Work =>
  Effect.gen(function* () {
    const kept = yield* keptContents({ namespace: at.fence.namespace, plan: at.plan }).pipe(
      Effect.catchReason("ClusterError", "Forbidden", () => Effect.succeed(null))
    )
    if (kept === null) {
      const message =
        "no permission to list volumesnapshotcontents: it is unknown whether data of snapshots that another client deleted remains in the storage"
      yield* at.report({ _tag: "Note", message })
    }
    for (const title of kept ?? [])
      yield* at.fallShort(
        `${title} keeps its data, since another client deleted its snapshot, or its label: check it, and delete it`
      )
  })

/** The contents of one API that this operation has set to Retain, or whose group it has. */
const keptOf = ({ namespace, plan }: Outliving, api: Resource.ApiResource, groups: ReadonlySet<string>) =>
  Effect.map(Resource.listObjects(api), ({ items }) =>
    items.flatMap((item) => {
      const isHere = ["volumeSnapshotRef", "volumeGroupSnapshotRef"].some(
        (field) => textAt(item, "spec", field, "namespace") === namespace
      )
      const group = textAt(item, "status", "volumeGroupSnapshotHandle")
      const isOwn = textAt(item, "metadata", "labels", setByLabel) === plan.id || groups.has(group ?? "")
      return isHere && isOwn && textAt(item, "spec", "deletionPolicy") === "Retain"
        ? [{ title: `${api.kind.toLowerCase()} ${item.metadata.name}`, group }]
        : []
    })
  )

/** The contents that remain if their namespace is deleted: nothing names them then. */
const keptContents = (of: Outliving) =>
  Effect.gen(function* () {
    const versions = new Set(groupsOf(of.plan).map(({ version }) => version))
    const groups = yield* Effect.forEach(versions, (version) =>
      keptOf(of, { ...volumeGroupSnapshotContents, version }, new Set())
    )
    const handles = new Set(groups.flat().flatMap(({ group }) => (group === null ? [] : [group])))
    const single = yield* keptOf(of, kinds.volumesnapshotcontents, handles)
    return [...groups.flat(), ...single].map(({ title }) => title)
  })

const contentsOf = (step: RetainContents, at: StepContext) =>
  step.of === "cuts" ? ownContents(at) : memberContents(at)

/** The subject of the step, in words: `members` of a group are snapshots, too. */
const phrase = { cuts: "the volume snapshots", members: "the snapshots of the group" } as const

/** The contents of the set's snapshots, and of its groups, are under Retain. */
export const RetainContents: StepKind<RetainContents, object> = {
  tag: "RetainContents",
  schema: RetainSchema,
  describe: ({ of }) => `keep ${phrase[of]} if their namespace is deleted: deletionPolicy Retain`,
  access: () => [
    ...rules("snapshot.storage.k8s.io", "volumesnapshotcontents", ["get", "patch"], null),
    ...rules("groupsnapshot.storage.k8s.io", "volumegroupsnapshotcontents", ["get", "patch"], null)
  ],
  rehearse: ({ of }) => Effect.succeed([`deletionPolicy Retain of ${phrase[of]}: they do not exist yet`]),
  perform: (step, at) =>
    Effect.flatMap(everyContent(step, at), (contents) =>
      Effect.forEach(contents, (own) => retain(at, own), { concurrency: 16, discard: true })
    ),
  undo,
  undoAlone: undo,
  outlives: (_, of) => keptContents(of)
}
