/**
 * The contents of ConfigMaps and Secrets: read from objects and from records, compared, and never printed.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { optional, StringMap } from "../kind/Meta.ts"
import { isSame as isSameData } from "../Digest.ts"
import { nameBeside } from "../ObjectName.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import type { SnapshotRecord } from "./record.ts"
import { recordName } from "../RecordName.ts"
import { readWhole } from "./recordList.ts"

export const ConfigKind = Schema.Literals(["ConfigMap", "Secret"])
export type ConfigKind = typeof ConfigKind.Type

/** A ConfigMap or a Secret, by its name. */
export interface Named {
  readonly kind: ConfigKind
  readonly name: string
}

/** `ConfigMap/db-conf`. */
export const keyOf = ({ kind, name }: Named): string => `${kind}/${name}`

const Content = Schema.Struct({
  metadata: Schema.Struct({ name: Schema.String, labels: optional(StringMap) }),
  type: optional(Schema.String),
  immutable: optional(Schema.Boolean),
  data: optional(StringMap),
  binaryData: optional(StringMap)
})
export type Content = typeof Content.Type

/** The content of an object or a manifest; `null` if it cannot be written. */
export const contentOf = (object: unknown): Content | null => {
  const decoded = Schema.decodeUnknownResult(Content)(object)
  return Result.isSuccess(decoded) ? decoded.success : null
}

/** The fields that are written and compared: nothing that the server maintains. */
export const dataOf = ({ type, data, binaryData }: Content) => ({
  ...(type == null ? {} : { type }),
  data: data ?? {},
  ...(Object.keys(binaryData ?? {}).length === 0 ? {} : { binaryData })
})

/** True if both have the same content; `null` stands for none. */
export const isSame = (left: Content | null, right: Content | null): boolean =>
  left === null || right === null ? left === right : isSameData(dataOf(left), dataOf(right))

/** The names of the keys that are not the same in both. */
export const keysThatDiffer = (left: Content | null, right: Content | null): ReadonlyArray<string> => {
  const all = (content: Content | null) => ({ ...content?.data, ...content?.binaryData })
  const [before, after] = [all(left), all(right)]
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => before[key] !== after[key])
    .toSorted()
}

/** Types of Secrets that are only data: others mean something to the cluster, or to another tool. */
const plainTypes: ReadonlyArray<string> = [
  "Opaque",
  "kubernetes.io/tls",
  "kubernetes.io/basic-auth",
  "kubernetes.io/ssh-auth",
  "kubernetes.io/dockerconfigjson",
  "kubernetes.io/dockercfg"
]

/** True if a deleted object may be recreated from this content. */
export const isPlain = ({ kind }: Named, { type }: Content): boolean =>
  kind !== "Secret" || plainTypes.includes(type ?? "Opaque")

/** The name of an object that cannot be restored under its own name. */
export const newNameOf = ({ name }: Named, id: string): string => nameBeside(name, `-${id}`)

/** True if a restore may have given this name to this object. */
export const isNewNameOf = (one: Named, { kind, name }: Named): boolean =>
  kind === one.kind && /^-[0-9a-f]{8}$/.test(name.slice(-9)) && name === newNameOf(one, name.slice(-8))

/** The kinds that are restored. */
const versions = { StatefulSet: "apps/v1", ConfigMap: "v1", Secret: "v1" } as const

/** The manifests of a record of this kind and name, of its own namespace. */
const manifestsIn = (
  { objects, namespace }: SnapshotRecord,
  kind: keyof typeof versions,
  name: string
): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  objects.filter(({ apiVersion, kind: of, metadata }) => {
    const { name: is, namespace: where = namespace } = Object(metadata)
    return of === kind && apiVersion === versions[kind] && is === name && where === namespace
  })

/** The ConfigMaps and Secrets of a record, by name. */
export const namedIn = ({ objects }: SnapshotRecord): ReadonlyArray<Named> => {
  const all = objects.flatMap(({ kind, metadata }) => {
    const name: unknown = Reflect.get(Object(metadata), "name")
    return Schema.is(ConfigKind)(kind) && typeof name === "string" ? [{ kind, name }] : []
  })
  return [...new Map(all.map((one) => [`${one.kind}/${one.name}`, one])).values()]
}

/** The recorded content of an object; `null` if there is none that can be written. */
export const contentIn = (record: SnapshotRecord, { kind, name }: Named): Content | null => {
  const [first, ...more] = manifestsIn(record, kind, name)
  return more.length > 0 ? null : contentOf(first)
}

/** The recorded pod template of a StatefulSet; `null` if there is none. */
export const templateIn = (record: SnapshotRecord, name: string): object | null => {
  const [first, ...more] = manifestsIn(record, "StatefulSet", name)
  const template: unknown = Reflect.get(Object(first?.["spec"]), "template")
  return more.length > 0 || typeof template !== "object" ? null : template
}

/** A record by its Secrets' uids: while they exist and are immutable, its content is as planned. */
export const Pinned = Schema.Struct({ set: Schema.String, parts: Schema.Array(Schema.String) })
export type Pinned = typeof Pinned.Type

/** The pinned record. */
export const readPinned = (
  namespace: string,
  { set, parts }: Pinned
): Effect.Effect<SnapshotRecord, ClusterError | OperationError, Cluster> =>
  Effect.flatMap(readWhole(namespace, set), (found) =>
    found !== null && found.sealed && isSameData(found.parts, parts)
      ? Effect.succeed(found.record)
      : Effect.fail(
          because(
            "Changed",
            `secret "${recordName(set)}" is ${found === null ? "gone" : "not the record that this was planned with"}`,
            "another client removed or replaced it: run the command again"
          )
        )
  )
