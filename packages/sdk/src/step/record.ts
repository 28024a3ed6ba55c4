/**
 * The record of a set: what was cut, how consistent it is, and everything else that a restore needs.
 *
 * It stands in a Secret, since it holds the values of Secrets: as JSON, compressed, in parts where it is
 * larger than one Secret may be. Beside it a ConfigMap says what a list shows, and never a value.
 */
import * as Schema from "effect/Schema"
import { gunzipSync, gzipSync } from "node:zlib"
import { AppRef } from "../App.ts"
import { Guarantee, KeptName, Means } from "../Quiesce.ts"
import { quiescedAnnotation } from "../Labels.ts"
import { documented } from "../Documented.ts"

const { Array: ArrayOf, Boolean, Finite, Literals, NullOr, String, Struct } = Schema

/** How consistent a set is. */
export const Level = Literals(["quiesced", "group", "crash", "offline"])
export type Level = typeof Level.Type

/** The kinds whose manifests a record holds: there are no others in it. */
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

/** That every member was held from before the first cut until after the last, by their own word. */
export interface Proof {
  readonly operation: string
  readonly guarantee: Guarantee
  /** By which each would have let go by itself, in milliseconds. */
  readonly deadline: number
  /** How long each was held. */
  readonly members: ReadonlyArray<{
    readonly pod: string
    readonly millis: number
  }>
  /** By what, where nothing in the pods would have ended it if the caller had died; absent: a timer would. */
  readonly unbounded?: Means
  /** Of a set whose members were held for waves and not still: what they printed between those. */
  readonly waves?: {
    readonly profile: string
    /** Without its text in what a list shows. */
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

/** The proof on an object that this operation made; null: there is none, or another operation's. */
export const proofIn = (object: unknown, operation: string): Proof | null => {
  const metadata: unknown = Reflect.get(Object(object), "metadata")
  const annotations: unknown = Reflect.get(Object(metadata), "annotations")
  const decoded = Schema.decodeUnknownOption(Schema.fromJsonString(Proof))(
    Reflect.get(Object(annotations), quiescedAnnotation)
  )
  return decoded._tag === "Some" && decoded.value.operation === operation ? decoded.value : null
}

/** One claim's cut, as it was when the record was written. */
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
  /** The VolumeSnapshot; null: a group's member that was not there yet, found by the handle. */
  readonly snapshot: string | null
  readonly group: string | null
  readonly snapshotHandle: string | null
  /** Its content, and the uid of that; absent: not known. */
  readonly content?: string
  readonly contentUid?: string
  /** Nanoseconds since 1970, by the storage's clock; null: not known. */
  readonly cutAt: number | null
  readonly restoreSize: number | null
  /** `Filesystem` or `Block`; absent: not known. */
  readonly volumeMode?: string
  /** Where its volume could be reached from: terms of its node affinity, each as one line; absent: not known. */
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

/** What decides where the members of a workload may be, and on what their nodes are built. */
export interface RecordedPlacement {
  /** `Kind/name`. */
  readonly workload: string
  readonly nodeSelector: Readonly<Record<string, string>>
  readonly affinity: ReadonlyArray<string>
  readonly tolerations: ReadonlyArray<string>
  /** Extended resources: name to quantity. */
  readonly devices: Readonly<Record<string, string>>
  readonly resourceClaims: ReadonlyArray<string>
  /** Null: none is asked for. */
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

/** By whose word each member recovers from its own cut, though none was held; absent: nobody's. */
export interface Recoverable {
  readonly profile: string
}
export const Recoverable = documented<Recoverable>({ profile: String })

/** What a list shows of a set. */
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
  /** Why it is not a higher one. */
  readonly why: ReadonlyArray<string>
  /** Between the first and the last cut, in milliseconds; null: not known. */
  readonly skew: number | null
  /** How the application was held still for it; absent: it was not. */
  readonly quiesced?: Proof
  readonly recoverable?: Recoverable
  /** The profile that keeps one member's promise: a member must not go back alone. Absent: none says so. */
  readonly oneMember?: string
  /** The profile whose members are unsafe together as they were cut: made from one of them alone. Absent: none says so. */
  readonly seedOnly?: string
  /** Whether the cuts outlive their namespace. */
  readonly retained: boolean
  readonly cuts: ReadonlyArray<RecordedCut>
  /** Absent: it is from before that was recorded. */
  readonly placement?: ReadonlyArray<RecordedPlacement>
  /** ConfigMaps, Secrets and workloads that changed between the plan and the end of the cut. */
  readonly changed: ReadonlyArray<string>
  readonly leftOut: ReadonlyArray<{
    readonly what: string
    readonly why: string
  }>
  /** Replicas by workload, `Kind/name`. */
  readonly replicas: Readonly<Record<string, number>>
  /** Where it was taken, if it came from a file: the uid of that cluster's namespace kube-system; null: not known. */
  readonly imported?: {
    readonly cluster: string | null
  }
  /** The manifests that the record holds, as `Kind/name`. */
  readonly manifests?: ReadonlyArray<string>
  /** How many those are. */
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

/** Of a record that a restore writes of what it replaces. */
export interface Before {
  /** The restore. */
  readonly operation: string
  /** What that restore made, and what was not there before. */
  readonly made: ReadonlyArray<{
    readonly kind: string
    readonly name: string
  }>
  /** What stood on the StatefulSet in the place of this record's pin; null: nothing. */
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

/** How the record of what a restore replaced is called. No list shows it, since nothing stands beside it. */
export const beforeSet = (operation: string): string => `before-${operation}`

/** The type of its Secrets. */
export const recordType = "kubectl-stateful.dev/snapshot.v1"

/** A Secret holds 1 MiB: so much of a record goes into one. */
const partBytes = 900_000

/** Longest name of a set: names of snapshots are made of it and of the claims'. */
export const longestName = 40

export const isSetName = (name: string): boolean =>
  /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name) && name.length <= longestName

/** The name of a VolumeSnapshot of a set. */
export const cutName = (set: string, claim: string): string => `${set}-${claim}`.slice(0, 253)

/** As the data of its Secrets, in order: base64, as the API wants it. */
export const encode = (record: SnapshotRecord): ReadonlyArray<string> => {
  const bytes = gzipSync(JSON.stringify(record))
  const count = Math.max(1, Math.ceil(bytes.length / partBytes))
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * partBytes, (index + 1) * partBytes).toString("base64")
  )
}

/** What a record takes unpacked, at most: one that somebody has written may unpack to any size. */
const largest = 256 * 1024 * 1024

/** The other way round. Throws what gunzip and JSON throw where parts are missing, damaged or too large. */
export const decode = (parts: ReadonlyArray<string>): unknown => {
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part, "base64")))
  return JSON.parse(gunzipSync(bytes, { maxOutputLength: largest }).toString("utf8"))
}

/**
 * Members of a group that are cut further apart than this, in milliseconds, are not one cut. What is
 * less proves nothing either way: drivers stamp an atomic cut with times that differ a little.
 */
export const apart = 1000

/** What there is to judge a level by. */
export interface Judged {
  /** Between the first and the last cut, in milliseconds; null: not known. */
  readonly skew: number | null
  /** Whether all were cut by one group. */
  readonly isGroup: boolean
  /** The proof that stands on every cut; null: not on every one. */
  readonly proof: Proof | null
}

/** The level that was reached, going by when the members were cut, and why it is not the one that was tried. */
export const reached = (
  level: Level,
  why: ReadonlyArray<string>,
  judged: Judged
): { readonly level: Level; readonly why: ReadonlyArray<string>; readonly quiesced?: Proof } => {
  const { skew, isGroup, proof } = judged
  if (level === "quiesced") {
    if (proof !== null) return { level, why, quiesced: proof }
    const lower = isGroup ? "group" : "crash"
    return reached(lower, [...why, "not quiesced: it was not proven that the members held still"], judged)
  }
  return level === "group" && skew !== null && skew > apart
    ? { level: "crash", why: [...why, `the members of the group were cut ${skew / 1000} s apart`] }
    : { level, why }
}

/**
 * The profile by which the members of a set are unsafe together; absent: none says so, or they were cut at one
 * moment. `oneMember` is the profile, and `members` how many were cut.
 */
export const seedOnlyOf = (
  oneMember: string | undefined,
  level: Level,
  members: number
): { readonly seedOnly?: string } =>
  oneMember === undefined || members < 2 || level === "group" || level === "offline"
    ? {}
    : { seedOnly: oneMember }

/** Between the first and the last cut, in milliseconds; null: not all of them are known. */
export const skewOf = (cuts: ReadonlyArray<Pick<RecordedCut, "cutAt">>): number | null => {
  const times = cuts.flatMap(({ cutAt }) => (cutAt === null ? [] : [cutAt]))
  if (times.length === 0 || times.length < cuts.length) return null
  return Math.round((Math.max(...times) - Math.min(...times)) / 1e6)
}

/** Without the manifests: what may stand in a ConfigMap. */
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
    manifests: objects.map(titleOf),
    objects: objects.length
  }
}

/** `Kind/name` of a manifest. */
export const titleOf = (object: object): string =>
  `${Reflect.get(object, "kind")}/${Reflect.get(Object(Reflect.get(object, "metadata")), "name")}`

/**
 * Whether the storage says that all members were cut at one moment: by one group, with one time. False:
 * they were not. Null: it does not say, since times that differ a little prove nothing either way.
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
