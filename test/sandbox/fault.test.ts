import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Cluster } from "../../packages/sdk/src/Cluster.ts"
import * as Fault from "../../packages/sandbox/src/Fault.ts"
import { inject } from "../../packages/sandbox/src/FaultyCluster.ts"
import { bare, configMap, home } from "./asking.ts"

const post = (cluster: Cluster["Service"], name: string) =>
  Effect.scoped(
    Effect.map(
      cluster.request({ method: "POST", path: `${home}/configmaps`, body: JSON.stringify(configMap(name)) }),
      (response) => response.status
    )
  )

const read = (cluster: Cluster["Service"]) =>
  Effect.scoped(
    Effect.flatMap(cluster.request({ method: "GET", path: `${home}/configmaps` }), (response) =>
      Effect.map(Stream.mkString(Stream.decodeText(response.body)), (text) => ({
        status: response.status,
        count: text.match(/"data"/g)?.length ?? 0
      }))
    )
  )

describe("a faulty cluster", () => {
  it.effect("that loses a reply has done the work, and says that it does not know", () =>
    Effect.gen(function* () {
      const { ask, sandbox } = yield* bare()
      const { cluster } = inject(sandbox.cluster, Fault.atCall(1, { _tag: "LoseReply" }))
      const error = yield* Effect.flip(post(cluster, "one"))
      assert.strictEqual(error.reason._tag, "OutcomeUnknown")
      assert.strictEqual(ask("GET", `${home}/configmaps/one`).status, 200)
    })
  )

  it.effect("that fails a call before it is applied has done nothing", () =>
    Effect.gen(function* () {
      const { ask, sandbox } = yield* bare()
      const { cluster } = inject(sandbox.cluster, Fault.atCall(1, { _tag: "Fail" }))
      const error = yield* Effect.flip(post(cluster, "one"))
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.strictEqual(ask("GET", `${home}/configmaps/one`).status, 404)
    })
  )

  it.effect("throttles with an answer, not with a failure", () =>
    Effect.gen(function* () {
      const { sandbox } = yield* bare()
      const { cluster } = inject(sandbox.cluster, Fault.atCall(1, { _tag: "Throttle", retryAfterSeconds: 3 }))
      const response = yield* Effect.scoped(cluster.request({ method: "GET", path: `${home}/pods` }))
      assert.strictEqual(response.status, 429)
      assert.strictEqual(response.headers["retry-after"], "3")
    })
  )

  it.effect("that lags serves the answer of before, once", () =>
    Effect.gen(function* () {
      const { sandbox } = yield* bare()
      const { cluster } = inject(sandbox.cluster, Fault.atCall(3, { _tag: "Lag" }))
      assert.strictEqual((yield* read(cluster)).count, 0)
      yield* post(cluster, "one")
      assert.strictEqual((yield* read(cluster)).count, 0)
      assert.strictEqual((yield* read(cluster)).count, 1)
    })
  )

  it.effect("kills its caller at the call, before or after it took effect, and stays dead", () =>
    Effect.gen(function* () {
      for (const applied of [false, true]) {
        const { ask, sandbox } = yield* bare()
        const { cluster } = inject(sandbox.cluster, Fault.atCall(1, { _tag: "Kill", applied }))
        // What a dead process would clean up stays as it is.
        const caller = yield* Effect.forkChild(
          Effect.ensuring(post(cluster, "one"), Effect.ignore(post(cluster, "cleanup")))
        )
        assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(caller)))
        assert.strictEqual(ask("GET", `${home}/configmaps/one`).status, applied ? 200 : 404)
        assert.strictEqual(ask("GET", `${home}/configmaps/cleanup`).status, 404)
      }
    })
  )

  it.effect("cuts a watch without a word, and expires another with a 410", () =>
    Effect.gen(function* () {
      const { ask, sandbox } = yield* bare()
      for (const name of ["one", "two"]) ask("POST", `${home}/configmaps`, configMap(name))
      const plan = Fault.first(
        Fault.atCall(1, { _tag: "Cut", after: 1 }),
        Fault.when((call) => call.kind === "watch", { _tag: "Expire" })
      )
      const { cluster } = inject(sandbox.cluster, plan)
      const types = Effect.map(
        Stream.runCollect(cluster.watch({ method: "GET", path: `${home}/configmaps` })),
        (events) => events.map((event) => event.type)
      )
      assert.deepStrictEqual(yield* types, ["ADDED"])
      assert.deepStrictEqual(yield* types, ["ERROR"])
    })
  )

  it.effect("delays on the Effect clock", () =>
    Effect.gen(function* () {
      const { ask, sandbox } = yield* bare()
      const { cluster } = inject(sandbox.cluster, Fault.atCall(1, { _tag: "Delay", millis: 500 }))
      const fiber = yield* Effect.forkChild(post(cluster, "one"), { startImmediately: true })
      yield* TestClock.adjust("499 millis")
      assert.strictEqual(ask("GET", `${home}/configmaps/one`).status, 404)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(fiber), 201)
    })
  )
})

describe("a plan of faults", () => {
  it.effect("replays from the line that a run printed", () =>
    Effect.gen(function* () {
      const outcomes = (plan: Fault.Plan) =>
        Effect.gen(function* () {
          const { sandbox } = yield* bare()
          const { cluster, record } = inject(sandbox.cluster, plan)
          const ended: Array<string> = []
          for (let i = 0; i < 200; i++) {
            const fiber = yield* Effect.forkChild(Effect.result(post(cluster, `map-${i}`)), {
              startImmediately: true
            })
            yield* TestClock.adjust("5 seconds")
            const result = yield* Fiber.join(fiber)
            ended.push(result._tag === "Success" ? String(result.success) : result.failure.reason._tag)
          }
          return { ended, line: record.replay() }
        })
      const first = yield* outcomes(Fault.random(42, 0.2))
      assert.match(first.line, /^\d+ [A-Z]/)
      const again = yield* outcomes(Fault.parse(first.line))
      assert.deepStrictEqual(again, first)
      assert.notDeepEqual((yield* outcomes(Fault.random(43, 0.2))).ended, first.ended)
    })
  )

  it("a line that is none is refused, not played in part", () => {
    for (const line of [
      "3 LooseReply",
      "LoseReply",
      "0 Fail",
      "9 Delay soon",
      "4 Kill",
      "7 LoseReply; 9 Fail"
    ])
      assert.throws(() => Fault.parse(line), /is no fault; write it like/)
    const faults = [
      [1, { _tag: "Kill", applied: true }],
      [2, { _tag: "Delay", millis: 5 }]
    ] as const
    const request = { method: "GET", path: "/api" } as const
    for (const [index, fault] of faults) {
      const call = { index, kind: "request", request, write: false } as const
      assert.deepEqual(Fault.parse(Fault.format(faults))(call), fault)
      assert.isUndefined(Fault.parse("")(call))
    }
  })
})
