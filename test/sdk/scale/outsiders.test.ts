/** Situations from the field: what others did to an application while it was scaled, and what is said then. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import type { Progress } from "../../../packages/sdk/src/operation/Progress.ts"
import { pods, persistentvolumes } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref, withCluster } from "../../simulation/world.ts"
import { ann, bob, hooks, movesCount, neighbour, on, refusal, set, untilLogged } from "./callers.ts"

const pod = (name: string) => ({ api: kinds.pods, namespace: "shop", name })
const count = (replicas: number) => Resource.patch(set, { _tag: "Merge", value: { spec: { replicas } } })

describe("a scale to zero", () => {
  for (const [where, sick] of [
    ["the first", "db-0"],
    ["one between", "db-1"],
    ["the last", "db-2"]
  ] as const) {
    it.effect(`takes every pod although ${where} never gets ready, and keeps all volumes`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ replicas: 3, readyAfter: 200 })
        world.sick.add(sick)
        yield* on(world)(Resource.remove(pod(sick), {}))
        yield* TestClock.adjust("10 seconds")
        const scaled = yield* drive(
          on(world)(Scale.scale(ref, { replicas: 0, identity: ann, stepTimeout: 30_000 }))
        )
        assert.strictEqual(scaled.outcome, "Succeeded")
        assert.deepEqual(world.sandbox.store.list(pods, "shop"), [])
        assert.strictEqual(world.sandbox.store.list(persistentvolumes).length, 3)
      })
    )
  }
})

describe("of several sick members that are to go", () => {
  it.effect("OrderedReady takes but the first: the others are told with the way out, which ends it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 200 })
      for (const name of ["db-0", "db-1"]) world.sick.add(name)
      yield* on(world)(Resource.remove(pod("db-1"), {}))
      yield* TestClock.adjust("10 seconds")
      yield* on(world)(Resource.remove(pod("db-0"), {}))
      yield* TestClock.adjust("10 seconds")
      const mine = { identity: ann, stepTimeout: 20_000 }
      const error = yield* refusal(drive(on(world)(Scale.scale(ref, { ...mine, replicas: 0 }))))
      assert.include(error.message, "while db-0 is not ready either: kubectl delete pod db-1")
      yield* on(world)(Resource.remove(pod("db-1"), {}))
      const [entry] = yield* on(world)(Journal.list("shop", "db"))
      const result = yield* drive(on(world)(Scale.resume(at(entry?.plan.id ?? ""), mine)))
      assert.strictEqual(result.outcome, "Succeeded")
      assert.deepEqual(world.sandbox.store.list(pods, "shop"), [])
    })
  )
})

describe("an abort after somebody else put the count back", () => {
  it.effect("ends once the members that had left are ready and have joined again", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 5000 })
      const inner = world.sandbox.cluster
      let isMoved = false
      const cluster: typeof inner = {
        ...inner,
        request: (request) => {
          if (isMoved) return Effect.never
          isMoved = movesCount(request)
          return inner.request(request)
        }
      }
      const scaling = Scale.scale(ref, { replicas: 2, profile: hooks, identity: ann })
      const fiber = yield* Effect.forkChild(Effect.exit(withCluster(cluster)(scaling)))
      yield* untilLogged(world, "gone db-2")
      yield* drive(Fiber.interrupt(fiber))
      const [entry] = yield* on(world)(Journal.list("shop", "db"))
      yield* on(world)(count(3))
      const asked = { profile: hooks, identity: bob, takeOver: true }
      const result = yield* drive(on(world)(Scale.abort(at(entry?.plan.id ?? ""), asked)))
      assert.strictEqual(result.outcome, "Aborted")
      const said = world.log.slice(world.log.indexOf("delete db-2"))
      assert.deepEqual(said, ["delete db-2", "gone db-2", "create db-2", "ready db-2", "join db-2"])
    })
  )
})

describe("a StatefulSet that is deleted while it is scaled", () => {
  it.effect("is said to be deleted, with the one way that is left", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 5000 })
      const scaling = Scale.scale(ref, {
        replicas: 3,
        identity: ann,
        report: (event: Progress) =>
          event._tag === "Stage" && event.stage === "started"
            ? on(world)(Effect.ignore(Resource.remove(set)))
            : Effect.void
      })
      const error = yield* refusal(drive(on(world)(scaling)))
      assert.strictEqual(error.reason._tag, "NotFound")
      assert.include(error.message, 'statefulset "db" was deleted while the operation ran')
      assert.match(error.action ?? "", /abort [0-9a-f]{8}/)
      assert.notInclude(error.action, "resume")
    })
  )

  it.effect("so is one that is gone before the count is changed", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      const moves = ({ method, path }: { readonly method: string; readonly path: string }) =>
        method === "POST" && path.endsWith("/persistentvolumeclaims")
      const cluster = neighbour(world, moves, Resource.remove(set))
      const error = yield* refusal(
        drive(withCluster(cluster)(Scale.scale(ref, { replicas: 3, identity: ann })))
      )
      assert.include(error.message, 'statefulset "db" was deleted while the operation ran')
    })
  )
})

describe("a pod that others hold", () => {
  it.effect("is told with the finalizer that it waits for", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 200 })
      const value = { metadata: { finalizers: ["queue.example.com/managed"] } }
      yield* on(world)(Resource.patch(pod("db-2"), { _tag: "Merge", value }))
      const scaling = Scale.scale(ref, { replicas: 2, identity: ann, stepTimeout: 20_000 })
      const error = yield* refusal(drive(on(world)(scaling)))
      assert.include(
        error.message,
        "db-2 (its pod to terminate, and for finalizer queue.example.com/managed)"
      )
    })
  )
})
