/** The plan to delete one snapshot: pure over its record's summary and the live objects. */
import type {
  VolumeGroupSnapshot,
  VolumeGroupSnapshotContent,
  VolumeSnapshot,
  VolumeSnapshotContent
} from "../kind/Snapshot.ts"
import { make } from "../operation/Step.ts"
import type { Refusal } from "../operation/Plan.ts"
import { foreign, isOfSet, isOrphan, isOrphanGroup, isRecorded, recordedAs } from "../step/cutOwner.ts"
import { contentOf, snapshotOf } from "../step/cutSource.ts"
import { DeleteRecord, type DeleteSet as DeleteSetStep, DeleteSet } from "../step/deleteSet.ts"
import type { Summary } from "../step/record.ts"
import type { Part } from "../step/recordWrite.ts"
import { recordName } from "../RecordName.ts"
import { type PrunePlan, pruneVerb } from "./pruneVerb.ts"

/** The live objects of a snapshot. */
export interface Found {
  readonly summary: Summary
  /** The uid of the list's ConfigMap. */
  readonly listed: string
  /** The record's Secrets: the first, and the further ones; `null` if they cannot be read. */
  readonly record: {
    readonly uid: string
    readonly madeBy: string
    readonly parts: ReadonlyArray<Part>
  } | null
  readonly snapshots: ReadonlyArray<VolumeSnapshot>
  readonly contents: ReadonlyArray<VolumeSnapshotContent>
  readonly groups: ReadonlyArray<VolumeGroupSnapshot>
  readonly groupContents: ReadonlyArray<VolumeGroupSnapshotContent>
  /** The version in which groups are served; `null` if they are not. */
  readonly version: string | null
  /** Its users: claims that are being filled from it, and unfinished operations. */
  readonly inUse: ReadonlyArray<string>
  /** True if it is the newest complete one of its application. */
  readonly isLast: boolean
}

export interface PrunePlanOptions {
  /** True to delete it even if it is the newest complete one of its application. Default false. */
  readonly last?: boolean
}

type Steps = Omit<DeleteSetStep, "_tag" | "on" | "set" | "parts" | "listed">

const uidOf = ({ metadata }: { readonly metadata: { readonly uid?: string | null | undefined } }): string =>
  metadata.uid ?? ""

const groupsOf = ({ summary, groups, groupContents, version }: Found): Steps["groups"] =>
  version === null
    ? []
    : groups
        .filter(({ metadata }) => summary.cuts.some(({ group }) => group === metadata.name))
        .map((group) => {
          const name = group.status?.boundVolumeGroupSnapshotContentName ?? null
          const content = groupContents.find(({ metadata }) => metadata.name === name)
          return {
            name: group.metadata.name,
            uid: uidOf(group),
            content: content?.metadata.name ?? null,
            contentUid: content === undefined ? null : uidOf(content),
            version
          }
        })

/** Its snapshots with their contents, each once. */
const snapshotsOf = ({ summary, snapshots, contents }: Found) => {
  const byName = new Map(contents.map((one) => [one.metadata.name, one]))
  return summary.cuts.flatMap((cut) => {
    const snapshot = snapshotOf(cut, snapshots, byName)
    return snapshot === null ? [] : [{ cut, snapshot, content: contentOf(snapshot, byName) }]
  })
}

const stepsOf = (found: Found): Steps => {
  const { summary, contents, snapshots, groups, groupContents, version } = found
  const { cuts, namespace } = summary
  const planned = snapshotsOf(found).map(({ cut, snapshot, content }) => {
    // What is not known to be the recorded snapshot is deleted or kept by its own policy.
    const known = cut.snapshotHandle === null ? null : content
    return {
      name: snapshot.metadata.name,
      uid: uidOf(snapshot),
      content: known?.metadata.name ?? null,
      contentUid: known === null ? null : uidOf(known),
      byGroup: cut.group === null && Boolean(known?.status?.volumeGroupSnapshotHandle)
    }
  })
  const own = new Set(planned.map(({ contentUid }) => contentUid))
  return {
    snapshots: planned,
    groups: groupsOf(found),
    orphans: contents
      .filter(
        (content) =>
          !own.has(uidOf(content)) &&
          recordedAs(content, cuts) !== null &&
          isOrphan(content, namespace, snapshots)
      )
      .map((content) => ({ content: content.metadata.name, uid: uidOf(content) })),
    orphanGroups:
      version === null
        ? []
        : groupContents
            .filter((content) => isOrphanGroup(content, namespace, cuts, groups.map(uidOf)))
            .map((content) => ({ content: content.metadata.name, uid: uidOf(content), version }))
  }
}

const useRefusals = ({ summary, inUse, isLast }: Found, last: boolean): ReadonlyArray<Refusal> => [
  ...(inUse.length > 0
    ? [
        {
          reason: `snapshot ${summary.name} is in use: ${inUse.join(", ")}`,
          remedy: "wait until that has finished"
        }
      ]
    : []),
  ...(isLast && !last
    ? [
        {
          reason: `snapshot ${summary.name} is the newest complete one of its application`,
          remedy: "take a new one first, or use --last"
        }
      ]
    : [])
]

/** Objects that do not provably belong to the snapshot. */
const ownRefusals = (found: Found, { orphans, orphanGroups, snapshots }: Steps): ReadonlyArray<Refusal> => {
  const { summary, contents, groups } = found
  const { name: set, cuts } = summary
  const labelled = groups
    .filter(({ metadata }) => isOfSet(metadata, set))
    .map(({ metadata }) => metadata.name)
  const ownership = { cuts, contents, orphans: orphans.map(({ uid }) => uid) }
  const whys = snapshotsOf(found).flatMap(({ cut, snapshot, content }) => {
    const { name } = snapshot.metadata
    if (!isRecorded(snapshot, { cuts, contents, set, labelled })) {
      return [`volumesnapshot "${name}" was not created for snapshot ${set}`]
    }
    if (content === null || cut.snapshotHandle === null) return []
    return foreign(content, { name, uid: uidOf(snapshot) }, ownership) ?? []
  })
  const alone = snapshots.filter(({ byGroup }) => byGroup).map(({ name }) => name)
  return [
    ...whys.map((reason) => ({ reason, remedy: "check it: nothing of the snapshot is deleted until then" })),
    ...(alone.length > 0 && orphanGroups.length === 0
      ? [
          {
            reason: `${alone.join(", ")}: in the storage they belong to a group without a VolumeGroupSnapshotContent`,
            remedy: "delete that group in the storage, and then the VolumeSnapshots"
          }
        ]
      : [])
  ]
}

const cutLines = (found: Found): ReadonlyArray<string> =>
  snapshotsOf(found).map(
    ({ cut, snapshot }) =>
      `${snapshot.metadata.name}: ${cut.driver} ${cut.snapshotHandle ?? "<unknown>"}, ${cut.size ?? "of an unknown size"}`
  )

/** Those of the further Secrets that the operation created which created the record, and the others. */
const partsOf = ({ record }: Found) => {
  const parts = record?.parts ?? []
  const isOwn = ({ madeBy }: Part) => madeBy === record?.madeBy
  return {
    parts: parts.filter(isOwn).map(({ name, uid }) => ({ name, uid })),
    warnings: parts
      .filter((part) => !isOwn(part))
      .map(({ name }) => `secret "${name}" is kept: it was not created with the record; check it`)
  }
}

/** The plan of a deletion. `id` names the operation. */
export const plan = (found: Found, id: string, { last = false }: PrunePlanOptions): PrunePlan => {
  const { summary, record } = found
  const { name, namespace } = summary
  const steps = stepsOf(found)
  const { parts, warnings } = partsOf(found)
  const withoutAccess: Omit<PrunePlan, "access"> = {
    apiVersion: "kubectl-stateful.dev/v1",
    kind: "Plan",
    id,
    verb: "prune",
    app: summary.app,
    home: namespace,
    guards: [
      {
        kind: "Secret",
        namespace,
        name: recordName(name),
        // Of a record that cannot be read no run deletes anything: no Secret has this uid.
        uid: record?.uid ?? "",
        generation: null,
        goes: true
      }
    ],
    facts: "",
    hooks: [],
    effects: [
      `snapshot ${name}: deleted permanently, with ${steps.snapshots.length} volume snapshots in the storage`,
      ...cutLines(found)
    ],
    warnings,
    refusals: [...useRefusals(found, last), ...ownRefusals(found, steps)],
    unchecked: record === null ? ["which Secrets are its record: no permission to read Secrets"] : [],
    settings: { set: name, ...(last ? { last } : {}) },
    steps: [
      make(DeleteSet, { set: name, ...steps, parts, listed: found.listed }),
      make(DeleteRecord, { set: name })
    ]
  }
  return { ...withoutAccess, access: pruneVerb.rules({ ...withoutAccess, access: [] }, {}) }
}
