/** A caller whose network is gone for a minute, beginning at each of its calls in turn. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type Cluster, ClusterError } from "../../packages/sdk/src/Cluster.ts"
import * as Scale from "../../packages/sdk/src/Scale.ts"
import { callsWithout, optionsOf, type Scenario, scenarios } from "./scaling.ts"
import { drive, makeWorld, ref, withCluster } from "./world.ts"

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

/** How a caller ended whose network is lost at that call, and how many calls it made. */
const lostAt = (scenario: Scenario, call: number) =>
  Effect.gen(function* () {
    const world = yield* makeWorld(scenario.world)
    const outage: Outage = { at: call, calls: 0, until: 0 }
    const port = without(world.sandbox.cluster, outage)
    const exit = yield* drive(
      withCluster(port)(Effect.exit(Scale.scale(ref, optionsOf(scenario, "ann@laptop"))))
    )
    const outcome =
      exit._tag === "Success" ? exit.value.outcome : `lost at call ${call}: ${String(exit.cause)}`
    return { outcome, calls: outage.calls }
  }).pipe(Effect.scoped)

describe("a network that is lost for a minute, from whatever call on,", () => {
  for (const scenario of [scenarios.up, scenarios.zero, scenarios.goodbye]) {
    it.effect(`is waited out: ${scenario.name}`, () =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        // Every fourth call: those in a row are lost in much the same way, and each takes its minute.
        const { firstWrite } = yield* callsWithout(scenario)
        for (let call = firstWrite; ; call += 4) {
          const { outcome, calls } = yield* lostAt(scenario, call)
          if (calls < call) break
          seen.push(outcome)
        }
        console.log(`${scenario.name}, a minute lost: ${seen.length} points`)
        assert.isAbove(seen.length, 5)
        const others = seen.filter((outcome) => outcome !== "Succeeded")
        assert.deepEqual(others, [])
      })
    )
  }
})
