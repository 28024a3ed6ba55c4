import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Cluster, type ClusterError } from "../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import { type Answer, failure, object, port, query, status } from "./resource/port.ts"

const db: Resource.Target = { api: kinds.statefulsets, namespace: "shop", name: "db" }
const path = "/apis/apps/v1/namespaces/shop/statefulsets"
const set = object("db", 1)

/** Runs in virtual time, however long it waits. */
const patiently = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    yield* TestClock.adjust("10 minutes")
    return yield* Fiber.join(fiber)
  })

describe("reads are repeated where waiting may help", () => {
  const troubles: ReadonlyArray<readonly [string, Answer | ReturnType<typeof failure>]> = [
    ["the server was not reached", failure("Unavailable")],
    ["it was throttled", { status: 429, headers: { "retry-after": "1" } }],
    ["the server failed", status(500, "InternalError")],
    ["the server was late", status(504, "Timeout")],
    ["the server is starting", { status: 503 }]
  ]
  for (const [what, trouble] of troubles) {
    it.effect(`when ${what}: five times, no more`, () =>
      Effect.gen(function* () {
        const passing = port((_, nth) => (nth < 5 ? trouble : { body: set }))
        const got = yield* Effect.provide(patiently(Resource.getObject(db)), passing.layer)
        assert.strictEqual(got.kind, "StatefulSet")
        assert.lengthOf(passing.requests, 5)
        const lasting = port(() => trouble)
        yield* Effect.flip(Effect.provide(patiently(Resource.getObject(db)), lasting.layer))
        assert.lengthOf(lasting.requests, 5)
      })
    )
  }

  for (const [what, final] of [
    ["a 404", status(404, "NotFound", 'statefulsets.apps "db" not found')],
    ["a 403", status(403, "Forbidden")],
    ["a 401", status(401, "Unauthorized")],
    ["our own time limit", failure("Timeout")],
    ["a faulty kubeconfig", failure("Config")]
  ] as const) {
    it.effect(`and not after ${what}`, () =>
      Effect.gen(function* () {
        const server = port(() => final)
        yield* Effect.flip(Effect.provide(Resource.getObject(db), server.layer))
        assert.lengthOf(server.requests, 1)
      })
    )
  }

  it.effect("Retry-After is obeyed to the second, and one of many minutes is not waited for", () =>
    Effect.gen(function* () {
      const server = port((_, nth) =>
        nth === 1 ? { status: 429, headers: { "retry-after": "7" } } : { body: set }
      )
      const fiber = yield* Effect.forkChild(Effect.provide(Resource.getObject(db), server.layer))
      yield* TestClock.adjust("6900 millis")
      assert.lengthOf(server.requests, 1)
      yield* TestClock.adjust("200 millis")
      yield* Fiber.join(fiber)
      assert.lengthOf(server.requests, 2)
      const long = port(() => ({ status: 429, headers: { "retry-after": "600" } }))
      yield* Effect.flip(Effect.provide(Resource.getObject(db), long.layer))
      assert.lengthOf(long.requests, 1)
    })
  )

  it.effect("no form of Retry-After makes a request wait for more than a minute", () =>
    Effect.gen(function* () {
      const date = "Wed, 21 Oct 2026 07:28:00 GMT"
      const forms: ReadonlyArray<readonly [string, number]> = [
        ["-1", 5],
        ["1e999", 5],
        ["soon", 5],
        ["", 5],
        ["0", 5],
        ["9".repeat(400), 1],
        ["Wed, 21 Oct 2099 07:28:00 GMT", 1],
        ["Wed, 21 Oct 2026 07:28:20 GMT", 5],
        ["Wed, 21 Oct 2020 07:28:00 GMT", 5]
      ]
      for (const [form, attempts] of forms) {
        const server = port(() => ({ status: 429, headers: { "retry-after": form, date } }))
        const error = yield* Effect.flip(Effect.provide(patiently(Resource.getObject(db)), server.layer))
        assert.strictEqual(error.reason._tag, "TooManyRequests")
        assert.lengthOf(server.requests, attempts, form)
      }
    })
  )

  it.effect("an answer without end is given up at a limit, and the error names request and limit", () =>
    Effect.gen(function* () {
      let pulled = 0
      const megabyte = new Uint8Array(1024 * 1024)
      const body = Stream.map(Stream.forever(Stream.succeed(megabyte)), (chunk) => {
        pulled += 1
        return chunk
      })
      const answering = Layer.succeed(Cluster, {
        request: () => Effect.succeed({ status: 200, headers: {}, body }),
        watch: () => Stream.never,
        exec: () => Effect.die("no exec here"),
        origin: { context: null, server: "memory:", namespace: "shop", user: null }
      })
      const read = yield* Effect.flip(Effect.provide(Resource.getObject(db), answering))
      assert.strictEqual(read.reason._tag, "Unreadable")
      assert.strictEqual(read.message, `GET ${path}/db: the answer has more than 256 MiB`)
      assert.isAtMost(pulled, 258)
      const written = yield* Effect.flip(Effect.provide(Resource.remove(db), answering))
      assert.strictEqual(written.reason._tag, "OutcomeUnknown")
    })
  )

  it.effect("repetitions are spread: the whole takes between one and eight seconds", () =>
    Effect.gen(function* () {
      const server = port(() => failure("Unavailable"))
      const fiber = yield* Effect.forkChild(Effect.flip(Effect.provide(Resource.getObject(db), server.layer)))
      yield* TestClock.adjust("1 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("7 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "Unavailable")
    })
  )
})

describe("writes are repeated only when provably nothing was done", () => {
  const writes: ReadonlyArray<readonly [string, ReturnType<typeof Resource.patch>]> = [
    ["create", Resource.create({ api: kinds.statefulsets, namespace: "shop" }, set)],
    ["patch", Resource.patch(db, { _tag: "Merge", value: { spec: { replicas: 3 } } })],
    ["replace", Resource.replace(db, set)]
  ]
  for (const [what, write] of writes) {
    it.effect(`${what}: after a 429 that names a time, and when it was never sent`, () =>
      Effect.gen(function* () {
        for (const trouble of [failure("Unavailable"), { status: 429, headers: { "retry-after": "1" } }]) {
          const server = port((_, nth) => (nth < 3 ? trouble : { body: set }))
          yield* Effect.provide(patiently(write), server.layer)
          assert.lengthOf(server.requests, 3)
          assert.deepEqual(server.requests[0], server.requests[2])
        }
      })
    )

    it.effect(`${what}: never when its outcome is unknown`, () =>
      Effect.gen(function* () {
        for (const trouble of [
          failure("OutcomeUnknown"),
          { status: 503 },
          status(504, "Timeout"),
          status(500, "InternalError", "etcdserver: leader changed"),
          status(500, "InternalError"),
          status(409, "Conflict"),
          { status: 429 },
          { body: "not JSON" }
        ]) {
          const server = port(() => trouble)
          yield* Effect.flip(Effect.provide(write, server.layer))
          assert.lengthOf(server.requests, 1)
        }
      })
    )
  }

  it.effect("a write whose answer cannot be read has an unknown outcome", () =>
    Effect.gen(function* () {
      for (const body of ["{", '"text"', "[]"]) {
        const error = yield* Effect.flip(
          Effect.provide(Resource.replace(db, set), port(() => ({ body })).layer)
        )
        assert.strictEqual(error.reason._tag, "OutcomeUnknown")
      }
    })
  )

  it.effect("an eviction that a disruption budget forbids is not repeated", () =>
    Effect.gen(function* () {
      const budget = status(429, "TooManyRequests", "Cannot evict pod", {
        details: { retryAfterSeconds: 10, causes: [{ reason: "DisruptionBudget" }] }
      })
      const server = port(() => budget)
      const pod = { api: kinds.pods, namespace: "shop", name: "db-0", subresource: "eviction" }
      yield* Effect.flip(Effect.provide(Resource.createSub(pod, {}), server.layer))
      assert.lengthOf(server.requests, 1)
    })
  )
})

describe("what a write says", () => {
  it.effect("its field manager, that unknown fields are errors, and whether it is a dry run", () =>
    Effect.gen(function* () {
      const server = port(() => ({ body: set }))
      yield* Effect.gen(function* () {
        yield* Resource.create({ api: kinds.statefulsets, namespace: "shop" }, { metadata: { name: "db" } })
        yield* Resource.patch(db, { _tag: "Apply", value: set, force: true }, { dryRun: true })
        yield* Resource.patch({ ...db, subresource: "scale" }, { _tag: "Merge", value: {} })
      }).pipe(Effect.provide(server.layer))
      const [create, apply, scale] = server.requests
      assert.strictEqual(create?.path, path)
      assert.deepEqual(query(create), { fieldManager: "kubectl-stateful", fieldValidation: "Strict" })
      assert.deepEqual(JSON.parse(create?.body ?? ""), {
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "db" }
      })
      assert.deepEqual(query(apply), {
        fieldManager: "kubectl-stateful",
        fieldValidation: "Strict",
        dryRun: "All",
        force: "true"
      })
      assert.strictEqual(apply?.headers?.["content-type"], "application/apply-patch+yaml")
      assert.strictEqual(scale?.path, `${path}/db/scale`)
    })
  )

  it.effect("a JSON patch carries its tests as they are", () =>
    Effect.gen(function* () {
      const server = port(() => ({ body: set }))
      const operations = [
        { op: "test", path: "/metadata/uid", value: "u" },
        { op: "remove", path: "/spec/x" }
      ] as const
      yield* Effect.provide(Resource.patch(db, { _tag: "Json", operations }), server.layer)
      assert.strictEqual(server.requests[0]?.headers?.["content-type"], "application/json-patch+json")
      assert.deepEqual(JSON.parse(server.requests[0]?.body ?? ""), operations)
    })
  )

  it.effect("a removal carries uid and resourceVersion, and tells gone from going", () =>
    Effect.gen(function* () {
      const gone = port(() => ({ body: { kind: "Status", status: "Success" } }))
      const options = { uid: "u", resourceVersion: "7", propagation: "Orphan" } as const
      assert.isNull(yield* Effect.provide(Resource.remove(db, options), gone.layer))
      assert.deepEqual(JSON.parse(gone.requests[0]?.body ?? ""), {
        apiVersion: "v1",
        kind: "DeleteOptions",
        preconditions: { uid: "u", resourceVersion: "7" },
        propagationPolicy: "Orphan"
      })
      const going = port(() => ({ body: set }))
      assert.strictEqual((yield* Effect.provide(Resource.remove(db), going.layer))?.metadata.name, "db")
    })
  )

  it.effect("a name is a name in the path, whatever letters it has", () =>
    Effect.gen(function* () {
      const server = port(() => ({ body: set }))
      yield* Effect.provide(Resource.getObject({ ...db, name: "../x?y" }), server.layer)
      assert.strictEqual(server.requests[0]?.path, `${path}/..%2Fx%3Fy`)
    })
  )
})

describe("a list", () => {
  const pages =
    (names: ReadonlyArray<string>, size: number) =>
    (request: Parameters<typeof query>[0]): Answer => {
      const start = Number(query(request)["continue"] ?? 0)
      const items = names.slice(start, start + size).map((name) => object(name, 1))
      const next = start + size < names.length ? String(start + size) : ""
      return { body: { kind: "List", metadata: { resourceVersion: "9", continue: next }, items } }
    }
  const names = Array.from({ length: 7 }, (_, nth) => `db-${nth}`)

  it.effect("is all of its pages, and every item has its kind", () =>
    Effect.gen(function* () {
      const server = port(pages(names, 3))
      const options = { namespace: "shop", labelSelector: "a=b", fieldSelector: "c=d", pageSize: 3 }
      const listing = yield* Effect.provide(Resource.listObjects(kinds.pods, options), server.layer)
      assert.deepEqual(
        listing.items.map((item) => item.metadata.name),
        names
      )
      assert.deepEqual([listing.items[0]?.kind, listing.items[0]?.apiVersion], ["Pod", "v1"])
      assert.strictEqual(listing.resourceVersion, "9")
      assert.deepEqual(server.requests.map(query), [
        { labelSelector: "a=b", fieldSelector: "c=d", limit: "3" },
        { labelSelector: "a=b", fieldSelector: "c=d", limit: "3", continue: "3" },
        { labelSelector: "a=b", fieldSelector: "c=d", limit: "3", continue: "6" }
      ])
    })
  )

  it.effect("whose continue token expired starts anew, once, and no item is told twice", () =>
    Effect.gen(function* () {
      let expired = 0
      const once = port((request) => {
        if (query(request)["continue"] === "6" && expired++ === 0) return status(410, "Expired")
        return pages(names, 3)(request)
      })
      const listing = yield* Effect.provide(Resource.listObjects(kinds.pods, { pageSize: 3 }), once.layer)
      assert.lengthOf(listing.items, 7)
      assert.lengthOf(once.requests, 6)
      const always = port((request) =>
        query(request)["continue"] === undefined ? pages(names, 3)(request) : status(410, "Expired")
      )
      const error = yield* Effect.flip(Effect.provide(Resource.listObjects(kinds.pods), always.layer))
      assert.strictEqual(error.reason._tag, "Expired")
      assert.lengthOf(always.requests, 4)
    })
  )

  it.effect("that never ends is unreadable: its continue token comes again, or is absurdly long", () =>
    Effect.gen(function* () {
      for (const tokens of [["same"], ["a", "b"], ["a".repeat(100_000)]]) {
        const server = port((_, nth) => ({
          body: { metadata: { continue: tokens[nth % tokens.length] }, items: [object("db-0", 1)] }
        }))
        const error = yield* Effect.flip(Effect.provide(Resource.listObjects(kinds.pods), server.layer))
        assert.strictEqual(error.reason._tag, "Unreadable")
        assert.match(error.message, /^GET \/api\/v1\/pods: .*continue token/)
        assert.isBelow(error.message.length, 200)
        assert.isAtMost(server.requests.length, 3)
      }
    })
  )

  it.effect("that goes on with ever new tokens over empty pages is unreadable", () =>
    Effect.gen(function* () {
      const server = port((_, nth) => ({ body: { metadata: { continue: `token-${nth}` }, items: [] } }))
      const error = yield* Effect.flip(Effect.provide(Resource.listObjects(kinds.pods), server.layer))
      assert.strictEqual(error.reason._tag, "Unreadable")
      assert.include(error.message, "100 empty pages in a row")
      assert.lengthOf(server.requests, 100)
    })
  )

  it.effect("keeps of each object what it is told to, page by page", () =>
    Effect.gen(function* () {
      let largest = 0
      const alive = new Set<object>()
      const server = port((request) => {
        largest = Math.max(largest, alive.size)
        return pages(names, 3)(request)
      })
      const listing = yield* Effect.provide(
        Resource.listObjects(kinds.pods, {
          pageSize: 3,
          keep: ({ apiVersion, kind, metadata: { name } }) => {
            const kept = { apiVersion, kind, metadata: { name } }
            alive.add(kept)
            return kept
          }
        }),
        server.layer
      )
      assert.deepEqual(listing.items[0], { apiVersion: "v1", kind: "Pod", metadata: { name: "db-0" } })
      // The first two pages were done with before the third was asked for.
      assert.strictEqual(largest, 6)
    })
  )

  it.effect("of metadata only asks for that, so that no Secret's value is sent", () =>
    Effect.gen(function* () {
      const item = { ...object("s", 1), kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" }
      const server = port(() => ({ body: { metadata: { resourceVersion: "1" }, items: [item] } }))
      const listing = yield* Effect.provide(
        Resource.listObjects(kinds.secrets, { metadataOnly: true }),
        server.layer
      )
      assert.strictEqual(
        server.requests[0]?.headers?.["accept"],
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
      )
      assert.deepEqual([listing.items[0]?.kind, listing.items[0]?.apiVersion], ["Secret", "v1"])
    })
  )

  it.effect("with null for its items is empty, and one of junk is unreadable", () =>
    Effect.gen(function* () {
      const empty = port(() => ({ body: { metadata: {}, items: null } }))
      assert.isEmpty((yield* Effect.provide(Resource.listObjects(kinds.pods), empty.layer)).items)
      for (const body of ["{", [], { metadata: {}, items: 3 }, { metadata: {}, items: [null] }, "<html>"]) {
        const junk = port(() => ({ body }))
        const error = yield* Effect.flip(Effect.provide(Resource.listObjects(kinds.pods), junk.layer))
        assert.strictEqual(error.reason._tag, "Unreadable")
      }
    })
  )
})

describe("may I", () => {
  it.effect("is asked as the rule stands, and answered with the server's reason", () =>
    Effect.gen(function* () {
      const server = port((_, nth) =>
        nth === 1
          ? { status: 503 }
          : { body: { status: { allowed: false, reason: "no RBAC policy matched" } } }
      )
      const rule = { verb: "create", group: "", plural: "pods", subresource: "exec", namespace: "shop" }
      const review = yield* Effect.provide(patiently(Resource.reviewAccess(rule)), server.layer)
      assert.deepEqual(review, { rule, allowed: false, reason: "no RBAC policy matched" })
      assert.deepEqual(JSON.parse(server.requests[0]?.body ?? "").spec.resourceAttributes, {
        verb: "create",
        group: "",
        resource: "pods",
        subresource: "exec",
        namespace: "shop"
      })
    })
  )

  it.effect("is never answered yes by an answer that says nothing", () =>
    Effect.gen(function* () {
      const rule = { verb: "get", group: "", plural: "pods" }
      for (const body of [{}, { status: {} }, { status: { allowed: "true" } }]) {
        const error = yield* Effect.flip(
          Effect.provide(Resource.reviewAccess(rule), port(() => ({ body })).layer)
        )
        assert.strictEqual(error.reason._tag, "Unreadable")
      }
    })
  )
})

describe("what is no name is asked of no server", () => {
  const noName = ["", ".", ".."]
  const api = kinds.persistentvolumeclaims
  const asked = (target: Resource.Target): ReadonlyArray<Effect.Effect<unknown, ClusterError, Cluster>> => [
    Resource.getObject(target),
    Resource.findObject(target),
    Resource.patch(target, { _tag: "Merge", value: {} }),
    Resource.replace(target, {}),
    Resource.remove(target)
  ]
  const everywhere = noName.flatMap((namespace) => [
    ...asked({ api, namespace, name: "data-db-0" }),
    Resource.listObjects(api, { namespace }),
    Resource.create({ api, namespace }, { metadata: { name: "data-db-0" } })
  ])

  it.effect("not the object, which would be its collection, and not a namespace, which would be all", () =>
    Effect.gen(function* () {
      const server = port(() => ({ body: set }))
      const all = [...noName.flatMap((name) => asked({ api, namespace: "shop", name })), ...everywhere]
      for (const one of all) {
        const error = yield* Effect.flip(Effect.provide(one, server.layer))
        assert.strictEqual(error.reason._tag, "BadRequest")
        assert.match(error.message, /a name or namespace is empty, "\." or "\.\."$/)
      }
      assert.deepEqual(server.requests, [])
    })
  )
})

describe("what is written is what was given", () => {
  const created = (value: object) =>
    Effect.gen(function* () {
      const server = port(() => ({ body: object("odd", 1) }))
      yield* Effect.provide(
        Resource.create({ api: kinds.configmaps, namespace: "shop" }, value),
        server.layer
      )
      return JSON.parse(server.requests[0]?.body ?? "null")
    })

  it.effect("whatever its keys are called", () =>
    Effect.gen(function* () {
      const odd = JSON.parse(
        `{"metadata": {"name": "odd", "labels": {"constructor": "x", "toString": "y"}},
          "data": {"constructor": "x", "toJSON": "y", "__proto__": "z", "hasOwnProperty": "w"},
          "more": {"constructor": {"attributeTypeMap": [{"name": "a", "baseName": "b"}]}, "a": 1}}`
      )
      assert.deepEqual(yield* created(odd), { apiVersion: "v1", kind: "ConfigMap", ...odd })
    })
  )

  it.effect("and of a model of client-node under the names of the API", () =>
    Effect.gen(function* () {
      class Rule {
        static attributeTypeMap = [{ name: "_from", baseName: "from" }]
        _from = [{}]
        ports = undefined
      }
      const at = new Date("2026-11-29T20:00:00.000Z")
      const body = yield* created({ spec: { ingress: [new Rule()] }, metadata: { creationTimestamp: at } })
      assert.deepEqual(body.spec, { ingress: [{ from: [{}] }] })
      assert.deepEqual(body.metadata, { creationTimestamp: "2026-11-29T20:00:00Z" })
    })
  )
})

describe("an answer that is no list", () => {
  it.effect("is not a list of nothing", () =>
    Effect.gen(function* () {
      const answers = [
        { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" },
        { kind: "ConfigMapList", apiVersion: "v1", metadata: { resourceVersion: "1" } },
        set
      ]
      for (const body of answers) {
        const server = port(() => ({ body }))
        const asked = Resource.listObjects(kinds.statefulsets, { namespace: "shop" })
        const error = yield* Effect.flip(Effect.provide(asked, server.layer))
        assert.strictEqual(error.reason._tag, "Unreadable")
      }
      const none = port(() => ({ body: { kind: "List", metadata: { resourceVersion: "1" }, items: null } }))
      const listed = yield* Effect.provide(Resource.listObjects(kinds.statefulsets), none.layer)
      assert.deepEqual(listed.items, [])
    })
  )
})
