/** Restores from VolumeSnapshots that others made: which is which is shown, and nothing is taken on trust. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { persistentvolumeclaims } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { drive, ref, withCluster, type World } from "../../simulation/world.ts"
import { ann, claimObject, neighbour, on, refusal } from "../scale/callers.ts"
import { withStorage } from "../snapshot/world.ts"
import { assertNothingLost, assertSettled, stateOf, write } from "./world.ts"

/** As a backup tool makes it. */
const cut = (world: World, claim: string, name: string) =>
  on(world)(
    Resource.create(
      { api: kinds.volumesnapshots, namespace: "shop" },
      { metadata: { name }, spec: { source: { persistentVolumeClaimName: claim } } }
    )
  )

const volumeWrite = (world: World, claim: string, text: string) => {
  const found = world.sandbox.store.get(persistentvolumeclaims, "shop", claim)
  world.sandbox.volumes.get(found?.spec.volumeName ?? "")?.write("mark", text)
}

const withCuts = (ordinals: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const world = yield* withStorage()
    for (const when of ["older", "before"]) {
      write(world, when)
      for (const ordinal of ordinals) {
        yield* cut(world, `data-db-${ordinal}`, `${when}-${ordinal}`)
        yield* drive(Effect.sleep("2 seconds"))
      }
      yield* drive(Effect.sleep("30 seconds"))
    }
    write(world, "after")
    return world
  })

const reasons = (world: World, options: Restore.FoundOptions = {}) =>
  Effect.map(on(world)(Restore.prepareFromVolumeSnapshots(ref, options)), ({ refusals }) =>
    refusals.map(({ reason }) => reason).join("; ")
  )

describe("a restore from VolumeSnapshots that others made", () => {
  it.effect("takes the newest that is ready of each claim, says which and how far apart, and is undone", () =>
    Effect.gen(function* () {
      const world = yield* withCuts([0, 1, 2])
      const plan = yield* on(world)(Restore.prepareFromVolumeSnapshots(ref))
      assert.deepEqual(plan.refusals, [])
      assert.match(plan.effects.join("\n"), /data-db-1 from volumesnapshot before-1, taken 1970/)
      assert.match(plan.effects[0] ?? "", /\(unknown\): 3 volumes/)
      assert.match(plan.warnings.join(), /their consistency is unknown, and .* taken \d\S* s apart/)
      const { id, outcome, unmet } = yield* drive(
        on(world)(Restore.fromVolumeSnapshots(ref, { identity: ann }))
      )
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assert.strictEqual(stateOf(world), "before")
      assertNothingLost(world, "after")
      const at = { namespace: "shop", id: id ?? "" }
      const undone = yield* drive(on(world)(Restore.undo(at, { identity: ann })))
      assert.strictEqual(undone.outcome, "Succeeded", undone.unmet.join())
      assert.strictEqual(stateOf(world), "after")
      assertSettled(world)
    })
  )

  it.effect("takes the ones that are named, and leaves one that is not ready", () =>
    Effect.gen(function* () {
      const world = yield* withCuts([0, 1, 2])
      const volumeSnapshots = { "data-db-0": "older-0", "data-db-1": "older-1", "data-db-2": "older-2" }
      yield* cut(world, "data-db-1", "newest-1")
      const open = yield* on(world)(Restore.prepareFromVolumeSnapshots(ref))
      assert.match(open.effects.join("\n"), /data-db-1 from volumesnapshot before-1/)
      // One that is still being cut holds its claim.
      yield* drive(Effect.sleep("30 seconds"))
      yield* drive(on(world)(Restore.fromVolumeSnapshots(ref, { identity: ann, volumeSnapshots })))
      assert.strictEqual(stateOf(world), "older")
    })
  )

  it.effect("is refused where a member would start empty, and where one is of another claim", () =>
    Effect.gen(function* () {
      const world = yield* withCuts([0, 1])
      assert.match(yield* reasons(world), /there is no volume for data-db-2: its pod would start empty/)
      assert.strictEqual(yield* reasons(world, { ordinals: [1] }), "")
      const volumeSnapshots = { "data-db-2": "before-1" }
      assert.match(
        yield* reasons(world, { volumeSnapshots }),
        /data-db-2 cannot be restored: volumesnapshot "before-1" is one of data-db-1, not of data-db-2/
      )
      assert.match(
        yield* reasons(world, { volumeSnapshots: { money: "before-1" } }),
        /money does not belong to a volume claim template/
      )
      assert.match(
        yield* reasons(world, { volumeSnapshots: { "data-db-2": "nothing" } }),
        /volumesnapshot "nothing" is gone/
      )
    })
  )

  it.effect("starts nothing on a volume that was filled from another cut of the name, made just before", () =>
    Effect.gen(function* () {
      const world = yield* withCuts([0, 1, 2])
      world.sandbox.create(claimObject("evil", "shop"))
      world.sandbox.create({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "writer", namespace: "shop" },
        spec: {
          containers: [{ name: "main", image: "x:1", volumeMounts: [{ name: "v", mountPath: "/v" }] }],
          volumes: [{ name: "v", persistentVolumeClaim: { claimName: "evil" } }]
        }
      })
      yield* drive(Effect.sleep("30 seconds"))
      volumeWrite(world, "evil", "evil data-db-1")
      const swap = Effect.gen(function* () {
        yield* Resource.remove({ api: kinds.volumesnapshots, namespace: "shop", name: "before-1" })
        yield* Effect.sleep("5 seconds")
        yield* cut(world, "evil", "before-1")
      })
      const cluster = neighbour(
        world,
        ({ method, path, body }) =>
          method === "POST" &&
          path.endsWith("/persistentvolumeclaims") &&
          (body ?? "").includes("data-db-1-new-"),
        swap
      )
      const run = Restore.fromVolumeSnapshots(ref, { identity: ann })
      const error = yield* refusal(drive(withCluster(cluster)(run)))
      assert.match(error.message, /"before-1" is one of evil, not of data-db-1/)
      assert.strictEqual(stateOf(world), "after")
    })
  )
})
