/**
 * Bodies in Kubernetes' protobuf, which kubectl's typed commands send (`auth can-i`, `create
 * configmap`, `drain`), turned into the JSON that they stand for.
 *
 * Field numbers: the generated.proto of k8s.io/api and k8s.io/apimachinery. Other kinds are refused.
 */
import { isObject } from "../Json.ts"
import { badRequest, notImplemented } from "../Status.ts"

export const mediaType = "application/vnd.kubernetes.protobuf"

type Field =
  | "string"
  | "strings"
  | "int"
  | "bool"
  | "stringMap"
  | "bytesMap"
  | "ignored"
  | { readonly [number: number]: readonly [name: string, field: Field] }

const metadata: Field = {
  1: ["name", "string"],
  2: ["generateName", "string"],
  3: ["namespace", "string"],
  5: ["uid", "string"],
  6: ["resourceVersion", "string"],
  8: ["creationTimestamp", "ignored"],
  11: ["labels", "stringMap"],
  12: ["annotations", "stringMap"],
  14: ["finalizers", "strings"]
}

const deleteOptions: Field = {
  1: ["gracePeriodSeconds", "int"],
  2: ["preconditions", { 1: ["uid", "string"], 2: ["resourceVersion", "string"] }],
  3: ["orphanDependents", "bool"],
  4: ["propagationPolicy", "string"],
  5: ["dryRun", "strings"]
}

const messages: Readonly<Record<string, Field>> = {
  "v1/ConfigMap": {
    1: ["metadata", metadata],
    2: ["data", "stringMap"],
    3: ["binaryData", "bytesMap"],
    4: ["immutable", "bool"]
  },
  "v1/Secret": {
    1: ["metadata", metadata],
    2: ["data", "bytesMap"],
    3: ["type", "string"],
    4: ["stringData", "stringMap"],
    5: ["immutable", "bool"]
  },
  "v1/Namespace": { 1: ["metadata", metadata], 2: ["spec", "ignored"], 3: ["status", "ignored"] },
  "v1/DeleteOptions": deleteOptions,
  "policy/v1/Eviction": { 1: ["metadata", metadata], 2: ["deleteOptions", deleteOptions] },
  "authentication.k8s.io/v1/SelfSubjectReview": { 1: ["metadata", metadata], 2: ["status", "ignored"] },
  "authorization.k8s.io/v1/SelfSubjectRulesReview": {
    1: ["metadata", metadata],
    2: ["spec", { 1: ["namespace", "string"] }],
    3: ["status", "ignored"]
  },
  "authorization.k8s.io/v1/SelfSubjectAccessReview": {
    1: ["metadata", metadata],
    2: [
      "spec",
      {
        1: [
          "resourceAttributes",
          {
            1: ["namespace", "string"],
            2: ["verb", "string"],
            3: ["group", "string"],
            4: ["version", "string"],
            5: ["resource", "string"],
            6: ["subresource", "string"],
            7: ["name", "string"]
          }
        ],
        2: ["nonResourceAttributes", { 1: ["path", "string"], 2: ["verb", "string"] }]
      }
    ],
    3: ["status", "ignored"]
  }
}

const unreadable = () => badRequest("couldn't get version/kind; protobuf parse error")

/** A field on the wire: its number, and a number or the bytes of the rest. */
type Wire = readonly [number: number, value: bigint | Uint8Array]

const wires = (bytes: Uint8Array): ReadonlyArray<Wire> => {
  const found: Array<Wire> = []
  let position = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[position++]
      if (byte === undefined) throw unreadable()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asIntN(64, value)
    }
    throw unreadable()
  }
  while (position < bytes.length) {
    const tag = Number(varint())
    if (tag % 8 === 0) {
      found.push([tag >>> 3, varint()])
      continue
    }
    // None of the messages above has a field of fixed size.
    if (tag % 8 !== 2) throw unreadable()
    const length = Number(varint())
    if (length < 0 || position + length > bytes.length) throw unreadable()
    found.push([tag >>> 3, bytes.subarray(position, position + length)])
    position += length
  }
  return found
}

const utf8 = (value: Wire[1] | undefined): string =>
  typeof value === "bigint" ? "" : Buffer.from(value ?? []).toString("utf8")
const base64 = (value: Wire[1] | undefined): string =>
  typeof value === "bigint" ? "" : Buffer.from(value ?? []).toString("base64")

const entry = (bytes: Wire[1]): readonly [key: string, value: Wire[1] | undefined] => {
  const parts = new Map(wires(typeof bytes === "bigint" ? new Uint8Array() : bytes))
  return [utf8(parts.get(1)), parts.get(2)]
}

const read = (field: Field, values: ReadonlyArray<Wire[1]>): unknown => {
  const last = values.at(-1)
  switch (field) {
    case "ignored":
      return undefined
    case "string":
      return utf8(last)
    case "strings":
      return values.map(utf8)
    case "int":
      return Number(last ?? 0n)
    case "bool":
      return last === 1n
    case "stringMap":
      return Object.fromEntries(values.map(entry).map(([key, value]) => [key, utf8(value)]))
    case "bytesMap":
      return Object.fromEntries(values.map(entry).map(([key, value]) => [key, base64(value)]))
    default: {
      const byNumber = Map.groupBy(
        wires(typeof last === "object" ? last : new Uint8Array()),
        ([number]) => number
      )
      const message: Record<string, unknown> = {}
      for (const [number, found] of byNumber) {
        const [name, inner] = field[number] ?? []
        if (name === undefined || inner === undefined) {
          // Go writes most fields also when they are empty.
          if (found.every(([, value]) => value === 0n || (typeof value === "object" && value.length === 0)))
            continue
          throw notImplemented(`field ${number} of a protobuf body`)
        }
        const value = read(
          inner,
          found.map(([, each]) => each)
        )
        if (value !== undefined && value !== "") message[name] = value
      }
      return message
    }
  }
}

/** The body as JSON text. Throws a refusal for bytes that are none, and for a kind not listed here. */
export const toJson = (body: Uint8Array): string => {
  // k8s.io/apimachinery, runtime.Unknown: type, bytes of the object.
  if (Buffer.from(body.subarray(0, 4)).toString("latin1") !== "k8s\0") throw unreadable()
  const unknown = new Map(wires(body.subarray(4)))
  const [type, object] = [unknown.get(1), unknown.get(2)]
  if (typeof type !== "object") throw unreadable()
  const names = new Map(wires(type))
  const [apiVersion, kind] = [utf8(names.get(1)), utf8(names.get(2))]
  const message = messages[`${apiVersion}/${kind}`]
  if (message === undefined) throw notImplemented(`a protobuf body of ${apiVersion} ${kind}`)
  const fields = read(message, [object ?? new Uint8Array()])
  return JSON.stringify({ apiVersion, kind, ...(isObject(fields) ? fields : {}) })
}
