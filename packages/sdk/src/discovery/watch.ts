/**
 * `watch`: the peers of one StatefulSet as they change, each view whole.
 *
 * It watches the StatefulSet, its pods, the namespace's Services, and nodes; without permission to read pods,
 * the EndpointSlices of its Service. Lists, resumption, 410 and backoff are those of `Resource.watch`.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { monotonicMillis } from "../Elapsed.ts"
import { statefulSet } from "../App.ts"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { type Kind, kinds } from "../Kind.ts"
import type { EndpointSlice, Service } from "../kind/Network.ts"
import type { Node } from "../kind/Node.ts"
import type { Pod } from "../kind/Pod.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import * as LabelSelector from "../LabelSelector.ts"
import type { ObjectMeta } from "../kind/Meta.ts"
import * as Resource from "../Resource.ts"
import { type AppNotFound, appNotFound } from "../state/AppNotFound.ts"
import { podKeeper } from "./keep.ts"
import { type Observation, observer } from "./observe.ts"
import type { Peers } from "./peer.ts"
import { isSame } from "./same.ts"

export interface SetRef {
  readonly namespace: string
  readonly name: string
}

export interface WatchOptions {
  /** The domain that names end in. Default: null, names end in `.svc`; see `clusterDomainOf`. */
  readonly clusterDomain?: string | null
  /**
   * Watch nodes too: a lost node is named as the reason why its pods are not ready, and zones are known
   * on clusters before 1.35. Default true; on a cluster of thousands of nodes, think of false.
   */
  readonly nodes?: boolean
  /**
   * Interval after which a watch is replaced by a new list, and a refused request is repeated. Default 5
   * minutes, for each watch plus or minus a tenth, so that many watchers do not list at the same time.
   */
  readonly relistEvery?: Duration.Input
  /**
   * Time that the last view is kept while the StatefulSet itself is refused or cannot be parsed, before the
   * watch fails with that. Default: as long as `relistEvery`; `Router` keeps it forever.
   */
  readonly keepFor?: Duration.Input
}

/** Between lists, unless another time is asked for. */
export const defaultInterval: Duration.Input = "5 minutes"

/** The objects received so far; undefined if not yet, `null` without permission. */
interface Heard {
  readonly set?: StatefulSet
  readonly pods?: ReadonlyArray<Pod> | null
  readonly services?: ReadonlyArray<Service> | null
  readonly slices?: ReadonlyArray<EndpointSlice> | null
  readonly nodes?: ReadonlyArray<Node> | null
}

type Hearing = Stream.Stream<Heard, ClusterError, Cluster>

const isForbidden = ({ reason }: ClusterError): boolean => reason._tag === "Forbidden"

/** The objects that could be parsed: an invalid one hides no other. */
const listing = <A extends { readonly metadata: ObjectMeta }>(
  kind: Kind<A>,
  options: Resource.WatchOptions
): Stream.Stream<ReadonlyArray<A>, ClusterError, Cluster> =>
  Stream.map(Resource.watchReadable(kind, options), ({ items }) => items)

/** The state of a watch. */
interface Course {
  readonly interval: Duration.Duration
  /** True once a view was shown: from then on an outage is waited out, also by a list that is the first of its kind. */
  shown: boolean
}

/**
 * Delay between attempts at a list that fails: half to all of this, so that watchers do not retry at the same
 * time.
 */
const retryMillis = 5000

const pause: Stream.Stream<never> = Stream.drain(
  Stream.fromEffect(Effect.flatMap(Random.nextBetween(0.5, 1), (part) => Effect.sleep(part * retryMillis)))
)

/** An API server that is starting refuses allowed requests until it has read its own Roles. */
const beliefMillis = 30_000

/** The first failure since the last response; `null` if the last request succeeded. */
interface Trouble {
  since: number | null
  /** True if there was any response. */
  heard: boolean
}

/** For how long it has failed by now, in milliseconds. */
const lasting = (trouble: Trouble): Effect.Effect<number> =>
  Effect.map(monotonicMillis, (now) => {
    trouble.since ??= now
    return now - trouble.since
  })

const noting = <A, E, R>(hearing: Stream.Stream<A, E, R>, trouble: Trouble): Stream.Stream<A, E, R> =>
  Stream.tap(hearing, () =>
    Effect.sync(() => {
      trouble.since = null
      trouble.heard = true
    })
  )

/**
 * While it is refused, `instead`; retried after an interval, since a Role may have been added. A previous
 * view is not dropped for one refusal.
 */
const orElse = (hearing: Hearing, instead: Hearing, course: Course): Hearing => {
  const trouble: Trouble = { since: null, heard: false }
  const given = Stream.interruptWhen(Stream.concat(instead, Stream.never), Effect.sleep(course.interval))
  const refused = Stream.unwrap(
    Effect.map(lasting(trouble), (millis): Hearing =>
      trouble.heard && course.shown && millis < beliefMillis ? pause : given
    )
  )
  return noting(hearing, trouble).pipe(
    Stream.catchIf(isForbidden, () => refused),
    Stream.catchIf(
      () => course.shown,
      () => pause
    ),
    Stream.forever
  )
}

const sourcesOf = (set: StatefulSet, options: WatchOptions, course: Course): ReadonlyArray<Hearing> => {
  const namespace = set.metadata.namespace ?? "default"
  const common = { namespace, relistEvery: course.interval }
  const selector = LabelSelector.format(set.spec.selector)
  const pods = listing(kinds.pods, {
    ...common,
    ...(selector === "" ? {} : { labelSelector: selector }),
    keep: podKeeper()
  })
  const services = listing(kinds.services, common)
  const slices = listing(kinds.endpointslices, {
    ...common,
    labelSelector: `kubernetes.io/service-name=${set.spec.serviceName ?? ""}`
  })
  const bySlices = orElse(
    Stream.map(slices, (items): Heard => ({ pods: null, slices: items })),
    Stream.succeed<Heard>({ pods: null, slices: null }),
    course
  )
  return [
    orElse(
      Stream.map(pods, (items): Heard => ({ pods: items, slices: null })),
      // Without a Service there is no slice to look for.
      set.spec.serviceName ? bySlices : Stream.succeed<Heard>({ pods: null, slices: null }),
      course
    ),
    orElse(
      Stream.map(services, (items): Heard => ({ services: items })),
      Stream.succeed<Heard>({ services: null }),
      course
    ),
    options.nodes === false
      ? Stream.succeed<Heard>({ nodes: null })
      : orElse(
          Stream.map(listing(kinds.nodes, { relistEvery: course.interval }), (items): Heard => ({
            nodes: items
          })),
          Stream.succeed<Heard>({ nodes: null }),
          course
        )
  ]
}

const viewOf = (
  heard: Heard,
  clusterDomain: string | null,
  observe: (observation: Observation) => Peers
): Peers | null => {
  const { set, pods, services, slices, nodes } = heard
  if (set === undefined || pods === undefined || services === undefined) return null
  if (slices === undefined || nodes === undefined) return null
  return observe({ set, pods, services, slices, nodes, clusterDomain })
}

/** The view of an application that was deleted. */
const gone = ({ namespace, name }: SetRef, clusterDomain: string | null): Peers => ({
  apiVersion: "kubectl-stateful.dev/v1",
  kind: "Peers",
  name,
  namespace,
  uid: null,
  start: 0,
  replicas: null,
  service: null,
  clusterDomain,
  source: "none",
  problems: [
    {
      reason: "Deleted",
      message: `StatefulSet ${namespace}/${name} was deleted; a new StatefulSet of that name is another application`
    }
  ],
  peers: []
})

/** The fields that make it another application, or require other watches. */
const identityOf = (set: StatefulSet | null): string =>
  set === null
    ? ""
    : [set.metadata.uid, LabelSelector.format(set.spec.selector), set.spec.serviceName].join("\n")

const understood = (
  ref: SetRef,
  view: Resource.View,
  isFirst: boolean
): Effect.Effect<StatefulSet | null, ClusterError | AppNotFound, Cluster> => {
  // Of two, in the instant between a deletion and the next of the name, the newer is the last that came.
  const object = [...view.objects.values()].at(-1)
  if (object === undefined) {
    return isFirst
      ? Effect.flatMap(appNotFound(statefulSet(ref.namespace, ref.name)), Effect.fail)
      : Effect.succeed(null)
  }
  return Resource.accept(kinds.statefulsets, object)
}

/**
 * The peers now, and again after every change that they show.
 *
 * The first view arrives once all lists are read; each is complete, and of two that a slow reader has not
 * taken, the newer one is kept. If the connection breaks, the server answers 410 or restarts, the last view
 * remains, and the next one includes what was missed. A deleted application is a view without peers and uid;
 * one that is recreated under its name has another uid.
 *
 * **Errors**: AppNotFound if there is no such StatefulSet at the start; ClusterError if the StatefulSet
 * cannot be read, or if the first list of anything fails for another reason than permission; later, if the
 * StatefulSet is refused for longer than `keepFor`. **Caveats**: it never ends by itself.
 */
export const watch = (
  ref: SetRef,
  options: WatchOptions = {}
): Stream.Stream<Peers, ClusterError | AppNotFound, Cluster> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const clusterDomain = options.clusterDomain ?? null
      const base = Duration.fromInputUnsafe(options.relistEvery ?? defaultInterval)
      const interval = Duration.times(base, yield* Random.nextBetween(0.9, 1.1))
      const course: Course = { interval, shown: false }
      const current = yield* SubscriptionRef.make<StatefulSet | null>(null)
      const trouble: Trouble = { since: null, heard: false }
      const keepFor = Duration.toMillis(Duration.fromInputUnsafe(options.keepFor ?? interval))
      const sets = Resource.watchObjects(kinds.statefulsets, {
        namespace: ref.namespace,
        fieldSelector: `metadata.name=${ref.name}`,
        relistEvery: interval
      }).pipe(
        Stream.mapEffect((view) => understood(ref, view, !trouble.heard)),
        (understandable) => noting(understandable, trouble),
        Stream.tap((set) => SubscriptionRef.set(current, set)),
        Stream.catchIf(
          () => course.shown,
          (error) =>
            Stream.unwrap(
              Effect.map(lasting(trouble), (millis) => (millis < keepFor ? pause : Stream.fail(error)))
            )
        ),
        Stream.forever
      )
      const peersOf = (set: StatefulSet | null): Stream.Stream<Peers, ClusterError, Cluster> => {
        if (set === null) return Stream.succeed(gone(ref, clusterDomain))
        const identity = identityOf(set)
        const observe = observer()
        const own = SubscriptionRef.changes(current).pipe(
          // What comes after its deletion is for the watch that takes this one's place.
          Stream.filter((each) => identityOf(each) === identity),
          Stream.map((each): Heard => (each === null ? {} : { set: each }))
        )
        return Stream.mergeAll([own, ...sourcesOf(set, options, course)], {
          concurrency: "unbounded"
        }).pipe(
          Stream.scan(
            (): Heard => ({}),
            (heard, more: Heard) => ({ ...heard, ...more })
          ),
          Stream.buffer({ capacity: 1, strategy: "sliding" }),
          Stream.map((heard) => viewOf(heard, clusterDomain, observe)),
          Stream.filter((view) => view !== null)
        )
      }
      return sets.pipe(
        Stream.changesWith((a, b) => identityOf(a) === identityOf(b)),
        Stream.switchMap(peersOf),
        Stream.tap(() =>
          Effect.sync(() => {
            course.shown = true
          })
        ),
        Stream.changesWith((a: Peers, b: Peers) => isSame(a, b))
      )
    })
  )

/** The peers now: the first view of `watch`, with its errors. */
export const read = Effect.fn("Discovery.read")(function* (
  ref: SetRef,
  options: WatchOptions = {}
): Effect.fn.Return<Peers, ClusterError | AppNotFound, Cluster> {
  return yield* Effect.flatMap(Stream.runHead(watch(ref, options)), (head) =>
    // The stream has no end of its own.
    head._tag === "Some" ? Effect.succeed(head.value) : Effect.never
  )
})
