import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Routing from "../../../packages/sdk/src/Routing.ts"

const same = (members: Routing.Members): Routing.Members => members

describe("a router", () => {
  it.effect("answers by the newest view, from memory, once the first one is there", () =>
    Effect.gen(function* () {
      const views = yield* Queue.unbounded<Routing.Members>()
      yield* Queue.offer(views, Routing.allReady(1, 0, "db"))
      const router = yield* Routing.router(Stream.fromQueue(views), same, Routing.jump)
      assert.deepEqual(router.pick("tenant-1"), Result.succeed(0))
      yield* Queue.offer(views, Routing.allReady(5, 0, "db"))
      yield* TestClock.adjust("1 second")
      assert.deepEqual(router.pick("tenant-1"), Result.succeed(3))
      assert.deepEqual(router.pick("tenant-1", 2), Result.succeed(2))
      assert.lengthOf(router.view().members, 5)
    })
  )

  it.effect("keeps the last good view when the views fail, and says how old it is and why", () =>
    Effect.gen(function* () {
      const views = Stream.concat(
        Stream.succeed(Routing.allReady(3)),
        Stream.fromEffect(Effect.delay(Effect.fail("the API is gone"), "1 minute"))
      )
      const router = yield* Routing.router(views, same, Routing.jump)
      assert.isNull((yield* router.stale).cause)
      yield* TestClock.adjust("1 minute")
      yield* TestClock.adjust("9 minutes")
      const { millis, cause } = yield* router.stale
      assert.equal(millis, 600_000)
      assert.include(String(cause), "the API is gone")
      assert.isTrue(Result.isSuccess(router.pick("tenant-1")))
    })
  )

  it.effect("fails as its views do where there was none", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(Routing.router(Stream.fail("no such app"), same, Routing.jump))
      assert.equal(failure, "no such app")
    })
  )
})
