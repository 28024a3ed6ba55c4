import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { WatchEvent } from "../../packages/sdk/src/Cluster.ts"
import { at } from "../../packages/sandbox/src/apimachinery/Json.ts"
import { type Asking, bare, home, pod } from "./asking.ts"

const shown = ({ type, object }: WatchEvent): string =>
  type === "BOOKMARK" || type === "ERROR" ? type : `${type} ${String(at(object, "metadata", "name"))}`

/** The first events of a watch, while something happens. */
const watched = ({ sandbox }: Asking, query: string, count: number, meanwhile: () => void) =>
  Effect.gen(function* () {
    const fiber = yield* sandbox.cluster
      .watch({ method: "GET", path: `${home}/pods`, query: [...new URLSearchParams(query)] })
      .pipe(Stream.take(count), Stream.runCollect, Effect.forkChild({ startImmediately: true }))
    yield* TestClock.adjust("1 second")
    meanwhile()
    yield* TestClock.adjust("1 second")
    return yield* Fiber.join(fiber)
  })

describe("a watch", () => {
  it.effect("without a version begins with what there is", () =>
    Effect.gen(function* () {
      const asking = yield* bare()
      asking.ask("POST", `${home}/pods`, pod("a"))
      const events = yield* watched(asking, "", 3, () => {
        asking.patch("merge", `${home}/pods/a`, { metadata: { labels: { x: "1" } } })
        asking.ask("POST", `${home}/pods`, pod("b"))
      })
      assert.deepStrictEqual(events.map(shown), ["ADDED a", "MODIFIED a", "ADDED b"])
    })
  )

  it.effect("from a version sees each change after it, once and in order", () =>
    Effect.gen(function* () {
      const asking = yield* bare()
      asking.ask("POST", `${home}/pods`, pod("a"))
      const from = asking.sandbox.store.revision
      asking.ask("POST", `${home}/pods`, pod("b"))
      const events = yield* watched(asking, `resourceVersion=${from}`, 2, () =>
        asking.ask("POST", `${home}/pods`, pod("c"))
      )
      assert.deepStrictEqual(events.map(shown), ["ADDED b", "ADDED c"])
    })
  )

  it.effect("with a selector sees what comes into it as added and what leaves it as deleted", () =>
    Effect.gen(function* () {
      const asking = yield* bare()
      asking.ask("POST", `${home}/pods`, pod("a", { app: "web" }))
      const from = asking.sandbox.store.revision
      const events = yield* watched(asking, `labelSelector=app%3Ddb&resourceVersion=${from}`, 2, () => {
        asking.patch("merge", `${home}/pods/a`, { metadata: { labels: { app: "db" } } })
        asking.patch("merge", `${home}/pods/a`, { metadata: { labels: { app: "web" } } })
      })
      assert.deepStrictEqual(events.map(shown), ["ADDED a", "DELETED a"])
      const [added, deleted] = events
      assert.strictEqual(at(deleted?.object, "metadata", "labels", "app"), "db")
      assert.isAbove(
        Number(at(deleted?.object, "metadata", "resourceVersion")),
        Number(at(added?.object, "metadata", "resourceVersion"))
      )
    })
  )

  it.effect("from a version that is compacted ends with an ERROR that carries a 410", () =>
    Effect.gen(function* () {
      const asking = yield* bare()
      asking.ask("POST", `${home}/pods`, pod("a"))
      asking.ask("POST", `${home}/pods`, pod("b"))
      asking.sandbox.compact()
      const events = yield* watched(asking, "resourceVersion=1", 9, () => undefined)
      assert.deepStrictEqual(events.map(shown), ["ERROR"])
      assert.strictEqual(at(events[0]?.object, "code"), 410)
    })
  )

  it.effect("that asks for initial events is told where they end", () =>
    Effect.gen(function* () {
      const asking = yield* bare()
      asking.ask("POST", `${home}/pods`, pod("a"))
      const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
      const events = yield* watched(asking, query, 2, () => undefined)
      assert.deepStrictEqual(events.map(shown), ["ADDED a", "BOOKMARK"])
      assert.strictEqual(
        at(events[1]?.object, "metadata", "annotations", "k8s.io/initial-events-end"),
        "true"
      )
    })
  )

  it.effect("gets a bookmark a minute of all that happened elsewhere, and ends when its time is up", () =>
    Effect.gen(function* () {
      const asking = yield* bare()
      const query = "allowWatchBookmarks=true&timeoutSeconds=150"
      const fiber = yield* asking.sandbox.cluster
        .watch({ method: "GET", path: `${home}/pods`, query: [...new URLSearchParams(query)] })
        .pipe(Stream.runCollect, Effect.forkChild({ startImmediately: true }))
      asking.ask("POST", `${home}/configmaps`, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "one" }
      })
      yield* TestClock.adjust("3 minutes")
      const events = yield* Fiber.join(fiber)
      assert.deepStrictEqual(events.map(shown), ["BOOKMARK", "BOOKMARK"])
      assert.strictEqual(
        at(events[0]?.object, "metadata", "resourceVersion"),
        String(asking.sandbox.store.revision)
      )
    })
  )

  it.effect("hands out objects that nobody can change", () =>
    Effect.gen(function* () {
      const asking = yield* bare()
      asking.ask("POST", `${home}/pods`, pod("a"))
      const [event] = yield* watched(asking, "", 1, () => undefined)
      assert.isTrue(Object.isFrozen(event?.object))
      assert.isTrue(Object.isFrozen(at(event?.object, "metadata", "labels")))
    })
  )
})
