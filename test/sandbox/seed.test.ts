import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as TestClock from "effect/testing/TestClock"
import { Cluster } from "../../packages/sdk/src/Cluster.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import * as Fault from "../../packages/sandbox/src/Fault.ts"
import { inject } from "../../packages/sandbox/src/FaultyCluster.ts"
import { make } from "../../packages/sandbox/src/Sandbox.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import { statefulSet } from "./asking.ts"

const namespace = "default"

const claims = {
  volumeClaimTemplates: [
    {
      metadata: { name: "data" },
      spec: {
        storageClassName: "shared",
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "1Gi" } }
      }
    }
  ]
}

/** Scales a new set to three over a cluster with faults; all that happened, and what the client met. */
const run = (seed: number, plan: Fault.Plan) =>
  Random.withSeed(
    Effect.scoped(
      Effect.gen(function* () {
        const sandbox = yield* make()
        const history: Array<string> = []
        sandbox.store.listen(({ kind, revision, object }) => {
          history.push(`${revision} ${kind} ${JSON.stringify(object)}`)
        })
        const { cluster, record } = inject(sandbox.cluster, plan)
        const target = { api: kinds.statefulsets, namespace, name: "db" }
        const at = { api: kinds.statefulsets, namespace }
        const settled = Effect.map(Resource.getObject(target), ({ status }) => status)
        const client = Effect.gen(function* () {
          const made = Effect.catch(Resource.create(at, statefulSet("db", { replicas: 0, ...claims })), () =>
            Effect.retry(Resource.getObject(target), { times: 5 })
          )
          yield* Effect.retry(made, { times: 5 })
          const patch = Resource.patch(target, { _tag: "Merge", value: { spec: { replicas: 3 } } })
          yield* Effect.retry(patch, { times: 5 })
          yield* Effect.repeat(Effect.delay(Effect.option(settled), "1 second"), { times: 60 })
        })
        const fiber = yield* Effect.forkChild(Effect.exit(Effect.provideService(client, Cluster, cluster)))
        while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("500 millis")
        yield* Fiber.join(fiber)
        return { history, replay: record.replay() }
      })
    ),
    seed
  ).pipe(Effect.provide(TestClock.layer()))

describe("a seed", () => {
  it.live("gives the same cluster again, to the last uid and the order of every change", () =>
    Effect.gen(function* () {
      const first = yield* run(7, Fault.random(7, 0.2))
      const again = yield* run(7, Fault.random(7, 0.2))
      const other = yield* run(8, Fault.random(7, 0.2))
      assert.isAbove(first.history.length, 50)
      assert.isNotEmpty(first.replay)
      assert.deepEqual(again.history, first.history)
      assert.notDeepEqual(other.history, first.history)
    })
  )

  it.live("is not needed to see a run again: the line that its record prints gives the same", () =>
    Effect.gen(function* () {
      for (const seed of [1, 2, 3]) {
        const first = yield* run(7, Fault.random(seed, 0.2))
        const again = yield* run(7, Fault.parse(first.replay))
        assert.isAbove(first.history.length, 50)
        assert.strictEqual(again.replay, first.replay)
        assert.deepEqual(again.history, first.history)
      }
    })
  )
})
