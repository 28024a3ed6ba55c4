import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Clock from "effect/Clock"
import * as Stream from "effect/Stream"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { type Cluster, ClusterError } from "../../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import type { Profile } from "../../../packages/sdk/src/Profile.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref, withCluster } from "../../simulation/world.ts"
import { ann, bob, command, hooks, on, refusal, set } from "./callers.ts"

describe("scaling by one caller at a time", () => {
  it.effect("refuses a second caller, and says who acts, since when, and how to take over", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 20_000 })
      const fiber = yield* Effect.forkChild(on(world)(Scale.scale(ref, { replicas: 2, identity: ann })))
      yield* TestClock.adjust(3000)
      const error = yield* refusal(
        drive(
          Effect.gen(function* () {
            const [entry] = yield* on(world)(Journal.list("shop", "db"))
            return yield* on(world)(Scale.resume(at(entry?.plan.id ?? ""), { identity: bob }))
          })
        )
      )
      assert.strictEqual(error.reason._tag, "Held")
      assert.include(error.message, `${ann} runs operation`)
      assert.include(error.message, "since ")
      assert.include(error.action ?? "", "--take-over")
      yield* drive(Fiber.join(fiber))
    })
  )

  it.effect("a caller that slept while another took over changes nothing more", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
      const gate = { closed: false }
      const writes: Array<string> = []
      const sleeper: Cluster["Service"] = {
        ...world.sandbox.cluster,
        request: (request) =>
          Effect.gen(function* () {
            while (gate.closed) yield* Effect.sleep(100)
            const response = yield* world.sandbox.cluster.request(request)
            if (request.method !== "GET" && response.status < 300)
              writes.push(`${request.method} ${request.path}`)
            return response
          })
      }
      const profile: Profile = { ...hooks, probe: command("is-member") }
      const first = yield* Effect.forkChild(
        Effect.exit(withCluster(sleeper)(Scale.scale(ref, { replicas: 4, profile, identity: ann })))
      )
      for (let waited = 0; waited < 30_000 && !world.log.includes("join db-1"); waited += 50) {
        yield* TestClock.adjust(50)
      }
      gate.closed = true
      const [entry] = yield* on(world)(Journal.list("shop", "db"))
      yield* drive(on(world)(Scale.abort(at(entry?.plan.id ?? ""), { profile, identity: bob })))
      writes.length = 0
      gate.closed = false
      const exit = yield* drive(Fiber.join(first))
      assert.isTrue(Exit.isFailure(exit))
      assert.deepEqual(
        writes.filter((line) => !line.includes("accessreviews")),
        []
      )
      const after = yield* on(world)(Resource.getObject(set))
      assert.strictEqual(Reflect.get(Object(after["spec"]), "replicas"), 1)
    })
  )

  it.effect("the same plan twice has the same end and does nothing twice", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 2, profile: hooks }))
      const options = { profile: hooks, identity: ann }
      const first = yield* drive(on(world)(Scale.run(plan, options)))
      const story = [...world.log]
      const second = yield* drive(on(world)(Scale.run(plan, options)))
      assert.strictEqual(first.outcome, second.outcome)
      assert.deepEqual(world.log, story)
    })
  )

  it.effect("refuses a plan whose facts have changed, and changes nothing", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2 })
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 3 }))
      yield* on(world)(Resource.patch(set, { _tag: "Merge", value: { spec: { minReadySeconds: 1 } } }))
      const error = yield* refusal(drive(on(world)(Scale.run(plan, { identity: ann }))))
      assert.strictEqual(error.reason._tag, "Changed")
      assert.deepEqual(yield* on(world)(Journal.list("shop")), [])
    })
  )

  it.effect("with credentials that expire half way it stops, says how to go on, and is resumed", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 2000 })
      const expired: Cluster["Service"] = {
        ...world.sandbox.cluster,
        request: (request) =>
          world.log.includes("create db-1")
            ? Effect.succeed({ status: 401, headers: {}, body: Stream.empty })
            : world.sandbox.cluster.request(request)
      }
      const error = yield* Effect.flip(
        drive(withCluster(expired)(Scale.scale(ref, { replicas: 3, identity: ann })))
      )
      const [entry] = yield* on(world)(Journal.list("shop", "db"))
      const id = entry?.plan.id ?? ""
      assert.strictEqual(error.reason._tag, "Unauthorized")
      assert.include(`${error.action}`, `kubectl stateful resume ${id}`)
      const result = yield* drive(on(world)(Scale.resume(at(id), { identity: bob })))
      assert.strictEqual(result.outcome, "Succeeded")
    })
  )

  it.effect("outlives a network that is lost for a minute", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 2000 })
      const lost = { until: Infinity }
      const flaky: Cluster["Service"] = {
        ...world.sandbox.cluster,
        request: (request) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) => {
            if (lost.until === Infinity && world.log.includes("create db-1")) lost.until = now + 60_000
            return lost.until !== Infinity && now < lost.until
              ? Effect.fail(new ClusterError({ reason: { _tag: "Unavailable" }, message: "no route" }))
              : world.sandbox.cluster.request(request)
          })
      }
      const result = yield* drive(withCluster(flaky)(Scale.scale(ref, { replicas: 3, identity: ann })))
      assert.strictEqual(result.outcome, "Succeeded")
      assert.isAtLeast(result.millis, 60_000)
    })
  )

  it.effect("keeps the newest journals of operations that are over, and removes older ones", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
      for (let round = 0; round < 12; round++) {
        yield* drive(on(world)(Scale.scale(ref, { replicas: 2, identity: ann })))
        yield* drive(on(world)(Scale.scale(ref, { replicas: 1, identity: ann })))
      }
      const journals = yield* on(world)(Journal.list("shop", "db"))
      assert.strictEqual(journals.length, Journal.kept)
    })
  )
})
