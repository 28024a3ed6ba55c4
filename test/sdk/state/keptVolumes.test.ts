/** Data that nothing points to: after claims were deleted, an application runs well on empty volumes. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { persistentvolumeclaims, pods } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { read } from "../../../packages/sdk/src/State.ts"
import { drive, makeWorld, ref, withCluster } from "../../simulation/world.ts"

describe("volumes that lost their claims", () => {
  it.effect("are of the application whose pods would have a claim of that name, and of no other", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2 })
      const on = withCluster(world.sandbox.cluster)
      const claim = (name: string) => world.sandbox.store.get(persistentvolumeclaims, "shop", name)
      const volume = claim("data-db-1")?.spec.volumeName ?? assert.fail("there is no claim")
      const at = { api: kinds.persistentvolumes, name: volume }
      const value = { spec: { persistentVolumeReclaimPolicy: "Retain" } }
      yield* on(Resource.patch(at, { _tag: "Merge", value }))
      assert.deepEqual((yield* on(read({ ...ref, _tag: "StatefulSet" }))).keptVolumes, [])
      yield* on(Resource.remove({ api: kinds.persistentvolumeclaims, namespace: "shop", name: "data-db-1" }))
      yield* on(Resource.remove({ api: kinds.pods, namespace: "shop", name: "db-1" }))
      yield* drive(Effect.sleep("1 minute"))
      assert.notStrictEqual(claim("data-db-1")?.spec.volumeName, volume)
      assert.lengthOf(world.sandbox.store.list(pods, "shop"), 2)
      const { keptVolumes } = yield* on(read({ ...ref, _tag: "StatefulSet" }))
      assert.deepEqual(keptVolumes, [
        {
          name: volume,
          claim: "data-db-1",
          phase: "Released",
          reclaimPolicy: "Retain",
          policyBefore: null,
          operation: null
        }
      ])
      // A claim of another StatefulSet, whose name begins as this one's.
      const claimRef = { name: "data-db-other-1" }
      yield* on(Resource.patch(at, { _tag: "Merge", value: { spec: { claimRef } } }))
      assert.deepEqual((yield* on(read({ ...ref, _tag: "StatefulSet" }))).keptVolumes, [])
    })
  )
})
