/** ConfigMaps and Secrets: the ones marked immutable stay as they are, and a Secret's type never changes. */
import { at, equal, isObject, stringsAt } from "../Json.ts"
import type { Draft, KubeObject } from "../KubeObject.ts"
import type { Fault, Strategy } from "../ResourceType.ts"
import { prohibited, wrong } from "./Fault.ts"

const immutable = (next: Draft, previous: KubeObject, fields: ReadonlyArray<string>): ReadonlyArray<Fault> =>
  at(previous, "immutable") !== true
    ? []
    : [
        ...(at(next, "immutable") === true ? [] : ["immutable"]),
        ...fields.filter((field) => !equal(at(next, field), at(previous, field)))
      ].map((field) => prohibited(field, "field is immutable when `immutable` is set"))

/** One MiB, over all keys. */
const limit = 1024 * 1024

const dataFaults = (draft: Draft): ReadonlyArray<Fault> => {
  const data = { ...stringsAt(draft, "data"), ...stringsAt(draft, "binaryData") }
  const total = Object.values(data).reduce((sum, value) => sum + value.length, 0)
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
    ...(total > limit
      ? [
          {
            field: "data",
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

const encode = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

export const secret: Strategy = {
  faults: dataFaults,
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
