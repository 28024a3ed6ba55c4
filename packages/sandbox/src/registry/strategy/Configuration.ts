/** ConfigMaps and Secrets: the ones marked immutable stay as they are, and a Secret's type never changes. */
import { at, equal, isObject, stringAt, stringsAt } from "../../apimachinery/Json.ts"
import type { Draft, KubeObject } from "../../apimachinery/KubeObject.ts"
import type { Strategy } from "../../apimachinery/ResourceType.ts"
import { type FieldError, prohibited, required, wrong } from "../../apimachinery/FieldError.ts"

const immutable = (
  next: Draft,
  previous: KubeObject,
  fields: ReadonlyArray<string>
): ReadonlyArray<FieldError> =>
  at(previous, "immutable") !== true
    ? []
    : [
        ...(at(next, "immutable") === true ? [] : ["immutable"]),
        ...fields.filter((field) => !equal(at(next, field), at(previous, field)))
      ].map((field) => prohibited(field, "field is immutable when `immutable` is set"))

/** One MiB, over all keys. */
const limit = 1024 * 1024

/** The length of the decoded base64. */
const decodedLength = (text: string): number =>
  Math.floor((text.length * 3) / 4) - (text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0)

/** In bytes: those of a Secret, and of `binaryData`, come as base64. */
const sizeOf = (draft: Draft): number => {
  const encoded = stringsAt(draft, draft.kind === "Secret" ? "data" : "binaryData")
  const plain = draft.kind === "Secret" ? {} : stringsAt(draft, "data")
  const bytes = new TextEncoder()
  return (
    Object.values(encoded).reduce((sum, value) => sum + decodedLength(value), 0) +
    Object.values(plain).reduce((sum, value) => sum + bytes.encode(value).length, 0)
  )
}

const dataFaults = (draft: Draft): ReadonlyArray<FieldError> => {
  const data = { ...stringsAt(draft, "data"), ...stringsAt(draft, "binaryData") }
  const binary = stringsAt(draft, "binaryData")
  const total = sizeOf(draft)
  return [
    ...Object.keys(data)
      .filter((key) => !/^[-._a-zA-Z0-9]{1,253}$/.test(key))
      .map((key) =>
        wrong(
          `data[${key}]`,
          key,
          "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
        )
      ),
    ...Object.keys(data)
      .filter((key) => key === "." || key.startsWith(".."))
      .map((key) =>
        wrong(`data[${key}]`, key, key.length > 2 ? "must not start with '..'" : `must not be '${key}'`)
      ),
    ...Object.keys(stringsAt(draft, "data"))
      .filter((key) => Object.hasOwn(binary, key))
      .map((key) => wrong(`data[${key}]`, key, "duplicate of key present in binaryData")),
    ...(total > limit
      ? [
          {
            field: draft.kind === "Secret" ? "data" : "[]",
            reason: "FieldValueTooLong" as const,
            message: `Too long: may not be more than ${limit} bytes`
          }
        ]
      : [])
  ]
}

export const configMap: Strategy = {
  faults: dataFaults,
  updateFaults: (next, previous) => immutable(next, previous, ["data", "binaryData"])
}

const encode = (text: string): string => {
  let bytes = ""
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte)
  return btoa(bytes)
}

/** The keys that a type of Secret must have. */
const keysOf: Readonly<Record<string, ReadonlyArray<string>>> = {
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"]
}

const secretFaults = (draft: Draft): ReadonlyArray<FieldError> => {
  const type = stringAt(draft, "type") ?? ""
  const data = stringsAt(draft, "data")
  const basic =
    type === "kubernetes.io/basic-auth" && data["username"] === undefined && data["password"] === undefined
  return [
    ...dataFaults(draft),
    ...(basic ? ["username", "password"] : (keysOf[type] ?? []))
      .filter((key) => !Object.hasOwn(data, key))
      .map((key) => required(`data[${key}]`))
  ]
}

export const secret: Strategy = {
  faults: secretFaults,
  withDefaults: (draft) => {
    const written = stringsAt(draft, "stringData")
    const data = at(draft, "data")
    const encoded = Object.fromEntries(Object.entries(written).map(([key, value]) => [key, encode(value)]))
    const rest: Record<string, unknown> = { type: "Opaque", ...draft }
    delete rest["stringData"]
    return {
      ...rest,
      apiVersion: draft.apiVersion,
      kind: draft.kind,
      metadata: draft.metadata,
      ...(isObject(data) || Object.keys(written).length > 0
        ? { data: { ...(isObject(data) ? data : {}), ...encoded } }
        : {})
    }
  },
  updateFaults: (next, previous) => [
    ...(at(next, "type") === at(previous, "type")
      ? []
      : [
          {
            field: "type",
            reason: "FieldValueInvalid" as const,
            message: `Invalid value: ${JSON.stringify(at(next, "type") ?? "")}: field is immutable`
          }
        ]),
    ...immutable(next, previous, ["data"])
  ]
}
