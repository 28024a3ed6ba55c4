/**
 * The cuts of a set as the cluster shows them: each claim's snapshot, with its content, whether it was
 * made alone or as a member of a group. Of a group's members only contents tell when they were cut.
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

/** One claim's cut. */
export interface Cut {
  readonly claim: string
  /** The VolumeSnapshot; null: a member of a group that is not there yet. */
  readonly snapshot: string | null
  readonly content: string | null
  readonly contentUid: string | null
  /** What becomes of it with its VolumeSnapshot; null: its content may not be read, or is not there yet. */
  readonly deletionPolicy: string | null
  /** In the storage's own words. */
  readonly snapshotHandle: string | null
  readonly volumeHandle: string | null
  /** Nanoseconds since 1970, by the storage's clock; null: it does not say. */
  readonly cutAt: number | null
  /** Bytes. */
  readonly restoreSize: number | null
  readonly readyToUse: boolean
  /** Why it is not ready, where its controller says. */
  readonly error: string | null
  readonly group: string | null
  /** What proves that the application was quiesced for it; null: nothing does. */
  readonly proof: Proof | null
}

/** A content, and whether it is still that of a snapshot of ours. */
export interface OwnContent {
  readonly target: Resource.Target
  /** Null: it is not that snapshot's any more. */
  readonly look: Effect.Effect<Resource.KubeObject | null, ClusterError, Cluster>
}

type Look<A> = Effect.Effect<A, ClusterError, Cluster>
type At = StepContext

/**
 * Whether a cut can be restored from, and stays so. Controllers of groups write a member as ready, and as
 * not ready again from what they knew before (external-snapshotter 8.6): a VolumeSnapshot is ready for good
 * only where its content says so too.
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

/** Without the right to read contents what they alone tell is not known. */
const contentOf = (snapshot: VolumeSnapshot | null): Look<VolumeSnapshotContent | null> => {
  const name = snapshot?.status?.boundVolumeSnapshotContentName
  return (name ? readContent(name) : Effect.succeed(null)).pipe(
    Effect.catchReason("ClusterError", "Forbidden", () => Effect.succeed(null))
  )
}

/** What somebody else has deleted, or put in the place of ours, is no cut of the set, whatever it is called. */
const kept = <A extends { readonly metadata: VolumeSnapshot["metadata"] }>(
  at: At,
  found: A | null
): A | null =>
  found !== null && found.metadata.deletionTimestamp == null && isOurs(at.plan.id, found) ? found : null

/** The cuts that were made one by one. */
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

/** The cuts of a group: what its content says of each member, with the member's objects as far as they are there. */
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

/** What a level is judged by, over all cuts. */
export const judgedOf = (cuts: ReadonlyArray<Cut>): Judged => {
  const [first] = cuts
  return {
    skew: skewOf(cuts),
    isGroup: first !== undefined && cuts.every(({ group }) => group !== null),
    proof: cuts.every(({ proof }) => proof !== null) ? (first?.proof ?? null) : null
  }
}

/** Every cut that a plan makes, as it is now. */
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

/** The contents of the snapshots that were made one by one, and of the groups: those are there once they are cut. */
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

/** The contents of the groups' members: they are there only once the group is ready. */
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
