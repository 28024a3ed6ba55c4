import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import * as Scale from "../../packages/sdk/src/Scale.ts"
import { drive, makeWorld, ref, withCluster } from "../simulation/world.ts"

const identity = "ann@laptop"

describe("scaling", () => {
  it.effect("adds replicas in order, with claims made ahead, and leaves nothing behind", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1 })
      const result = yield* drive(
        withCluster(world.sandbox.cluster)(Scale.scale(ref, { replicas: 3, identity }))
      )
      assert.strictEqual(result.outcome, "Succeeded")
      assert.deepEqual(world.log, ["create db-1", "ready db-1", "create db-2", "ready db-2"])
      const set = yield* withCluster(world.sandbox.cluster)(
        Resource.get({ api: Resource.statefulSets, namespace: "shop", name: "db" })
      )
      assert.deepEqual(set.metadata["annotations"] ?? {}, {})
    })
  )
})
