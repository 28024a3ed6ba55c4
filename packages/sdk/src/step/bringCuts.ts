/**
 * Volume snapshots in another namespace: a content for each, created with the handle of the source's live
 * content, and a VolumeSnapshot that names it. Both belong only to this operation, never delete data in the
 * storage, and are deleted once the claims are filled.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { VolumeSnapshot, VolumeSnapshotContent } from "../kind/Snapshot.ts"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import type { Failure } from "../operation/StepContext.ts"
import { madeByAnnotation, managedBy } from "../Labels.ts"
import * as Resource from "../Resource.ts"
import { noneLeft } from "../wait/condition.ts"
import { polled, until } from "../wait/until.ts"
import { type At as CloneAt, type CloneSettings, recordOf } from "./cloneRecord.ts"
import { isReady } from "./cuts.ts"
import { type CutOf, notTheCut } from "./cutSource.ts"
import { isOurs, makeBeside, readContent, readSnapshot, removeOurs, snapshotTarget } from "./snapshots.ts"
import { nameBeside } from "../ObjectName.ts"

type Settings = CloneSettings & { readonly stepTimeout?: number }
type At = CloneAt & { readonly settings: Settings }
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** A volume snapshot of the source, and its VolumeSnapshot here. */
export const BroughtCut = Schema.Struct({
  claim: Schema.String,
  snapshot: Schema.String,
  handle: Schema.String,
  volumeHandle: Schema.NullOr(Schema.String),
  driver: Schema.String,
  as: Schema.String
})
export type BroughtCut = typeof BroughtCut.Type

const BringSchema = Schema.TaggedStruct("BringCuts", { on, cuts: Schema.Array(BroughtCut) })
type BringCuts = typeof BringSchema.Type

/** Time that a volume snapshot may take to become ready here, in milliseconds. */
const patience = 300_000

/** Contents are of the whole cluster, so their names say whose they are. */
const contentName = (at: Pick<At, "plan" | "fence">, { as }: BroughtCut): string =>
  nameBeside(`${as}-${at.fence.namespace}`)

const contentTarget = (at: At, cut: BroughtCut): Resource.Target => ({
  api: kinds.volumesnapshotcontents,
  name: contentName(at, cut)
})

/**
 * Fails if a volume snapshot is not in the record: its namespace has others, and a user who can write the
 * journal here may not be able to read those.
 */
const assertRecorded = ({ cuts }: BringCuts, at: At): Work =>
  Effect.flatMap(recordOf(at), (record) => {
    const stray = cuts.find(
      ({ claim, driver, handle, volumeHandle }) =>
        !record.cuts.some(
          (one) =>
            one.claim === claim &&
            one.driver === driver &&
            one.snapshotHandle === handle &&
            one.volumeHandle === volumeHandle
        )
    )
    return stray === undefined
      ? Effect.void
      : Effect.fail(
          because(
            "Mismatch",
            `the volume snapshot of ${stray.claim} to import is not one of snapshot ${record.name}`,
            "abort, and plan again"
          )
        )
  })

/** The live volume snapshot of the source, as planned. */
const sourceOf = (
  at: At,
  cut: CutOf
): Work<{ readonly driver: string; readonly handle: string; readonly mode: string | null }> =>
  Effect.gen(function* () {
    const found = yield* readSnapshot(at.settings.record.namespace, cut.snapshot)
    const name = found?.status?.boundVolumeSnapshotContentName
    const content = name ? yield* readContent(name) : null
    const why = notTheCut(cut, found, content)
    const handle = content?.status?.snapshotHandle
    if (why !== null || !handle || content === null) {
      return yield* because(
        "Changed",
        `${why ?? `${cut.snapshot} has no handle`}: ${cut.claim} is not restored from it`,
        "abort, and plan again"
      )
    }
    return { driver: content.spec.driver, handle, mode: content.spec.sourceVolumeMode ?? null }
  })

const isThere = (found: VolumeSnapshot | null, content: VolumeSnapshotContent | null): boolean =>
  found !== null && isReady(found, content)

const untilReady = (step: BringCuts, at: At): Work =>
  Effect.asVoid(
    until(at, {
      views: polled(
        Effect.map(
          Effect.forEach(
            step.cuts,
            (cut) =>
              Effect.gen(function* () {
                const found = yield* readSnapshot(at.fence.namespace, cut.as)
                const content = yield* readContent(contentName(at, cut))
                return isThere(found, content) ? [] : [cut]
              }),
            { concurrency: 16 }
          ),
          (all) => all.flat()
        )
      ),
      until: noneLeft(({ as }: BroughtCut) => ({
        subject: { kind: "VolumeSnapshot", name: as },
        for: "its driver to find the snapshot"
      })),
      limit: patience
    })
  )

/**
 * Reason that a content is not deleted; `null` if it was created by this operation, is of this namespace,
 * and deletes no data.
 */
const whyNot = (at: At, { as }: BroughtCut, content: VolumeSnapshotContent): string | null => {
  const { deletionPolicy, volumeSnapshotRef } = content.spec
  const isOwn =
    isOurs(at.plan.id, content) &&
    volumeSnapshotRef.namespace === at.fence.namespace &&
    volumeSnapshotRef.name === as
  if (!isOwn) return "does not belong to this operation"
  // Somebody may have set it to Delete since.
  return deletionPolicy === "Retain"
    ? null
    : "no longer has deletionPolicy Retain: deleting it would delete the data"
}

/**
 * Deletes the objects of these volume snapshots; the data in the storage stays. A content is looked at just
 * before its VolumeSnapshot is deleted, with which its driver would delete it, and again before it goes itself.
 */
const takeAway = (all: ReadonlyArray<BroughtCut>, at: At): Work =>
  Effect.gen(function* () {
    const kept = (cut: BroughtCut | undefined, content: VolumeSnapshotContent | null) => {
      const why = cut === undefined || content === null ? null : whyNot(at, cut, content)
      return why === null || cut === undefined
        ? null
        : `volumesnapshotcontent "${contentName(at, cut)}" ${why}; it is kept`
    }
    yield* removeOurs(
      at,
      all.map(({ as }) => snapshotTarget(at.fence.namespace, as)),
      ({ name }) => {
        const cut = all.find(({ as }) => as === name)
        return cut === undefined
          ? Effect.succeed(null)
          : Effect.map(readContent(contentName(at, cut)), (content) => kept(cut, content))
      }
    )
    const gone = yield* Effect.filter(all, ({ as }) =>
      Effect.map(readSnapshot(at.fence.namespace, as), (found) => found === null)
    )
    yield* removeOurs(
      at,
      gone.map((cut) => contentTarget(at, cut)),
      ({ name }, found) =>
        Effect.map(Resource.accept(kinds.volumesnapshotcontents, found), (content) =>
          kept(
            gone.find((cut) => contentName(at, cut) === name),
            content
          )
        )
    )
  })

/** A content is bound to one VolumeSnapshot for good: a pair from a previous run is deleted. */
const belong = (at: At, cut: BroughtCut): Work<boolean> =>
  Effect.gen(function* () {
    const found = yield* readSnapshot(at.fence.namespace, cut.as)
    const content = yield* readContent(contentName(at, cut))
    const bound = content?.spec.volumeSnapshotRef.uid ?? null
    if (found === null) return content === null || bound === null
    return content !== null && (bound === null || bound === found.metadata.uid)
  })

const bring = (at: At, cut: BroughtCut): Work =>
  Effect.gen(function* () {
    const { driver, handle, mode } = yield* sourceOf(at, cut)
    if (!(yield* belong(at, cut))) yield* takeAway([cut], at)
    const labels = { ...managedBy, [madeByAnnotation]: at.plan.id }
    const content = contentTarget(at, cut)
    yield* makeBeside(at, content, {
      metadata: { name: content.name, labels },
      spec: {
        deletionPolicy: "Retain",
        driver,
        source: { snapshotHandle: handle },
        ...(mode === null ? {} : { sourceVolumeMode: mode }),
        volumeSnapshotRef: { name: cut.as, namespace: at.fence.namespace }
      }
    })
    yield* makeBeside(at, snapshotTarget(at.fence.namespace, cut.as), {
      metadata: { name: cut.as, labels },
      spec: { source: { volumeSnapshotContentName: content.name } }
    })
  })

const access = (_: unknown, { namespace }: { readonly namespace: string }, { record }: Settings) => [
  ...rules("", "secrets", ["get"], record.namespace),
  ...rules("snapshot.storage.k8s.io", "volumesnapshots", ["get"], record.namespace),
  ...rules("snapshot.storage.k8s.io", "volumesnapshots", ["get", "create", "delete"], namespace),
  ...rules("snapshot.storage.k8s.io", "volumesnapshotcontents", ["get", "create", "delete"], null)
]

const plural = (cuts: ReadonlyArray<unknown>): string =>
  cuts.length === 1 ? "1 snapshot" : `${cuts.length} snapshots`

/** The volume snapshots can be restored in this namespace. */
export const BringCuts: StepKind<BringCuts, Settings> = {
  tag: "BringCuts",
  schema: BringSchema,
  describe: ({ cuts }, { namespace }) => `import ${plural(cuts)} into namespace ${namespace}`,
  access,
  rehearse: (step, at) =>
    assertRecorded(step, at).pipe(
      Effect.andThen(
        Effect.forEach(step.cuts, (cut) => sourceOf(at, cut), { concurrency: 16, discard: true })
      ),
      Effect.as([])
    ),
  perform: (step, at) =>
    Effect.gen(function* () {
      yield* assertRecorded(step, at)
      yield* Effect.forEach(step.cuts, (cut) => bring(at, cut), { concurrency: 8, discard: true })
      yield* untilReady(step, at)
    }),
  undo: ({ cuts }, at) => takeAway(cuts, at),
  undoAlone: ({ cuts }, at) => takeAway(cuts, at),
  outlives: (_, { namespace, plan }) =>
    Effect.map(
      Resource.list(kinds.volumesnapshotcontents, { labelSelector: `${madeByAnnotation}=${plan.id}` }),
      (contents) =>
        contents.flatMap(({ metadata, spec }) =>
          spec.volumeSnapshotRef.namespace === namespace ? [`volumesnapshotcontent ${metadata.name}`] : []
        )
    )
}

const ReturnSchema = Schema.TaggedStruct("ReturnCuts", { on, cuts: Schema.Array(BroughtCut) })

/** The imported objects are deleted again; the data in the storage stays. */
export const ReturnCuts: StepKind<typeof ReturnSchema.Type, Settings> = {
  tag: "ReturnCuts",
  schema: ReturnSchema,
  describe: ({ cuts }) => `delete the imported objects of ${plural(cuts)}`,
  access,
  rehearse: () => Effect.succeed([]),
  perform: ({ cuts }, at) => takeAway(cuts, at),
  undo: () => Effect.void
}
