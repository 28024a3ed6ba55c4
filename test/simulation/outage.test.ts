/** A caller whose network is gone for a minute, beginning at each of its calls in turn. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type Cluster, ClusterError } from "../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../packages/sdk/src/operation/Journal.ts"
import * as Scale from "../../packages/sdk/src/Scale.ts"
import { firstWrite, optionsOf, type Scenario, scenarios } from "./scaling.ts"
import { at, drive, makeWorld, ref, withCluster } from "./world.ts"

const minute = 60_000

interface Outage {
  /** The call, from 1, that is the first to get nowhere. */
  readonly at: number
  calls: number
  until: number
}

const unavailable = new ClusterError({
  reason: { _tag: "Unavailable" },
  message: "connect ECONNREFUSED: the network is gone"
})

/** A watch that stood is cut at its next event, one that is asked for is not answered. */
const without = (inner: Cluster["Service"], outage: Outage): Cluster["Service"] => {
  const isOut = Effect.map(Clock.currentTimeMillis, (now) => now < outage.until)
  const pass = Effect.gen(function* () {
    outage.calls += 1
    if (outage.calls === outage.at) outage.until = (yield* Clock.currentTimeMillis) + minute
    if (yield* isOut) yield* Effect.fail(unavailable)
  })
  // As a socket's: the watch ends when its server is gone, and says no more.
  const alive = Effect.flatMap(isOut, (out) => (out ? Effect.fail(unavailable) : Effect.void))
  return {
    ...inner,
    request: (request) => Effect.andThen(pass, inner.request(request)),
    watch: (request) =>
      Stream.unwrap(
        Effect.as(
          pass,
          Stream.tap(inner.watch(request), () => alive)
        )
      ),
    exec: (request) => Effect.andThen(pass, inner.exec(request))
  }
}

/** The outcome of a caller whose network is lost at that call, and where it was not done, of its resume. */
const lostAt = (scenario: Scenario, call: number) =>
  Effect.gen(function* () {
    const world = yield* makeWorld(scenario.world)
    const outage: Outage = { at: call, calls: 0, until: 0 }
    const port = without(world.sandbox.cluster, outage)
    const exit = yield* drive(
      withCluster(port)(Effect.exit(Scale.scale(ref, optionsOf(scenario, "ann@laptop"))))
    )
    if (exit._tag === "Success") return { outcome: exit.value.outcome, calls: outage.calls }
    const entries = yield* withCluster(world.sandbox.cluster)(Journal.list("shop", "db"))
    const open = entries.find(({ progress }) => Journal.isOpen(progress))
    if (open === undefined) assert.deepEqual(world.log, [], `call ${call}: it was begun, and is not open`)
    const mine = optionsOf(scenario, "bob@desk")
    const again = open === undefined ? Scale.scale(ref, mine) : Scale.resume(at(open.plan.id), mine)
    const ended = yield* drive(withCluster(world.sandbox.cluster)(again))
    assert.strictEqual(ended.outcome, "Succeeded", `call ${call}`)
    const why = ` at call ${call}: ${String(exit.cause)}`
    return { outcome: (open === undefined ? "Not begun" : "Resumed") + why, calls: outage.calls }
  }).pipe(Effect.scoped)

describe("a network that is lost for a minute, at whatever call,", () => {
  for (const scenario of [scenarios.up, scenarios.zero, scenarios.goodbye]) {
    it.effect(
      `is waited out: ${scenario.name}`,
      () =>
        Effect.gen(function* () {
          const seen: Array<string> = []
          for (let call = yield* firstWrite(scenario); ; call++) {
            const { outcome, calls } = yield* lostAt(scenario, call)
            if (calls < call) break
            seen.push(outcome)
          }
          const resumed = seen.filter((outcome) => outcome.startsWith("Resumed")).length
          console.log(`${scenario.name}, a minute lost: ${seen.length} points, ${resumed} resumed`)
          assert.isAbove(seen.length, 20)
          assert.strictEqual(resumed, 0)
        }),
      120_000
    )
  }
})
