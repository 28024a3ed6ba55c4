/**
 * Imports volume snapshots of the storage into a namespace: for each a content under Retain, created with its
 * handle, and a VolumeSnapshot that names it.
 *
 * The author of a content makes the data of its handle readable for anyone who can use the VolumeSnapshot. So
 * a handle counts only if a live content of this namespace has it, or if the user trusts it explicitly, in
 * this run: a journal cannot say that, since anyone who can write ConfigMaps could have written it.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { VolumeSnapshotContent } from "../kind/Snapshot.ts"
import * as Fence from "../operation/Fence.ts"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import * as Resource from "../Resource.ts"
import { defaultStepTimeout, polled, until } from "../wait/until.ts"
import { handleOf } from "./cutOwner.ts"
import { isReady } from "./cuts.ts"
import {
  isOurs,
  labelsOf,
  makeBeside,
  readContent,
  readSnapshot,
  removeOurs,
  snapshotTarget,
  contentTarget
} from "./snapshots.ts"
import { counted } from "../Plural.ts"

type Settings = { readonly stepTimeout?: number }
type At = StepContext<Settings>
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** A volume snapshot of the storage, and the objects that are created for it. */
export const ProvisionedCut = Schema.Struct({
  claim: Schema.String,
  driver: Schema.String,
  handle: Schema.String,
  /** `Filesystem` or `Block`; `null` if unknown. */
  mode: Schema.NullOr(Schema.String),
  /** The VolumeSnapshot. */
  as: Schema.String,
  content: Schema.String
})
export type ProvisionedCut = typeof ProvisionedCut.Type

const ProvisionSchema = Schema.TaggedStruct("ProvisionCuts", {
  on,
  set: Schema.String,
  cuts: Schema.Array(ProvisionedCut)
})
type ProvisionCuts = typeof ProvisionSchema.Type

/** Contents with the same handle. */
export const sameCut = (
  { driver, handle }: Pick<ProvisionedCut, "driver" | "handle">,
  contents: ReadonlyArray<VolumeSnapshotContent>
): ReadonlyArray<VolumeSnapshotContent> =>
  contents.filter((content) => content.spec.driver === driver && handleOf(content) === handle)

/**
 * Fails if a volume snapshot belongs to another namespace, or has no known owner and is named only by a
 * journal.
 */
const assertOwn = (step: ProvisionCuts, at: At): Work =>
  Effect.gen(function* () {
    const contents = yield* Resource.list(kinds.volumesnapshotcontents)
    for (const cut of step.cuts) {
      const all = sameCut(cut, contents)
      const other = all.find(({ spec }) => spec.volumeSnapshotRef.namespace !== at.fence.namespace)
      if (other !== undefined) {
        return yield* because(
          "Changed",
          `content ${other.metadata.name} has the snapshot of ${cut.claim}, and belongs to another namespace than ${at.fence.namespace}`,
          "abort; its own namespace has that snapshot"
        )
      }
      if (all.length === 0 && at.isTakenUp) {
        return yield* because(
          "Mismatch",
          `no content in this cluster has the snapshot of ${cut.claim}, and the handle in a journal is not trusted`,
          "abort, and import the file again"
        )
      }
    }
  })

const make = (step: ProvisionCuts, at: At, { as, content, driver, handle, mode }: ProvisionedCut): Work =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    const labels = labelsOf(step.set, at.plan.id)
    yield* makeBeside(at, contentTarget(content), {
      metadata: { name: content, labels },
      spec: {
        deletionPolicy: "Retain",
        driver,
        source: { snapshotHandle: handle },
        ...(mode === null ? {} : { sourceVolumeMode: mode }),
        volumeSnapshotRef: { name: as, namespace }
      }
    })
    yield* makeBeside(at, snapshotTarget(namespace, as), {
      metadata: { name: as, labels },
      spec: { source: { volumeSnapshotContentName: content } }
    })
  })

const look = (step: ProvisionCuts, at: At) =>
  Effect.forEach(
    step.cuts,
    (cut) =>
      Effect.map(
        Effect.all([readSnapshot(at.fence.namespace, cut.as), readContent(cut.content)]),
        ([snapshot, content]) => ({ cut, snapshot, content })
      ),
    { concurrency: 16 }
  )

/** A storage that does not know the handle says so for good. */
const unknown = /not ?found|does not exist|no such/i

const untilReady = (step: ProvisionCuts, at: At): Work =>
  Effect.asVoid(
    until(at, {
      views: polled(look(step, at)),
      until: (all) =>
        all.flatMap(({ cut, snapshot, content }) =>
          content !== null && isReady(snapshot, content)
            ? []
            : [
                {
                  subject: { kind: "VolumeSnapshot", name: cut.as },
                  for: content?.status?.error?.message ?? "its driver to find the snapshot"
                }
              ]
        ),
      vain: (all) => {
        const failed = all.find(({ content }) => unknown.test(content?.status?.error?.message ?? ""))
        return failed === undefined
          ? null
          : because(
              "Changed",
              `the storage has no snapshot ${failed.cut.handle} for ${failed.cut.claim}: ${failed.content?.status?.error?.message ?? ""}`,
              "abort; the snapshot is not in this storage"
            )
      },
      limit: at.settings.stepTimeout ?? defaultStepTimeout
    })
  )

/** A content deletes nothing when it is removed, whatever policy another client has set since. */
const retain = (at: At, name: string): Work =>
  Effect.asVoid(
    Fence.beside<VolumeSnapshotContent | null>(at.standing, {
      look: readContent(name),
      done: (found) => found === null || !isOurs(at.plan.id, found) || found.spec.deletionPolicy === "Retain",
      write: (found) =>
        Effect.andThen(
          Resource.patch(contentTarget(name), {
            _tag: "Json",
            operations: [
              { op: "test", path: "/metadata/uid", value: found?.metadata.uid },
              { op: "replace", path: "/spec/deletionPolicy", value: "Retain" }
            ]
          }),
          readContent(name)
        )
    })
  )

const undo = (step: ProvisionCuts, at: At): Work =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    yield* Effect.forEach(step.cuts, ({ content }) => retain(at, content), { concurrency: 16, discard: true })
    yield* removeOurs(
      at,
      step.cuts.map(({ as }) => snapshotTarget(namespace, as))
    )
    yield* removeOurs(
      at,
      step.cuts.map(({ content }) => contentTarget(content))
    )
  })

/** Volume snapshots of the storage have VolumeSnapshots in this namespace. */
export const ProvisionCuts: StepKind<ProvisionCuts, Settings> = {
  tag: "ProvisionCuts",
  schema: ProvisionSchema,
  describe: ({ cuts }) =>
    `create a VolumeSnapshot and its content, with deletionPolicy Retain, for ${counted(cuts.length, "snapshot")} in the storage`,
  access: (_, { namespace }) => [
    ...rules("snapshot.storage.k8s.io", "volumesnapshots", ["get", "create", "delete"], namespace),
    ...rules(
      "snapshot.storage.k8s.io",
      "volumesnapshotcontents",
      ["get", "list", "create", "patch", "delete"],
      null
    )
  ],
  rehearse: (step, at) => Effect.as(assertOwn(step, at), []),
  perform: (step, at) =>
    Effect.gen(function* () {
      yield* assertOwn(step, at)
      yield* Effect.forEach(step.cuts, (cut) => make(step, at, cut), { concurrency: 16, discard: true })
      yield* untilReady(step, at)
    }),
  undo,
  undoAlone: undo
}
