/**
 * The volume snapshot that a claim may be filled from: a record could have been written by anyone who can
 * write Secrets, so what it names must be true in the cluster.
 */
import { groupOf, type VolumeSnapshot, type VolumeSnapshotContent } from "../kind/Snapshot.ts"
import { isReady } from "./cuts.ts"
import { cutName, type RecordedCut } from "./record.ts"

/** A recorded volume snapshot, and the claim that it replaces. */
export interface CutOf {
  readonly claim: string
  /** The VolumeSnapshot's name. */
  readonly snapshot: string
  /**
   * The handle of the volume snapshot in its storage, and that of its volume; `null` if the record has
   * none.
   */
  readonly handle: string | null
  readonly volumeHandle: string | null
  readonly driver: string
}

/**
 * The volume snapshots of a group may not name their claim: then the volume identifies it. A content that
 * was created from a handle counts for that handle: creating contents takes permission.
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

/** Reason that a claim cannot be filled from this volume snapshot; `null` if it can. */
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
    return `${name} is one of ${found.spec.source.persistentVolumeClaimName || "another volume"}, not of ${claim}`
  }
  if (content.spec.volumeSnapshotRef.uid !== found.metadata.uid)
    return `${name} names a content that is another snapshot's`
  if (content.spec.driver !== driver)
    return `${name} is of driver ${content.spec.driver}, and not of ${driver}`
  if (handle !== null && content.status?.snapshotHandle !== handle)
    return `${name} has another snapshot handle than the recorded one`
  return isReady(found, content) ? null : `${name} is not ready to use`
}

/** Contents by their names. */
export type Contents = ReadonlyMap<string, VolumeSnapshotContent>

/** The content that a VolumeSnapshot names; `null` if there is none. */
export const contentOf = (found: VolumeSnapshot | null, contents: Contents): VolumeSnapshotContent | null =>
  contents.get(found?.status?.boundVolumeSnapshotContentName ?? "") ?? null

/** The VolumeSnapshot of a recorded one: by name, or as the one of its group for its claim. */
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

/**
 * Reason that a VolumeSnapshot does not belong to this snapshot, by its own name or its group's: what is said
 * of it could have been written by anyone.
 */
export const notOf = (set: string, claim: string, found: VolumeSnapshot | null): string | null =>
  found === null || found.metadata.name === cutName(set, claim) || groupOf(found) === set
    ? null
    : `volumesnapshot "${found.metadata.name}" was not created for snapshot ${set}`

/** Reason that a recorded volume snapshot of this snapshot cannot be restored; `null` if it can. */
export const whyNot = (
  set: string,
  cut: RecordedCut,
  found: VolumeSnapshot | null,
  contents: Contents
): string | null => {
  const { claim, snapshotHandle: handle, volumeHandle, driver } = cut
  if (found === null && cut.snapshot === null) return `its snapshot of group ${cut.group ?? ""} was deleted`
  const snapshot = found?.metadata.name ?? cut.snapshot ?? ""
  const why = notTheCut({ claim, snapshot, handle, volumeHandle, driver }, found, contentOf(found, contents))
  return notOf(set, claim, found) ?? why
}
