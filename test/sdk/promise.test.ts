import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { getEventListeners } from "node:events"
import { assert, describe, it } from "vitest"
import { Cluster, ClusterError } from "../../packages/sdk/src/Cluster.ts"
import {
  type Call,
  type Connection,
  connectTo,
  profile,
  quiesceWith,
  statefulSet
} from "../../packages/sdk/src/promise.ts"
import { start } from "../../packages/sandbox/src/scenario/Scenario.ts"
import * as Sandbox from "../../packages/sandbox/src/Sandbox.ts"
import { folder, kubeconfig, live, serve } from "./kubernetes/server.ts"

const labels = { app: "db" }
const db = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db", namespace: "default" },
  spec: {
    replicas: 3,
    serviceName: "db",
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "db" }] } }
  }
}

/** A small cluster with one StatefulSet. */
const withDb = Layer.effect(
  Cluster,
  Effect.map(Sandbox.make(), (sandbox) => {
    sandbox.create(db)
    return sandbox.cluster
  })
)

describe("a connection for programs without Effect", () => {
  it("reads an application's state as a Promise", async () => {
    await using cluster = connectTo(withDb)
    const state = await cluster.read(statefulSet("default", "db"))
    assert.deepEqual(
      state.replicas.map(({ name }) => name),
      ["db-0", "db-1", "db-2"]
    )
  })

  it("lists operations, and rejects where there is none to take up", async () => {
    await using cluster = connectTo(withDb)
    assert.deepEqual(await cluster.operations({ namespace: "default" }), {
      entries: [],
      unreadable: []
    })
    const missing = { namespace: "default", id: "44b98c3f" }
    for (const takeUp of [cluster.resume, cluster.abort]) {
      const failure = await takeUp(missing, { identity: "ann@laptop" }).catch((error: unknown) => error)
      assert.deepInclude(failure, { _tag: "OperationError" })
    }
  })

  it("takes a snapshot with members held by its own functions, thaws them, and deletes it", async () => {
    const ledger = Effect.map(start("ledger"), ({ cluster }) => cluster)
    await using cluster = connectTo(Layer.effect(Cluster, ledger))
    const log: Array<string> = []
    const note =
      (what: string) =>
      async ({ pod }: { readonly pod: string }) =>
        log.push(`${what} ${pod}`)
    const functions = { name: "lock", guarantee: "blocks-writes", version: "1" } as const
    const [quiesce, release, thaw] = [note("hold"), note("release"), note("thaw")]
    const held = quiesceWith({ ...functions, quiesce, release, thaw })
    const app = statefulSet("shop", "ledger")
    const options = { name: "one", identity: "ann@laptop", quiesce: held, allowUnboundedFreeze: true }
    const { result } = await cluster.snapshot(app, options)
    assert.deepInclude(result, { level: "quiesced" })
    assert.lengthOf(
      log.filter((line) => line.startsWith("release")),
      3
    )
    const rejecting = quiesceWith({
      ...functions,
      quiesce,
      release,
      thaw: () => Promise.reject(new Error("no"))
    })
    const outcomes = await cluster.thaw(app, rejecting)
    assert.deepEqual(
      outcomes.map(({ outcome }) => outcome),
      Array.from({ length: 3 }, () => ({ _tag: "Failed" as const, message: "no", code: null }))
    )
    const at = { namespace: "shop", name: "one" }
    const kept = await cluster.pruneSnapshot(at, { identity: "ann@laptop" }).catch((error: unknown) => error)
    assert.deepInclude(kept, { _tag: "OperationError" })
    await cluster.pruneSnapshot(at, { identity: "ann@laptop", last: true })
    assert.deepEqual(await cluster.snapshots("shop"), [])
  })

  it("knows the built-in profiles, and says what is wrong with one of one's own", () => {
    assert.strictEqual(profile("redis").guarantee, "blocks-writes")
    assert.throws(() => profile("oracle"), /no built-in profile oracle/)
    assert.throws(() => profile("./a.yaml", { kind: "Profile" }), /profile .\/a.yaml: /)
  })

  it("rejects with the verb's own tagged error", async () => {
    await using cluster = connectTo(withDb)
    const failure = await cluster.read(statefulSet("default", "bd")).catch((error: unknown) => error)
    assert.deepInclude(failure, { _tag: "AppNotFound" })
  })

  it("reads every StatefulSet of the cluster", async () => {
    await using cluster = connectTo(withDb)
    const states = await cluster.readAll({ namespace: null })
    assert.deepEqual(
      states.map(({ name }) => name),
      ["db"]
    )
  })

  it("gives the state at once when it is watched, and lets go when the loop is left", async () => {
    await using cluster = connectTo(withDb)
    for await (const state of cluster.watch(statefulSet("default", "db"))) {
      assert.equal(state.name, "db")
      break
    }
  })
})

/** Answers nothing, so that whatever is asked waits. */
const silent = Layer.succeed(Cluster, {
  request: () => Effect.never,
  watch: () => Stream.never,
  exec: () => Effect.never,
  origin: { context: null, server: "memory:", namespace: "default", user: null }
})

const db0 = statefulSet("default", "db")

const last = async (states: AsyncIterable<unknown>): Promise<unknown> => {
  let seen: unknown = null
  for await (const state of states) seen = state
  return seen
}

/** Every call that a connection has, and a loop over a watch. */
const calls = (cluster: Connection, call: Call): ReadonlyArray<Promise<unknown>> => [
  cluster.read(db0, call),
  cluster.readAll({ namespace: null }, call),
  cluster.operations({ namespace: "default" }, call),
  cluster.scale({ namespace: "default", name: "db" }, { replicas: 1, identity: "ann@laptop", ...call }),
  cluster.resume({ namespace: "default", id: "44b98c3f" }, { identity: "ann@laptop", ...call }),
  cluster.abort({ namespace: "default", id: "44b98c3f" }, { identity: "ann@laptop", ...call }),
  cluster.run(Effect.never, call),
  last(cluster.watch(db0, call))
]

const failures = async (running: ReadonlyArray<Promise<unknown>>) =>
  (await Promise.allSettled(running)).map((one) =>
    one.status === "rejected" ? (one.reason as unknown) : one
  )

describe("an AbortSignal", () => {
  const reason = new Error("mine")

  it("ends every call, a watch too, and each rejects with the signal's own reason", async () => {
    await using cluster = connectTo(silent)
    const stop = new AbortController()
    const running = failures(calls(cluster, { signal: stop.signal }))
    await new Promise(setImmediate)
    stop.abort(reason)
    for (const failure of await running) assert.strictEqual(failure, reason)
  })

  it("that was aborted before lets no call begin", async () => {
    await using cluster = connectTo(silent)
    for (const failure of await failures(calls(cluster, { signal: AbortSignal.abort(reason) })))
      assert.strictEqual(failure, reason)
  })

  it("has no listener left after 500 reads and 50 watches", async () => {
    await using cluster = connectTo(withDb)
    const { signal } = new AbortController()
    for (let nth = 0; nth < 500; nth++) await cluster.operations({ namespace: "default" }, { signal })
    for (let nth = 0; nth < 50; nth++) for await (const _ of cluster.watch(db0, { signal })) break
    assert.isEmpty(getEventListeners(signal, "abort"))
  })
})

describe("closing a connection", () => {
  it("ends the loop over a watch that runs, as at its end", async () => {
    const cluster = connectTo(withDb)
    let views = 0
    const first = Promise.withResolvers<void>()
    const loop = (async () => {
      for await (const _ of cluster.watch(db0)) {
        views += 1
        first.resolve()
      }
    })()
    await first.promise
    await cluster.close()
    await loop
    assert.strictEqual(views, 1)
  })

  it("ends calls that wait, and refuses those that come later, with a typed error", async () => {
    const cluster = connectTo(silent)
    const waiting = failures(calls(cluster, {}).slice(0, -1))
    await new Promise(setImmediate)
    await cluster.close()
    for (const failure of [...(await waiting), ...(await failures(calls(cluster, {})))]) {
      assert.instanceOf(failure, ClusterError)
      assert.strictEqual(failure.reason._tag, "Closed")
      assert.isAbove(failure.action?.length ?? 0, 0)
    }
  })

  it("twice, at once or unused, is closing it", async () => {
    const cluster = connectTo(withDb)
    await cluster.operations({ namespace: "default" })
    await Promise.all([cluster.close(), cluster.close()])
    await cluster.close()
    const unused = connectTo(silent)
    assert.deepEqual(await Promise.all([unused.close(), unused.close()]), [undefined, undefined])
  })

  it("closes its sockets, also those on which an answer is awaited", () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const server = yield* serve(() => {})
          const dir = yield* folder
          const cluster = connectTo(live(dir, kubeconfig(server.url)))
          const reading = cluster.read(db0).catch((error: unknown) => error)
          while (server.requests.length === 0) yield* Effect.sleep(5)
          yield* Effect.promise(() => cluster.close())
          assert.deepInclude(yield* Effect.promise(() => reading), { _tag: "ClusterError" })
          while (server.open() > 0) yield* Effect.sleep(5)
        })
      )
    ))
})
