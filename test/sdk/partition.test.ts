/** A rollout that a partition holds, in plans that stop the application: the controller ends it without pods. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { pods } from "../../packages/sandbox/src/registry/kinds/core.ts"
import * as Restore from "../../packages/sdk/src/Restore.ts"
import * as Scale from "../../packages/sdk/src/Scale.ts"
import * as Snapshot from "../../packages/sdk/src/Snapshot.ts"
import type { World } from "../simulation/world.ts"
import { on } from "./scale/callers.ts"
import { app, take, withStorage } from "./snapshot/world.ts"

const change = (world: World, spec: object) =>
  Effect.gen(function* () {
    world.sandbox.api.handle({
      method: "PATCH",
      path: "/apis/apps/v1/namespaces/shop/statefulsets/db",
      query: [],
      headers: { "content-type": "application/strategic-merge-patch+json" },
      body: JSON.stringify({ spec })
    })
    yield* TestClock.adjust("2 minutes")
  })

const canary = {
  updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } },
  template: { metadata: { labels: { canary: "yes" } } }
}

const isNew = (world: World) =>
  world.sandbox.store.list(pods, "shop").map(({ metadata }) => metadata.labels?.["canary"] === "yes")

/** What plans that stop all pods say of a rollout. */
const said = (world: World) =>
  Effect.gen(function* () {
    const plans = [
      yield* on(world)(Scale.prepare(app, { replicas: 0 })),
      yield* on(world)(Snapshot.prepare(app, { name: "cold", consistency: "offline" })),
      yield* on(world)(Restore.prepare({ namespace: "shop", name: "nightly" }))
    ]
    return plans.map(({ warnings }) => warnings.filter((one) => one.includes("partition")))
  })

describe("a rollout that a partition holds", () => {
  it.effect("is ended by a stop of all pods, and each plan of one says which pods come back new", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world)
      yield* change(world, canary)
      assert.deepEqual(isNew(world), [false, false, true])
      for (const [warning, ...more] of yield* said(world)) {
        assert.match(
          warning ?? "",
          /^without pods the rollout ends that partition 2 holds: db-0 and db-1 come back on db-\w+, not on db-\w+$/
        )
        assert.deepEqual(more, [])
      }
      yield* change(world, { replicas: 0 })
      yield* change(world, { replicas: 3 })
      assert.deepEqual(isNew(world), [true, true, true])
    })
  )

  it.effect("is not spoken of where nothing is held: none is under way, or some pods stay", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world)
      yield* change(world, { updateStrategy: canary.updateStrategy })
      assert.deepEqual(yield* said(world), [[], [], []])
      yield* change(world, { template: canary.template })
      const { warnings } = yield* on(world)(Scale.prepare(app, { replicas: 2 }))
      assert.notInclude(warnings.join("\n"), "partition")
      yield* change(world, { replicas: 2 })
      assert.deepEqual(isNew(world), [false, false])
    })
  )
})
