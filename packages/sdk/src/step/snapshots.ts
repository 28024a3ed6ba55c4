/**
 * The VolumeSnapshots of one set: made, found again and removed by the operation that makes them, and
 * told apart from those of others by its mark.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { ObjectMeta } from "../kind/Meta.ts"
import type { VolumeSnapshot, VolumeSnapshotContent } from "../kind/Snapshot.ts"
import * as Fence from "../operation/Fence.ts"
import { because } from "../operation/OperationError.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import * as Resource from "../Resource.ts"
import { madeByAnnotation, setLabel } from "../Labels.ts"
import { noneLeft, type Unmet } from "../wait/condition.ts"
import { polled, until } from "../wait/until.ts"
import { claimsByName } from "./reclaimPolicy.ts"
import { byName } from "./templates.ts"
import { lost } from "./volumeOwner.ts"

type At = StepContext
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** A claim that is cut, by name and uid, with the volume that it has to have. */
export const CutClaim = Schema.Struct({
  claim: Schema.String,
  uid: Schema.String,
  volume: Schema.String,
  /** The volume's name in its storage; null: it could not be read. */
  handle: Schema.NullOr(Schema.String)
})
export type CutClaim = typeof CutClaim.Type

export const snapshotTarget = (namespace: string, name: string): Resource.Target => ({
  api: kinds.volumesnapshots,
  namespace,
  name
})

/** Null: there is none of this name. */
export const readSnapshot = (
  namespace: string,
  name: string
): Effect.Effect<VolumeSnapshot | null, ClusterError, Cluster> =>
  Resource.find(kinds.volumesnapshots, { namespace, name })

/** Null: there is none of this name. */
export const readContent = (
  name: string
): Effect.Effect<VolumeSnapshotContent | null, ClusterError, Cluster> =>
  Resource.find(kinds.volumesnapshotcontents, { name })

/** The labels by which what an operation makes is found again. */
export const labelsOf = (set: string, operation: string): Readonly<Record<string, string>> => ({
  "app.kubernetes.io/managed-by": "kubectl-stateful",
  [setLabel]: set,
  [madeByAnnotation]: operation
})

/** Whether this operation made it, as its label says. */
export const isOurs = (operation: string, object: { readonly metadata: object }): boolean => {
  const labels: unknown = Reflect.get(object.metadata, "labels")
  return Predicate.isObject(labels) && Reflect.get(labels, madeByAnnotation) === operation
}

/** The VolumeSnapshots of a namespace that this operation made, by name. */
export const ourSnapshots = (
  namespace: string,
  operation: string
): Effect.Effect<ReadonlyMap<string, VolumeSnapshot>, ClusterError, Cluster> =>
  Effect.map(
    Resource.list(kinds.volumesnapshots, { namespace, labelSelector: `${madeByAnnotation}=${operation}` }),
    byName
  )

/** Fails where a claim is no longer the planned one, or does not hold its volume. */
export const assertClaims = (at: At, claims: ReadonlyArray<CutClaim>): Work =>
  Effect.gen(function* () {
    const now = yield* claimsByName(
      at.fence.namespace,
      claims.map(({ claim }) => claim)
    )
    for (const own of claims) {
      const why = lost(own, now.get(own.claim) ?? null)
      if (why !== null) return yield* because("Changed", `${why}: nothing was cut`, "run the command again")
    }
  })

/** Makes an object that cannot carry the token, and takes it back where this caller was replaced meanwhile. */
export const makeBeside = (
  at: At,
  target: Resource.Target,
  value: object
): Effect.Effect<Resource.KubeObject, Failure, Cluster> =>
  Effect.flatMap(
    Fence.beside<Resource.KubeObject | null>(at.standing, {
      look: Resource.findObject(target),
      done: (found) => found !== null,
      write: () =>
        Resource.create(
          { api: target.api, ...(target.namespace === undefined ? {} : { namespace: target.namespace }) },
          value
        ),
      takeBack: (made, why) =>
        why === null || made === null ? Effect.succeed(null) : Effect.as(removeUnchanged(target, made), null)
    }),
    (found) =>
      found !== null && isOurs(at.plan.id, found)
        ? Effect.succeed(found)
        : Effect.fail(
            because(
              "Changed",
              `${target.api.kind.toLowerCase()} "${target.name}" already exists and does not belong to this operation`,
              "choose another --name, or check it and remove it"
            )
          )
  )

const removeUnchanged = (target: Resource.Target, { metadata }: Resource.KubeObject) =>
  Resource.remove(target, {
    ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
    ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion })
  })

export const policyOf = (object: Resource.KubeObject | null): unknown =>
  object === null ? null : Reflect.get(Object(Reflect.get(object, "spec")), "deletionPolicy")

/** The policy by which its driver deletes a cut, or keeps it. */
export const setPolicy = (
  at: At,
  target: Resource.Target,
  uid: string | null,
  to: "Delete" | "Retain"
): Work =>
  Effect.asVoid(
    Fence.beside<Resource.KubeObject | null>(at.standing, {
      look: Resource.findObject(target),
      done: (found) => found === null || found.metadata.uid !== uid || policyOf(found) === to,
      // Without its resourceVersion: the controller of a group that is not ready writes to it all the time.
      write: () =>
        Resource.patch(target, {
          _tag: "Json",
          operations: [
            { op: "test", path: "/metadata/uid", value: uid },
            { op: "replace", path: "/spec/deletionPolicy", value: to }
          ]
        })
    })
  )

/** How long what is deleted may take to go, and what is being cut to be cut before that, in milliseconds. */
const patience = 120_000

/**
 * Waits until contents are gone whose snapshots were deleted: the storage has the cuts until then. Only
 * those that go with their snapshots; without the right to read them nobody knows.
 */
export const untilContentsGone = (at: At, targets: ReadonlyArray<Resource.Target>): Work => {
  const look = (target: Resource.Target) =>
    Resource.getObject(target).pipe(
      Effect.map((found) => (policyOf(found) === "Delete" ? target : null)),
      Effect.catchIf(
        ({ reason }) => reason._tag === "NotFound" || reason._tag === "Forbidden",
        () => Effect.succeed(null)
      )
    )
  return Effect.asVoid(
    until(at, {
      views: polled(
        Effect.map(Effect.forEach(targets, look, { concurrency: 16 }), (all) =>
          all.flatMap((target) => (target === null ? [] : [target]))
        )
      ),
      until: noneLeft(({ api, name }: Resource.Target) => ({
        subject: { kind: api.kind, name },
        for: "its driver to delete it"
      })),
      limit: patience
    })
  )
}

/** What side-cars write on a content while their driver has not said how its cut ended (external-snapshotter 8.6). */
const beingCut = [
  "snapshot.storage.kubernetes.io/volumesnapshot-being-created",
  "groupsnapshot.storage.kubernetes.io/volumegroupsnapshot-being-created"
]

/** Whether the driver may yet make this cut, though it has failed: an error that is not final is tried again. */
export const isBeingCut = (content: { readonly metadata: ObjectMeta } | null): boolean =>
  beingCut.some((key) => content?.metadata.annotations?.[key] !== undefined)

/**
 * Waits until nothing is being cut, for a while: what is deleted while its driver cuts it stays until the
 * side-car looks at all contents again, which is every quarter of an hour (external-snapshotter 8.6).
 */
export const untilNoneUnderWay = (at: At, open: Work<ReadonlyArray<Unmet>>): Work =>
  until(at, { views: polled(open, 100), until: (unmet) => unmet, limit: patience, overall: true }).pipe(
    Effect.catchReason("OperationError", "TimedOut", () => Effect.void),
    Effect.asVoid
  )

/** The contents that these snapshots name. */
export const contentsOf = (snapshots: ReadonlyArray<VolumeSnapshot>): ReadonlyArray<Resource.Target> =>
  snapshots.flatMap(({ status }) => {
    const name = status?.boundVolumeSnapshotContentName
    return name ? [{ api: kinds.volumesnapshotcontents, name }] : []
  })

interface Standing {
  readonly target: Resource.Target
  readonly found: Resource.KubeObject
}

/**
 * Deletes those objects of these names that this operation made, and waits until they are gone. What has no
 * mark of it may be a stranger's, or its own without the mark: that stays, and is named.
 */
export const removeOurs = (at: At, targets: ReadonlyArray<Resource.Target>): Work =>
  Effect.gen(function* () {
    const look = (target: Resource.Target) =>
      Effect.map(Resource.findObject(target), (found) =>
        found !== null && isOurs(at.plan.id, found) ? found : null
      )
    yield* Effect.forEach(
      targets,
      (target) =>
        Fence.beside<Resource.KubeObject | null>(at.standing, {
          look: look(target),
          done: (found) => found === null || Reflect.get(found.metadata, "deletionTimestamp") !== undefined,
          write: (found) =>
            found === null ? Effect.succeed(null) : Effect.as(removeUnchanged(target, found), null)
        }),
      { concurrency: 16, discard: true }
    )
    const standing = Effect.forEach(
      targets,
      (target) =>
        Effect.map(Resource.findObject(target), (found) => (found === null ? [] : [{ target, found }])),
      { concurrency: 16 }
    )
    const unmet = noneLeft(({ target: { api, name } }: Standing) => ({
      subject: { kind: api.kind, name },
      for: "its deletion"
    }))
    const others = yield* until(at, {
      views: polled(Effect.map(standing, (all) => all.flat())),
      until: (all) => unmet(all.filter(({ found }) => isOurs(at.plan.id, found))),
      limit: patience
    })
    for (const { target } of others) {
      const title = `${target.api.kind.toLowerCase()} "${target.name}"`
      yield* at.report({
        _tag: "Note",
        message: `${title} stays: it has no mark of this operation; look at it`
      })
    }
  })

/** Deletes a VolumeSnapshot that this operation made, with its cut in the storage, whatever its class says of that. */
export const dropCut = (at: At, name: string): Work =>
  Effect.gen(function* () {
    const look = Effect.map(readSnapshot(at.fence.namespace, name), (found) =>
      found !== null && isOurs(at.plan.id, found) ? found : null
    )
    yield* untilNoneUnderWay(
      at,
      Effect.map(look, (found) => {
        const { creationTime, error } = found?.status ?? {}
        const isOpen = found !== null && creationTime == null && error == null
        return isOpen && !found.metadata.deletionTimestamp
          ? [{ subject: { kind: "VolumeSnapshot", name }, for: "its cut" }]
          : []
      })
    )
    const found = yield* look
    if (found === null) return
    const contents = contentsOf([found])
    for (const target of contents) {
      const content = yield* readContent(target.name)
      const isItsOwn = content !== null && content.spec.volumeSnapshotRef.uid === found.metadata.uid
      if (isItsOwn) yield* setPolicy(at, target, content.metadata.uid ?? null, "Delete")
    }
    yield* removeOurs(at, [snapshotTarget(at.fence.namespace, name)])
    yield* untilContentsGone(at, contents)
  })
