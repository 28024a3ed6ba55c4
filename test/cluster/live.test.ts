/** The live transport on a real API server: pages, watches, patches, refusals, exec. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Cluster, type ClusterError } from "../../packages/sdk/src/Cluster.ts"
import { layer, type Options } from "../../packages/sdk/src/kubernetes/index.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import { kubectl, namespace } from "./suite/commands.ts"

const space = namespace("live-suite")
const at = { api: kinds.configmaps, namespace: space.name }
const image = process.env["LIVE_SUITE_IMAGE"] ?? "docker.io/local/busybox:1"

let runtime: ManagedRuntime.ManagedRuntime<Cluster, ClusterError>
const run = <A, E>(effect: Effect.Effect<A, E, Cluster>): Promise<A> => runtime.runPromise(effect)
const refusal = <A>(effect: Effect.Effect<A, ClusterError, Cluster>): Promise<ClusterError> =>
  run(Effect.flip(effect))
const refusalAs = <A>(
  options: Options,
  effect: Effect.Effect<A, ClusterError, Cluster>
): Promise<ClusterError> => {
  const other: Layer.Layer<Cluster, ClusterError> = layer(options)
  return Effect.runPromise(Effect.flip(Effect.provide(effect, other)))
}

const patience = Schedule.upTo(Schedule.spaced("250 millis"), { times: 40 })

const map = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}) => ({
  metadata: { name, labels },
  data
})

beforeAll(async () => {
  runtime = ManagedRuntime.make(layer())
  await space.create()
})

afterAll(async () => {
  await runtime.dispose()
  await space.remove()
})

describe("reading", () => {
  it("a list is the same in one page and in many, and as kubectl counts it", async () => {
    for (let nth = 0; nth < 7; nth++) await run(Resource.create(at, map(`page-${nth}`, {}, { page: "yes" })))
    const options = { namespace: space.name, labelSelector: "page=yes" }
    const whole = await run(Resource.listObjects(kinds.configmaps, options))
    const paged = await run(Resource.listObjects(kinds.configmaps, { ...options, pageSize: 2 }))
    assert.deepEqual(paged.items, whole.items)
    const counted = await kubectl(["get", "configmaps", "-n", space.name, "-l", "page=yes", "-o", "name"])
    assert.lengthOf(whole.items, counted.trim().split("\n").length)
  })

  it("metadata only carries no data, and the object is still of its kind", async () => {
    await run(Resource.create(at, map("meta", { canary: "value" })))
    const { items } = await run(
      Resource.listObjects(kinds.configmaps, { namespace: space.name, metadataOnly: true })
    )
    const one = await run(Resource.getObject({ ...at, name: "meta" }, { metadataOnly: true }))
    assert.isTrue(items.every((item) => item.kind === "ConfigMap" && item["data"] === undefined))
    assert.isUndefined(one["data"])
  })

  it("discovery knows what kubectl api-resources knows", async () => {
    const found = await run(Resource.discover)
    assert.isEmpty(found.failed)
    const names = new Set(found.resources.map(Resource.qualifiedName))
    const expected = (await kubectl(["api-resources", "-o", "name"])).trim().split("\n")
    assert.deepEqual(
      expected.filter((name) => !names.has(name)),
      []
    )
    assert.include(Resource.served(found, "apps", "statefulsets")?.subresources ?? [], "scale")
  })
})

describe("writing", () => {
  it("a failed test of a JSON patch, a foreign uid and a foreign resourceVersion change nothing", async () => {
    const target = { ...at, name: "guarded" }
    const made = await run(Resource.create(at, map("guarded", { a: "1" })))
    const operations = [
      { op: "test", path: "/data/a", value: "2" },
      { op: "replace", path: "/data/a", value: "3" }
    ] as const
    assert.strictEqual(
      (await refusal(Resource.patch(target, { _tag: "Json", operations }))).reason._tag,
      "Invalid"
    )
    const uid = "00000000-0000-0000-0000-000000000000"
    assert.strictEqual((await refusal(Resource.remove(target, { uid }))).reason._tag, "Conflict")
    assert.strictEqual(
      (await refusal(Resource.remove(target, { resourceVersion: "1" }))).reason._tag,
      "Conflict"
    )
    const after = await run(Resource.getObject(target))
    assert.strictEqual(after.metadata.resourceVersion, made.metadata.resourceVersion)
  })

  it("a dry run answers and keeps nothing, and an unknown field is refused", async () => {
    await run(Resource.create(at, map("dry"), { dryRun: true }))
    const missing = await refusal(Resource.getObject({ ...at, name: "dry" }))
    assert.strictEqual(missing.reason._tag, "NotFound")
    assert.strictEqual(missing.message, 'configmaps "dry" not found')
    const strict = await refusal(Resource.create(at, { ...map("strict"), dada: {} }))
    assert.match(strict.message, /unknown field "dada"/)
  })

  it("server-side apply says whose the fields are, and removal tells gone from going", async () => {
    const value = { apiVersion: "v1", kind: "ConfigMap", ...map("applied", { a: "1" }) }
    const target = { ...at, name: "applied" }
    const applied = await run(Resource.patch(target, { _tag: "Apply", value }))
    assert.include(JSON.stringify(applied.metadata["managedFields"]), '"manager":"kubectl-stateful"')
    assert.isNull(await run(Resource.remove(target)))
    const finalizers = ["kubectl-stateful.dev/test"]
    await run(Resource.create(at, { metadata: { name: "held", finalizers } }))
    const going = await run(Resource.remove({ ...at, name: "held" }))
    assert.isString(going?.metadata["deletionTimestamp"])
    const release = { _tag: "Merge", value: { metadata: { finalizers: null } } } as const
    await run(Resource.patch({ ...at, name: "held" }, release))
  })
})

describe("refusals", () => {
  const things = { group: "nope.example", version: "v1", plural: "things", kind: "Thing", namespaced: true }

  it("an API that is not served is not an object that is missing", async () => {
    const error = await refusal(Resource.getObject({ api: things, namespace: space.name, name: "x" }))
    assert.strictEqual(error.reason._tag, "Unsupported")
  })

  it("a forbidden request names user, verb and resource, and the access review says so beforehand", async () => {
    const options = { as: "system:serviceaccount:live-suite:nobody" }
    const error = await refusalAs(options, Resource.listObjects(kinds.nodes))
    assert.strictEqual(error.reason._tag, "Forbidden")
    assert.match(error.message, /"system:serviceaccount:live-suite:nobody" cannot list resource "nodes"/)
    const rule = { verb: "list", group: "", plural: "nodes" }
    const review = await Effect.runPromise(Effect.provide(Resource.reviewAccess(rule), layer(options)))
    assert.isFalse(review.allowed)
    assert.isTrue((await run(Resource.reviewAccess(rule))).allowed)
  })
})

describe("following", () => {
  it("a watch tells each change once and in order", async () => {
    const followed = Resource.watchChanges(kinds.configmaps, {
      namespace: space.name,
      labelSelector: "followed=yes"
    }).pipe(
      Stream.map(({ type, object }) => `${type} ${object.metadata.name}`),
      Stream.take(5),
      Stream.runCollect
    )
    const labels = { followed: "yes" }
    const acted = Effect.gen(function* () {
      yield* Resource.create(at, map("one", {}, labels))
      yield* Resource.patch({ ...at, name: "one" }, { _tag: "Merge", value: { data: { a: "1" } } })
      yield* Resource.create(at, map("two", {}, labels))
      yield* Resource.patch({ ...at, name: "two" }, { _tag: "Merge", value: { metadata: { labels: null } } })
      yield* Resource.remove({ ...at, name: "one" })
    })
    const seen = await run(
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(followed)
        yield* Effect.sleep("500 millis")
        yield* acted
        return yield* Fiber.join(fiber)
      }).pipe(Effect.timeout("20 seconds"))
    )
    // An object that leaves the selector is deleted to whoever watches by it.
    assert.deepEqual([...seen], ["Added one", "Modified one", "Added two", "Deleted two", "Deleted one"])
  })

  it("a watch from a version of the future tells no events", async () => {
    const query = [
      ["allowWatchBookmarks", "true"],
      ["timeoutSeconds", "3"],
      ["resourceVersion", "999999999999"]
    ] as const
    const future = Effect.flatMap(Cluster, (cluster) =>
      Stream.runCollect(cluster.watch({ method: "GET", path: "/api/v1/configmaps", query }))
    )
    const result = await run(Effect.result(future))
    const events = result._tag === "Success" ? [...result.success] : []
    assert.isTrue(events.every((event) => event.type === "ERROR" || event.type === "BOOKMARK"))
  })
})

describe("exec", () => {
  const pod = "exec"

  beforeAll(async () => {
    await run(
      Resource.create(
        { api: kinds.pods, namespace: space.name },
        {
          metadata: { name: pod },
          spec: {
            automountServiceAccountToken: false,
            terminationGracePeriodSeconds: 0,
            containers: [{ name: "main", image, imagePullPolicy: "Never", command: ["sleep", "3600"] }]
          }
        }
      ).pipe(
        // The namespace's ServiceAccount comes a moment after the namespace.
        Effect.retry({ while: (error) => error.reason._tag === "Forbidden", schedule: patience })
      )
    )
    await kubectl(["wait", "-n", space.name, "--for=condition=Ready", `pod/${pod}`, "--timeout=90s"])
  })

  const command = (words: ReadonlyArray<string>, input?: Uint8Array) =>
    Effect.scoped(
      Effect.gen(function* () {
        const cluster = yield* Cluster
        const request = { namespace: space.name, pod, command: words, stdin: input !== undefined }
        const session = yield* cluster.exec(request)
        const read = <E>(stream: Stream.Stream<Uint8Array, E>) =>
          Effect.forkChild(Stream.mkUint8Array(stream))
        const out = yield* read(session.stdout)
        const err = yield* read(session.stderr)
        if (input !== undefined) {
          yield* session.write(input)
          yield* session.closeStdin
        }
        const exit = yield* session.exit
        return { exit, out: Buffer.from(yield* Fiber.join(out)), err: Buffer.from(yield* Fiber.join(err)) }
      })
    ).pipe(Effect.timeout("60 seconds"))

  it("tells stdout, stderr and the exit code apart", async () => {
    const { exit, out, err } = await run(command(["sh", "-c", "echo out; echo err >&2; exit 3"]))
    assert.deepEqual(exit, { _tag: "Exited", code: 3 })
    assert.deepEqual([out.toString(), err.toString()], ["out\n", "err\n"])
    const killed = await run(command(["sh", "-c", "kill -9 $$"]))
    assert.deepEqual(killed.exit, { _tag: "Exited", code: 137 })
  })

  it("standard input of megabytes comes back whole, and its end is seen", async () => {
    const input = Buffer.alloc(3_000_000, "0123456789")
    const { exit, out } = await run(command(["cat"], input))
    assert.deepEqual(exit, { _tag: "Exited", code: 0 })
    assert.isTrue(out.equals(input))
  })

  it("a command that is not there never counts as run", async () => {
    const { exit } = await run(command(["no-such-command"]))
    assert.notDeepEqual(exit, { _tag: "Exited", code: 0 })
  })

  it("megabytes that nobody reads do not keep the exit status back", async () => {
    const unread = Effect.scoped(
      Effect.gen(function* () {
        const cluster = yield* Cluster
        const words = ["sh", "-c", "head -c 20000000 /dev/zero; exit 4"]
        return yield* (yield* cluster.exec({ namespace: space.name, pod, command: words })).exit
      })
    )
    assert.deepEqual(await run(Effect.timeout(unread, "60 seconds")), { _tag: "Exited", code: 4 })
  })

  it("a container killed under it leaves an exec without a success", async () => {
    const result = await run(
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(command(["sh", "-c", "echo begun; sleep 60"]))
        yield* Effect.sleep("1 seconds")
        yield* Resource.remove(
          { api: kinds.pods, namespace: space.name, name: pod },
          { gracePeriodSeconds: 0 }
        )
        return yield* Fiber.join(fiber)
      })
    )
    assert.notDeepEqual(result.exit, { _tag: "Exited", code: 0 })
  })

  it("of a pod that is not there is NotFound", async () => {
    const gone = Effect.scoped(
      Effect.flatMap(Cluster, (cluster) =>
        cluster.exec({ namespace: space.name, pod: "gone", container: "main", command: ["true"] })
      )
    )
    assert.strictEqual((await refusal(gone)).reason._tag, "NotFound")
  })
})
