/**
 * Router: from a key to the peer that stores it, in memory, with a view of a StatefulSet's peers that is kept
 * up to date.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { monotonicMillis } from "./Elapsed.ts"
import { Cluster, type ClusterError, type Request } from "./Cluster.ts"
import * as Discovery from "./Discovery.ts"
import * as Routing from "./Routing.ts"
import type { AppNotFound } from "./state/AppNotFound.ts"

/** The age of a router's view, in milliseconds. */
export interface Age {
  /** Time since it received the view that it uses. While nothing changes, none is newer. */
  readonly view: number
  /** Since the API server last answered. While all is well at most about a minute, by its bookmarks. */
  readonly heard: number
  /**
   * Reason that a resource is unavailable, or cannot be read, from the last failure; `null` if there is none.
   */
  readonly failure: string | null
}

/** Answers from the last good view, and reports its age. */
export interface Router extends Pick<Routing.Picker, "pick" | "pickAll" | "owners"> {
  /** The same as `pick`, as the peer with its name, addresses and ports. */
  readonly find: (key: string, sticky?: number) => Result.Result<Discovery.Peer, Routing.RoutingError>
  readonly view: () => Discovery.Peers
  readonly age: Effect.Effect<Age>
}

interface Heard {
  at: number
  /** By resource: a response to one list says nothing about another. */
  readonly failures: Map<string, { readonly at: number; readonly message: string }>
}

/**
 * Statuses that say nothing about the peers: a server that is starting or asks to wait, or does not accept
 * the credentials.
 */
const isFailure = (status: number): boolean => status === 401 || status === 429 || status >= 500

/** The same cluster, noting when it last answered. */
const listening = (cluster: Cluster["Service"], heard: Heard): Cluster["Service"] => {
  const answered = ({ path }: Request) =>
    Effect.map(monotonicMillis, (now) => {
      heard.at = now
      heard.failures.delete(path)
    })
  const failed = ({ path }: Request, message: string) =>
    Effect.map(monotonicMillis, (at) => void heard.failures.set(path, { at, message }))
  return {
    ...cluster,
    request: (request) =>
      cluster.request(request).pipe(
        Effect.tap(({ status }) => {
          const { method, path } = request
          // What else is refused is done without, and this is not.
          const isRefused = status === 403 && path.endsWith("/statefulsets")
          return isFailure(status) || isRefused
            ? failed(request, `${method} ${path}: ${status}`)
            : answered(request)
        }),
        Effect.tapError(({ message }) => failed(request, message))
      ),
    watch: (request) =>
      cluster.watch(request).pipe(
        Stream.tap(() => answered(request)),
        Stream.tapError(({ message }) => failed(request, message))
      )
  }
}

/** The last failure of a resource that is still requested: within an interval, plus a minute for backoff. */
const failureOf = ({ failures }: Heard, now: number, interval: number): string | null => {
  const recent = [...failures.values()].filter(({ at }) => now - at < interval * 1.1 + 60_000)
  return recent.toSorted((a, b) => b.at - a.at)[0]?.message ?? null
}

/**
 * A router over `Discovery.watch`. Succeeds with the first view, and follows changes as long as its scope is
 * open.
 *
 * The last good view is never discarded: while the API server is unavailable, picks continue with it, and
 * `age` shows the time since the last response.
 *
 * **Errors**: those of `Discovery.watch`, before the first view. **Caveats**: if its pod may lose only its
 * connection to the API server, use `age` to decide when to stop routing.
 */
export const make = Effect.fn("Router.make")(function* (
  ref: Discovery.SetRef,
  strategy: Routing.Strategy,
  options: Discovery.WatchOptions = {}
): Effect.fn.Return<Router, ClusterError | AppNotFound, Cluster | Scope.Scope> {
  const heard: Heard = { at: yield* monotonicMillis, failures: new Map() }
  const interval = Duration.toMillis(
    Duration.fromInputUnsafe(options.relistEvery ?? Discovery.defaultInterval)
  )
  const cluster = listening(yield* Cluster, heard)
  let good: string | null = null
  let blind: string | null = null
  /** A view that knows no pod does not take the place of one of the same application that does. */
  const isGood = ({ source, uid, problems }: Discovery.Peers): boolean => {
    if (source === "none" && uid !== null && uid === good) {
      blind = problems.find(({ reason }) => reason === "PodsUnread")?.message ?? null
      return false
    }
    good = source === "none" ? null : uid
    blind = null
    return true
  }
  const views = Discovery.watch(ref, { keepFor: Duration.infinity, ...options }).pipe(
    Stream.filter(isGood),
    Stream.provideService(Cluster, cluster)
  )
  const router = yield* Routing.router(views, Discovery.members, strategy)
  return {
    pick: router.pick,
    pickAll: router.pickAll,
    owners: router.owners,
    find: (key, sticky) =>
      Result.map(router.pick(key, sticky), (ordinal) => {
        const found = router.view().peers.find((peer) => peer.ordinal === ordinal)
        // A pick names an ordinal of the view that it was made from.
        if (found === undefined) throw new Error(`no peer has ordinal ${ordinal}`)
        return found
      }),
    view: router.view,
    age: Effect.gen(function* () {
      const { millis, cause } = yield* router.stale
      const now = yield* monotonicMillis
      const failure =
        failureOf(heard, now, interval) ?? blind ?? (cause === null ? null : "the watch has ended")
      return { view: millis, heard: now - heard.at, failure }
    })
  }
})
