/** What the engine's parts do with names at their limits, Leases that are none, and servers that meddle. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import { testsOf } from "../../../packages/sdk/src/operation/Assumption.ts"
import * as Fence from "../../../packages/sdk/src/operation/Fence.ts"
import * as Lease from "../../../packages/sdk/src/operation/lease.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { configmaps } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { leases } from "../../../packages/sandbox/src/registry/kinds/index.ts"
import { polled, until } from "../../../packages/sdk/src/wait/until.ts"
import { drive, makeWorld, withCluster } from "../../simulation/world.ts"
import { on, refusal } from "../scale/callers.ts"

const token = "8f3a8f3a.00000001"

describe("the Lease of an object", () => {
  const kinds = ["StatefulSet", "Deployment", "ConfigMap", "Secret"] as const
  it("has a name that no other object's has", () => {
    const names = ["x", "configmap.x", "secret.x", "deployment.x", "deployment.configmap.x", "a".repeat(253)]
    const made = kinds.flatMap((kind) => names.map((name) => Lease.nameOf({ kind, name })))
    assert.strictEqual(new Set(made).size, made.length)
  })

  it.effect("has a name that the server takes, however long the object's is", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
      for (const kind of kinds) {
        const name = `${"a".repeat(63)}.`.repeat(3) + "b".repeat(61)
        const one = { kind, namespace: "shop", name, token, identity: "ann" }
        yield* drive(on(world)(Lease.acquire(one, { takeOver: false })))
        yield* drive(on(world)(Lease.release(one)))
      }
      assert.deepEqual(world.sandbox.store.list(leases, "shop"), [])
    })
  )

  it.effect("that says nothing holds up nobody", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
      const one = { kind: "StatefulSet" as const, namespace: "shop", name: "db", token, identity: "ann" }
      yield* on(world)(
        Resource.create(
          { api: Resource.leases, namespace: "shop" },
          { metadata: { name: Lease.nameOf(one) } }
        )
      )
      yield* drive(on(world)(Lease.acquire(one, { takeOver: false })))
      yield* drive(on(world)(Lease.release(one)))
      assert.deepEqual(world.sandbox.store.list(leases, "shop"), [])
    })
  )
})

describe("an object that an operation makes", () => {
  it.effect("is not left behind where a webhook takes its token away", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
      const inner = world.sandbox.cluster
      const cluster: Cluster["Service"] = {
        ...inner,
        request: (request) => {
          if (request.method !== "POST" || !request.path.endsWith("/configmaps"))
            return inner.request(request)
          const value = JSON.parse(request.body ?? "{}")
          delete value.metadata.annotations
          return inner.request({ ...request, body: JSON.stringify(value) })
        }
      }
      const fence = { kind: "ConfigMap" as const, namespace: "shop", name: "made", uid: null, token }
      const error = yield* refusal(
        drive(withCluster(cluster)(Fence.create(fence, Effect.succeed({ why: null }), {})))
      )
      assert.include(error.action, "admission webhook")
      assert.isUndefined(world.sandbox.store.get(configmaps, "shop", "made"))
    })
  )
})

describe("an assumption", () => {
  const metadata = { name: "x", uid: "u", resourceVersion: "7", annotations: { "a/b": "c" } }
  it("of an object without a generation is tested by its version", () => {
    const tests = testsOf([{ what: "it", path: ["spec", "x"], absent: "", is: "" }], { metadata })
    assert.deepInclude(tests, { op: "test", path: "/metadata/resourceVersion", value: "7" })
    assert.isTrue(tests.every((test) => Reflect.get(test, "value") !== undefined))
  })

  it("is tested where it lies, whatever its name", () => {
    const path = ["metadata", "annotations", "a/b"]
    const tests = testsOf([{ what: "it", path, absent: "", is: "c" }], { metadata })
    assert.deepInclude(tests, { op: "test", path: "/metadata/annotations/a~1b", value: "c" })
  })
})

describe("a wait", () => {
  it.effect("asks four times a second at first, and every other second in the end", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
      const times: Array<number> = []
      const now = Effect.map(
        TestClock.testClockWith((c) => c.currentTimeMillis),
        Number
      )
      const look = Effect.tap(now, (at) => Effect.sync(() => times.push(at)))
      yield* Effect.forkChild(on(world)(Stream.runDrain(polled(look))))
      yield* TestClock.adjust("10 minutes")
      const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0))
      assert.deepEqual(pauses.slice(0, 16), Array<number>(16).fill(250))
      assert.deepEqual(
        pauses,
        pauses.toSorted((a, b) => a - b)
      )
      assert.strictEqual(pauses.at(-1), 2000)
      for (const [index, pause] of pauses.entries())
        assert.isAtMost(pause, Math.max(250, ((times[index] ?? 0) - (times[0] ?? 0)) / 20))
    })
  )

  it.effect("for what falls ill again and again ends", () =>
    Effect.gen(function* () {
      let round = 0
      const view = Effect.sync(() => (round += 1))
      const subject = (name: string) => ({ subject: { kind: "Pod", name }, for: "readiness" })
      const waiting = until(
        {
          report: () => Effect.void,
          elapsed: Effect.map(
            TestClock.testClockWith((c) => c.currentTimeMillis),
            Number
          )
        },
        {
          views: polled(view, 1000),
          until: (now) => (now % 2 === 0 ? [subject("db-1"), subject("db-3")] : [subject("db-3")]),
          limit: 60_000
        }
      )
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
      const error = yield* refusal(drive(on(world)(waiting), 600_000))
      assert.strictEqual(error.reason._tag, "TimedOut")
    })
  )
})
