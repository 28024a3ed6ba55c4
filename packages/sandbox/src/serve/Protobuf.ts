/**
 * Bodies in Kubernetes' protobuf, which kubectl's typed commands send (`create deployment`, `drain`),
 * converted to JSON. Loaded with the first of them.
 */
import { create, createFileRegistry, type DescField, type DescMessage, fromBinary } from "@bufbuild/protobuf"
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorSetSchema
} from "@bufbuild/protobuf/wkt"
import { isArray, isObject, type JsonObject, put, stringAt } from "../apimachinery/Json.ts"
import { badRequest, unreadableKind } from "../apimachinery/Status.ts"
import { kinds, messages } from "./ProtobufMessages.ts"

/** The form of a field in JSON, if it is not only present when it was sent. */
type Rule = "WithoutZero" | "WithZero" | "Inline"

const rules: Readonly<Record<string, Rule>> = { "?": "WithoutZero", "!": "WithZero", "^": "Inline" }

const scalars: Readonly<Record<string, Type>> = {
  bool: Type.BOOL,
  bytes: Type.BYTES,
  int32: Type.INT32,
  int64: Type.INT64,
  string: Type.STRING
}

const fieldText = /^(\d+) (\w+) ([*%]?)([\w.]+)([?!^]?)$/

const ruleOf = new Map<string, Rule>()
const keyOf = (message: string, number: number): string => `${message} ${number}`

/** Scalar or message, the latter by its full name. */
const typed = (kind: string, inside: string) => {
  const scalar = scalars[kind]
  return scalar === undefined
    ? { type: Type.MESSAGE, typeName: `.${kind.includes(".") ? kind : `${inside}.${kind}`}` }
    : { type: scalar }
}

const entryType = (name: string): string => `${name[0]?.toUpperCase()}${name.slice(1)}Entry`

/** A message's descriptor, from its line. */
const described = (line: string, inside: string) => {
  const [name = "", text = ""] = line.split(": ")
  const fields = text.split(", ").flatMap((each) => {
    const [, number = "", fieldName = "", many = "", kind = "", rule = ""] = fieldText.exec(each) ?? []
    if (number === "") return []
    const found = rules[rule]
    if (found !== undefined) ruleOf.set(keyOf(`${inside}.${name}`, Number(number)), found)
    return [{ name: fieldName, number: Number(number), many, kind }]
  })
  return {
    name,
    field: fields.map(({ many, kind, ...field }) => ({
      ...field,
      label: many === "" ? Label.OPTIONAL : Label.REPEATED,
      ...(many === "%"
        ? { type: Type.MESSAGE, typeName: `.${inside}.${name}.${entryType(field.name)}` }
        : typed(kind, inside))
    })),
    nestedType: fields
      .filter(({ many }) => many === "%")
      .map((field) => ({
        name: entryType(field.name),
        options: { mapEntry: true },
        field: [
          { name: "key", number: 1, label: Label.OPTIONAL, type: Type.STRING },
          { name: "value", number: 2, label: Label.OPTIONAL, ...typed(field.kind, inside) }
        ]
      }))
  }
}

const registry = createFileRegistry(
  create(FileDescriptorSetSchema, {
    file: messages
      .trim()
      .split(/^# /m)
      .slice(1)
      .map((text) => {
        const [inside = "", ...lines] = text.trim().split("\n")
        return {
          name: inside,
          package: inside,
          syntax: "proto2",
          messageType: lines.map((line) => described(line, inside))
        }
      })
  })
)

/** `apps/v1 Deployment` to its message. */
const byKind = new Map(
  kinds
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [apiVersion = "", ...names] = line.split(" ")
      return names.map((name) => [`${apiVersion} ${name.slice(name.lastIndexOf(".") + 1)}`, name] as const)
    })
)

/** Bytes that are JSON themselves. */
const embedded = (bytes: unknown): unknown => {
  const text = bytes instanceof Uint8Array ? Buffer.from(bytes).toString("utf8") : ""
  return text === "" ? undefined : JSON.parse(text)
}

/** A time that was never set is null in JSON, which is to say absent. */
const time = (message: JsonObject, digits: number): string | undefined => {
  if (!Object.hasOwn(message, "seconds")) return undefined
  const whole = new Date(Number(message["seconds"]) * 1000).toISOString().slice(0, -".000Z".length)
  const fraction = String(message["nanos"]).padStart(9, "0").slice(0, digits)
  return `${whole}${digits === 0 ? "" : `.${fraction}`}Z`
}

/** Messages that Go writes to JSON by code of their own. */
const special: Readonly<Record<string, (message: JsonObject) => unknown>> = {
  "k8s.io.apimachinery.pkg.api.resource.Quantity": (message) => message["string"],
  "k8s.io.apimachinery.pkg.apis.meta.v1.FieldsV1": (message) => embedded(message["Raw"]),
  "k8s.io.apimachinery.pkg.apis.meta.v1.MicroTime": (message) => time(message, 6),
  "k8s.io.apimachinery.pkg.apis.meta.v1.Time": (message) => time(message, 0),
  "k8s.io.apimachinery.pkg.runtime.RawExtension": (message) => embedded(message["raw"]),
  "k8s.io.apimachinery.pkg.util.intstr.IntOrString": (message) =>
    message["type"] === 1n ? message["strVal"] : message["intVal"]
}

const isZero = (value: unknown): boolean =>
  value === "" || value === 0 || value === false || (isObject(value) && Object.keys(value).length === 0)

/** A scalar, an item of a list, a value of a map. */
const single = (value: unknown, message: DescMessage | undefined): unknown =>
  message !== undefined
    ? objectOf(isObject(value) ? value : {}, message)
    : typeof value === "bigint"
      ? Number(value)
      : value instanceof Uint8Array
        ? Buffer.from(value).toString("base64")
        : value

/** Undefined for what is not there. */
const valueOf = (value: unknown, { fieldKind, message }: DescField): unknown => {
  if (fieldKind === "list") {
    return isArray(value) && value.length > 0 ? value.map((each) => single(each, message)) : undefined
  }
  if (fieldKind !== "map") return single(value, message)
  const map: Record<string, unknown> = {}
  for (const [key, each] of Object.entries(isObject(value) ? value : {})) put(map, key, single(each, message))
  return isZero(map) ? undefined : map
}

const objectOf = (sent: JsonObject, message: DescMessage): unknown => {
  const own = special[message.typeName]
  if (own !== undefined) return own(sent)
  const object: Record<string, unknown> = {}
  for (const field of message.fields) {
    const rule = ruleOf.get(keyOf(message.typeName, field.number))
    // What was not sent is a zero as well, where one looks for it.
    if (!Object.hasOwn(sent, field.localName) && rule !== "WithZero") continue
    const value = valueOf(sent[field.localName], field)
    if (rule !== "Inline") {
      if (value !== undefined && !(rule === "WithoutZero" && isZero(value))) object[field.name] = value
    } else if (isObject(value)) Object.assign(object, value)
    // Nothing else stands beside such a list.
    else return value ?? []
  }
  return object
}

const decoded = (name: string, bytes: Uint8Array): JsonObject => {
  const message = registry.getMessage(name)
  if (message === undefined) throw new Error(`no message ${name}`)
  const sent: unknown = fromBinary(message, bytes)
  const object = objectOf(isObject(sent) ? sent : {}, message)
  return isObject(object) ? object : {}
}

/** Reports invalid bytes with the server's message. */
const parsed = (name: string, bytes: Uint8Array): JsonObject => {
  try {
    return decoded(name, bytes)
  } catch {
    throw badRequest("couldn't get version/kind; protobuf parse error")
  }
}

const magic = "k8s\0"

/** The body as JSON text. Throws a refusal for bytes that are none, and for a kind that is not listed. */
export const toJson = (body: Uint8Array): string => {
  const isMarked = Buffer.from(body.subarray(0, magic.length)).toString("latin1") === magic
  const envelope = parsed(
    "k8s.io.apimachinery.pkg.runtime.Unknown",
    isMarked ? body.subarray(magic.length) : Buffer.from("no protobuf")
  )
  const apiVersion = stringAt(envelope, "apiVersion") ?? ""
  const kind = stringAt(envelope, "kind") ?? ""
  // Every group has its own.
  const name = byKind.get(kind === "DeleteOptions" ? "v1 DeleteOptions" : `${apiVersion} ${kind}`)
  if (name === undefined) throw unreadableKind(kind, apiVersion)
  const object = parsed(name, Buffer.from(stringAt(envelope, "raw") ?? "", "base64"))
  return JSON.stringify({ apiVersion, kind, ...object })
}
