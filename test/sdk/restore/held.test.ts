/** Restores of claims that something holds: they would not go, and their names stayed taken. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import type { StorageCall } from "../../../packages/sandbox/src/storage/Storage.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, claimNamed, movesCount, neighbour, on, refusal } from "../scale/callers.ts"
import { classes } from "../snapshot/world.ts"
import { assertNothingLost, restore, snapshot, stateOf, withSnapshot } from "./world.ts"

const asSource = "snapshot.storage.kubernetes.io/pvc-as-source-protection"

/** Somebody puts finalizers on a claim, beside those that are there. */
const hold = (world: World, claim: string, finalizer: string) =>
  Effect.suspend(() => {
    const before = claimNamed(world, claim)?.metadata.finalizers ?? []
    return Resource.patch(
      { api: kinds.persistentvolumeclaims, namespace: "shop", name: claim },
      { _tag: "Merge", value: { metadata: { finalizers: [...before, finalizer] } } }
    )
  })

describe("a restore", () => {
  it.effect("is refused while a VolumeSnapshot that is not ready holds a claim", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      yield* on(world)(hold(world, "data-db-0", asSource))
      const { message } = yield* Effect.flip(restore(world))
      assert.match(message, /data-db-0 is held by a VolumeSnapshot of it that is not ready/)
      assert.strictEqual(stateOf(world), "after")
    })
  )

  it.effect("moves no volume off a claim that is held since, says by what, and goes back whole", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const plan = yield* on(world)(Restore.prepare(snapshot))
      classes(world, "late", { cutDelay: "1h" })
      const cut = {
        metadata: { name: "of-somebody", namespace: "shop" },
        spec: { volumeSnapshotClassName: "late", source: { persistentVolumeClaimName: "data-db-1" } }
      }
      const made = Resource.create({ api: kinds.volumesnapshots, namespace: "shop" }, cut)
      const cluster = neighbour(world, movesCount, made)
      const failure = yield* Effect.flip(drive(withCluster(cluster)(Restore.run(plan, { identity: ann }))))
      assert.match(
        failure.message,
        /data-db-1 is held by a VolumeSnapshot of it that is not ready: it was not moved/
      )
      const at = { namespace: "shop", id: plan.id }
      const { outcome, unmet } = yield* drive(on(world)(Restore.abort(at, { identity: bob })))
      assert.strictEqual(outcome, "Aborted", unmet.join())
      assert.strictEqual(stateOf(world), "after")
      assertNothingLost(world, "after")
    })
  )

  it.effect("names the finalizer that keeps a claim that it deletes", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      yield* on(world)(hold(world, "data-db-1", "example.com/backup"))
      const { message, action = "" } = yield* refusal(restore(world))
      assert.match(message, /claim data-db-1 is stuck terminating: held by example.com\/backup/)
      assert.match(action, /find out which controller owns it/)
    })
  )

  it.effect(
    "starts every member while a claim that was left behind does not go, and names what holds it",
    () =>
      Effect.gen(function* () {
        const world = yield* withSnapshot()
        const plan = yield* on(world)(Restore.prepare(snapshot))
        const left = `data-db-1-new-${plan.id}`
        const cluster = neighbour(world, movesCount, hold(world, left, "example.com/backup"))
        const { unmet } = yield* drive(withCluster(cluster)(Restore.run(plan, { identity: ann })))
        assert.deepEqual(unmet, [`claim ${left} is stuck terminating: held by example.com/backup`])
        assert.strictEqual(stateOf(world), "before")
        assertNothingLost(world, "after")
      })
  )

  it.effect("goes back whole by a second abort, where the first one met a claim that did not go", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const plan = yield* on(world)(Restore.prepare(snapshot))
      const at = { namespace: "shop", id: plan.id }
      yield* on(world)(hold(world, "data-db-0", "example.com/backup"))
      yield* refusal(drive(on(world)(Restore.run(plan, { identity: ann }))))
      const { message } = yield* refusal(drive(on(world)(Restore.abort(at, { identity: bob }))))
      assert.match(message, /claim data-db-0 is stuck terminating: held by example.com\/backup/)
      const name = { api: kinds.persistentvolumeclaims, namespace: "shop", name: "data-db-0" }
      yield* on(world)(Resource.patch(name, { _tag: "Merge", value: { metadata: { finalizers: [] } } }))
      const { outcome, unmet } = yield* drive(on(world)(Restore.abort(at, { identity: bob })))
      assert.strictEqual(outcome, "Aborted", unmet.join())
      assert.strictEqual(stateOf(world), "after")
      assertNothingLost(world, "after")
    })
  )
})

describe("a copy that is not made", () => {
  it.effect("is told with its provisioner's own words, and nothing of the application is touched", () =>
    Effect.gen(function* () {
      let isLost = false
      const failStorage = ({ name }: StorageCall) =>
        isLost && name === "CreateVolume" ? "NotFound: no snapshot of that name" : undefined
      const world = yield* withSnapshot({ failStorage })
      isLost = true
      const { message } = yield* refusal(restore(world, { stepTimeout: 20_000 }))
      assert.match(
        message,
        /not restored in 20s: data-db-0 \(its prover pod.*; warning: .*no snapshot of that name/
      )
      assert.strictEqual(stateOf(world), "after")
    })
  )
})
