import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { ClusterError, type WatchEvent } from "../../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { type Answer, failure, object, port, query, status } from "./port.ts"

type Object_ = ReturnType<typeof object>

const listOf = (version: number, ...items: ReadonlyArray<Object_>): Answer => ({
  body: { kind: "PodList", metadata: { resourceVersion: String(version) }, items }
})

const event = (type: WatchEvent["type"], item: unknown): WatchEvent => ({ type, object: item })
const bookmark = (version: number) =>
  event("BOOKMARK", { kind: "Pod", metadata: { resourceVersion: String(version) } })
const expired = event("ERROR", { kind: "Status", code: 410, reason: "Expired", message: "too old" })

type Watch = Stream.Stream<WatchEvent, ClusterError>
const endless = (...events: ReadonlyArray<WatchEvent>): Watch =>
  Stream.concat(Stream.fromIterable(events), Stream.never)
const ending = (...events: ReadonlyArray<WatchEvent>): Watch => Stream.fromIterable(events)
const breaking = (error: ClusterError, ...events: ReadonlyArray<WatchEvent>): Watch =>
  Stream.concat(Stream.fromIterable(events), Stream.fail(error))

const nth =
  <A>(items: ReadonlyArray<A>) =>
  (_: unknown, count: number): A =>
    items[Math.min(count, items.length) - 1]!

const told = (change: Resource.Change) =>
  `${change.type} ${change.object.metadata.name}@${change.object.metadata.resourceVersion}`

/** In steps: a fiber that is still busy when the clock jumps would begin its sleep after the jump. */
const pass = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => TestClock.adjust("1 seconds"), { discard: true })

/** Everything told within a time, as text, and how it failed. */
const following = (
  lists: ReadonlyArray<Answer | ClusterError>,
  watches: ReadonlyArray<Watch>,
  seconds = 60,
  options: Resource.WatchOptions = {}
) =>
  Effect.gen(function* () {
    const server = port(nth(lists), nth(watches))
    const changes: Array<string> = []
    const views: Array<Resource.View> = []
    const failures: Array<ClusterError> = []
    const fiber = yield* Resource.watchObjects(kinds.pods, options).pipe(
      Stream.runForEach((view) =>
        Effect.sync(() => {
          views.push(view)
          for (const change of view.changes) changes.push(told(change))
        })
      ),
      Effect.catch((error) =>
        Effect.sync(() => {
          failures.push(error)
        })
      ),
      Effect.provide(server.layer),
      Effect.forkChild
    )
    yield* pass(seconds)
    yield* Fiber.interrupt(fiber)
    const names = [...(views.at(-1)?.objects.values() ?? [])].map((item) => item.metadata.name)
    return { server, changes, views, names, failed: failures[0] ?? null }
  })

const a1 = object("a", 1)
const a2 = object("a", 2)
const b3 = object("b", 3)

describe("a followed list", () => {
  it.effect("tells the list, then what the watch says, from the list's own version", () =>
    Effect.gen(function* () {
      const seen = yield* following(
        [listOf(1, a1)],
        [endless(event("MODIFIED", a2), event("ADDED", b3), event("DELETED", object("a", 4)))]
      )
      assert.deepEqual(seen.changes, ["Added a@1", "Modified a@2", "Added b@3", "Deleted a@4"])
      assert.deepEqual(seen.names, ["b"])
      assert.isTrue(seen.views[0]?.listed)
      assert.strictEqual(query(seen.server.watches[0])["resourceVersion"], "1")
      assert.strictEqual(query(seen.server.watches[0])["allowWatchBookmarks"], "true")
    })
  )

  it.effect(
    "an empty list is a view too, so that nobody waits for the first object to know there is none",
    () =>
      Effect.gen(function* () {
        const seen = yield* following([listOf(1)], [Stream.never])
        assert.lengthOf(seen.views, 1)
        assert.strictEqual(seen.views[0]?.objects.size, 0)
      })
  )

  it.effect("a view stays as it was when the next one comes", () =>
    Effect.gen(function* () {
      const seen = yield* following([listOf(1, a1)], [endless(event("DELETED", a2))])
      assert.strictEqual(seen.views[0]?.objects.size, 1)
      assert.strictEqual(seen.views.at(-1)?.objects.size, 0)
    })
  )

  it.effect(
    "a watch that ends is resumed from the last version it told, bookmarks included, without a list",
    () =>
      Effect.gen(function* () {
        const seen = yield* following(
          [listOf(1, a1)],
          [
            ending(event("MODIFIED", a2), bookmark(50)),
            breaking(failure("Unavailable"), event("ADDED", object("b", 60))),
            Stream.never
          ]
        )
        assert.deepEqual(
          seen.server.watches.map((watch) => query(watch)["resourceVersion"]),
          ["1", "50", "60"]
        )
        assert.lengthOf(seen.server.requests, 1)
        assert.deepEqual(seen.changes, ["Added a@1", "Modified a@2", "Added b@60"])
      })
  )

  it.effect("no event is told twice when a resume repeats it", () =>
    Effect.gen(function* () {
      const again = event("MODIFIED", a2)
      const seen = yield* following(
        [listOf(1, a1)],
        [ending(again), endless(again, event("DELETED", a2), event("DELETED", a2))]
      )
      assert.deepEqual(seen.changes, ["Added a@1", "Modified a@2", "Deleted a@2"])
    })
  )

  for (const [what, watch] of [
    ["an ERROR event", ending(expired)],
    ["a refusal", breaking(failure("Expired"))],
    ["a line that is junk", breaking(failure("Unreadable"))],
    ["an event without a name", ending(event("ADDED", { metadata: { resourceVersion: "5" } }))],
    ["an event without a version", ending(event("ADDED", { metadata: { name: "x" } }))]
  ] as const) {
    it.effect(`after ${what} it lists anew, and what was missed is told, deletes first`, () =>
      Effect.gen(function* () {
        const lists = [listOf(1, a1, object("c", 1)), listOf(100, object("c", 90), object("d", 95))]
        const seen = yield* following(lists, [watch, Stream.never])
        assert.deepEqual(seen.changes, [
          "Added a@1",
          "Added c@1",
          "Deleted a@1",
          "Modified c@90",
          "Added d@95"
        ])
        assert.deepEqual(
          seen.server.watches.map((request) => query(request)["resourceVersion"]),
          ["1", "100"]
        )
      })
    )
  }

  it.effect("what came before a bad event in the same batch is still told", () =>
    Effect.gen(function* () {
      const seen = yield* following([listOf(1, a1)], [ending(event("MODIFIED", a2), expired), Stream.never])
      assert.strictEqual(seen.changes[1], "Modified a@2")
    })
  )

  it.effect("a name deleted and made anew behind its back is another object", () =>
    Effect.gen(function* () {
      const lists = [listOf(1, object("a", 1, "one")), listOf(9, object("a", 8, "two"))]
      const seen = yield* following(lists, [ending(expired), Stream.never])
      assert.deepEqual(seen.changes, ["Added a@1", "Deleted a@1", "Added a@8"])
    })
  )

  it.effect("a watch that goes silent is not believed for long: the timer lists again", () =>
    Effect.gen(function* () {
      const lists = [listOf(1, a1), listOf(9, b3)]
      const seen = yield* following(lists, [Stream.never], 61, { relistEvery: "30 seconds" })
      assert.deepEqual(seen.changes, ["Added a@1", "Deleted a@1", "Added b@3"])
      assert.lengthOf(seen.server.requests, 3)
      assert.lengthOf(seen.server.watches, 3)
      assert.isTrue(seen.views.at(-1)?.listed)
    })
  )

  it.effect("a server that ends each watch at once is asked ever more slowly, and without a list", () =>
    Effect.gen(function* () {
      const seen = yield* following([listOf(1)], [Stream.empty], 120)
      assert.isAtMost(seen.server.watches.length, 16)
      assert.isAtLeast(seen.server.watches.length, 5)
      assert.lengthOf(seen.server.requests, 1)
    })
  )

  it.effect("a quiet watch that ends in time is resumed within the second, the twentieth as the first", () =>
    Effect.gen(function* () {
      const quiet: Watch = Stream.drain(Stream.fromEffect(Effect.sleep(290)))
      const seen = yield* following([listOf(1)], [quiet], 291 * 20, { relistEvery: "1 day" })
      assert.isAtLeast(seen.server.watches.length, 20)
    })
  )

  it.effect("Retry-After of a refused watch is obeyed", () =>
    Effect.gen(function* () {
      const throttled = status(429, "TooManyRequests")
      const refused = breaking(
        Resource.fromStatus(
          { method: "GET", path: "/api/v1/pods" },
          429,
          { "retry-after": "20" },
          throttled.body
        )
      )
      assert.lengthOf((yield* following([listOf(1)], [refused], 19)).server.watches, 1)
      assert.lengthOf((yield* following([listOf(1)], [refused, Stream.never], 22)).server.watches, 2)
    })
  )

  it.effect("an hour's Retry-After on a watch puts no list off: the timer goes on", () =>
    Effect.gen(function* () {
      const throttled = new ClusterError({
        reason: { _tag: "TooManyRequests", retryAfterMillis: 3_600_000 },
        message: "throttled"
      })
      const lists = [listOf(1, a1), listOf(9, b3)]
      const seen = yield* following(lists, [breaking(throttled)], 65, { relistEvery: "30 seconds" })
      assert.deepEqual(seen.changes, ["Added a@1", "Deleted a@1", "Added b@3"])
      assert.lengthOf(seen.server.requests, 3)
    })
  )

  it.effect("watches that are refused or end at once put no list off, however often", () =>
    Effect.gen(function* () {
      for (const watch of [Stream.empty, breaking(failure("Unavailable"))]) {
        const lists = [listOf(1, a1), listOf(9, b3)]
        const seen = yield* following(lists, [watch], 100, { relistEvery: "30 seconds" })
        assert.deepEqual(seen.names, ["b"])
        assert.isAtLeast(seen.server.requests.length, 4)
      }
    })
  )

  it.effect("outlives a network that is gone for minutes", () =>
    Effect.gen(function* () {
      const down = failure("Unavailable")
      const lists = [listOf(1, a1), ...Array.from({ length: 20 }, () => down), listOf(9, b3)]
      const seen = yield* following(lists, [ending(expired), Stream.never], 600, {
        relistEvery: "1 day"
      })
      assert.isNull(seen.failed)
      assert.deepEqual(seen.names, ["b"])
    })
  )

  it.effect("fails when the first list fails, and later for what waiting does not cure", () =>
    Effect.gen(function* () {
      const first = yield* following([failure("Unavailable")], [Stream.never])
      assert.strictEqual(first.failed?.reason._tag, "Unavailable")
      const forbidden = yield* following([listOf(1)], [breaking(failure("Forbidden"))])
      assert.strictEqual(forbidden.failed?.reason._tag, "Forbidden")
      const gone = yield* following([listOf(1), { status: 404 }], [ending(expired)])
      assert.strictEqual(gone.failed?.reason._tag, "Unsupported")
    })
  )

  it.effect("asks for what was asked for, on the list and on the watch", () =>
    Effect.gen(function* () {
      const options = { namespace: "shop", labelSelector: "a=b", metadataOnly: true }
      const { server } = yield* following([listOf(1)], [Stream.never], 1, options)
      for (const request of [server.requests[0], server.watches[0]]) {
        assert.strictEqual(request?.path, "/api/v1/namespaces/shop/pods")
        assert.strictEqual(query(request)["labelSelector"], "a=b")
      }
      assert.strictEqual(
        server.watches[0]?.headers?.["accept"],
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
      )
    })
  )
})

describe("waiting for a set", () => {
  it.effect("answers at once from the list, and else with the event that makes it so", () =>
    Effect.gen(function* () {
      const wanted = (view: Resource.View) => (view.objects.size === 2 ? "two" : null)
      const now = port(nth([listOf(1, a1, b3)]), () => Stream.never)
      assert.strictEqual(yield* Effect.provide(Resource.waitFor(kinds.pods, {}, wanted), now.layer), "two")
      assert.isEmpty(now.watches)
      const later = port(nth([listOf(1, a1)]), () => endless(event("ADDED", b3)))
      assert.strictEqual(yield* Effect.provide(Resource.waitFor(kinds.pods, {}, wanted), later.layer), "two")
    })
  )

  it.effect("does not hang on a silent watch", () =>
    Effect.gen(function* () {
      const server = port(nth([listOf(1, a1), listOf(2)]), () => Stream.never)
      const empty = (view: Resource.View) => (view.objects.size === 0 ? true : null)
      const fiber = yield* Effect.forkChild(
        Effect.provide(Resource.waitFor(kinds.pods, {}, empty), server.layer)
      )
      yield* TestClock.adjust("6 minutes")
      assert.isTrue(yield* Fiber.join(fiber))
    })
  )
})
