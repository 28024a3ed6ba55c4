/**
 * The record of a snapshot: its volume snapshots, their consistency, and everything else that a restore
 * needs.
 *
 * It is in a Secret, since it contains the values of Secrets: as JSON, compressed, in several parts if it is
 * larger than one Secret may be. A ConfigMap of the same name has the data for the list, and never a value.
 */
import * as Schema from "effect/Schema"
import { gunzipSync, gzipSync } from "node:zlib"
import { AppRef } from "../App.ts"
import { Guarantee, KeptName, Means } from "../Quiesce.ts"
import { quiescedAnnotation } from "../Labels.ts"
import { documented } from "../Documented.ts"
import { textAt } from "../resource/KubeObject.ts"
import { isLabel, nameBeside } from "../ObjectName.ts"

const { Array: ArrayOf, Boolean, Finite, Literals, NullOr, String, Struct } = Schema

/** The consistency of a snapshot. */
export const Level = Literals(["quiesced", "group", "crash", "offline"])
export type Level = typeof Level.Type

/** The kinds whose manifests a record contains: there are no others in it. */
export const RecordedKind = Literals([
  "StatefulSet",
  "Deployment",
  "Service",
  "ConfigMap",
  "Secret",
  "ServiceAccount",
  "PodDisruptionBudget",
  "HorizontalPodAutoscaler"
])

/**
 * Confirmation by every member that it stayed quiesced from before the first volume snapshot until after the
 * last.
 */
export interface Proof {
  readonly operation: string
  readonly guarantee: Guarantee
  /** The deadline by which each would have been released, in milliseconds. */
  readonly deadline: number
  /** Time that each was quiesced. */
  readonly members: ReadonlyArray<{
    readonly pod: string
    readonly millis: number
  }>
  /** How, if nothing in the pods would have ended it after a crash; absent if a timer would. */
  readonly unbounded?: Means
  /** For a staged snapshot: the output of its members between the stages. */
  readonly waves?: {
    readonly profile: string
    /** Without its text in the list. */
    readonly kept: ReadonlyArray<{
      readonly ordinal: number
      readonly name: typeof KeptName.Type
      readonly text?: string
    }>
  }
}
export const Proof = documented<Proof>({
  operation: String,
  guarantee: Guarantee,
  deadline: Finite,
  members: ArrayOf(Struct({ pod: String, millis: Finite })),
  unbounded: Schema.optionalKey(Means),
  waves: Schema.optionalKey(
    Struct({
      profile: String,
      kept: ArrayOf(Struct({ ordinal: Finite, name: KeptName, text: Schema.optionalKey(String) }))
    })
  )
})

/** The proof on an object that this operation created; `null` if there is none, or another operation's. */
export const proofIn = (object: unknown, operation: string): Proof | null => {
  const metadata: unknown = Reflect.get(Object(object), "metadata")
  const annotations: unknown = Reflect.get(Object(metadata), "annotations")
  const decoded = Schema.decodeUnknownOption(Schema.fromJsonString(Proof))(
    Reflect.get(Object(annotations), quiescedAnnotation)
  )
  return decoded._tag === "Some" && decoded.value.operation === operation ? decoded.value : null
}

/** One claim's volume snapshot, at the time of the record. */
export interface RecordedCut {
  readonly claim: string
  readonly uid: string
  /** `Kind/name` of the workload, and the ordinal that it belongs to. */
  readonly workload: string | null
  readonly ordinal: number | null
  readonly volume: string
  readonly volumeHandle: string | null
  readonly driver: string
  readonly class: string
  readonly storageClass: string | null
  readonly size: string | null
  /** The VolumeSnapshot; `null` if it is one of a group's, did not exist yet, and is found by the handle. */
  readonly snapshot: string | null
  readonly group: string | null
  readonly snapshotHandle: string | null
  /** Its content, and the uid of that; absent: not known. */
  readonly content?: string
  readonly contentUid?: string
  /** Nanoseconds since 1970, by the storage's clock; `null` if unknown. */
  readonly cutAt: number | null
  readonly restoreSize: number | null
  /** `Filesystem` or `Block`; absent: not known. */
  readonly volumeMode?: string
  /** From where its volume was reachable: terms of its node affinity, each as one line; absent if unknown. */
  readonly nodeAffinity?: ReadonlyArray<string>
}
export const RecordedCut = documented<RecordedCut>({
  claim: String,
  uid: String,
  workload: NullOr(String),
  ordinal: NullOr(Finite),
  volume: String,
  volumeHandle: NullOr(String),
  driver: String,
  class: String,
  storageClass: NullOr(String),
  size: NullOr(String),
  snapshot: NullOr(String),
  group: NullOr(String),
  snapshotHandle: NullOr(String),
  content: Schema.optionalKey(String),
  contentUid: Schema.optionalKey(String),
  cutAt: NullOr(Finite),
  restoreSize: NullOr(Finite),
  volumeMode: Schema.optionalKey(String),
  nodeAffinity: Schema.optionalKey(ArrayOf(String))
})

/** The constraints on where the members of a workload can run, and the architecture of their nodes. */
export interface RecordedPlacement {
  /** `Kind/name`. */
  readonly workload: string
  readonly nodeSelector: Readonly<Record<string, string>>
  readonly affinity: ReadonlyArray<string>
  readonly tolerations: ReadonlyArray<string>
  /** Extended resources: name to quantity. */
  readonly devices: Readonly<Record<string, string>>
  readonly resourceClaims: ReadonlyArray<string>
  /** `null` if none is requested. */
  readonly runtimeClass: string | null
  /** Of the nodes that its members were on. */
  readonly architectures: ReadonlyArray<string>
}
export const RecordedPlacement = documented<RecordedPlacement>({
  workload: String,
  nodeSelector: Schema.Record(String, String),
  affinity: ArrayOf(String),
  tolerations: ArrayOf(String),
  devices: Schema.Record(String, String),
  resourceClaims: ArrayOf(String),
  runtimeClass: NullOr(String),
  architectures: ArrayOf(String)
})

/**
 * The profile that says that each member recovers from its own volume snapshot although none was quiesced;
 * absent without one.
 */
export interface Recoverable {
  readonly profile: string
}
export const Recoverable = documented<Recoverable>({ profile: String })

/** The data of a snapshot in the list. */
export interface Summary {
  readonly apiVersion: "kubectl-stateful.dev/v1"
  readonly kind: "Snapshot"
  readonly name: string
  readonly namespace: string
  readonly app: AppRef
  readonly operation: string
  readonly created: string
  /** Asked for: `auto`, or a level by its name. */
  readonly asked: string
  readonly level: Level
  /** Reasons that it is not a higher one. */
  readonly why: ReadonlyArray<string>
  /** Time between the first and the last volume snapshot, in milliseconds; `null` if unknown. */
  readonly skew: number | null
  /** How the application was quiesced; absent if it was not. */
  readonly quiesced?: Proof
  readonly recoverable?: Recoverable
  /**
   * The profile with the guarantee `one-member`: a member must not be restored separately. Absent without
   * one.
   */
  readonly oneMember?: string
  /**
   * The profile whose members must not be combined as they were snapshotted: they are rebuilt from one of
   * them. Absent without one.
   */
  readonly seedOnly?: string
  /** True if the volume snapshots survive their namespace. */
  readonly retained: boolean
  readonly cuts: ReadonlyArray<RecordedCut>
  /** Absent in older records. */
  readonly placement?: ReadonlyArray<RecordedPlacement>
  /** ConfigMaps, Secrets and workloads that changed between the plan and the last volume snapshot. */
  readonly changed: ReadonlyArray<string>
  readonly leftOut: ReadonlyArray<{
    readonly what: string
    readonly why: string
  }>
  /** Replicas by workload, `Kind/name`. */
  readonly replicas: Readonly<Record<string, number>>
  /**
   * The cluster where it was taken, if it was imported: the uid of that cluster's namespace kube-system;
   * `null` if unknown.
   */
  readonly imported?: {
    readonly cluster: string | null
  }
  /** The manifests in the record, as `Kind/name`. */
  readonly manifests?: ReadonlyArray<string>
  /** Their number. */
  readonly objects: number
}
export const Summary = documented<Summary>({
  apiVersion: Schema.Literal("kubectl-stateful.dev/v1"),
  kind: Schema.Literal("Snapshot"),
  name: String,
  namespace: String,
  app: AppRef,
  operation: String,
  created: String,
  asked: String,
  level: Level,
  why: ArrayOf(String),
  skew: NullOr(Finite),
  quiesced: Schema.optionalKey(Proof),
  recoverable: Schema.optionalKey(Recoverable),
  oneMember: Schema.optionalKey(String),
  seedOnly: Schema.optionalKey(String),
  retained: Boolean,
  cuts: ArrayOf(RecordedCut),
  placement: Schema.optionalKey(ArrayOf(RecordedPlacement)),
  changed: ArrayOf(String),
  leftOut: ArrayOf(Struct({ what: String, why: String })),
  replicas: Schema.Record(String, Finite),
  imported: Schema.optionalKey(Struct({ cluster: NullOr(String) })),
  manifests: Schema.optionalKey(ArrayOf(String)),
  objects: Finite
})

/** For the record of what a restore replaces. */
export interface Before {
  /** The restore. */
  readonly operation: string
  /** The objects that the restore created, and that did not exist before. */
  readonly made: ReadonlyArray<{
    readonly kind: string
    readonly name: string
  }>
  /** The previous value of this record's pin on the StatefulSet; `null` if there was none. */
  readonly pin: string | null
}
export const Before = documented<Before>({
  operation: String,
  made: ArrayOf(Struct({ kind: String, name: String })),
  pin: NullOr(String)
})

/** The whole: with the manifests, Secrets' values among them. */
export interface SnapshotRecord extends Omit<Summary, "kind" | "objects"> {
  readonly kind: "SnapshotRecord"
  readonly objects: ReadonlyArray<Readonly<Record<string, unknown>>>
  /** Absent: it is a snapshot's. */
  readonly before?: Before
}
export const SnapshotRecord = documented<SnapshotRecord>({
  ...Summary.fields,
  kind: Schema.Literal("SnapshotRecord"),
  objects: ArrayOf(Schema.Record(String, Schema.Unknown)),
  before: Schema.optionalKey(Before)
})

/** The name of the record of what a restore replaced. It is in no list, since it has no ConfigMap. */
export const beforeSet = (operation: string): string => `before-${operation}`

/** The type of its Secrets. */
export const recordType = "kubectl-stateful.dev/snapshot.v1"

/** A Secret can contain 1 MiB: the size of one part of a record. */
const partBytes = 900_000

/** The maximum length of a snapshot's name: names of VolumeSnapshots are built from it and the claims'. */
export const longestName = 40

export const isSetName = (name: string): boolean => isLabel(name, longestName)

/** The name of a VolumeSnapshot of a set. */
export const cutName = (set: string, claim: string): string => nameBeside(`${set}-${claim}`)

/** As the data of its Secrets, in order: base64, as the API wants it. */
export const encode = (record: SnapshotRecord): ReadonlyArray<string> => {
  const bytes = gzipSync(JSON.stringify(record))
  const count = Math.max(1, Math.ceil(bytes.length / partBytes))
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * partBytes, (index + 1) * partBytes).toString("base64")
  )
}

/** The maximum uncompressed size of a record: a record from another author may decompress to any size. */
const largest = 256 * 1024 * 1024

/** Decodes a record. Throws the errors of gunzip and JSON if parts are missing, damaged or too large. */
export const decode = (parts: ReadonlyArray<string>): unknown => {
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part, "base64")))
  return JSON.parse(gunzipSync(bytes, { maxOutputLength: largest }).toString("utf8"))
}

/**
 * Snapshots of a group whose times differ by more than this, in milliseconds, are not of one moment. A
 * smaller difference proves nothing either way: drivers give an atomic group slightly different times.
 */
export const apart = 1000

/** The facts that decide a level. */
export interface Judged {
  /** Time between the first and the last volume snapshot, in milliseconds; `null` if unknown. */
  readonly skew: number | null
  /** True if all are of one group. */
  readonly isGroup: boolean
  /** The proof on every volume snapshot; `null` if not every one has it. */
  readonly proof: Proof | null
}

/** The level that was reached, from the times of the volume snapshots, and why it is not the intended one. */
export const reached = (
  level: Level,
  why: ReadonlyArray<string>,
  judged: Judged
): { readonly level: Level; readonly why: ReadonlyArray<string>; readonly quiesced?: Proof } => {
  const { skew, isGroup, proof } = judged
  if (level === "quiesced") {
    if (proof !== null) return { level, why, quiesced: proof }
    const lower = isGroup ? "group" : "crash"
    return reached(
      lower,
      [...why, "not quiesced: it was not confirmed that the members stayed quiesced"],
      judged
    )
  }
  return level === "group" && skew !== null && skew > apart
    ? { level: "crash", why: [...why, `the snapshots of the group were taken ${skew / 1000} s apart`] }
    : { level, why }
}

/**
 * The profile whose members must not be combined; absent without one, or if they are of one moment.
 * `oneMember` is the profile, and `members` the number of members.
 */
export const seedOnlyOf = (
  oneMember: string | undefined,
  level: Level,
  members: number
): { readonly seedOnly?: string } =>
  oneMember === undefined || members < 2 || level === "group" || level === "offline"
    ? {}
    : { seedOnly: oneMember }

/**
 * Time between the first and the last volume snapshot, in milliseconds; `null` if not all times are known.
 */
export const skewOf = (cuts: ReadonlyArray<Pick<RecordedCut, "cutAt">>): number | null => {
  const times = cuts.flatMap(({ cutAt }) => (cutAt === null ? [] : [cutAt]))
  if (times.length === 0 || times.length < cuts.length) return null
  return Math.round((Math.max(...times) - Math.min(...times)) / 1e6)
}

/** Without the manifests: the part that may be in a ConfigMap. */
export const summaryOf = (record: SnapshotRecord): Summary => {
  const { objects, ...rest } = record
  const { quiesced } = rest
  const { waves } = quiesced ?? {}
  return {
    ...rest,
    ...(quiesced === undefined || waves === undefined
      ? {}
      : {
          quiesced: {
            ...quiesced,
            waves: { ...waves, kept: waves.kept.map(({ ordinal, name }) => ({ ordinal, name })) }
          }
        }),
    kind: "Snapshot",
    manifests: objects.map(keyOf),
    objects: objects.length
  }
}

/** `Kind/name` of a manifest. */
export const keyOf = (object: object): string =>
  `${textAt(object, "kind")}/${textAt(object, "metadata", "name")}`

/**
 * True if the storage reports that all volume snapshots are of one moment: one group, with one time. False
 * if they are not. `null` if it is unknown, since slightly different times prove nothing either way.
 */
export const isOneMoment = ({
  cuts,
  skew,
  level,
  imported
}: Pick<Summary, "cuts" | "skew" | "level" | "imported">): boolean | null => {
  const [first] = cuts
  if (first === undefined || cuts.length === 1) return true
  // The members of a group that was imported are known one by one.
  const isGroup =
    (imported !== undefined && level === "group") ||
    (first.group !== null && cuts.every(({ group }) => group === first.group))
  if (skew === null) return null
  if (!isGroup || skew > apart) return false
  return cuts.every(({ cutAt }) => cutAt === first.cutAt) ? true : null
}
