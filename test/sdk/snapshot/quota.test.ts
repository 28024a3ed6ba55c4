/** A quota that has no room is told before a member is held or stopped, and not in the middle. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { drive } from "../../simulation/world.ts"
import { on } from "../scale/callers.ts"
import { app, take, withStorage } from "./world.ts"

const snapshots = "count/volumesnapshots.snapshot.storage.k8s.io"

const planned = (hard: object, consistency: Snapshot.Asked) =>
  Effect.gen(function* () {
    const world = yield* withStorage()
    const metadata = { name: "team", namespace: "shop" }
    world.sandbox.create({ apiVersion: "v1", kind: "ResourceQuota", metadata, spec: { hard } })
    yield* drive(Effect.sleep("2 seconds"))
    const { refusals } = yield* on(world)(Snapshot.prepare(app, { name: "nightly", consistency }))
    return { reasons: refusals.map(({ reason }) => reason), world }
  })

describe("a plan to take a snapshot under a quota", () => {
  it.effect("is refused by the first object that does not fit", () =>
    Effect.gen(function* () {
      const { reasons } = yield* planned({ [snapshots]: "2" }, "crash")
      assert.deepEqual(reasons, [
        `the volumesnapshot of data-db-2 does not fit into quota "team": ${snapshots} would be 3 of 2`
      ])
      const groups = "count/volumegroupsnapshots.groupsnapshot.storage.k8s.io"
      assert.deepEqual((yield* planned({ [groups]: "0", [snapshots]: "2" }, "group")).reasons, [
        `volumegroupsnapshot nightly does not fit into quota "team": ${groups} would be 1 of 0`
      ])
      assert.match((yield* planned({ "count/secrets": "1" }, "crash")).reasons.join(), /^its record, secret /)
    })
  )

  it.effect("runs where there is room, and says true", () =>
    Effect.gen(function* () {
      const { reasons, world } = yield* planned({ [snapshots]: "3" }, "crash")
      assert.deepEqual(reasons, [])
      assert.strictEqual((yield* take(world, { consistency: "crash" })).outcome, "Succeeded")
    })
  )
})
