/**
 * The live volume snapshots of a snapshot: each claim's VolumeSnapshot, with its content, whether it was
 * taken separately or in a group. For those of a group only contents have the time.
 */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import type { VolumeSnapshot, VolumeSnapshotContent } from "../kind/Snapshot.ts"
import type { StepContext } from "../operation/StepContext.ts"
import { kinds, volumeGroupSnapshotContents } from "../Kind.ts"
import * as Resource from "../Resource.ts"
import { type Group, groupsOf, membersOf, readGroup, readGroupContent } from "./cutGroup.ts"
import { singlesOf } from "./cutVolumes.ts"
import { type Judged, type Proof, proofIn, skewOf } from "./record.ts"
import { type CutClaim, isOurs, readContent, readSnapshot } from "./snapshots.ts"

/** One claim's volume snapshot. */
export interface Cut {
  readonly claim: string
  /** The VolumeSnapshot; `null` if it is one of a group's and does not exist yet. */
  readonly snapshot: string | null
  readonly content: string | null
  readonly contentUid: string | null
  /** The deletionPolicy of its content; `null` if that cannot be read, or does not exist yet. */
  readonly deletionPolicy: string | null
  /** In the storage's own words. */
  readonly snapshotHandle: string | null
  readonly volumeHandle: string | null
  /** Nanoseconds since 1970, by the storage's clock; `null` if unknown. */
  readonly cutAt: number | null
  /** Bytes. */
  readonly restoreSize: number | null
  readonly readyToUse: boolean
  /** Reason that it is not ready, if its controller reports one. */
  readonly error: string | null
  readonly group: string | null
  /** The proof that the application was quiesced; `null` without one. */
  readonly proof: Proof | null
}

/** A content, and whether it is still that of a snapshot of ours. */
export interface OwnContent {
  readonly target: Resource.Target
  /** `null` if it no longer belongs to that snapshot. */
  readonly look: Effect.Effect<Resource.KubeObject | null, ClusterError, Cluster>
}

type Look<A> = Effect.Effect<A, ClusterError, Cluster>
type At = StepContext

/**
 * True if a volume snapshot can be restored, and stays so. Group controllers can write one as ready, and
 * then from stale data as not ready (external-snapshotter 8.6): a VolumeSnapshot is ready for good only if
 * its content is ready too.
 */
export const isReady = (snapshot: VolumeSnapshot | null, content: VolumeSnapshotContent | null): boolean =>
  snapshot?.status?.readyToUse === true && (content === null || content.status?.readyToUse === true)

const cutOf = (
  claim: string,
  snapshot: VolumeSnapshot | null,
  content: VolumeSnapshotContent | null,
  group: { readonly name: string; readonly isReady: boolean } | null,
  proof: Proof | null
): Cut => ({
  claim,
  snapshot: snapshot?.metadata.name ?? null,
  content: content?.metadata.name ?? null,
  contentUid: content?.metadata.uid ?? null,
  deletionPolicy: content?.spec.deletionPolicy ?? null,
  snapshotHandle: content?.status?.snapshotHandle ?? null,
  volumeHandle: content?.spec.source.volumeHandle ?? null,
  cutAt: content?.status?.creationTime ?? null,
  restoreSize: content?.status?.restoreSize ?? null,
  readyToUse: isReady(snapshot, content) && (group === null || group.isReady),
  error: snapshot?.status?.error?.message ?? null,
  group: group?.name ?? null,
  proof
})

/** Without permission to read contents, their fields are unknown. */
const contentOf = (snapshot: VolumeSnapshot | null): Look<VolumeSnapshotContent | null> => {
  const name = snapshot?.status?.boundVolumeSnapshotContentName
  return (name ? readContent(name) : Effect.succeed(null)).pipe(
    Effect.catchReason("ClusterError", "Forbidden", () => Effect.succeed(null))
  )
}

/** An object that another client deleted or replaced does not belong to the snapshot, whatever its name. */
const kept = <A extends { readonly metadata: VolumeSnapshot["metadata"] }>(
  at: At,
  found: A | null
): A | null =>
  found !== null && found.metadata.deletionTimestamp == null && isOurs(at.plan.id, found) ? found : null

/** The volume snapshots that were taken separately. */
const singles = (at: At): Look<ReadonlyArray<Cut>> =>
  Effect.forEach(
    singlesOf(at.plan),
    ({ claim, as }) =>
      Effect.gen(function* () {
        const found = kept(at, yield* readSnapshot(at.fence.namespace, as))
        const snapshot = found?.spec.source.persistentVolumeClaimName === claim ? found : null
        return cutOf(claim, snapshot, yield* contentOf(snapshot), null, proofIn(snapshot, at.plan.id))
      }),
    { concurrency: 16 }
  )

const claimOf = (claims: ReadonlyArray<CutClaim>, handle: string | null | undefined): string | null =>
  claims.find((claim) => claim.handle !== null && claim.handle === handle)?.claim ?? null

const isMemberOf = (
  group: { readonly metadata: VolumeSnapshot["metadata"] } | null,
  { metadata }: VolumeSnapshot
) =>
  group?.metadata.uid != null &&
  metadata.ownerReferences?.some(({ uid }) => uid === group.metadata.uid) === true

/** The volume snapshots of a group: from its content, with the objects that exist already. */
const grouped = (at: At, step: Group): Look<ReadonlyArray<Cut>> =>
  Effect.gen(function* () {
    const group = kept(at, yield* readGroup(step, at.fence.namespace))
    const name = group?.status?.boundVolumeGroupSnapshotContentName
    const content = name ? yield* readGroupContent(step, name) : null
    const all = yield* membersOf(step, at.fence.namespace)
    const members = yield* Effect.forEach(
      all.filter((snapshot) => isMemberOf(group, snapshot) && snapshot.metadata.deletionTimestamp == null),
      (snapshot) => Effect.map(contentOf(snapshot), (own) => ({ snapshot, own })),
      { concurrency: 16 }
    )
    return step.claims.map(({ claim, handle }): Cut => {
      const member = members.find(
        ({ snapshot, own }) =>
          snapshot.spec.source.persistentVolumeClaimName === claim ||
          claimOf(step.claims, own?.spec.source.volumeHandle) === claim
      )
      const info = content?.status?.volumeSnapshotInfoList?.find(
        ({ volumeHandle }) => volumeHandle === handle
      )
      const of = { name: step.as, isReady: group?.status?.readyToUse === true }
      const proof = proofIn(group, at.plan.id)
      const cut = cutOf(claim, member?.snapshot ?? null, member?.own ?? null, of, proof)
      return {
        ...cut,
        group: group === null ? null : cut.group,
        snapshotHandle: info?.snapshotHandle ?? cut.snapshotHandle,
        volumeHandle: handle,
        cutAt: info?.creationTime ?? cut.cutAt,
        restoreSize: info?.restoreSize ?? cut.restoreSize
      }
    })
  })

/** The facts that decide the level, over all volume snapshots. */
export const judgedOf = (cuts: ReadonlyArray<Cut>): Judged => {
  const [first] = cuts
  return {
    skew: skewOf(cuts),
    isGroup: first !== undefined && cuts.every(({ group }) => group !== null),
    proof: cuts.every(({ proof }) => proof !== null) ? (first?.proof ?? null) : null
  }
}

/** Every volume snapshot of a plan, as it is now. */
export const cutsOf = (at: At): Look<ReadonlyArray<Cut>> =>
  Effect.map(
    Effect.all([singles(at), Effect.forEach(groupsOf(at.plan), (step) => grouped(at, step))]),
    ([alone, together]) => [...alone, ...together.flat()]
  )

const refersTo = (object: unknown, field: string, uid: string | null | undefined): boolean => {
  const spec: unknown = Reflect.get(Object(object), "spec")
  const ref: unknown = Reflect.get(Object(spec), field)
  return uid != null && Reflect.get(Object(ref), "uid") === uid
}

/** The contents of the separate snapshots, and of the groups: those exist once they are taken. */
export const ownContents = (at: At): Look<ReadonlyArray<OwnContent>> =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    const alone = yield* Effect.forEach(
      singlesOf(at.plan),
      ({ as }) =>
        Effect.map(readSnapshot(namespace, as), (snapshot): ReadonlyArray<OwnContent> => {
          const name = snapshot?.status?.boundVolumeSnapshotContentName
          if (snapshot === null || !name || !isOurs(at.plan.id, snapshot)) return []
          const target = { api: kinds.volumesnapshotcontents, name }
          return [{ target, look: heldBy(target, "volumeSnapshotRef", snapshot.metadata.uid) }]
        }),
      { concurrency: 16 }
    )
    const groups = yield* Effect.forEach(groupsOf(at.plan), (step) =>
      Effect.map(readGroup(step, namespace), (group): ReadonlyArray<OwnContent> => {
        const name = group?.status?.boundVolumeGroupSnapshotContentName
        if (group === null || !name || !isOurs(at.plan.id, group)) return []
        const target = { api: { ...volumeGroupSnapshotContents, version: step.version }, name }
        return [{ target, look: heldBy(target, "volumeGroupSnapshotRef", group.metadata.uid) }]
      })
    )
    return [...alone.flat(), ...groups.flat()]
  })

/** The contents of the groups' snapshots: they exist only once the group is ready. */
export const memberContents = (at: At): Look<ReadonlyArray<OwnContent>> =>
  Effect.map(
    Effect.forEach(groupsOf(at.plan), (step) =>
      Effect.gen(function* () {
        const group = yield* readGroup(step, at.fence.namespace)
        if (group === null || !isOurs(at.plan.id, group)) return []
        const members = yield* membersOf(step, at.fence.namespace)
        return members.flatMap((snapshot): ReadonlyArray<OwnContent> => {
          const name = snapshot.status?.boundVolumeSnapshotContentName
          if (!name || !isMemberOf(group, snapshot)) return []
          const target = { api: kinds.volumesnapshotcontents, name }
          return [{ target, look: heldBy(target, "volumeSnapshotRef", snapshot.metadata.uid) }]
        })
      })
    ),
    (all) => all.flat()
  )

const heldBy = (
  target: Resource.Target,
  field: string,
  uid: string | null | undefined
): Look<Resource.KubeObject | null> =>
  Effect.map(Resource.findObject(target), (object) =>
    object !== null && refersTo(object, field, uid) ? object : null
  )
