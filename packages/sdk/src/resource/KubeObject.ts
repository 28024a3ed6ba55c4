/**
 * An object as the API sends it: plain data, every field kept.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { ClusterError, type Request } from "../Cluster.ts"
import { type ApiResource, apiVersion } from "./ApiResource.ts"
import { describeRequest, isWrite, outcomeUnknown } from "./Status.ts"

/** The common fields of every object. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid?: string
    readonly resourceVersion?: string
    readonly [field: string]: unknown
  }
  readonly [field: string]: unknown
}

/** A field of a value of any shape, such as a manifest; `undefined` where the way to it ends before. */
export const fieldAt = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>(
    (found, key) => (Predicate.isObject(found) ? Reflect.get(found, key) : undefined),
    value
  )

/** Its text; empty if it is none. */
export const textAt = (value: unknown, ...path: ReadonlyArray<string>): string => {
  const found = fieldAt(value, ...path)
  return typeof found === "string" ? found : ""
}

/** The items of a list of such a value; empty if it is no list. */
export const itemsAt = (value: unknown, ...path: ReadonlyArray<string>): ReadonlyArray<unknown> => {
  const found = fieldAt(value, ...path)
  return Array.isArray(found) ? found : []
}

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => Predicate.isObject(value)

/** The name that the API has for a field of a model class of `@kubernetes/client-node`: `_from` is `from`. */
const namesOf = (value: object): ReadonlyMap<string, string> | null => {
  // By its class: `constructor` may be a key of a ConfigMap.
  const prototype: unknown = Object.getPrototypeOf(value)
  const model: unknown = Predicate.isObject(prototype) ? prototype.constructor : undefined
  const map: unknown = typeof model === "function" ? Reflect.get(model, "attributeTypeMap") : undefined
  if (!Array.isArray(map)) return null
  return new Map(
    map.flatMap((one: unknown) =>
      isFields(one) && typeof one["name"] === "string" && typeof one["baseName"] === "string"
        ? [[one["name"], one["baseName"]]]
        : []
    )
  )
}

/**
 * An object as the API sends it, of what `@kubernetes/client-node` has made of one: a Date is a time, a field
 * that is undefined is none, and the fields of its classes have the names of the API.
 */
export const plain = (value: unknown): unknown => {
  if (value instanceof Date) return value.toISOString().replace(/\.000Z$/, "Z")
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null) return value
  if ("toJSON" in value && typeof value.toJSON === "function") return plain(value.toJSON())
  const names = namesOf(value)
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) =>
      one === undefined ? [] : [[names?.get(key) ?? key, plain(one)] as const]
    )
  )
}

/** The items of a list have no apiVersion and kind; they are restored. */
export const asObject = (value: unknown, api: ApiResource): KubeObject | null => {
  if (!isFields(value) || !isFields(value["metadata"])) return null
  const name = value["metadata"]["name"]
  if (typeof name !== "string") return null
  const kind = typeof value["kind"] === "string" ? value["kind"] : api.kind
  const version = typeof value["apiVersion"] === "string" ? value["apiVersion"] : apiVersion(api)
  return { ...value, apiVersion: version, kind, metadata: { ...value["metadata"], name } }
}

/** An answer that must be one object. */
export const expectObject = (
  value: unknown,
  api: ApiResource,
  request: Request
): Effect.Effect<KubeObject, ClusterError> => {
  const object = asObject(value, api)
  if (object !== null) return Effect.succeed(object)
  return Effect.fail(
    isWrite(request)
      ? outcomeUnknown(request, "the answer is no object")
      : new ClusterError({
          reason: { _tag: "Unreadable" },
          message: `${describeRequest(request)}: the answer is no ${api.kind}`
        })
  )
}
