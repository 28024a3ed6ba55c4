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

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => Predicate.isObject(value)

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
