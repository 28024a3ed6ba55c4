/** The snapshots of one or all namespaces, from the ConfigMaps of their records. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Cluster, ClusterError } from "../Cluster.ts"
import { type Kind, kinds } from "../Kind.ts"
import type { VolumeSnapshot, VolumeSnapshotContent } from "../kind/Snapshot.ts"
import type { StorageClass } from "../kind/Storage.ts"
import type { ObjectMeta } from "../kind/Meta.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import * as Resource from "../Resource.ts"
import { shellWord } from "../ShellWord.ts"
import { isReady } from "./cuts.ts"
import { contentOf, notOf, snapshotOf, whyNot } from "./cutSource.ts"
import { decode, type RecordedCut, recordType, SnapshotRecord, Summary } from "./record.ts"
import { recordName } from "../RecordName.ts"
import { recordLabels } from "../Labels.ts"
import { textAt } from "../resource/KubeObject.ts"

/** The command that lists the snapshots of a namespace. */
export const listOf = (namespace: string): string =>
  `\`kubectl stateful snapshots -n ${shellWord(namespace)}\``

/** The error for a missing snapshot. */
export const noSnapshot = (namespace: string, name: string): OperationError =>
  because("NotFound", `no snapshot ${name} in namespace ${namespace}`, `${listOf(namespace)} lists them`)

/** The current objects of a claim's volume snapshot. */
export interface CutNow {
  readonly claim: string
  /** The VolumeSnapshot; `null` if it was deleted. */
  readonly snapshot: string | null
  /** The content; `null` if there is none, or contents could not be read. */
  readonly content: string | null
  readonly deletionPolicy: string | null
  /** The time at which it was taken, by the storage's clock; `null` if unknown. */
  readonly cutAt: string | null
  readonly ready: boolean
  /** Reason that it cannot be restored; `null` if it can, or not everything could be read. */
  readonly why: string | null
}

/** A snapshot as a list shows it. */
export interface Listed {
  readonly summary: Summary
  /** Claims whose volume snapshot is ready to use. `null` if VolumeSnapshots could not be read. */
  readonly ready: ReadonlyArray<string> | null
  /** The current objects of the volume snapshots; `null` if VolumeSnapshots could not be read. */
  readonly now: ReadonlyArray<CutNow> | null
  /** True if it can be restored here and now. `null` if not everything could be read. */
  readonly restorable: boolean | null
  /** Reasons that it cannot be restored. */
  readonly obstacles: ReadonlyArray<string>
}

/** A record that this version cannot read. */
export interface UnreadableRecord {
  /** Of its ConfigMap. */
  readonly name: string
  readonly error: ClusterError
}

/** Snapshots, newest first, and the records of others. */
export interface Snapshots {
  readonly snapshots: ReadonlyArray<Listed>
  readonly unreadable: ReadonlyArray<UnreadableRecord>
}

const notReadable = (name: string, why: string, action: string): UnreadableRecord => ({
  name,
  error: new ClusterError({
    reason: { _tag: "Unreadable" },
    message: `configmap "${name}" ${why}`,
    action
  })
})

const summaryIn = ({ metadata, ...item }: Resource.KubeObject): Result.Result<Summary, UnreadableRecord> => {
  const data: unknown = Reflect.get(item, "data")
  const decoded = Schema.decodeUnknownResult(Schema.fromJsonString(Summary))(
    Reflect.get(Object(data), "summary.json")
  )
  if (Result.isFailure(decoded))
    return Result.fail(
      notReadable(
        metadata.name,
        "is not a snapshot's record that this version can read",
        "use the version of kubectl-stateful that wrote it"
      )
    )
  const { name, namespace } = decoded.success
  // What a record says of itself agrees with where it lies.
  return metadata.name === recordName(name) && metadata.namespace === namespace
    ? Result.succeed(decoded.success)
    : Result.fail(
        notReadable(
          metadata.name,
          "is a record of another namespace or snapshot",
          "find out what wrote it; it is not used"
        )
      )
}

type Look<A> = Effect.Effect<A, ClusterError, Cluster>

interface Scope {
  readonly namespace?: string
}

/** A list, and the objects in it that could not be parsed. `null` without permission to list it. */
type Seen<A> = Resource.Accepted<A> | null

/** A resource that is not served has no items. */
const listed = <A extends { readonly metadata: ObjectMeta }>(
  kind: Kind<A>,
  scope: Scope = {}
): Look<Seen<A>> =>
  Resource.listReadable(kind, scope).pipe(
    Effect.catchIf(
      ({ reason }) => reason._tag === "Forbidden" || reason._tag === "NotFound",
      ({ reason }) => Effect.succeed(reason._tag === "NotFound" ? { items: [], unreadable: [] } : null)
    )
  )

/** The snapshot objects in the cluster. */
interface Ground {
  readonly snapshots: Seen<VolumeSnapshot>
  readonly contents: Seen<VolumeSnapshotContent>
  readonly classes: Seen<StorageClass>
}

/**
 * The objects of a volume snapshot that could not be read: for one of a group it is unknown which. `null` if
 * all existing ones could.
 */
const unreadOf = (
  cut: RecordedCut,
  found: VolumeSnapshot | null,
  { snapshots, contents }: Ground
): string | null => {
  const content = found?.status?.boundVolumeSnapshotContentName
  const one =
    found === null
      ? snapshots?.unreadable.find(({ name }) => cut.snapshot === null || name === cut.snapshot)
      : contents?.unreadable.find(({ name }) => name === content)
  return one?.message ?? null
}

/**
 * Reason that a content does not stay; `null` if it does. Its controller holds it until its VolumeSnapshot
 * goes: it can still be restored by name, but no other snapshot may be deleted for it.
 */
const contentGoing = (content: VolumeSnapshotContent | null): string | null =>
  content?.metadata.deletionTimestamp
    ? `volumesnapshotcontent "${content.metadata.name}" is being deleted`
    : null

/** The current volume snapshots of a snapshot. */
const cutsNow = (
  { name, cuts }: Summary,
  snapshots: ReadonlyArray<VolumeSnapshot>,
  ground: Ground
): ReadonlyArray<CutNow> => {
  const { contents } = ground
  const byName = new Map((contents?.items ?? []).map((one) => [one.metadata.name, one]))
  return cuts.map((cut) => {
    const found = snapshotOf(cut, snapshots, byName)
    const content = contentOf(found, byName)
    return {
      claim: cut.claim,
      snapshot: found?.metadata.name ?? null,
      content: content?.metadata.name ?? null,
      deletionPolicy: content?.spec.deletionPolicy ?? null,
      cutAt: found?.status?.creationTime ?? null,
      ready: isReady(found, content),
      // Without contents it is only known whether it exists.
      why:
        unreadOf(cut, found, ground) ??
        notOf(name, cut.claim, found) ??
        contentGoing(content) ??
        (contents === null && found !== null ? null : whyNot(name, cut, found, byName))
    }
  })
}

const listedOf = (summary: Summary, ground: Ground): Listed => {
  const { snapshots, contents } = ground
  const own = snapshots?.items.filter(({ metadata }) => metadata.namespace === summary.namespace)
  const now = own === undefined ? null : cutsNow(summary, own, ground)
  // One that cannot be read may be of the driver.
  const classes = ground.classes?.unreadable.length === 0 ? ground.classes.items : null
  const drivers = [...new Set(summary.cuts.map(({ driver }) => driver))]
  const obstacles = [
    ...(summary.cuts.length === 0 ? ["it has no volumes"] : []),
    ...(now ?? []).flatMap(({ why }) => why ?? []),
    ...drivers.flatMap((driver) =>
      classes === null || classes.some(({ provisioner }) => provisioner === driver)
        ? []
        : [`no StorageClass uses driver ${driver}`]
    )
  ]
  const isKnown = now !== null && contents !== null && classes !== null
  return {
    summary,
    ready: now?.flatMap(({ claim, ready }) => (ready ? [claim] : [])) ?? null,
    now,
    restorable: obstacles.length > 0 ? false : isKnown ? true : null,
    obstacles
  }
}

/**
 * The snapshots of a namespace, or of all, with the volume snapshots that are ready to use, and those that
 * this version cannot read. Needs no permission on Secrets.
 */
export const listReadable = (namespace: string | undefined): Look<Snapshots> =>
  Effect.gen(function* () {
    const scope: Scope = namespace === undefined ? {} : { namespace }
    const [records, snapshots, contents, classes] = yield* Effect.all(
      [
        Resource.listObjects(kinds.configmaps, { ...scope, labelSelector: recordLabels }),
        listed(kinds.volumesnapshots, scope),
        // Without the right to read contents the VolumeSnapshots' own word is what there is.
        listed(kinds.volumesnapshotcontents),
        listed(kinds.storageclasses)
      ],
      { concurrency: 4 }
    )
    const read = records.items.map(summaryIn)
    return {
      snapshots: read
        .flatMap((one) => (Result.isSuccess(one) ? [one.success] : []))
        .map((summary) => listedOf(summary, { snapshots, contents, classes }))
        .toSorted((left, right) => (left.summary.created < right.summary.created ? 1 : -1)),
      unreadable: read.flatMap((one) => (Result.isFailure(one) ? [one.failure] : []))
    }
  })

/** The one of this name; fails if there is none, or it cannot be read. */
export const ofName = (
  { snapshots, unreadable }: Snapshots,
  ref: { readonly namespace: string; readonly name: string }
): Effect.Effect<Listed, ClusterError | OperationError> => {
  const found = snapshots.find(({ summary }) => summary.name === ref.name)
  if (found !== undefined) return Effect.succeed(found)
  const unread = unreadable.find(({ name }) => name === recordName(ref.name))
  return Effect.fail(unread?.error ?? noSnapshot(ref.namespace, ref.name))
}

/** Those of a namespace, or of all, that this version can read, newest first. */
export const list = (namespace: string | undefined): Look<ReadonlyArray<Listed>> =>
  Effect.map(listReadable(namespace), ({ snapshots }) => snapshots)

/** A record, and the Secrets that it was read from. */
export interface ReadRecord {
  readonly record: SnapshotRecord
  /** By uid, in their order. */
  readonly parts: ReadonlyArray<string>
  /** True if each of them is immutable and of our type, so that their content cannot change. */
  readonly sealed: boolean
}

/** The decoded content of a record's Secrets; `null` if there are none of this name. */
export const readWhole = (
  namespace: string,
  set: string
): Effect.Effect<ReadRecord | null, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const first = yield* Resource.findObject(secretTarget(namespace, recordName(set)))
    if (first === null) return null
    const of = /^1 of ([1-9]\d{0,2})$/.exec(partsOf(first))
    const more = yield* Effect.forEach(
      Array.from({ length: Number(of?.[1] ?? 1) - 1 }, (_, index) => index + 2),
      (part) => Resource.getObject(secretTarget(namespace, recordName(set, part))),
      { concurrency: 4 }
    )
    const all = [first, ...more]
    const decoded = Result.try(() => decode(all.map(partOf)))
    const record = Result.isSuccess(decoded)
      ? Schema.decodeUnknownResult(SnapshotRecord)(decoded.success)
      : decoded
    if (Result.isSuccess(record) && record.success.name === set && record.success.namespace === namespace) {
      return {
        record: record.success,
        parts: all.map(({ metadata }) => metadata.uid ?? ""),
        sealed: all.every((one) => one["immutable"] === true && one["type"] === recordType)
      }
    }
    return yield* new ClusterError({
      reason: { _tag: "Unreadable" },
      message: `the record of snapshot ${set} is damaged: secret "${recordName(set)}" does not contain what was written`
    })
  })

/** Only the record. */
export const readRecord = (
  namespace: string,
  set: string
): Effect.Effect<SnapshotRecord | null, ClusterError, Cluster> =>
  Effect.map(readWhole(namespace, set), (found) => found?.record ?? null)

/** One of the Secrets that a record consists of. */
export const secretTarget = (namespace: string, name: string): Resource.Target => ({
  api: kinds.secrets,
  namespace,
  name
})

const partsOf = ({ metadata }: Resource.KubeObject): string =>
  textAt(metadata, "annotations", "kubectl-stateful.dev/part")

const partOf = (secret: Resource.KubeObject): string => textAt(secret, "data", "record")
