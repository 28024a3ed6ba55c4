/**
 * Which contents are a set's own, and may be deleted with it: pure over its record and what is there.
 *
 * A content is of the whole cluster, and its handle is data. It is the set's only if it is bound to a
 * VolumeSnapshot of the set, both ways, its driver, handle and uid are the record's, and no other content
 * carries that handle. One that a namespace which is gone has left behind is nobody's any more: it may go
 * without its data where the set has another one for the same cut.
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

/** The cut that a content stands for, in the storage's own words; null: not known yet. */
export const handleOf = ({ spec, status }: VolumeSnapshotContent): string | null =>
  status?.snapshotHandle ?? spec.source.snapshotHandle ?? null

/** The recorded cut that a content stands for; null: it stands for none of them. */
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

/** Whether an object of ours was made for a set, as its label says. */
export const isOfSet = (
  { labels }: { readonly labels?: Readonly<Record<string, string>> | null | undefined },
  set: string
): boolean => labels?.[setLabel] === set

/** Whether a VolumeSnapshot is one of a set's: recorded, and labelled so, or a member of a group that is (`labelled`). */
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

/** Why a content of a group may not be deleted with its members; null: it is the set's. */
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
  return stranger === undefined ? null : `content ${metadata.name} holds a cut that is not recorded`
}

/** What a content is judged by. */
export interface Ownership {
  readonly cuts: ReadonlyArray<RecordedCut>
  readonly contents: ReadonlyArray<VolumeSnapshotContent>
  /** Contents that go with it, by uid: those do not hold it. */
  readonly orphans: ReadonlyArray<string>
}

/** Why a snapshot's content may not be deleted with its data; null: it is the set's, and nobody else's. */
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
  if (cut === null) return `content ${name} holds another cut than the recorded one`
  if (cut.contentUid !== undefined && cut.contentUid !== uid) return `content ${name} was recreated since`
  const other = contents.find(
    (one) =>
      one.metadata.uid !== uid &&
      !orphans.includes(one.metadata.uid ?? "") &&
      one.spec.driver === content.spec.driver &&
      handleOf(one) === handleOf(content)
  )
  return other === undefined ? null : `content ${other.metadata.name} holds the same cut`
}
