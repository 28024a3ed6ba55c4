import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Cluster } from "@kubectl-stateful/sdk/Cluster"
import type { OperationResult, Progress } from "@kubectl-stateful/sdk/operation/Progress"
import * as Scale from "@kubectl-stateful/sdk/Scale"
import { drive, makeWorld, withCluster, type WorldOptions } from "../../simulation/world.ts"

const ref = { namespace: "shop", name: "db" }

/** Pods are heard of late. */
const late = (cluster: Cluster["Service"]): Cluster["Service"] => ({
  ...cluster,
  request: (request) =>
    Effect.andThen(Effect.sleep(request.path.endsWith("/pods") ? 5000 : 0), cluster.request(request)),
  watch: (request) => Stream.unwrap(Effect.as(Effect.sleep(5000), cluster.watch(request)))
})

const scaled = (options: WorldOptions, ...counts: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const world = yield* makeWorld(options)
    const events: Array<Progress> = []
    let result: OperationResult | null = null
    for (const replicas of counts) {
      events.length = 0
      const report = (event: Progress) => Effect.sync(() => void events.push(event))
      result = yield* drive(
        withCluster(replicas === 1 ? late(world.sandbox.cluster) : world.sandbox.cluster)(
          Scale.scale(ref, { replicas, identity: "ann@laptop", report })
        )
      )
    }
    return { result: result ?? assert.fail("nothing was run"), events }
  })

describe("a replica's stages", () => {
  it.effect("are in the result, each with the time since the one before, and their sum", () =>
    Effect.gen(function* () {
      const { result } = yield* scaled({ replicas: 1, readyAfter: 2000 }, 3)
      assert.deepEqual(
        result.stages.map(({ subject }) => subject.name),
        ["db-1", "db-2"]
      )
      for (const { millis, stages } of result.stages) {
        assert.deepEqual(
          stages.map(({ stage }) => stage.split(" ")[0]),
          ["claim", "scheduled", "started", "ready"]
        )
        // Without a readiness probe a pod is ready as soon as it runs.
        const started = stages.find(({ stage }) => stage === "started")?.millis ?? 0
        assert.isAtLeast(started, 1500)
        assert.isBelow(started, 3500)
        assert.strictEqual(
          millis,
          stages.reduce((sum, stage) => sum + stage.millis, 0)
        )
      }
    })
  )

  it.effect("are told of those that leave, however soon they are gone", () =>
    Effect.gen(function* () {
      const { result } = yield* scaled({ replicas: 1, readyAfter: 100 }, 3, 1)
      assert.deepEqual(
        result.stages.map(
          ({ subject, stages }) => `${subject.name} ${stages.map(({ stage }) => stage).join()}`
        ),
        ["db-2 removed", "db-1 removed"]
      )
    })
  )

  it.effect("are waited for by name only in their turn, and the others are counted", () =>
    Effect.gen(function* () {
      const { events } = yield* scaled({ replicas: 1, readyAfter: 2000 }, 5)
      const first = events.findIndex((event) => event._tag === "Stage" && event.stage === "ready")
      const before = events.slice(0, first)
      assert.deepEqual(
        [...new Set(before.flatMap((event) => (event._tag === "Waiting" ? [event.subject.name] : [])))],
        ["db-1"]
      )
      assert.deepEqual(
        events.flatMap((event) => (event._tag === "Queued" ? [event.count] : [])),
        [3, 2, 1, 0]
      )
    })
  )
})
