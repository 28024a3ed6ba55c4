/** An abort of a swap that somebody else has got into. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { drive, withCluster } from "../../simulation/world.ts"
import { ann, bob, claimNamed, on, set } from "../scale/callers.ts"
import { replicasOf } from "../snapshot/world.ts"
import { snapshot, withSnapshot } from "./world.ts"

describe("an abort after somebody else started the application in the middle of the swap", () => {
  it.effect("starts no member on an empty volume beside members with their own", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const plan = yield* on(world)(Restore.prepare(snapshot))
      const isMoving = () =>
        claimNamed(world, `data-db-2-${plan.id}`) !== undefined &&
        claimNamed(world, "data-db-2") === undefined
      const inner = world.sandbox.cluster
      const cluster = {
        ...inner,
        request: (request: Parameters<typeof inner.request>[0]) =>
          Effect.suspend(() => (isMoving() ? Effect.die("killed") : inner.request(request)))
      }
      yield* Effect.exit(drive(withCluster(cluster)(Restore.run(plan, { identity: ann }))))
      assert.isTrue(isMoving())
      yield* on(world)(Resource.patch(set, { _tag: "Merge", value: { spec: { replicas: 3 } } }))
      yield* drive(Effect.sleep("30 seconds"))
      const at = { namespace: "shop", id: plan.id }
      yield* Effect.exit(drive(on(world)(Restore.abort(at, { identity: bob }))))
      const own = [0, 1, 2].map((ordinal) => {
        const volume = claimNamed(world, `data-db-${ordinal}`)?.spec.volumeName ?? ""
        return world.sandbox.volumes.get(volume)?.readText("mark") ?? null
      })
      // Either all have their own, or none runs.
      if (own.includes(null)) assert.strictEqual(replicasOf(world), 0, own.join())
    })
  )
})
