import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { metered, newMeter, summary } from "../../../packages/kubectl-stateful/src/command/meter.ts"

const slow = Layer.succeed(Cluster, {
  request: () => Effect.as(Effect.sleep("1 second"), { status: 200, headers: {}, body: Stream.empty }),
  watch: () => Stream.empty,
  exec: () => Effect.die("no exec"),
  origin: { context: null, server: "", namespace: "default", user: null }
})

const request = Effect.scoped(
  Effect.flatMap(Cluster, (cluster) => cluster.request({ method: "GET", path: "/version" }))
)

describe("the meter", () => {
  it.effect("counts requests side by side as one round, and one after another as several", () =>
    Effect.gen(function* () {
      const meter = newMeter()
      const program = Effect.gen(function* () {
        yield* Effect.all([request, request, request], { concurrency: "unbounded" })
        yield* request
      })
      const running = yield* Effect.forkChild(
        Effect.provide(program, metered(meter).pipe(Layer.provide(slow)))
      )
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(running)
      assert.deepEqual(meter, { requests: 4, rounds: 2, watches: 0 })
      assert.strictEqual(summary(meter), "4 requests in 2 rounds")
    })
  )

  it("counts in words", () => {
    assert.strictEqual(summary({ requests: 1, rounds: 1, watches: 1 }), "1 request in 1 round, 1 watch")
    assert.strictEqual(summary({ requests: 0, rounds: 0, watches: 3 }), "0 requests in 0 rounds, 3 watches")
  })
})
