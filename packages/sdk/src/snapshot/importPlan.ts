/** The plan to import a snapshot from a file: pure over the file and the live objects. */
import { nameOf } from "../App.ts"
import { shellWord } from "../ShellWord.ts"
import type { VolumeSnapshot, VolumeSnapshotContent } from "../kind/Snapshot.ts"
import type { Refusal } from "../operation/Plan.ts"
import { make } from "../operation/Step.ts"
import { isOfSet, isOrphan } from "../step/cutOwner.ts"
import { whyNot } from "../step/cutSource.ts"
import { ImportRecord, ListRecord } from "../step/importRecord.ts"
import { ProvisionCuts, type ProvisionedCut, sameCut } from "../step/provisionCuts.ts"
import { cutName, type RecordedCut, type SnapshotRecord, keyOf } from "../step/record.ts"
import { recordName } from "../RecordName.ts"
import type { SnapshotExport } from "./file.ts"
import { type ImportPlan, importVerb } from "./importVerb.ts"
import { nameBeside } from "../ObjectName.ts"

/** The facts about the namespace to import into. */
export interface ImportGround {
  readonly namespace: string
  /** The uid of this cluster, as in a file; `null` if unknown. */
  readonly cluster: string | null
  /** True if there is a record of its name. */
  readonly isThere: boolean
  readonly snapshots: ReadonlyArray<VolumeSnapshot>
  readonly contents: ReadonlyArray<VolumeSnapshotContent>
  /** The drivers of the StorageClasses; `null` if unknown. */
  readonly drivers: ReadonlyArray<string> | null
}

export interface ImportOptions {
  /** True to trust handles that no content of this namespace has. Default false. */
  readonly trustHandles?: boolean
}

/** One volume snapshot of a file, and its action. */
interface Brought {
  readonly cut: RecordedCut
  /** `null` if it exists unchanged. */
  readonly provisioned: ProvisionedCut | null
  /** True if nothing in this cluster says that the handle is this application's. */
  readonly trusted: boolean
  readonly refusals: ReadonlyArray<Refusal>
}

const checkIt = ({ metadata }: VolumeSnapshotContent): string =>
  `check it: kubectl describe volumesnapshotcontent ${shellWord(metadata.name)}`

/** The live VolumeSnapshot of a content; `null` if it was deleted. */
const ownerOf = ({ spec }: VolumeSnapshotContent, snapshots: ReadonlyArray<VolumeSnapshot>) =>
  snapshots.find(({ metadata }) => metadata.uid === spec.volumeSnapshotRef.uid) ?? null

const refusedCut = (cut: RecordedCut, reason: string, remedy: string): Brought => ({
  cut,
  provisioned: null,
  trusted: false,
  refusals: [{ reason, remedy }]
})

/** An existing object must match the file. */
const asItIs = (
  set: string,
  cut: RecordedCut,
  namespace: string,
  owner: VolumeSnapshot,
  content: VolumeSnapshotContent
): Brought => {
  const why = whyNot(set, cut, owner, new Map([[content.metadata.name, content]]))
  // Members of a group carry no label: their group does.
  const isOther = cut.group === null && !isOfSet(owner.metadata, set)
  const { name } = owner.metadata
  return why === null && !isOther
    ? { cut, provisioned: null, trusted: false, refusals: [] }
    : refusedCut(
        cut,
        why ?? `volumesnapshot "${name}" is not of snapshot ${set}`,
        `check it: kubectl describe volumesnapshot ${shellWord(name)} -n ${shellWord(namespace)}`
      )
}

const bring = (
  set: string,
  id: string,
  cut: RecordedCut,
  { namespace, snapshots, contents }: ImportGround,
  { trustHandles = false }: ImportOptions
): Brought => {
  const { claim, driver, snapshotHandle: handle, volumeHandle } = cut
  if (handle === null) {
    return refusedCut(cut, `the file has no snapshot handle for ${claim}`, "take another one")
  }
  const all = sameCut({ driver, handle }, contents)
  const foreign = all.find(({ spec }) => spec.volumeSnapshotRef.namespace !== namespace)
  if (foreign !== undefined) {
    const { name } = foreign.metadata
    return refusedCut(
      cut,
      `content ${name} has the snapshot of ${claim}, and belongs to another namespace than ${namespace}`,
      checkIt(foreign)
    )
  }
  const live = all.find((content) => ownerOf(content, snapshots) !== null)
  if (live !== undefined) {
    const owner = ownerOf(live, snapshots)
    if (owner !== null) return asItIs(set, cut, namespace, owner, live)
  }
  const stray = all.find(
    (content) =>
      !isOrphan(content, namespace, snapshots) ||
      (content.spec.source.volumeHandle ?? volumeHandle) !== volumeHandle
  )
  if (stray !== undefined) {
    return refusedCut(
      cut,
      `content ${stray.metadata.name} does not match the file's entry for ${claim}`,
      checkIt(stray)
    )
  }
  const as = cutName(set, claim)
  const isTaken = snapshots.some(({ metadata }) => metadata.name === as)
  const [left] = all
  const trusted = left === undefined
  return {
    cut,
    trusted,
    provisioned: {
      claim,
      driver,
      handle,
      mode: left?.spec.sourceVolumeMode ?? cut.volumeMode ?? null,
      as,
      content: nameBeside(`kubectl-stateful-${id}-${as}`)
    },
    refusals: [
      ...(isTaken
        ? [{ reason: `volumesnapshot "${as}" already exists`, remedy: "check it and remove it" }]
        : []),
      ...(trusted && !trustHandles
        ? [
            {
              reason: `no content in this cluster has the snapshot of ${claim}: ${driver} ${handle}`,
              remedy:
                "use --trust-handles if you trust the source of the file, and this cluster uses the same storage"
            }
          ]
        : [])
    ]
  }
}

/** As recorded in this cluster. */
const recordedHere = ({ cut, provisioned }: Brought): RecordedCut => {
  if (provisioned === null) return cut
  const { contentUid: _, ...rest } = cut
  return { ...rest, snapshot: provisioned.as, group: null, content: provisioned.content }
}

const cutLine = ({ cut, provisioned, trusted }: Brought): string => {
  const { claim, driver, snapshotHandle, size } = cut
  const how =
    provisioned === null
      ? "exists unchanged"
      : trusted
        ? "its handle is trusted"
        : "its content is here still"
  return `${claim}: ${driver} ${snapshotHandle ?? "<unknown>"}, ${size ?? "of an unknown size"}, ${how}`
}

const refusalsOf = (
  { record }: SnapshotExport,
  { isThere, namespace }: ImportGround,
  brought: ReadonlyArray<Brought>
): ReadonlyArray<Refusal> => {
  const names = brought.flatMap(({ provisioned }) => provisioned?.as ?? [])
  return [
    ...(isThere
      ? [
          {
            reason: `snapshot ${record.name} already exists`,
            remedy: `\`kubectl stateful snapshots describe ${shellWord(record.name)} -n ${shellWord(namespace)}\` shows it`
          }
        ]
      : []),
    ...(new Set(names).size < names.length
      ? [
          {
            reason: "two claims would have one VolumeSnapshot: their names are too long",
            remedy: "restore it manually"
          }
        ]
      : []),
    ...brought.flatMap(({ refusals }) => refusals)
  ]
}

const warningsOf = (brought: ReadonlyArray<Brought>, { drivers }: ImportGround): ReadonlyArray<string> => {
  const missing = [...new Set(brought.map(({ cut }) => cut.driver))].filter(
    (driver) => drivers !== null && !drivers.includes(driver)
  )
  return [
    ...missing.map((driver) => `no StorageClass uses driver ${driver}: it cannot be restored here`),
    ...(brought.some(({ trusted }) => trusted)
      ? ["anyone who can use VolumeSnapshots in this namespace can read the data of these handles"]
      : [])
  ]
}

/** The plan of an import, and the record that it would write. `id` names the operation. */
export const plan = (
  file: SnapshotExport,
  ground: ImportGround,
  id: string,
  options: ImportOptions
): { readonly plan: ImportPlan; readonly record: SnapshotRecord } => {
  const { record } = file
  const { namespace, cluster } = ground
  const { name, app } = record
  const brought = record.cuts.map((cut) => bring(name, id, cut, ground, options))
  const cuts = brought.flatMap(({ provisioned }) => provisioned ?? [])
  const where =
    file.cluster === null
      ? "an unknown cluster"
      : file.cluster === cluster
        ? "this cluster"
        : `cluster ${file.cluster}`
  const here: SnapshotRecord = {
    ...record,
    cuts: brought.map(recordedHere),
    retained: true,
    imported: { cluster: file.cluster }
  }
  const withoutAccess: Omit<ImportPlan, "access"> = {
    apiVersion: "kubectl-stateful.dev/v1",
    kind: "Plan",
    id,
    verb: "import",
    app,
    home: namespace,
    guards: [{ kind: "Secret", namespace, name: recordName(name), uid: null, generation: null }],
    facts: "",
    hooks: [],
    effects: [
      `import snapshot ${name} of ${nameOf(app)}, taken ${record.created} in ${where}: ${record.level}, ${cuts.length} of ${brought.length} volume snapshots to register`,
      ...brought.map(cutLine),
      `it contains ${record.objects.map(keyOf).join(", ") || "no manifests"}`
    ],
    warnings: warningsOf(brought, ground),
    refusals: refusalsOf(file, ground, brought),
    unchecked: ["nothing else in the file about its volume snapshots can be verified"],
    settings: { set: name },
    steps: [
      make(ImportRecord, { set: name }),
      ...(cuts.length === 0 ? [] : [make(ProvisionCuts, { set: name, cuts })]),
      make(ListRecord, { set: name })
    ]
  }
  return {
    plan: { ...withoutAccess, access: importVerb.rules({ ...withoutAccess, access: [] }, {}) },
    record: here
  }
}
