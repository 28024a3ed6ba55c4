/**
 * get, find, list, watch of a kind; create, patch, remove; discover: functions over the port. Retries,
 * paging, relists and Status decoding live here, once, for the live cluster, the sandbox and every injected
 * fault alike.
 *
 * An object that does not match its kind is an error, with its name: nothing is concluded from the others.
 * Functions whose name ends in `Readable` return the error next to the others, for display only.
 *
 * Functions whose name ends in `Object` or `Objects` return objects unparsed, of any resource: for manifests
 * that are copied as a whole, and for metadata only.
 */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError, Request } from "./Cluster.ts"
import type { Kind } from "./Kind.ts"
import { accept } from "./resource/accepted.ts"
import {
  type ApiResource,
  apiVersion,
  collectionPath,
  objectPath,
  type Target
} from "./resource/ApiResource.ts"
import { expectObject, type KubeObject, plain } from "./resource/KubeObject.ts"
import { roundTrip } from "./resource/roundTrip.ts"
import { isStatus } from "./resource/Status.ts"

export {
  accept,
  acceptAll,
  type Accepted,
  readable,
  type Unreadable,
  type Which
} from "./resource/accepted.ts"
export * from "./resource/apiDiscovery.ts"
export {
  type ApiResource,
  apiVersion,
  collectionPath,
  cronJobs,
  jobs,
  leases,
  networkPolicies,
  objectPath,
  qualifiedName,
  resourceQuotas,
  limitRanges,
  type Target
} from "./resource/ApiResource.ts"
export type { KubeObject } from "./resource/KubeObject.ts"
export {
  type KindListOptions,
  list,
  type Listing,
  listObjects,
  type ListOptions,
  listReadable
} from "./resource/listPages.ts"
export { type AccessReview, type AccessRule, mayAll, reviewAccess } from "./resource/review.ts"
export { roundTrip } from "./resource/roundTrip.ts"
export { fromStatus } from "./resource/Status.ts"
export {
  type Change,
  difference,
  type KindWatchOptions,
  type View,
  waitFor,
  watch,
  watchChanges,
  watchObjects,
  type WatchOptions,
  watchReadable
} from "./resource/watchList.ts"

/** The field manager of this tool, in managedFields. */
export const fieldManager = "kubectl-stateful"

export interface WriteOptions {
  /** The server checks and answers, and keeps nothing. Default false. */
  readonly dryRun?: boolean
}

/** One operation of RFC 6902. `test` states what a write relies on. */
export type JsonPatchOperation =
  | { readonly op: "test" | "add" | "replace"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string }

/** A change to an object, in one of the four ways that the API takes. */
export type Patch =
  | { readonly _tag: "Json"; readonly operations: ReadonlyArray<JsonPatchOperation> }
  | { readonly _tag: "Merge"; readonly value: object }
  | { readonly _tag: "Strategic"; readonly value: object }
  /** Server-side apply; `force` takes fields from other managers. */
  | { readonly _tag: "Apply"; readonly value: object; readonly force?: boolean }

const dryRun = (options: WriteOptions): ReadonlyArray<readonly [string, string]> =>
  options.dryRun === true ? [["dryRun", "All"]] : []

// Strict: a field that this server does not know is refused, rather than dropped in silence.
const writing = (options: WriteOptions): ReadonlyArray<readonly [string, string]> => [
  ["fieldManager", fieldManager],
  ["fieldValidation", "Strict"],
  ...dryRun(options)
]

const json = (body: unknown): Pick<Request, "headers" | "body"> => ({
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body)
})

const metadataAlone = { accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1" }

const object = (api: ApiResource, request: Request): Effect.Effect<KubeObject, ClusterError, Cluster> =>
  Effect.flatMap(roundTrip(request), (body) => expectObject(body, api, request))

export interface GetOptions {
  /** Names, labels, annotations and owners only. Of a Secret, never its values. */
  readonly metadataOnly?: boolean
}

const orNull = <A>(
  effect: Effect.Effect<A, ClusterError, Cluster>
): Effect.Effect<A | null, ClusterError, Cluster> =>
  Effect.catchReason(effect, "ClusterError", "NotFound", () => Effect.succeed(null))

/** One object of any resource, unparsed; fails with `NotFound` if there is none. */
export const getObject = (
  target: Target,
  options: GetOptions = {}
): Effect.Effect<KubeObject, ClusterError, Cluster> =>
  object(target.api, {
    method: "GET",
    path: objectPath(target),
    ...(options.metadataOnly === true ? { headers: metadataAlone } : {})
  })

/** One object of any resource, unparsed; `null` if there is none. */
export const findObject = (
  target: Target,
  options: GetOptions = {}
): Effect.Effect<KubeObject | null, ClusterError, Cluster> => orNull(getObject(target, options))

/** The name of one object of a kind. `namespace` is ignored for a kind of the whole cluster. */
export type ObjectKey = Pick<Target, "namespace" | "name">

/**
 * One object of a kind, as it is now.
 *
 * **Caveats**: of a kind that is `metadataOnly` nothing else is asked for: of a Secret, never its values.
 *
 * **Errors**: `NotFound` if there is none; `Unreadable` if it exists and does not match its kind:
 * `statefulset "db": spec.replicas: expected number`.
 *
 * **Example**: `yield* Resource.get(kinds.statefulsets, { namespace: "shop", name: "db" })`
 */
export const get = <A>(
  kind: Kind<A>,
  { namespace, name }: ObjectKey
): Effect.Effect<A, ClusterError, Cluster> =>
  Effect.flatMap(
    getObject(
      { api: kind, name, ...(namespace === undefined ? {} : { namespace }) },
      { metadataOnly: kind.metadataOnly }
    ),
    (found) => accept(kind, found)
  )

/**
 * One object of a kind, as it is now; `null` if there is none.
 *
 * **Errors**: those of `get` except `NotFound`: an existing object that cannot be parsed is never `null`.
 */
export const find = <A>(kind: Kind<A>, key: ObjectKey): Effect.Effect<A | null, ClusterError, Cluster> =>
  orNull(get(kind, key))

/** Creates an object, and returns the stored one. A `generateName` is not repeated after a lost reply. */
export const create = (
  at: { readonly api: ApiResource; readonly namespace?: string },
  value: object,
  options: WriteOptions = {}
): Effect.Effect<KubeObject, ClusterError, Cluster> =>
  object(at.api, {
    method: "POST",
    path: collectionPath(at.api, at.namespace),
    query: writing(options),
    ...json({ apiVersion: apiVersion(at.api), kind: at.api.kind, ...Object(plain(value)) })
  })

/** Posts to a subresource of one object, such as an eviction or a token request. */
export const createSub = (
  target: Target & { readonly subresource: string },
  value: object,
  options: WriteOptions = {}
): Effect.Effect<unknown, ClusterError, Cluster> =>
  roundTrip({
    method: "POST",
    path: objectPath(target),
    query: dryRun(options),
    ...json(plain(value))
  })

/** Replaces an object that was read and changed; its resourceVersion makes it fail on any other change. */
export const replace = (
  target: Target,
  value: object,
  options: WriteOptions = {}
): Effect.Effect<KubeObject, ClusterError, Cluster> =>
  object(target.api, {
    method: "PUT",
    path: objectPath(target),
    query: writing(options),
    ...json(plain(value))
  })

const patchTypes = {
  Json: "application/json-patch+json",
  Merge: "application/merge-patch+json",
  Strategic: "application/strategic-merge-patch+json",
  Apply: "application/apply-patch+yaml"
} as const

/**
 * Changes an object. A failed `test` of a JSON patch is Invalid, a different resourceVersion a Conflict.
 * Custom resources do not support strategic patches. With `metadataOnly` only the metadata is returned.
 */
export const patch = (
  target: Target,
  change: Patch,
  options: WriteOptions & { readonly metadataOnly?: boolean } = {}
): Effect.Effect<KubeObject, ClusterError, Cluster> =>
  object(target.api, {
    method: "PATCH",
    path: objectPath(target),
    query: [
      ...writing(options),
      ...(change._tag === "Apply" && change.force === true ? [["force", "true"] as const] : [])
    ],
    headers: {
      "content-type": patchTypes[change._tag],
      ...(options.metadataOnly === true ? metadataAlone : {})
    },
    body: JSON.stringify(plain(change._tag === "Json" ? change.operations : change.value))
  })

export interface RemoveOptions extends WriteOptions {
  /** Only the object with this uid, never another one of its name. */
  readonly uid?: string
  /** Only if unchanged since it was read. */
  readonly resourceVersion?: string
  /** Default: the server's, which deletes dependents later. `Orphan` leaves them. */
  readonly propagation?: "Background" | "Foreground" | "Orphan"
  readonly gracePeriodSeconds?: number
}

/** Only this object, and only if it is unchanged since it was read; no condition for what its metadata lacks. */
export const asRead = (
  metadata:
    | { readonly uid?: string | null | undefined; readonly resourceVersion?: string | null | undefined }
    | undefined
): Pick<RemoveOptions, "uid" | "resourceVersion"> => ({
  ...(metadata?.uid == null ? {} : { uid: metadata.uid }),
  ...(metadata?.resourceVersion == null ? {} : { resourceVersion: metadata.resourceVersion })
})

/**
 * Requests an object's deletion. It may remain because of its finalizers and grace period: then it is
 * returned. `null` if it is deleted at once.
 */
export const remove = (
  target: Target,
  options: RemoveOptions = {}
): Effect.Effect<KubeObject | null, ClusterError, Cluster> => {
  const preconditions = {
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.resourceVersion === undefined ? {} : { resourceVersion: options.resourceVersion })
  }
  const request: Request = {
    method: "DELETE",
    path: objectPath(target),
    query: dryRun(options),
    ...json({
      apiVersion: "v1",
      kind: "DeleteOptions",
      // Where a body comes with it, a server reads no option from the query: it would delete for good.
      ...(options.dryRun === true ? { dryRun: ["All"] } : {}),
      ...(Object.keys(preconditions).length === 0 ? {} : { preconditions }),
      ...(options.propagation === undefined ? {} : { propagationPolicy: options.propagation }),
      ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds })
    })
  }
  return Effect.flatMap(roundTrip(request), (body) =>
    isStatus(body) ? Effect.succeed(null) : expectObject(body, target.api, request)
  )
}
