/**
 * The VolumeSnapshots of one snapshot: created, found again and deleted by the operation that creates them,
 * and distinguished from others by its label.
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
import { madeByAnnotation, setLabel, managedBy } from "../Labels.ts"
import { noneLeft, type Unmet } from "../wait/condition.ts"
import { polled, until } from "../wait/until.ts"
import { claimsByName } from "./reclaimPolicy.ts"
import { byName } from "./templates.ts"
import { lost } from "./volumeOwner.ts"
import { fieldAt } from "../resource/KubeObject.ts"

type At = StepContext
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** A claim of the snapshot, by name and uid, with its expected volume. */
export const CutClaim = Schema.Struct({
  claim: Schema.String,
  uid: Schema.String,
  volume: Schema.String,
  /** The volume's handle in its storage; `null` if it could not be read. */
  handle: Schema.NullOr(Schema.String)
})
export type CutClaim = typeof CutClaim.Type

export const snapshotTarget = (namespace: string, name: string): Resource.Target => ({
  api: kinds.volumesnapshots,
  namespace,
  name
})

export const contentTarget = (name: string): Resource.Target => ({ api: kinds.volumesnapshotcontents, name })

/** `null` if there is none of this name. */
export const readSnapshot = (
  namespace: string,
  name: string
): Effect.Effect<VolumeSnapshot | null, ClusterError, Cluster> =>
  Resource.find(kinds.volumesnapshots, { namespace, name })

/** `null` if there is none of this name. */
export const readContent = (
  name: string
): Effect.Effect<VolumeSnapshotContent | null, ClusterError, Cluster> =>
  Resource.find(kinds.volumesnapshotcontents, { name })

/** The labels by which an operation finds the objects that it created. */
export const labelsOf = (set: string, operation: string): Readonly<Record<string, string>> => ({
  ...managedBy,
  [setLabel]: set,
  [madeByAnnotation]: operation
})

/** True if this operation created it, as its label says. */
export const isOurs = (operation: string, object: { readonly metadata: object }): boolean => {
  const labels: unknown = Reflect.get(object.metadata, "labels")
  return Predicate.isObject(labels) && Reflect.get(labels, madeByAnnotation) === operation
}

/** The VolumeSnapshots of a namespace that this operation created, by name. */
export const ourSnapshots = (
  namespace: string,
  operation: string
): Effect.Effect<ReadonlyMap<string, VolumeSnapshot>, ClusterError, Cluster> =>
  Effect.map(
    Resource.list(kinds.volumesnapshots, { namespace, labelSelector: `${madeByAnnotation}=${operation}` }),
    byName
  )

/** Fails if a claim is no longer the planned one, or no longer has its volume. */
export const assertClaims = (at: At, claims: ReadonlyArray<CutClaim>): Work =>
  Effect.gen(function* () {
    const now = yield* claimsByName(
      at.fence.namespace,
      claims.map(({ claim }) => claim)
    )
    for (const own of claims) {
      const why = lost(own, now.get(own.claim) ?? null)
      if (why !== null)
        return yield* because("Changed", `${why}: no snapshot was taken`, "run the command again")
    }
  })

/**
 * Creates an object that cannot carry the token, and deletes it again if this process was replaced in the
 * meantime.
 */
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
  Resource.remove(target, Resource.asRead(metadata))

export const policyOf = (object: Resource.KubeObject | null): unknown =>
  object === null ? null : fieldAt(object, "spec", "deletionPolicy")

/** The policy by which the driver deletes the data of a volume snapshot, or keeps it. */
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

/** Time that deletions may take, and before that snapshots in progress, in milliseconds. */
const patience = 120_000

/**
 * Waits until the contents of deleted snapshots are deleted: until then the data is in the storage. Only
 * contents that are deleted with their snapshots; without permission to read them it is unknown.
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

/**
 * Annotations of sidecars on a content while its driver has not reported the outcome (external-snapshotter
 * 8.6).
 */
const beingCut = [
  "snapshot.storage.kubernetes.io/volumesnapshot-being-created",
  "groupsnapshot.storage.kubernetes.io/volumegroupsnapshot-being-created"
]

/**
 * True if the driver may still take this snapshot, although it has failed: an error that is not final is
 * retried.
 */
export const isBeingCut = (content: { readonly metadata: ObjectMeta } | null): boolean =>
  beingCut.some((key) => content?.metadata.annotations?.[key] !== undefined)

/**
 * The content of a VolumeSnapshot, by the name that its controller gives it. `null` if there is none, or it
 * cannot be read.
 */
export const contentFor = (uid: string | null | undefined): Work<VolumeSnapshotContent | null> =>
  uid == null
    ? Effect.succeed(null)
    : readContent(`snapcontent-${uid}`).pipe(
        Effect.map((content) => (content?.spec.volumeSnapshotRef.uid === uid ? content : null)),
        Effect.catchReason("ClusterError", "Forbidden", () => Effect.succeed(null))
      )

/** What a snapshot waits for that is taken, and whose sidecar has not said so. */
export const unconfirmed = "its driver to confirm it"

/**
 * True if the driver may still take it: until it is taken; then, or after an error, until the sidecar has taken
 * off its own annotation. One that is deleted before that is deleted at the sidecar's next resync.
 */
export const isUnderWay = ({ metadata, status }: VolumeSnapshot): Work<boolean> => {
  if (metadata.deletionTimestamp) return Effect.succeed(false)
  const isSaid = status?.creationTime != null || status?.readyToUse === true || status?.error != null
  return isSaid ? Effect.map(contentFor(metadata.uid), isBeingCut) : Effect.succeed(true)
}

/**
 * Waits for a limited time until no snapshot is in progress: one that is deleted while its driver takes it
 * stays until the sidecar's next resync, every 15 minutes (external-snapshotter 8.6).
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

const isGoing = ({ metadata }: Resource.KubeObject): boolean =>
  Reflect.get(metadata, "deletionTimestamp") !== undefined

interface Standing {
  readonly target: Resource.Target
  readonly found: Resource.KubeObject
}

/**
 * Deletes the objects of these names that this operation created, and waits until they are gone. One without
 * its label may be another client's, or its own without the label: it is kept, and named; as is one that
 * `kept` has a reason for, which is asked as late as possible.
 */
export const removeOurs = (
  at: At,
  targets: ReadonlyArray<Resource.Target>,
  kept: (
    target: Resource.Target,
    found: Resource.KubeObject
  ) => Effect.Effect<string | null, ClusterError, Cluster> = () => Effect.succeed(null)
): Work =>
  Effect.gen(function* () {
    const held = new Set<string>()
    const look = (target: Resource.Target) =>
      Effect.gen(function* () {
        const found = yield* Resource.findObject(target)
        if (found === null || !isOurs(at.plan.id, found)) return null
        const why = isGoing(found) ? null : yield* kept(target, found)
        if (why === null) return found
        held.add(target.name)
        yield* at.fallShort(why)
        return null
      })
    yield* Effect.forEach(
      targets,
      (target) =>
        Fence.beside<Resource.KubeObject | null>(at.standing, {
          look: look(target),
          done: (found) => found === null || isGoing(found),
          write: (found) =>
            found === null ? Effect.succeed(null) : Effect.as(removeUnchanged(target, found), null)
        }),
      { concurrency: 16, discard: true }
    )
    const standing = Effect.forEach(
      targets.filter(({ name }) => !held.has(name)),
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
        message: `${title} is kept: it is not marked as created by this operation; check it`
      })
    }
  })
