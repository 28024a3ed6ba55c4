/**
 * `read` and `watch`: the state of an application as a cluster shows it now.
 *
 * One list per kind, in two rounds, each with its pages; only the check of keys adds another. What may not
 * be read is null and named in `unread`. Values of Secrets are never asked for, nor is any Secret of a Helm
 * release.
 */
import { mayRepelOthers } from "../AntiAffinity.ts"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { type AppRef, type Scope, selector } from "../App.ts"
import { type AppNotFound, appNotFound } from "./AppNotFound.ts"
import { type Cluster, ClusterError } from "../Cluster.ts"
import { after, beside, type Cost, counted } from "./cost.ts"
import { checkKeys } from "./keyCheck.ts"
import { kinds } from "../Kind.ts"
import type { LabelSelector as Selector } from "../kind/Meta.ts"
import * as LabelSelector from "../LabelSelector.ts"
import { appWorkloadsOf } from "./AppWorkload.ts"
import { observe, observeAll } from "./observe.ts"
import { accept, type Observation } from "./observation.ts"
import { defaultDomainLabels, type DomainLabels } from "../Placement.ts"
import { referencedNames } from "./observe/references.ts"
import * as Resource from "../Resource.ts"
import type { AppState, Unread } from "./AppState.ts"
import {
  concerning,
  elsewhereOf,
  firstRound,
  listAll,
  listElsewhere,
  listExtensions,
  type Part,
  type RawLists,
  readNamespace,
  readServed,
  secretNamespaces
} from "./lists.ts"

export interface ReadOptions {
  /**
   * Read the keys of the referenced ConfigMaps and Secrets, one request each: the only case in which values
   * reach this machine, where they are dropped at once. For one app only. Default false.
   */
  readonly checkKeys?: boolean
  /**
   * The number of replicas that is about to be requested: claims of their ordinals are the app's by name
   * alone, as the controller would use them, labelled or not. Default: the current number.
   */
  readonly replicas?: number
  /** The node labels of racks. Default: common rack labels. */
  readonly domainLabels?: DomainLabels
}

/** A result, with what it cost to read it. */
export interface Counted<A> {
  readonly value: A
  readonly cost: Cost
}

const now = Effect.map(DateTime.now, DateTime.formatIso)

/** The workloads themselves; without them there is nothing to describe, so a failure here is the read's. */
const readWorkloads = (ref: AppRef): Effect.Effect<Part<RawLists>, ClusterError | AppNotFound, Cluster> => {
  const { namespace } = ref
  if (ref._tag === "StatefulSet") {
    return counted(Resource.getObject({ api: kinds.statefulsets, namespace, name: ref.name })).pipe(
      Effect.map(({ value, cost }) => ({ value: { statefulsets: [value] }, cost })),
      Effect.catchReason("ClusterError", "NotFound", () => Effect.flatMap(appNotFound(ref), Effect.fail))
    )
  }
  const labelled = { namespace, labelSelector: ref.selector }
  return Effect.gen(function* () {
    const part = yield* listAll([
      { plural: "statefulsets", options: labelled },
      { plural: "deployments", options: labelled },
      { plural: "daemonsets", options: labelled },
      { plural: "replicasets", options: { namespace } }
    ])
    const { statefulsets, deployments, daemonsets } = part.value
    const found = [statefulsets, deployments, daemonsets].some(
      (list) => Array.isArray(list) && list.length > 0
    )
    if (found) return part
    // Nothing exists, or nothing may be read: the second must not be reported as the first.
    const failed = yield* Effect.result(Resource.listObjects(kinds.statefulsets, labelled))
    return yield* Result.isFailure(failed) ? failed.failure : yield* appNotFound(ref)
  })
}

const checkSelector = (ref: AppRef): Effect.Effect<void, ClusterError> => {
  if (ref._tag === "StatefulSet") return Effect.void
  const parsed = LabelSelector.parse(ref.selector)
  return Result.isSuccess(parsed)
    ? Effect.void
    : Effect.fail(new ClusterError({ reason: { _tag: "BadRequest" }, message: parsed.failure }))
}

/** A selector that finds at least the pods of all these: one list cannot ask for several selectors. */
const common = (selectors: ReadonlyArray<Selector>): Selector => {
  const [first, ...others] = selectors
  if (first === undefined) return {}
  if (others.length === 0) return first
  const shared = Object.entries(first.matchLabels ?? {}).filter(([key, value]) =>
    others.every(({ matchLabels }) => matchLabels?.[key] === value)
  )
  return { matchLabels: Object.fromEntries(shared) }
}

/** The app's workloads, and the selector by which one list has all pods that concern them; absent for every pod. */
const podSelection = (observation: Pick<Observation, "ref" | "lists">) => {
  const appWorkloads = appWorkloadsOf(observation.ref, accept(observation).lists)
  // A claim that pods name themselves may be mounted by others too, whose labels nobody knows;
  // and anti-affinity may keep its pods away from those of others.
  const isShared = appWorkloads.some(
    ({ selector, template }) =>
      mayRepelOthers(template, selector) ||
      template.spec.volumes?.some(({ persistentVolumeClaim }) => !!persistentVolumeClaim)
  )
  const labelSelector = isShared
    ? ""
    : LabelSelector.format(common(appWorkloads.map(({ selector }) => selector)))
  return { appWorkloads, ...(labelSelector === "" ? {} : { labelSelector }) }
}

/** Fails for a StatefulSet that does not match its schema: that leaves nothing to describe. */
const checkReadable = (workloads: Observation["lists"], ref: AppRef): Effect.Effect<void, ClusterError> => {
  if (ref._tag === "Selector") return Effect.void
  const faults = accept({ lists: workloads }).unread
  const [fault] = faults
  if (fault === undefined) return Effect.void
  return Effect.fail(new ClusterError({ reason: { _tag: "Unreadable" }, message: fault.message }))
}

const withUnread = (state: AppState, unread: ReadonlyArray<Unread>): AppState =>
  unread.length === 0 ? state : { ...state, unread: [...state.unread, ...unread] }

/** The lists that `read` observes, and what they cost. Fails when the application itself cannot be read. */
export const survey = (
  ref: AppRef,
  options: ReadOptions = {}
): Effect.Effect<
  Counted<Observation> & { readonly unread: ReadonlyArray<Unread> },
  ClusterError | AppNotFound,
  Cluster
> =>
  Effect.gen(function* () {
    yield* checkSelector(ref)
    const { namespace } = ref
    const observed = yield* now
    // The app itself fails the whole, and with it the lists that are under way.
    const [workloads, served, first, own] = yield* Effect.all(
      [readWorkloads(ref), readServed, listAll(firstRound(namespace)), readNamespace(namespace)],
      { concurrency: "unbounded" }
    )
    yield* checkReadable(workloads.value, ref)
    const { appWorkloads, ...selected } = podSelection({ ref, lists: workloads.value })
    const wanted = concerning(appWorkloads)
    const [pods, extensions, elsewhere] = yield* Effect.all(
      [
        listAll([{ plural: "pods", options: { namespace, ...selected } }]),
        listExtensions(served.value, namespace, wanted),
        listElsewhere(secretNamespaces(namespace, { ...workloads.value, ...first.value }))
      ],
      { concurrency: 3 }
    )
    const firstCost = [served.cost, first.cost, own.cost].reduce(beside, workloads.cost)
    return {
      value: {
        ref,
        observed,
        serverVersion: served.value.serverVersion,
        apis: served.value.apis,
        lists: {
          ...(wanted("resourceclaims") ? {} : { resourceclaims: [] }),
          ...workloads.value,
          ...first.value,
          ...own.value,
          ...pods.value,
          ...extensions.value
        },
        keys: null,
        secretsElsewhere: elsewhere.value.secrets,
        domainLabels: options.domainLabels ?? defaultDomainLabels,
        ...(options.replicas === undefined ? {} : { replicas: options.replicas })
      },
      unread: [...served.value.unread, ...elsewhere.value.unread],
      cost: after(firstCost, [pods.cost, extensions.cost, elsewhere.cost].reduce(beside))
    }
  })

/** The state of one application, and what it cost. */
export const readCounted = (
  ref: AppRef,
  options: ReadOptions = {}
): Effect.Effect<Counted<AppState>, ClusterError | AppNotFound, Cluster> =>
  Effect.gen(function* () {
    const { value: observation, unread, cost } = yield* survey(ref, options)
    if (options.checkKeys !== true) return { value: withUnread(observe(observation), unread), cost }
    const { lists } = accept(observation)
    const names = referencedNames(appWorkloadsOf(ref, lists), lists)
    const checked = yield* counted(checkKeys(ref.namespace, names))
    return {
      value: withUnread(observe({ ...observation, keys: checked.value.facts }), [
        ...unread,
        ...checked.value.unread
      ]),
      // They are sent concurrently, whatever their number.
      cost: after(cost, { requests: checked.cost.requests, rounds: Math.min(1, checked.cost.rounds) })
    }
  })

/** The state of one application: a StatefulSet, or all workloads that a selector finds. */
export const read = Effect.fn("State.read")(function* (
  ref: AppRef,
  options: ReadOptions = {}
): Effect.fn.Return<AppState, ClusterError | AppNotFound, Cluster> {
  return yield* Effect.map(readCounted(ref, options), ({ value }) => value)
})

/** All StatefulSets among these objects, without their pods. */
const everyWorkload = (objects: ReadonlyArray<unknown>) =>
  appWorkloadsOf(selector("", ""), accept({ lists: { statefulsets: objects } }).lists)

/** Every pod that a StatefulSet made has it, on every server. */
const podNameLabel = "statefulset.kubernetes.io/pod-name"

/** The states of all StatefulSets in a scope, each list asked for once for all of them, and the cost. */
export const readAllCounted = (
  scope: Scope,
  options: ReadOptions = {}
): Effect.Effect<Counted<ReadonlyArray<AppState>>, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const { namespace } = scope
    const within = namespace === null ? {} : { namespace }
    const observed = yield* now
    const statefulSets = counted(Resource.listObjects(kinds.statefulsets, within))
    const [sets, served, first, own] = yield* Effect.all(
      [
        statefulSets,
        readServed,
        listAll([
          ...firstRound(namespace),
          { plural: "pods", options: { ...within, labelSelector: podNameLabel } },
          ...(namespace === null ? [{ plural: "namespaces" } as const] : [])
        ]),
        namespace === null
          ? Effect.succeed<Part<RawLists>>({ value: {}, cost: { requests: 0, rounds: 0 } })
          : readNamespace(namespace)
      ],
      { concurrency: "unbounded" }
    )
    // ResourceClaims are many pods' own; the rest of what only some pods name is asked for where one does.
    const named = concerning(everyWorkload(sets.value.items))
    const [extensions, elsewhere] = yield* Effect.all(
      [
        listExtensions(served.value, namespace, (plural) => plural === "resourceclaims" || named(plural)),
        listElsewhere(
          namespace === null
            ? []
            : secretNamespaces(namespace, { ...first.value, statefulsets: sets.value.items })
        )
      ],
      { concurrency: 2 }
    )
    const states = observeAll({
      observed,
      serverVersion: served.value.serverVersion,
      apis: served.value.apis,
      lists: {
        statefulsets: sets.value.items,
        ...first.value,
        ...own.value,
        ...extensions.value
      },
      keys: null,
      secretsElsewhere: namespace === null ? elsewhereOf(first.value) : elsewhere.value.secrets,
      domainLabels: options.domainLabels ?? defaultDomainLabels
    })
    const unread = [...served.value.unread, ...elsewhere.value.unread]
    return {
      value: states.map((state) => withUnread(state, unread)),
      cost: after(
        [served.cost, first.cost, own.cost].reduce(beside, sets.cost),
        beside(extensions.cost, elsewhere.cost)
      )
    }
  })

/** The states of all StatefulSets in a namespace, or in all of them, by namespace and name. */
export const readAll = Effect.fn("State.readAll")(function* (
  scope: Scope,
  options: ReadOptions = {}
): Effect.fn.Return<ReadonlyArray<AppState>, ClusterError, Cluster> {
  return yield* Effect.map(readAllCounted(scope, options), ({ value }) => value)
})

export interface WatchOptions extends ReadOptions {
  /** Time without changes before the state is read again. Default 300 milliseconds. */
  readonly settle?: Duration.Input
  /**
   * Interval at which it is read again without a visible change: nodes and Services are not watched. Default
   * 15 seconds.
   */
  readonly every?: Duration.Input
}

/** A tick for each change of the pods, claims or workloads in a scope; none for what may not be watched. */
const changesIn = ({ namespace }: Scope): Stream.Stream<void, never, Cluster> =>
  Stream.mergeAll(
    [kinds.statefulsets, kinds.pods, kinds.persistentvolumeclaims].map((kind) =>
      Resource.watchObjects(kind, { ...(namespace === null ? {} : { namespace }), metadataOnly: true }).pipe(
        // The first view has nothing newer than the state that was just read.
        Stream.drop(1),
        Stream.filter(({ changes }) => changes.length > 0),
        Stream.map(() => undefined),
        Stream.catch(() => Stream.never)
      )
    ),
    { concurrency: "unbounded" }
  )

/** What is read now, and again after every change in a scope. */
const again = <A, E>(
  reading: Effect.Effect<A, E, Cluster>,
  scope: Scope,
  { every, settle }: WatchOptions
): Stream.Stream<A, E, Cluster> =>
  // `tick` begins at once, which is the first read.
  Stream.merge(
    Stream.tick(every ?? "15 seconds"),
    Stream.debounce(changesIn(scope), settle ?? "300 millis")
  ).pipe(
    // What changes during a read asks for one more read, not for one each.
    Stream.buffer({ capacity: 1, strategy: "sliding" }),
    Stream.mapEffect(() => reading)
  )

/**
 * The state now, and again after every change: at once, after changes have settled, and on a
 * timer, since a watch alone may fall silent. Ends only by failure: if the app is deleted.
 */
export const watch = (
  ref: AppRef,
  options: WatchOptions = {}
): Stream.Stream<AppState, ClusterError | AppNotFound, Cluster> => again(read(ref, options), ref, options)

/** The states of all StatefulSets in a scope, as `readAll` has them, now and again after every change. */
export const watchAll = (
  scope: Scope,
  options: WatchOptions = {}
): Stream.Stream<ReadonlyArray<AppState>, ClusterError, Cluster> =>
  again(readAll(scope, options), scope, options)
