/**
 * The contents that belong to a snapshot, and may be deleted with it: pure over its record and the live
 * objects.
 *
 * A content is cluster-scoped, and its handle is data. It belongs to the snapshot only if it and a
 * VolumeSnapshot of the snapshot refer to each other, its driver, handle and uid are the recorded ones, and
 * no other content has that handle. A content left by a deleted namespace is an orphan: it may be deleted
 * without its data if the snapshot has another content for the same handle.
 */
import {
  groupOf,
  type VolumeGroupSnapshotContent,
  type VolumeSnapshot,
  type VolumeSnapshotContent
} from "../kind/Snapshot.ts"
import { setLabel } from "../Labels.ts"
import { snapshotOf } from "./cutSource.ts"
import type { RecordedCut } from "./record.ts"

/** The snapshot handle of a content in its storage; `null` if it is not known yet. */
export const handleOf = ({ spec, status }: VolumeSnapshotContent): string | null =>
  status?.snapshotHandle ?? spec.source.snapshotHandle ?? null

/** The recorded volume snapshot of a content; `null` if there is none. */
export const recordedAs = (
  content: VolumeSnapshotContent,
  cuts: ReadonlyArray<RecordedCut>
): RecordedCut | null =>
  cuts.find(
    ({ driver, snapshotHandle }) =>
      snapshotHandle !== null && driver === content.spec.driver && snapshotHandle === handleOf(content)
  ) ?? null

/**
 * A content that a deleted namespace left behind: under Retain, of this namespace, and bound to a
 * VolumeSnapshot that is gone.
 */
export const isOrphan = (
  { spec }: VolumeSnapshotContent,
  namespace: string,
  snapshots: ReadonlyArray<VolumeSnapshot>
): boolean => {
  const { namespace: of, uid } = spec.volumeSnapshotRef
  return (
    of === namespace &&
    spec.deletionPolicy === "Retain" &&
    Boolean(uid) &&
    !snapshots.some(({ metadata }) => metadata.uid === uid)
  )
}

/** The same of a group's content, all of whose members are of the record. */
export const isOrphanGroup = (
  { spec, status }: VolumeGroupSnapshotContent,
  namespace: string,
  cuts: ReadonlyArray<RecordedCut>,
  groups: ReadonlyArray<string>
): boolean => {
  const { namespace: of, uid } = spec.volumeGroupSnapshotRef
  const members = status?.volumeSnapshotInfoList ?? []
  return (
    of === namespace &&
    Boolean(uid) &&
    !groups.includes(uid ?? "") &&
    members.length > 0 &&
    members.every(({ snapshotHandle }) =>
      cuts.some(
        (cut) => cut.driver === spec.driver && cut.snapshotHandle === snapshotHandle && snapshotHandle != null
      )
    )
  )
}

/** True if the label of an object says that it was created for the snapshot. */
export const isOfSet = (
  { labels }: { readonly labels?: Readonly<Record<string, string>> | null | undefined },
  set: string
): boolean => labels?.[setLabel] === set

/**
 * True if a VolumeSnapshot is one of the snapshot's: recorded, and either labelled itself or part of a
 * labelled group (`labelled`).
 */
export const isRecorded = (
  snapshot: VolumeSnapshot,
  {
    cuts,
    contents,
    set,
    labelled
  }: {
    readonly cuts: ReadonlyArray<RecordedCut>
    readonly contents: ReadonlyArray<VolumeSnapshotContent>
    readonly set: string
    readonly labelled: ReadonlyArray<string>
  }
): boolean => {
  const byName = new Map(contents.map((one) => [one.metadata.name, one]))
  const group = groupOf(snapshot)
  const isNamed = isOfSet(snapshot.metadata, set) || (group !== null && labelled.includes(group))
  return isNamed && cuts.some((cut) => snapshotOf(cut, [snapshot], byName) !== null)
}

/**
 * Reason that a group's content must not be deleted with its volume snapshots; `null` if it belongs to the
 * snapshot.
 */
export const foreignGroup = (
  { name, uid }: { readonly name: string; readonly uid: string },
  { metadata, spec, status }: VolumeGroupSnapshotContent,
  cuts: ReadonlyArray<RecordedCut>
): string | null => {
  if (spec.volumeGroupSnapshotRef.uid !== uid) return `content ${metadata.name} is not that of group ${name}`
  const stranger = (status?.volumeSnapshotInfoList ?? []).find(
    ({ snapshotHandle }) =>
      !cuts.some((cut) => cut.driver === spec.driver && cut.snapshotHandle === snapshotHandle)
  )
  return stranger === undefined ? null : `content ${metadata.name} has a snapshot handle that is not recorded`
}

/** The facts that decide who owns a content. */
export interface Ownership {
  readonly cuts: ReadonlyArray<RecordedCut>
  readonly contents: ReadonlyArray<VolumeSnapshotContent>
  /** Contents that go with it, by uid: those do not hold it. */
  readonly orphans: ReadonlyArray<string>
}

/** Reason that a content must not be deleted with its data; `null` if it belongs only to the snapshot. */
export const foreign = (
  content: VolumeSnapshotContent,
  snapshot: { readonly name: string; readonly uid: string },
  { cuts, contents, orphans }: Ownership
): string | null => {
  const { name, uid } = content.metadata
  if (content.spec.volumeSnapshotRef.uid !== snapshot.uid) {
    return `content ${name} is not that of snapshot ${snapshot.name}`
  }
  const cut = recordedAs(content, cuts)
  if (cut === null) return `content ${name} has another snapshot handle than the recorded one`
  if (cut.contentUid !== undefined && cut.contentUid !== uid) return `content ${name} was recreated since`
  const other = contents.find(
    (one) =>
      one.metadata.uid !== uid &&
      !orphans.includes(one.metadata.uid ?? "") &&
      one.spec.driver === content.spec.driver &&
      handleOf(one) === handleOf(content)
  )
  return other === undefined ? null : `content ${other.metadata.name} has the same snapshot handle`
}
