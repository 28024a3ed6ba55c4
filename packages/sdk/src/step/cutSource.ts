/**
 * Which cut a claim may be filled from: a record is what somebody wrote into a Secret, and what it names has
 * to be so in the cluster.
 */
import { groupOf, type VolumeSnapshot, type VolumeSnapshotContent } from "../kind/Snapshot.ts"
import { isReady } from "./cuts.ts"
import type { RecordedCut } from "./record.ts"

/** A cut as a record has it, and the claim whose place it takes. */
export interface CutOf {
  readonly claim: string
  /** The VolumeSnapshot's name. */
  readonly snapshot: string
  /** In the storage's own words, as is the volume that was cut; null: the record does not say. */
  readonly handle: string | null
  readonly volumeHandle: string | null
  readonly driver: string
}

/**
 * The members of a group may come without the claim that they are of: then the volume tells. A content that
 * was made for a cut by its handle is of that cut: whoever makes contents has the right to.
 */
const isOfClaim = (
  { claim, handle, volumeHandle }: CutOf,
  { spec }: VolumeSnapshot,
  content: VolumeSnapshotContent | null
): boolean => {
  if (spec.source.persistentVolumeClaimName) return spec.source.persistentVolumeClaimName === claim
  const source = content?.spec.source
  return source?.snapshotHandle
    ? source.snapshotHandle === handle
    : volumeHandle !== null && source?.volumeHandle === volumeHandle
}

/** Why a claim cannot be filled from this cut; null: it can. */
export const notTheCut = (
  cut: CutOf,
  found: VolumeSnapshot | null,
  content: VolumeSnapshotContent | null
): string | null => {
  const { claim, snapshot, handle, driver } = cut
  const name = `volumesnapshot "${snapshot}"`
  if (found === null) return `${name} is gone`
  if (found.metadata.deletionTimestamp) return `${name} is being deleted`
  if (content === null) return `${name} has no content`
  if (!isOfClaim(cut, found, content)) {
    return `${name} is one of ${found.spec.source.persistentVolumeClaimName || "another volume"}, and not of ${claim}`
  }
  if (content.spec.volumeSnapshotRef.uid !== found.metadata.uid)
    return `${name} names a content that is another snapshot's`
  if (content.spec.driver !== driver)
    return `${name} is of driver ${content.spec.driver}, and not of ${driver}`
  if (handle !== null && content.status?.snapshotHandle !== handle)
    return `${name} holds another cut than the recorded one`
  return isReady(found, content) ? null : `${name} is not ready to use`
}

/** Contents by their names. */
export type Contents = ReadonlyMap<string, VolumeSnapshotContent>

/** The content that a VolumeSnapshot names; null: there is none. */
export const contentOf = (found: VolumeSnapshot | null, contents: Contents): VolumeSnapshotContent | null =>
  contents.get(found?.status?.boundVolumeSnapshotContentName ?? "") ?? null

/** The VolumeSnapshot of a recorded cut: by name, or as the member of its group that is of its claim. */
export const snapshotOf = (
  { claim, snapshot, group, volumeHandle }: RecordedCut,
  snapshots: ReadonlyArray<VolumeSnapshot>,
  contents: Contents
): VolumeSnapshot | null => {
  if (snapshot !== null) return snapshots.find(({ metadata }) => metadata.name === snapshot) ?? null
  const members = group === null ? [] : snapshots.filter((one) => groupOf(one) === group)
  const isMember = (one: VolumeSnapshot): boolean =>
    one.spec.source.persistentVolumeClaimName
      ? one.spec.source.persistentVolumeClaimName === claim
      : volumeHandle !== null && contentOf(one, contents)?.spec.source.volumeHandle === volumeHandle
  return members.find(isMember) ?? null
}

/** Why a recorded cut cannot be restored from; null: it can. */
export const whyNot = (cut: RecordedCut, found: VolumeSnapshot | null, contents: Contents): string | null => {
  const { claim, snapshotHandle: handle, volumeHandle, driver } = cut
  if (found === null && cut.snapshot === null) return `its member of group ${cut.group ?? ""} is gone`
  const snapshot = found?.metadata.name ?? cut.snapshot ?? ""
  return notTheCut({ claim, snapshot, handle, volumeHandle, driver }, found, contentOf(found, contents))
}
