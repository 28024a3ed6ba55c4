/** A caller that sleeps just before a write wakes up when another one has ended its operation. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { Request } from "../../../packages/sdk/src/Cluster.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, claimNamed, command, neighbour, on, refusal, set, volumeNamed } from "../scale/callers.ts"

/** The cluster of a caller that sleeps from the first such request on until it is woken. */
const asleep = (world: World, when: (request: Request) => boolean) =>
  Effect.gen(function* () {
    const inner = world.sandbox.cluster
    const wake = yield* Deferred.make<void>()
    const state = { isAsleep: false }
    const cluster: typeof inner = {
      ...inner,
      request: (request) =>
        Effect.suspend(() => {
          state.isAsleep ||= when(request)
          return state.isAsleep
            ? Effect.andThen(Deferred.await(wake), inner.request(request))
            : inner.request(request)
        })
    }
    return { cluster, state, wake: Deferred.succeed(wake, undefined) }
  })

describe("a caller that sleeps just before it deletes a claim whose volume has moved", () => {
  it.effect("deletes nothing of what an abort gave back meanwhile", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 200 })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 2, identity: ann })))
      const volume = claimNamed(world, "data-db-2")?.spec.volumeName ?? ""
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 3, leftoverClaims: "set-aside" }))
      const { cluster, state, wake } = yield* asleep(
        world,
        ({ method, path }) => method === "DELETE" && path.endsWith("/data-db-2")
      )
      const sleeper = yield* Effect.forkChild(
        Effect.exit(withCluster(cluster)(Scale.run(plan, { identity: ann })))
      )
      for (let waited = 0; waited < 60_000 && !state.isAsleep; waited += 50) yield* TestClock.adjust(50)
      assert.isTrue(state.isAsleep)
      yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob, takeOver: true })))
      yield* wake
      yield* drive(Fiber.join(sleeper))
      yield* TestClock.adjust("60 seconds")
      assert.isDefined(volumeNamed(world, volume), "the volume with its data")
      assert.strictEqual(claimNamed(world, "data-db-2")?.spec.volumeName, volume)
      assert.isUndefined(claimNamed(world, "data-db-2")?.metadata.deletionTimestamp)
    })
  )
})

describe("a goodbye", () => {
  it.effect("is not taken for said where somebody else made the very change that was planned", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      const profile = { beforeRemove: command("leave", "{pod}") }
      const lower = Resource.patch(set, { _tag: "Merge", value: { spec: { replicas: 1 } } })
      let isArmed = false
      // Just after the fence: nobody else may write but he who does not look at it.
      const takesTurn = ({ method, path }: Request) =>
        method === "GET" && path.endsWith("/statefulsets/db") && isArmed
      const inner = neighbour(world, takesTurn, lower)
      const cluster: typeof inner = {
        ...inner,
        request: (request) =>
          Effect.tap(inner.request(request), () =>
            Effect.sync(() => {
              if (request.method === "PATCH" && request.path.endsWith("/statefulsets/db")) isArmed = true
            })
          )
      }
      const error = yield* refusal(
        drive(withCluster(cluster)(Scale.scale(ref, { replicas: 1, profile, identity: ann })))
      )
      assert.strictEqual(error.reason._tag, "HookUnknown")
      assert.notInclude(world.log, "leave db-1")
    })
  )
})
