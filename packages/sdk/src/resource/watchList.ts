/**
 * A list kept up to date: list, watch from there, and list again whenever the watch cannot be trusted. Never
 * by a watch alone: a watch may fall silent, and only a list shows everything that a broken one missed.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { monotonicMillis } from "../Elapsed.ts"
import { Cluster, ClusterError, type Reason, type Request, type WatchEvent } from "../Cluster.ts"
import type { Kind } from "../Kind.ts"
import { type Accepted, acceptAll, readable, type Typed, type Which } from "./accepted.ts"
import { type ApiResource, collectionPath } from "./ApiResource.ts"
import { asObject, type KubeObject } from "./KubeObject.ts"
import { type Listing, listObjects, type ListOptions, selection } from "./listPages.ts"
import { fromStatus } from "./Status.ts"

/** One object's change. An object that was deleted and recreated is two: Deleted, then Added. */
export interface Change {
  readonly type: "Added" | "Modified" | "Deleted"
  readonly object: KubeObject
}

/** The whole set after some changes. */
export interface View {
  /** By uid. A copy: it stays as it is. */
  readonly objects: ReadonlyMap<string, KubeObject>
  /** The changes since the previous view, in order. Empty if a relist found nothing new. */
  readonly changes: ReadonlyArray<Change>
  /** True for the first view and after each relist. */
  readonly listed: boolean
}

export interface WatchOptions extends Omit<ListOptions, "resourceVersion"> {
  /** Interval after which a watch is replaced by a new list. Default 5 minutes. */
  readonly relistEvery?: Duration.Input
}

export interface KindWatchOptions extends Omit<WatchOptions, "metadataOnly"> {
  /** Only those, by their metadata; the server is asked for all. Default: all. */
  readonly which?: Which
}

const metadataOfObject = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

/** Reasons that can be temporary: a watch that has started survives them. */
const passing: ReadonlyArray<Reason["_tag"]> = [
  "Unavailable",
  "Timeout",
  "TooManyRequests",
  "InternalError",
  "Unreadable",
  "Expired"
]

const identity = (object: KubeObject): string =>
  object.metadata.uid ?? `${object.metadata.namespace ?? ""}/${object.metadata.name}`

/**
 * The changes from one view to a new list, which a broken watch did not report. Deletes first, so that a name
 * is free before it is reused.
 */
export const difference = (
  before: ReadonlyMap<string, KubeObject>,
  items: ReadonlyArray<KubeObject>
): ReadonlyArray<Change> => {
  const after = new Map(items.map((item) => [identity(item), item]))
  const changes: Array<Change> = []
  for (const [key, object] of before) if (!after.has(key)) changes.push({ type: "Deleted", object })
  for (const [key, object] of after) {
    const old = before.get(key)
    if (old === undefined) changes.push({ type: "Added", object })
    else if (old.metadata.resourceVersion !== object.metadata.resourceVersion) {
      changes.push({ type: "Modified", object })
    }
  }
  return changes
}

const apply = (objects: Map<string, KubeObject>, { type, object }: Change): void => {
  if (type === "Deleted") objects.delete(identity(object))
  else objects.set(identity(object), object)
}

interface State {
  readonly objects: Map<string, KubeObject>
  resourceVersion: string
  /** False if only a list can continue it. */
  resumable: boolean
  /** The time of the next list, whatever the watch reports. */
  due: number
  /** Attempts since something was last heard. */
  failures: number
  /** The start of the round. */
  began: number
}

/** A watch that lasted this long worked, even without events. */
const settledMillis = 30_000

/**
 * 0.5 s, doubling to 30 s, each between half and all of it, so that a thousand watchers do not retry at the
 * same time.
 */
const backoff = (failures: number): Effect.Effect<number> =>
  Effect.map(
    Random.nextBetween(0.5, 1),
    (part) => Math.min(30_000, 500 * 2 ** Math.min(failures - 1, 10)) * part
  )

const watchRequest = (api: ApiResource, options: WatchOptions, resourceVersion: string): Request => ({
  method: "GET",
  path: collectionPath(api, options.namespace),
  query: [
    ...selection(options),
    ["watch", "true"],
    ["allowWatchBookmarks", "true"],
    ["resourceVersion", resourceVersion]
  ],
  ...(options.metadataOnly === true ? { headers: { accept: metadataOfObject } } : {})
})

const codeOf = (status: unknown): number =>
  Predicate.hasProperty(status, "code") && typeof status.code === "number" ? status.code : 500

/** Applies one event; returns its change, if any. */
const takeIn = (
  state: State,
  api: ApiResource,
  request: Request,
  event: WatchEvent,
  keep: ListOptions["keep"]
): Effect.Effect<Change | null, ClusterError> => {
  if (event.type === "ERROR") return Effect.fail(fromStatus(request, codeOf(event.object), {}, event.object))
  // A bookmark carries nothing but a version, not even a name.
  const meta = Predicate.hasProperty(event.object, "metadata") ? event.object.metadata : null
  const version = Predicate.hasProperty(meta, "resourceVersion") ? meta.resourceVersion : null
  const whole =
    event.type === "BOOKMARK" || !Predicate.isObject(event.object)
      ? null
      : asObject({ ...event.object, kind: api.kind, apiVersion: undefined }, api)
  const object = whole === null || keep === undefined ? whole : keep(whole)
  if (typeof version !== "string" || (event.type !== "BOOKMARK" && object === null)) {
    return Effect.fail(
      new ClusterError({
        reason: { _tag: "Unreadable" },
        message: `watch of ${request.path}: an event without a ${typeof version === "string" ? "name" : "resourceVersion"}`
      })
    )
  }
  state.resourceVersion = version
  state.failures = 0
  if (object === null) return Effect.succeed(null)
  const old = state.objects.get(identity(object))
  if (event.type === "DELETED") {
    return Effect.succeed(old === undefined ? null : { type: "Deleted", object })
  }
  if (old === undefined) return Effect.succeed({ type: "Added", object })
  // Reported twice after a resume: no change.
  if (old.metadata.resourceVersion === version) return Effect.succeed(null)
  return Effect.succeed({ type: "Modified", object })
}

const fromList = (state: State, listing: Listing): View => {
  const changes = difference(state.objects, listing.items)
  for (const change of changes) apply(state.objects, change)
  state.resourceVersion = listing.resourceVersion
  state.resumable = true
  return { objects: new Map(state.objects), changes, listed: true }
}

/** The result of events that arrived together, up to one that could not be applied. */
interface Batch {
  readonly changes: ReadonlyArray<Change>
  /** `null` if all could be applied. */
  readonly failed: ClusterError | null
}

const takeInAll = (
  state: State,
  api: ApiResource,
  request: Request,
  events: ReadonlyArray<WatchEvent>,
  keep: ListOptions["keep"]
): Effect.Effect<Batch> =>
  Effect.gen(function* () {
    const changes: Array<Change> = []
    for (const event of events) {
      const taken = yield* Effect.result(takeIn(state, api, request, event, keep))
      if (Result.isFailure(taken)) return { changes, failed: taken.failure }
      if (taken.success === null) continue
      apply(state.objects, taken.success)
      changes.push(taken.success)
    }
    return { changes, failed: null }
  })

/** A watch from the last version that was heard of, until it ends or breaks. */
const watching = (
  state: State,
  api: ApiResource,
  options: WatchOptions
): Stream.Stream<View, ClusterError, Cluster> =>
  Stream.unwrap(
    Effect.map(Cluster, (cluster) => {
      const request = watchRequest(api, options, state.resourceVersion)
      return cluster.watch(request).pipe(
        Stream.mapArrayEffect((events) =>
          Effect.map(takeInAll(state, api, request, events, options.keep), (batch) => [batch] as const)
        ),
        Stream.flatMap(({ changes, failed }) => {
          const view: Stream.Stream<View, ClusterError> =
            changes.length === 0
              ? Stream.empty
              : Stream.succeed({ objects: new Map(state.objects), changes, listed: false })
          // Events before an invalid one in the same batch are still reported.
          return failed === null ? view : Stream.concat(view, Stream.fail(failed))
        })
      )
    })
  )

/**
 * The set of objects as it changes. The first view is the list; then one view for each batch of events that
 * arrived together, and one for each relist. Broken watches resume from the last resourceVersion; after an
 * expired one (410) it lists again and reports missed changes, including deletions. Fails if the first list
 * fails, or later for a reason that waiting does not resolve (403, the API is gone).
 */
export const watchObjects = (
  api: ApiResource,
  options: WatchOptions = {}
): Stream.Stream<View, ClusterError, Cluster> =>
  Stream.suspend(() => {
    const interval = Duration.toMillis(Duration.fromInputUnsafe(options.relistEvery ?? "5 minutes"))
    const state: State = {
      objects: new Map(),
      resourceVersion: "",
      resumable: false,
      due: 0,
      failures: 0,
      began: 0
    }

    const relisted = Stream.fromEffect(
      Effect.gen(function* () {
        const listing = yield* listObjects(api, options)
        state.due = (yield* monotonicMillis) + interval
        return fromList(state, listing)
      })
    )
    const untilDue = Effect.map(monotonicMillis, (now) => Math.max(0, state.due - now))
    const outdated = Effect.sync(() => {
      state.resumable = false
    })

    // One round: list if needed, then watch until it ends, breaks, or is due for a list.
    const round: Stream.Stream<View, ClusterError, Cluster> = Stream.unwrap(
      Effect.map(monotonicMillis, (now) => {
        state.began = now
        // The timer runs over all rounds: watches that are refused, or end early, do not put it off.
        const due = Effect.flatMap(untilDue, Effect.sleep)
        const watched = Stream.interruptWhen(watching(state, api, options), Effect.andThen(due, outdated))
        return state.resumable ? watched : Stream.concat(relisted, watched)
      })
    )

    // A server that asks for an hour asks it of this watch. The list has its turn all the same; where
    // that is what was refused, one interval is as long as anybody is kept blind.
    const pause = (asked: number): Stream.Stream<never> =>
      Stream.drain(
        Stream.fromEffect(
          Effect.gen(function* () {
            const lasted = (yield* monotonicMillis) - state.began
            state.failures = lasted > settledMillis ? 1 : state.failures + 1
            const wanted = Math.min(asked, interval) + (yield* backoff(state.failures))
            const left = state.resumable ? yield* untilDue : wanted
            if (wanted > left) yield* outdated
            yield* Effect.sleep(Math.min(wanted, left))
          })
        )
      )

    const patient = round.pipe(
      // The server ends each watch in time; one that ends each at once must not be asked in a tight loop.
      Stream.concat(Stream.suspend(() => (state.resumable ? pause(0) : Stream.empty))),
      Stream.catchIf(
        (error) => state.resourceVersion !== "" && passing.includes(error.reason._tag),
        (error) => {
          if (error.reason._tag === "Expired" || error.reason._tag === "Unreadable") state.resumable = false
          return pause(error.reason._tag === "TooManyRequests" ? (error.reason.retryAfterMillis ?? 0) : 0)
        }
      )
    )
    return Stream.forever(patient)
  })

const viewsOf = <A>(kind: Kind<A>, options: KindWatchOptions) =>
  watchObjects(kind, { ...options, metadataOnly: kind.metadataOnly })

/**
 * Every object of a kind, now and after each change: see `watchObjects`.
 *
 * **Errors**: if the first list fails, or later for a reason that waiting does not resolve; and, as `list`,
 * `Unreadable` with the name of an invalid object.
 */
export const watch = <A extends Typed>(
  kind: Kind<A>,
  options: KindWatchOptions = {}
): Stream.Stream<ReadonlyArray<A>, ClusterError, Cluster> =>
  Stream.mapEffect(viewsOf(kind, options), ({ objects }) => acceptAll(kind, objects.values(), options.which))

/**
 * The objects of a kind that can be read, now and after each change, and a line for each of the others.
 *
 * **Caveats**: for who only shows them, as `listReadable`.
 */
export const watchReadable = <A extends Typed>(
  kind: Kind<A>,
  options: KindWatchOptions = {}
): Stream.Stream<Accepted<A>, ClusterError, Cluster> =>
  Stream.map(viewsOf(kind, options), ({ objects }) => readable(kind, objects.values(), options.which))

/** Only the changes, one by one. */
export const watchChanges = (
  api: ApiResource,
  options: WatchOptions = {}
): Stream.Stream<Change, ClusterError, Cluster> =>
  Stream.flatMap(watchObjects(api, options), (view) => Stream.fromIterable(view.changes))

/**
 * Waits until the set satisfies a predicate: the first result other than `null`. Unbounded: the caller sets
 * the deadline.
 */
export const waitFor = <A>(
  api: ApiResource,
  options: WatchOptions,
  found: (view: View) => A | null
): Effect.Effect<A, ClusterError, Cluster> =>
  watchObjects(api, options).pipe(
    Stream.map(found),
    Stream.filter((answer) => answer !== null),
    Stream.runHead,
    // The stream has no end of its own.
    Effect.flatMap((head) => (head._tag === "Some" ? Effect.succeed(head.value) : Effect.never))
  )
