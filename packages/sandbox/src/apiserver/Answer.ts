/** The response to a request, and the format that the client accepts. */
import type { JsonObject } from "../apimachinery/Json.ts"
import type { KubeObject } from "../apimachinery/KubeObject.ts"
import { groupVersion, type ResourceType } from "../apimachinery/ResourceType.ts"
import { notAcceptable, notImplemented, type Refusal } from "../apimachinery/Status.ts"
import { table } from "./Table.ts"

export interface Answer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const jsonHeaders = { "content-type": "application/json" }

export const json = (body: unknown, status = 200, headers: Answer["headers"] = jsonHeaders): Answer => ({
  status,
  headers,
  body: JSON.stringify(body)
})

export const text = (body: string, status = 200): Answer => ({
  status,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body
})

/** k8s.io/apiserver, filters/warning.go: once all of them are longer, each is cut, and the rest left out. */
const warningsLimit = 4096
const warningLimit = 256

/** RFC 9110's 299 as the real server writes it. */
const warningHeader = (warning: string): string =>
  `299 - ${JSON.stringify(warning).replaceAll(
    /[\u007f-\u009f]/g,
    (control) => `\\u00${control.charCodeAt(0).toString(16)}`
  )}`

/** The answer with a `Warning` header for people who wait at a terminal. */
export const warned = (answer: Answer, warnings: ReadonlyArray<string>): Answer => {
  if (warnings.length === 0) return answer
  let left = warningsLimit
  const isLong = warnings.join("").length > warningsLimit
  const told = isLong
    ? warnings
        .map((warning) => warning.slice(0, warningLimit))
        .filter((warning) => (left -= warning.length) >= 0)
    : warnings
  return { ...answer, headers: { ...answer.headers, warning: told.map(warningHeader).join(", ") } }
}

export const refused = ({ status }: Refusal): Answer => {
  const wait = status.details?.retryAfterSeconds
  return json(
    status,
    status.code,
    wait === undefined ? jsonHeaders : { ...jsonHeaders, "retry-after": String(wait) }
  )
}

/** Plain objects, their metadata alone, or a table of cells for people. */
export type Form = "Plain" | "Metadata" | "Table"

/** The first form in the Accept header that this server can write. */
export const form = (accept: string | undefined, watchable = true): Form => {
  if (accept === undefined || accept === "" || accept === "application/json") return "Plain"
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim())
    if (type !== "application/json" && type !== "*/*" && type !== "application/*") continue
    const as = parameters.find((each) => each.startsWith("as="))?.slice(3)
    if (as === undefined) return "Plain"
    const version = parameters.find((each) => each.startsWith("v="))?.slice(2)
    if (version !== "v1") continue
    if (as === "Table") return "Table"
    if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") return "Metadata"
  }
  if (/yaml|protobuf|cbor/.test(accept)) throw notImplemented(`answers as ${accept}`)
  throw notAcceptable(watchable)
}

const meta = "meta.k8s.io/v1"

const partial = (object: KubeObject): JsonObject => ({
  kind: "PartialObjectMetadata",
  apiVersion: meta,
  metadata: object.metadata
})

/** The object as the version that was asked for. */
export const inVersion = (type: ResourceType, version: string, object: KubeObject): KubeObject =>
  version === type.versions[0] ? object : { ...object, apiVersion: groupVersion(type, version) }

const included = (query: URLSearchParams): ((object: KubeObject) => unknown) => {
  const wanted = query.get("includeObject")
  return wanted === "None" ? () => undefined : wanted === "Object" ? (object) => object : partial
}

/** An object that was not stored, from a dry-run creation, has no resourceVersion. */
const shown = (object: KubeObject): unknown => {
  if (object.metadata.resourceVersion !== "") return object
  const { resourceVersion: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

export const one = (
  type: ResourceType,
  object: KubeObject,
  as: Form,
  query: URLSearchParams,
  now: number
): unknown =>
  as === "Plain"
    ? shown(object)
    : as === "Metadata"
      ? partial(object)
      : {
          kind: "Table",
          apiVersion: meta,
          metadata: { resourceVersion: object.metadata.resourceVersion },
          ...table(type, [object], now, included(query))
        }

export interface ListMeta {
  readonly resourceVersion: string
  readonly continue?: string
  readonly remainingItemCount?: number
}

/** Items of a list carry no apiVersion and kind of their own, except custom resources'. */
const item = (type: ResourceType, object: KubeObject): JsonObject => {
  if (type.custom) return { ...object }
  const { apiVersion: _, kind: __, ...rest } = object
  return rest
}

export const many = (
  type: ResourceType,
  version: string,
  objects: ReadonlyArray<KubeObject>,
  metadata: ListMeta,
  as: Form,
  query: URLSearchParams,
  now: number
): unknown =>
  as === "Plain"
    ? {
        kind: `${type.kind}List`,
        apiVersion: groupVersion(type, version),
        // Of custom resources a token is there even where it is empty.
        metadata: type.custom ? { continue: "", ...metadata } : metadata,
        items: objects.map((object) => item(type, inVersion(type, version, object)))
      }
    : as === "Metadata"
      ? {
          kind: "PartialObjectMetadataList",
          apiVersion: meta,
          metadata,
          // The server's own slip: here an empty list is null.
          items: objects.length === 0 ? null : objects.map(partial)
        }
      : { kind: "Table", apiVersion: meta, metadata, ...table(type, objects, now, included(query)) }
