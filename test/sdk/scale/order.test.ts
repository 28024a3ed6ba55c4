import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { type Cluster } from "../../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import type { Profile } from "../../../packages/sdk/src/Profile.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import {
  persistentvolumeclaims,
  persistentvolumes,
  pods as podType
} from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref, withCluster } from "../../simulation/world.ts"
import { ann, bob, hooks, interruptAt, on, refusal, set } from "./callers.ts"

describe("scaling", () => {
  it.effect("adds replicas in order, with claims made ahead, and leaves nothing behind", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1 })
      const result = yield* drive(on(world)(Scale.scale(ref, { replicas: 3, identity: ann })))
      assert.strictEqual(result.outcome, "Succeeded")
      assert.deepEqual(world.log, ["create db-1", "ready db-1", "create db-2", "ready db-2"])
      const after = yield* on(world)(Resource.getObject(set))
      assert.deepEqual(after.metadata["annotations"] ?? {}, {})
    })
  )

  it.effect("writes its journal twice without hooks, and once more for each hook", () =>
    Effect.gen(function* () {
      const count = (profile: Profile) =>
        Effect.gen(function* () {
          const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
          let writes = 0
          const counting: Cluster["Service"] = {
            ...world.sandbox.cluster,
            request: (request) => {
              if (request.path.includes("/configmaps") && request.method !== "GET") writes += 1
              return world.sandbox.cluster.request(request)
            }
          }
          yield* drive(withCluster(counting)(Scale.scale(ref, { replicas: 3, profile, identity: ann })))
          return writes
        })
      assert.strictEqual(yield* count({}), 2)
      assert.strictEqual(yield* count(hooks), 4)
    })
  )

  it.effect("does nothing when there are so many already", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2 })
      const result = yield* drive(on(world)(Scale.scale(ref, { replicas: 2, identity: ann })))
      assert.strictEqual(result.outcome, "Unchanged")
      assert.deepEqual(yield* on(world)(Journal.list("shop")), [])
    })
  )

  it.effect(
    "goes to zero and back to the count from before, and keeps data although whenScaled is Delete",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ replicas: 2, whenScaled: "Delete", readyAfter: 200 })
        yield* drive(on(world)(Scale.scale(ref, { replicas: 0, identity: ann })))
        assert.notInclude(world.log.join(), "drop")
        yield* drive(on(world)(Scale.scale(ref, { replicas: "last", identity: ann })))
        const after = yield* on(world)(Resource.getObject(set))
        assert.strictEqual(Reflect.get(Object(after["spec"]), "replicas"), 2)
        assert.deepEqual(after.metadata["annotations"] ?? {}, {})
      })
  )

  it.effect("has every volume under Retain while the last pods go, and puts their policies back", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      const policies = () =>
        world.sandbox.store.list(persistentvolumes).map(({ spec }) => spec.persistentVolumeReclaimPolicy)
      const seen: Array<ReadonlyArray<unknown>> = []
      const stop = world.sandbox.store.listen((change) => {
        if (change.type === podType && change.kind === "DELETED") seen.push(policies())
      })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 0, identity: ann })))
      stop()
      assert.deepEqual(seen, [
        ["Retain", "Retain"],
        ["Retain", "Retain"]
      ])
      assert.deepEqual(policies(), ["Delete", "Delete"])
    })
  )

  it.effect("puts reclaim policies back when a scale to zero is aborted", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      const entry = yield* interruptAt(world, "gone db-1", { replicas: 0 })
      yield* drive(on(world)(Scale.abort(at(entry.plan.id), { identity: bob })))
      const policies = world.sandbox.store.list(persistentvolumes)
      assert.deepEqual(
        policies.map(({ spec }) => spec.persistentVolumeReclaimPolicy),
        ["Delete", "Delete"]
      )
    })
  )

  it.effect("sets leftover claims aside with their volume kept, and starts empty", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 1, identity: ann })))
      const claim = (name: string) => world.sandbox.store.get(persistentvolumeclaims, "shop", name)
      const before = claim("data-db-1")?.spec.volumeName
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 2, leftoverClaims: "set-aside" }))
      yield* drive(on(world)(Scale.run(plan, { identity: ann })))
      const aside = claim(`data-db-1-${plan.id}`)
      assert.strictEqual(aside?.spec.volumeName, before)
      assert.strictEqual(aside?.status?.phase, "Bound")
      assert.strictEqual(aside?.metadata.labels?.["kubectl-stateful.dev/set-aside"], "db")
      const fresh = claim("data-db-1")
      assert.strictEqual(fresh?.status?.phase, "Bound")
      assert.notStrictEqual(fresh?.spec.volumeName, before)
      const volume = world.sandbox.store.get(persistentvolumes, undefined, before ?? "")
      assert.strictEqual(volume?.spec.persistentVolumeReclaimPolicy, "Retain")
    })
  )

  it.effect("names the sick member that makes OrderedReady stop, and gives up in time", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3 })
      world.sick.add("db-0")
      yield* TestClock.adjust("15 seconds")
      const waiting: Array<string> = []
      const error = yield* refusal(
        drive(
          on(world)(
            Scale.scale(ref, {
              replicas: 4,
              identity: ann,
              stepTimeout: 20_000,
              report: (event) =>
                Effect.sync(() => {
                  if (event._tag === "Waiting") waiting.push(`${event.subject.name}: ${event.for}`)
                })
            })
          )
        )
      )
      assert.strictEqual(error.reason._tag, "TimedOut")
      assert.include(waiting.join(), "db-0: ")
      assert.include(waiting.join(), "OrderedReady waits for it")
    })
  )

  it.effect("waits for minReadySeconds before it says that it is done", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100, minReadySeconds: 5 })
      yield* TestClock.adjust("10 seconds")
      const result = yield* drive(on(world)(Scale.scale(ref, { replicas: 2, identity: ann })))
      assert.isAtLeast(result.millis, 5000)
    })
  )
})
