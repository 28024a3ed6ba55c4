import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { ClusterError } from "../../../packages/sdk/src/Cluster.ts"
import { make } from "../../../packages/sdk/src/operation/outage.ts"
import type { Progress } from "../../../packages/sdk/src/operation/Progress.ts"
import { Patience, patiently } from "../../../packages/sdk/src/resource/Patience.ts"

const failure = (tag: "Unavailable" | "Forbidden") =>
  new ClusterError({ reason: { _tag: tag }, message: "connection refused" })

/** Reads that fail until a time in milliseconds, and an outage that is told of. */
const until = (end: number) =>
  Effect.gen(function* () {
    const told: Array<Progress> = []
    const outage = yield* make("db", (report) => Effect.sync(() => void told.push(report)))
    const began = yield* outage.elapsed
    const read = Effect.gen(function* () {
      if ((yield* TestClock.testClockWith((clock) => clock.currentTimeMillis)) < end)
        yield* Effect.fail(failure("Unavailable"))
      return "answer"
    })
    const patient = Effect.provideService(patiently(read), Patience, outage.patience)
    return { told, patient, elapsed: Effect.map(outage.elapsed, (now) => now - began) }
  })

describe("a read of an operation", () => {
  it.effect("waits for a server that does not answer, says so once, and that it is over", () =>
    Effect.gen(function* () {
      const { told, patient } = yield* until(60_000)
      const fibers = yield* Effect.forkChild(Effect.all([patient, patient], { concurrency: 2 }))
      yield* TestClock.adjust("70 seconds")
      assert.deepEqual(yield* Fiber.join(fibers), ["answer", "answer"])
      assert.deepEqual(told, [
        { _tag: "Waiting", subject: { kind: "App", name: "db" }, for: "the API server: connection refused" },
        { _tag: "Waiting", subject: { kind: "App", name: "db" }, for: null }
      ])
    })
  )

  it.effect("does not count the time without an answer", () =>
    Effect.gen(function* () {
      const { patient, elapsed } = yield* until(60_000)
      const fiber = yield* Effect.forkChild(patient)
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(yield* elapsed, 0)
      yield* TestClock.adjust("40 seconds")
      yield* Fiber.join(fiber)
      // It answered at 60 s; a pause may have run until 65 s.
      assert.isAtMost(yield* elapsed, 10_000)
      assert.isAtLeast(yield* elapsed, 5000)
    })
  )

  it.effect("fails after two minutes, and at once where waiting does not help", () =>
    Effect.gen(function* () {
      const { patient } = yield* until(Number.POSITIVE_INFINITY)
      const fiber = yield* Effect.forkChild(Effect.flip(patient))
      yield* TestClock.adjust("119 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "Unavailable")
      const { patient: other } = yield* until(0)
      assert.strictEqual(yield* other, "answer")
      const outage = yield* make("db", () => Effect.void)
      const refused = patiently(Effect.fail(failure("Forbidden")))
      const error = yield* Effect.flip(Effect.provideService(refused, Patience, outage.patience))
      assert.strictEqual(error.reason._tag, "Forbidden")
    })
  )
})

describe("a question", () => {
  it.effect("has no patience", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(patiently(Effect.fail(failure("Unavailable"))))
      assert.strictEqual(error.reason._tag, "Unavailable")
    })
  )
})
