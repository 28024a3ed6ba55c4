/** ConfigMaps and Secrets: the ones marked immutable stay as they are, and a Secret's type never changes. */
import { at, equal, isObject, stringsAt } from "../Json.ts"
import type { Draft, KubeObject } from "../KubeObject.ts"
import type { Fault, Strategy } from "../ResourceType.ts"
import { prohibited } from "./Fault.ts"

const immutable = (next: Draft, previous: KubeObject, fields: ReadonlyArray<string>): ReadonlyArray<Fault> =>
  at(previous, "immutable") !== true
    ? []
    : [
        ...(at(next, "immutable") === true ? [] : ["immutable"]),
        ...fields.filter((field) => !equal(at(next, field), at(previous, field)))
      ].map((field) => prohibited(field, "field is immutable when `immutable` is set"))

export const configMap: Strategy = {
  updateFaults: (next, previous) => immutable(next, previous, ["data", "binaryData"])
}

const encode = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

export const secret: Strategy = {
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
