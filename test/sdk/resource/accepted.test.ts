import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { WatchEvent } from "../../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { type Json, pod, statefulSet } from "../objects.ts"
import { type Answer, failure, port, query, status } from "./port.ts"

const ref = { namespace: "shop", name: "db" }
const path = "/apis/apps/v1/namespaces/shop/statefulsets/db"
const metadataAlone = /^application\/json;as=PartialObjectMetadata(List)?;g=meta\.k8s\.io;v=v1$/

const listOf = (...items: ReadonlyArray<Json>): Answer => ({
  body: { metadata: { resourceVersion: "7" }, items }
})

describe("one object of a kind", () => {
  it.effect("is asked for at the path of its kind, and has every field that came", () =>
    Effect.gen(function* () {
      const server = port(() => ({ body: statefulSet({ spec: { fieldOfTomorrow: 1 } }) }))
      const set = yield* Effect.provide(Resource.get(kinds.statefulsets, ref), server.layer)
      assert.strictEqual(set.spec.replicas, 3)
      assert.strictEqual(Reflect.get(set.spec, "fieldOfTomorrow"), 1)
      assert.deepEqual(
        server.requests.map(({ method, path: asked, headers }) => [method, asked, headers]),
        [["GET", path, undefined]]
      )
    })
  )

  it.effect("that cannot be read is named, with the path of the field, and is never null", () =>
    Effect.gen(function* () {
      const server = port(() => ({ body: statefulSet({ spec: { replicas: "3" } }) }))
      for (const read of [Resource.get(kinds.statefulsets, ref), Resource.find(kinds.statefulsets, ref)]) {
        const error = yield* Effect.flip(Effect.provide(read, server.layer))
        assert.strictEqual(error.reason._tag, "Unreadable")
        assert.strictEqual(error.message, 'statefulset "db": spec.replicas: expected number')
      }
      // It came: asking again would change nothing.
      assert.lengthOf(server.requests, 2)
    })
  )

  it.effect("with many faults is told by the first three of them", () =>
    Effect.gen(function* () {
      const faulty = { ...kinds.statefulsets, accept: () => Result.fail(["a", "b", "c", "d"]) }
      const error = yield* Effect.flip(Resource.accept(faulty, { metadata: { name: "db" } }))
      assert.strictEqual(error.message, 'statefulset "db": a; b; c')
    })
  )

  it.effect("that is not there is NotFound for `get` and null for `find`, and nothing else is null", () =>
    Effect.gen(function* () {
      const gone = port(() => status(404, "NotFound"))
      assert.isNull(yield* Effect.provide(Resource.find(kinds.statefulsets, ref), gone.layer))
      assert.isNull(
        yield* Effect.provide(Resource.findObject({ api: kinds.statefulsets, ...ref }), gone.layer)
      )
      const error = yield* Effect.flip(Effect.provide(Resource.get(kinds.statefulsets, ref), gone.layer))
      assert.strictEqual(error.reason._tag, "NotFound")
      const forbidden = port(() => status(403, "Forbidden"))
      const refused = yield* Effect.flip(
        Effect.provide(Resource.find(kinds.statefulsets, ref), forbidden.layer)
      )
      assert.strictEqual(refused.reason._tag, "Forbidden")
    })
  )

  it.effect("is asked for in the version that was chosen", () =>
    Effect.gen(function* () {
      const server = port(() => status(404, "NotFound"))
      const beta = { ...kinds.volumegroupsnapshots, version: "v1beta2" }
      yield* Effect.provide(Resource.find(beta, ref), server.layer)
      yield* Effect.provide(Resource.find(kinds.volumegroupsnapshots, ref), server.layer)
      assert.deepEqual(
        server.requests.map((request) => request.path.split("/")[3]),
        ["v1beta2", "v1"]
      )
    })
  )
})

describe("a list of a kind", () => {
  it.effect("fails where one cannot be read, with its name and the way out", () =>
    Effect.gen(function* () {
      const odd = { spec: { containers: 3 } }
      const server = port(() => listOf(pod(0), pod(1, odd), pod(2, odd)))
      const error = yield* Effect.flip(Effect.provide(Resource.list(kinds.pods), server.layer))
      assert.strictEqual(error.reason._tag, "Unreadable")
      assert.strictEqual(error.message, 'pod "db-1": spec.containers: expected array; 1 more cannot be read')
      assert.strictEqual(
        error.action,
        "correct that field, or use a version of kubectl-stateful that knows it"
      )
    })
  )

  it.effect("minds only those that are asked for, and each whose metadata does not say what it is", () =>
    Effect.gen(function* () {
      const odd = { spec: { containers: 3 } }
      const server = port(() => listOf(pod(0), pod(1, odd)))
      const which: Resource.Which = ({ name }) => name === "db-0"
      const found = yield* Effect.provide(Resource.list(kinds.pods, { which }), server.layer)
      assert.deepEqual(
        found.map(({ metadata }) => metadata.name),
        ["db-0"]
      )
      const worse = port(() => listOf(pod(0), pod(1, { metadata: { generation: "1" } })))
      const error = yield* Effect.flip(Effect.provide(Resource.list(kinds.pods, { which }), worse.layer))
      assert.strictEqual(error.message, 'pod "db-1": metadata.generation: expected number')
    })
  )

  it.effect("for who only shows it names each that cannot be read, with what is wrong", () =>
    Effect.gen(function* () {
      const server = port(() => listOf(pod(0), pod(1, { spec: { containers: 3 } }), pod(2)))
      const options = { namespace: "shop", labelSelector: "app=db" }
      const { items, unreadable } = yield* Effect.provide(
        Resource.listReadable(kinds.pods, options),
        server.layer
      )
      assert.deepEqual(
        items.map(({ metadata }) => metadata.name),
        ["db-0", "db-2"]
      )
      assert.deepEqual(unreadable, [{ name: "db-1", message: `pod "db-1": spec.containers: expected array` }])
      assert.deepEqual(server.requests.map(query), [{ labelSelector: "app=db", limit: "500" }])
      assert.isUndefined(server.requests[0]?.headers)
    })
  )
})

describe("a kind of which only metadata is read", () => {
  it.effect("is asked for nothing else, by get, find, list and watch: no value of a Secret is sent", () =>
    Effect.gen(function* () {
      const one = { metadata: { name: "db", uid: "1", resourceVersion: "1" } }
      const server = port(
        (request) => (request.path.endsWith("/db") ? { body: one } : listOf(one)),
        () => Stream.never
      )
      yield* Effect.provide(Resource.get(kinds.secrets, ref), server.layer)
      yield* Effect.provide(Resource.find(kinds.secrets, ref), server.layer)
      yield* Effect.provide(Resource.list(kinds.secrets, ref), server.layer)
      const watching = Stream.runDrain(Resource.watch(kinds.secrets, ref))
      const fiber = yield* Effect.forkChild(Effect.provide(watching, server.layer))
      yield* TestClock.adjust("1 seconds")
      yield* Fiber.interrupt(fiber)
      const asked = [...server.requests, ...server.watches]
      assert.lengthOf(asked, 5)
      for (const { headers } of asked) assert.match(headers?.["accept"] ?? "", metadataAlone)
    })
  )
})

describe("a followed kind", () => {
  it.effect("ends with the name of one that cannot be read, as soon as it is that", () =>
    Effect.gen(function* () {
      const odd = pod(1, { spec: { containers: 3 }, metadata: { resourceVersion: "8" } })
      const change: WatchEvent = { type: "MODIFIED", object: odd }
      const server = port(
        () => listOf(pod(0), pod(1, { metadata: { resourceVersion: "7" } })),
        () => Stream.concat(Stream.succeed(change), Stream.never)
      )
      const views: Array<number> = []
      const watching = Stream.runForEach(Resource.watch(kinds.pods), (pods) =>
        Effect.sync(() => views.push(pods.length))
      )
      const fiber = yield* Effect.forkChild(Effect.flip(Effect.provide(watching, server.layer)))
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).message, 'pod "db-1": spec.containers: expected array')
      assert.deepEqual(views, [2])
    })
  )

  it.effect("for who only shows it tells what cannot be read until a change makes it readable", () =>
    Effect.gen(function* () {
      const at = (resourceVersion: string, changes: Json) =>
        pod(1, { ...changes, metadata: { resourceVersion } })
      const change: WatchEvent = { type: "MODIFIED", object: at("8", {}) }
      const server = port(
        () => listOf(pod(0), at("7", { spec: { containers: 3 } })),
        () => Stream.concat(Stream.succeed(change), Stream.never)
      )
      const views: Array<readonly [ReadonlyArray<string>, number]> = []
      const watching = Stream.runForEach(Resource.watchReadable(kinds.pods), ({ items, unreadable }) =>
        Effect.sync(() => views.push([items.map(({ metadata }) => metadata.name), unreadable.length]))
      )
      const fiber = yield* Effect.forkChild(Effect.provide(watching, server.layer))
      yield* TestClock.adjust("1 seconds")
      yield* Fiber.interrupt(fiber)
      assert.deepEqual(views, [
        [["db-0"], 1],
        [["db-0", "db-1"], 0]
      ])
    })
  )

  it.effect("fails when its first list fails", () =>
    Effect.gen(function* () {
      const server = port(() => failure("Forbidden"))
      const error = yield* Effect.flip(
        Effect.provide(Stream.runDrain(Resource.watch(kinds.pods)), server.layer)
      )
      assert.strictEqual(error.reason._tag, "Forbidden")
    })
  )
})
