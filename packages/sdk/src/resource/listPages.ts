/**
 * A whole list, page by page.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { type Cluster, ClusterError, type Request } from "../Cluster.ts"
import type { Kind } from "../Kind.ts"
import { type Accepted, acceptAll, readable, type Typed, type Which } from "./accepted.ts"
import { type ApiResource, collectionPath } from "./ApiResource.ts"
import { asObject, type KubeObject } from "./KubeObject.ts"
import { roundTrip } from "./roundTrip.ts"

/** The selection of objects of a collection. */
export interface ListOptions {
  /** Default: all namespaces. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Names, labels, annotations and owners only. Of a Secret, never its values. */
  readonly metadataOnly?: boolean
  /** Objects a page. Default 500, as kubectl. */
  readonly pageSize?: number
  /** `"0"`: whatever the server has cached. Default: the newest. */
  readonly resourceVersion?: string
  /**
   * Reduces each object when its page arrives; the rest is dropped with the page. Default: everything is
   * kept.
   */
  readonly keep?: (object: KubeObject) => KubeObject
}

/** A list as it was at one resourceVersion. */
export interface Listing {
  readonly items: ReadonlyArray<KubeObject>
  readonly resourceVersion: string
}

/** The selection of objects of a kind. */
export interface KindListOptions extends Omit<ListOptions, "metadataOnly"> {
  /** Only those, by their metadata; the server is asked for all. Default: all. */
  readonly which?: Which
}

const metadataOfList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

/** The query that a list and its watch share. */
export const selection = (options: ListOptions): ReadonlyArray<readonly [string, string]> => [
  ...(options.labelSelector === undefined ? [] : [["labelSelector", options.labelSelector] as const]),
  ...(options.fieldSelector === undefined ? [] : [["fieldSelector", options.fieldSelector] as const])
]

interface Page extends Listing {
  readonly continue: string
}

/** Longer than any request line: proxies allow 8 KiB. A real token contains a version and one key. */
const maxTokenLength = 16_384

/**
 * A server fills its pages, and ends with one without a token: this many empty ones in a row are not a list.
 */
const maxEmptyPages = 100

const unreadable = (path: string, what: string): ClusterError =>
  new ClusterError({
    reason: { _tag: "Unreadable" },
    message: `GET ${path}: ${what}`,
    action: "check that the server's address is that of a Kubernetes API server"
  })

const readPage = (
  api: ApiResource,
  options: ListOptions,
  token: string
): Effect.Effect<Page, ClusterError, Cluster> => {
  const request: Request = {
    method: "GET",
    path: collectionPath(api, options.namespace),
    query: [
      ...selection(options),
      ["limit", String(options.pageSize ?? 500)],
      ...(token === "" ? [] : [["continue", token] as const]),
      // A continue token carries its own version, and the server refuses both together.
      ...(token === "" && options.resourceVersion !== undefined
        ? [["resourceVersion", options.resourceVersion] as const]
        : [])
    ],
    ...(options.metadataOnly === true ? { headers: { accept: metadataOfList } } : {})
  }
  return Effect.flatMap(roundTrip(request), (body) => {
    const page = decode(body, api, options.keep)
    if (page === null) return Effect.fail(unreadable(request.path, `the answer is no list of ${api.plural}`))
    return page.continue.length > maxTokenLength
      ? Effect.fail(unreadable(request.path, "the list goes on with a continue token of more than 16 KiB"))
      : Effect.succeed(page)
  })
}

const decode = (body: unknown, api: ApiResource, keep: ListOptions["keep"]): Page | null => {
  if (!Predicate.hasProperty(body, "metadata") || !Predicate.isObject(body.metadata)) return null
  const meta: Readonly<Record<PropertyKey, unknown>> = body.metadata
  // Another answer, as a Status, is no list of nothing.
  if (!Predicate.hasProperty(body, "items")) return null
  // An empty list of a custom resource may come with null for its items.
  const raw = body.items ?? []
  if (!Array.isArray(raw)) return null
  const items: Array<KubeObject> = []
  for (const item of raw) {
    // A metadata-only item names itself PartialObjectMetadata; it is still of its own kind.
    const object = asObject(
      Predicate.isObject(item) ? { ...item, kind: api.kind, apiVersion: undefined } : item,
      api
    )
    if (object === null) return null
    items.push(keep === undefined ? object : keep(object))
  }
  const version = meta["resourceVersion"]
  const token = meta["continue"]
  return {
    items,
    resourceVersion: typeof version === "string" ? version : "",
    continue: typeof token === "string" ? token : ""
  }
}

/**
 * Every object of a resource, as it came.
 *
 * If a continue token expires (410), the list is restarted once: its first pages would otherwise be older
 * than its last. A repeated token would cause an endless loop, and is an error.
 */
export const listObjects = (
  api: ApiResource,
  options: ListOptions = {}
): Effect.Effect<Listing, ClusterError, Cluster> => {
  const run = (again: boolean): Effect.Effect<Listing, ClusterError, Cluster> =>
    Effect.gen(function* () {
      const items: Array<KubeObject> = []
      const seen = new Set<string>()
      let empty = 0
      let token = ""
      while (true) {
        const started = token !== ""
        const page = yield* readPage(api, options, token).pipe(
          Effect.catchIf(
            (error) => error.reason._tag === "Expired" && started && again,
            () => Effect.succeed(null)
          )
        )
        if (page === null) return yield* run(false)
        for (const item of page.items) items.push(item)
        token = page.continue
        if (token === "") return { items, resourceVersion: page.resourceVersion }
        empty = page.items.length === 0 ? empty + 1 : 0
        if (seen.has(token) || empty >= maxEmptyPages) {
          const path = collectionPath(api, options.namespace)
          const why = seen.has(token) ? "a continue token came again" : `${empty} empty pages in a row`
          return yield* Effect.fail(unreadable(path, `the list never ends: ${why}`))
        }
        seen.add(token)
      }
    })
  return run(true)
}

const came = <A>(kind: Kind<A>, options: KindListOptions) =>
  listObjects(kind, { ...options, metadataOnly: kind.metadataOnly })

/**
 * Every object of a kind.
 *
 * **Errors**: those of the server, and `Unreadable` with the name of an invalid object: unknown facts are
 * never ignored. `which` excludes irrelevant objects. Without objects the list is empty; `NotFound` means
 * that the kind is not served.
 *
 * **Example**: `yield* Resource.list(kinds.pods, { namespace: "shop", labelSelector: "app=db" })`
 */
export const list = <A extends Typed>(
  kind: Kind<A>,
  options: KindListOptions = {}
): Effect.Effect<ReadonlyArray<A>, ClusterError, Cluster> =>
  Effect.flatMap(came(kind, options), ({ items }) => acceptAll(kind, items, options.which))

/**
 * The objects of a kind that can be read, and a line for each of the others.
 *
 * **Caveats**: only for display. To delete, move or conclude anything from the absence of an object, use
 * `list`.
 */
export const listReadable = <A extends Typed>(
  kind: Kind<A>,
  options: KindListOptions = {}
): Effect.Effect<Accepted<A>, ClusterError, Cluster> =>
  Effect.map(came(kind, options), ({ items }) => readable(kind, items, options.which))
