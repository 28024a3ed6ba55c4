/**
 * Snapshots of the app's claims, single ones and members of groups.
 */
import type { Claim } from "../../Claim.ts"
import { compareNames } from "../../NameOrder.ts"
import type { Lists } from "../observation.ts"
import type { VolumeSnapshot } from "../../Protection.ts"
import {
  type VolumeSnapshotContent,
  type VolumeSnapshot as VolumeSnapshotObject,
  groupOf
} from "../../kind/Snapshot.ts"
import { setLabel, levelAnnotation, recordLabel } from "../../Labels.ts"

/** The levels of the sets that are listed, by name. */
const levelsOf = ({ configmaps }: Pick<Lists, "configmaps">): ReadonlyMap<string, string> =>
  new Map(
    (configmaps ?? []).flatMap(({ metadata: { labels, annotations } }) => {
      const [set, level] = [labels?.[setLabel], annotations?.[levelAnnotation]]
      return labels?.[recordLabel] === undefined || set === undefined || level === undefined
        ? []
        : [[set, level] as const]
    })
  )

/**
 * True if both refer to each other (snapshot/v1 VolumeSnapshotStatus); `null` if contents could not be read.
 */
const isBound = (
  snapshot: VolumeSnapshotObject,
  content: VolumeSnapshotContent | undefined,
  readable: boolean
): boolean | null => {
  if (!readable) return null
  const { name, namespace, uid } = content?.spec.volumeSnapshotRef ?? {}
  return (
    content !== undefined &&
    name === snapshot.metadata.name &&
    namespace === snapshot.metadata.namespace &&
    uid === snapshot.metadata.uid
  )
}

/**
 * The snapshots of these claims, newest first within a claim; `null` if they could not be read.
 *
 * A snapshot of a group has a hash as its name: its claim is in its source, and if that is empty (the
 * controller did not find the volume then) the content's volume handle identifies it.
 */
export const observeSnapshots = (
  claims: ReadonlyArray<Claim>,
  lists: Pick<
    Lists,
    | "volumesnapshots"
    | "volumesnapshotcontents"
    | "volumesnapshotclasses"
    | "volumegroupsnapshots"
    | "configmaps"
  >
): ReadonlyArray<VolumeSnapshot> | null => {
  if (lists.volumesnapshots === null) return null
  const contents = new Map((lists.volumesnapshotcontents ?? []).map((one) => [one.metadata.name, one]))
  const classes = new Map((lists.volumesnapshotclasses ?? []).map((one) => [one.metadata.name, one]))
  const groups = new Map((lists.volumegroupsnapshots ?? []).map((one) => [one.metadata.name, one]))
  const levels = levelsOf(lists)
  const names = new Set(claims.map(({ name }) => name))
  const byHandle = new Map(
    claims.flatMap(({ name, volume }) => (volume?.handle ? [[volume.handle, name] as const] : []))
  )
  return lists.volumesnapshots
    .flatMap((snapshot): ReadonlyArray<VolumeSnapshot> => {
      const { metadata, spec, status } = snapshot
      const contentName = status?.boundVolumeSnapshotContentName
      const content = contentName ? contents.get(contentName) : undefined
      const claim =
        spec.source.persistentVolumeClaimName || byHandle.get(content?.spec.source.volumeHandle ?? "") || null
      if (claim === null || !names.has(claim)) return []
      const group = groupOf(snapshot)
      const set =
        metadata.labels?.[setLabel] ??
        (group === null ? undefined : groups.get(group)?.metadata.labels?.[setLabel]) ??
        null
      const snapshotClass = classes.get(spec.volumeSnapshotClassName ?? "")
      return [
        {
          name: metadata.name,
          uid: metadata.uid ?? "",
          claim,
          created: metadata.creationTimestamp ?? "",
          cut: status?.creationTime ?? null,
          readyToUse: status?.readyToUse === true,
          restoreSize: status?.restoreSize == null ? null : `${status.restoreSize}`,
          error:
            status?.error?.message ?? (status?.error ? "failed (no error message from the driver)" : null),
          class: spec.volumeSnapshotClassName || null,
          driver: content?.spec.driver ?? snapshotClass?.driver ?? null,
          deletionPolicy: content?.spec.deletionPolicy ?? null,
          group,
          set,
          level: set === null ? null : (levels.get(set) ?? null),
          bound: contentName ? isBound(snapshot, content, lists.volumesnapshotcontents !== null) : false
        }
      ]
    })
    .toSorted(
      (a, b) =>
        compareNames(a.claim ?? "", b.claim ?? "") ||
        compareNames(b.cut ?? b.created, a.cut ?? a.created) ||
        compareNames(a.name, b.name)
    )
}
