import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { Cluster } from "../../packages/sdk/src/Cluster.ts"
import { jump, connectTo } from "../../packages/sdk/src/promise.ts"
import * as Router from "../../packages/sdk/src/Router.ts"
import * as Routing from "../../packages/sdk/src/Routing.ts"
import { inject } from "../../packages/sandbox/src/index.ts"
import { statefulsets } from "../../packages/sandbox/src/registry/kinds/apps.ts"
import { make } from "../../packages/sandbox/src/Sandbox.ts"
import { statefulSet } from "../sandbox/asking.ts"

const ref = { namespace: "default", name: "db" }

const started = Effect.gen(function* () {
  const sandbox = yield* make({})
  sandbox.create(statefulSet("db", { replicas: 3 }))
  yield* TestClock.adjust("30 seconds")
  return sandbox
})

const pass = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => TestClock.adjust("1 second"), { discard: true })

describe("a router over a cluster", () => {
  it.effect("finds the peer of a key, and goes on by its last view while the API server is gone", () =>
    Effect.gen(function* () {
      const sandbox = yield* started
      let isDown = false
      const { cluster } = inject(sandbox.cluster, () => (isDown ? { _tag: "Fail" } : undefined))
      const router = yield* Effect.provideService(
        Router.make(ref, Routing.jump, { relistEvery: "1 minute" }),
        Cluster,
        cluster
      )
      const before = Result.getOrThrow(router.find("acme"))
      assert.equal(before.ordinal, Result.getOrThrow(router.pick("acme")))
      yield* pass(60)
      const well = yield* router.age
      assert.isNull(well.failure)
      assert.isAtMost(well.heard, 70_000)
      isDown = true
      yield* pass(300)
      const gone = yield* router.age
      assert.isString(gone.failure)
      assert.isAbove(gone.heard, 180_000)
      assert.deepEqual(Result.getOrThrow(router.find("acme")), before)
      isDown = false
      yield* pass(120)
      assert.isNull((yield* router.age).failure)
    })
  )

  it.effect("says how old its view is, and lists in time, whatever time its machine's clock is set to", () =>
    Effect.gen(function* () {
      const sandbox = yield* started
      let isDown = false
      let listed = 0
      const { cluster } = inject(sandbox.cluster, ({ kind, request }) => {
        if (kind === "request" && request.path.endsWith("/pods")) listed += 1
        return isDown ? { _tag: "Fail" } : undefined
      })
      const clock = yield* Clock.Clock
      let back = 0
      const set: Clock.Clock = {
        currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now - back),
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() - back,
        currentTimeNanos: clock.currentTimeNanos,
        currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
        monotonicTimeNanos: clock.monotonicTimeNanos,
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
        sleep: (duration) => clock.sleep(duration)
      }
      const router = yield* Router.make(ref, Routing.jump, { relistEvery: "1 minute" }).pipe(
        Effect.provideService(Cluster, cluster),
        Effect.provideService(Clock.Clock, set)
      )
      const age = Effect.provideService(router.age, Clock.Clock, set)
      yield* pass(30)
      back = 3_600_000
      yield* pass(180)
      assert.isAtLeast(listed, 3)
      isDown = true
      yield* pass(300)
      const { heard, view, failure } = yield* age
      assert.isAbove(heard, 180_000)
      assert.isAbove(view, 180_000)
      assert.isString(failure)
    })
  )

  it.effect("goes on by its last good view when its Role is taken away, for however long, and says so", () =>
    Effect.gen(function* () {
      const sandbox = yield* started
      const denied: Array<{ verbs: Array<string>; apiGroups: Array<string>; resources: Array<string> }> = []
      const router = yield* Effect.provideService(
        Router.make(ref, Routing.jump, { relistEvery: "1 minute" }),
        Cluster,
        sandbox.as({ name: "router", deny: denied })
      )
      const before = Result.getOrThrow(router.find("acme"))
      const refuse = (...resources: Array<string>) =>
        denied.splice(0, 1, { verbs: ["*"], apiGroups: ["*"], resources })
      refuse("pods", "endpointslices")
      yield* pass(180)
      assert.deepEqual(Result.getOrThrow(router.find("acme")), before)
      assert.match((yield* router.age).failure ?? "", /pods of StatefulSet default\/db could not be read/)
      refuse("statefulsets")
      yield* pass(600)
      assert.deepEqual(Result.getOrThrow(router.find("acme")), before)
      assert.match((yield* router.age).failure ?? "", /statefulsets: 403/)
      denied.splice(0)
      yield* pass(120)
      assert.isNull((yield* router.age).failure)
    })
  )

  it.effect("says why it names nobody: the application is gone, or nobody may look", () =>
    Effect.gen(function* () {
      const sandbox = yield* started
      const deny = [{ verbs: ["*"], apiGroups: ["*"], resources: ["pods", "endpointslices"] }]
      const blind = yield* Effect.provideService(
        Router.make(ref, Routing.jump),
        Cluster,
        sandbox.as({ name: "router", deny })
      )
      const router = yield* Effect.provideService(Router.make(ref, Routing.jump), Cluster, sandbox.cluster)
      sandbox.registry.remove(statefulsets, "default", "db")
      const whyOf = ({ pick }: Router.Router) =>
        Result.getFailure(pick("acme")).pipe(Option.getOrThrow).message
      assert.match(whyOf(blind), /could not be read/)
      yield* pass(60)
      assert.match(whyOf(router), /default\/db was deleted/)
    })
  )

  it.effect("has no peer for an empty key", () =>
    Effect.gen(function* () {
      const sandbox = yield* started
      const router = yield* Effect.provideService(Router.make(ref, Routing.modulo), Cluster, sandbox.cluster)
      const failed = Result.getFailure(router.find(""))
      assert.equal(failed._tag === "Some" ? failed.value.reason._tag : "", "EmptyKey")
    })
  )
})

describe("for programs without Effect", () => {
  const withDb = Layer.effect(
    Cluster,
    Effect.map(make({}), (sandbox) => {
      sandbox.create(statefulSet("db", { replicas: 3 }))
      return sandbox.cluster
    })
  )

  it("a router answers or throws, and watched peers end with their signal", async () => {
    await using cluster = connectTo(withDb)
    const abort = new AbortController()
    const seen: Array<number> = []
    try {
      for await (const { peers } of cluster.watchPeers(ref, { signal: abort.signal })) {
        seen.push(peers.length)
        if (peers.every(({ availability }) => availability === "Ready")) abort.abort(new Error("enough"))
      }
      assert.fail("it ended without its signal's reason")
    } catch (error) {
      assert.deepInclude(error, { message: "enough" })
    }
    assert.isNotEmpty(seen)
    assert.lengthOf((await cluster.peers(ref)).peers, 3)
    await using router = await cluster.router(ref, jump)
    assert.equal(router.find("acme").ordinal, router.pick("acme"))
    assert.throws(() => router.pick(""), /the key is empty/)
    assert.isNull(router.age().failure)
  })

  it("a router of an application that is not there rejects", async () => {
    await using cluster = connectTo(withDb)
    const missing = cluster.router({ namespace: "default", name: "nope" }, jump)
    assert.deepInclude(await missing.catch((error: unknown) => error), { _tag: "AppNotFound" })
  })
})
