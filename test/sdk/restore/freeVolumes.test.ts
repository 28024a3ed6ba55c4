/**
 * The volume controller gives a free volume of a claim's class to the claim, whatever it is to be filled
 * from: what is on it is somebody's, and nothing of the snapshot.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import * as RestoreDrill from "../../../packages/sdk/src/RestoreDrill.ts"
import { notFilled } from "../../../packages/sdk/src/step/madeFor.ts"
import { drive, type World, withCluster } from "../../simulation/world.ts"
import { ann, freeVolume, on, refusal, volumeNamed } from "../scale/callers.ts"
import { assertNothingLost, claimNames, openOf, restore, snapshot, stateOf, withSnapshot } from "./world.ts"

const textOf = (world: World, volume: string) => world.sandbox.volumes.get(volume)?.readText("mark")

/** For a user who may not list volumes. */
const withoutList = (world: World): Cluster["Service"] => ({
  ...world.sandbox.cluster,
  request: (request) => {
    if (request.method !== "GET" || !request.path.endsWith("/persistentvolumes"))
      return world.sandbox.cluster.request(request)
    const status = { kind: "Status", status: "Failure", reason: "Forbidden", code: 403, message: "no" }
    const body = Stream.succeed(new TextEncoder().encode(JSON.stringify(status)))
    return Effect.succeed({ status: 403, headers: {}, body })
  }
})

describe("a free volume of the class", () => {
  it.effect("is found before anything is mounted, and reserved, the restore is resumed", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const name = yield* freeVolume(world)
      const failed = yield* refusal(restore(world))
      assert.match(
        failed.message,
        new RegExp(`volume ${name} is free and of StorageClass fast: claim data-db-0`)
      )
      assert.lengthOf(claimNames(world), 3)
      const value = { spec: { claimRef: { namespace: "shop", name: "legacy" } } }
      const volume = { api: kinds.persistentvolumes, name }
      yield* on(world)(Resource.patch(volume, { _tag: "Merge", value }))
      const at = (yield* openOf(world)) ?? assert.fail("nothing is open")
      const { outcome } = yield* drive(on(world)(Restore.resume(at, { identity: ann })))
      assert.strictEqual(outcome, "Succeeded")
      assert.strictEqual(stateOf(world), "before")
      assert.strictEqual(textOf(world, name), "legacy data-db-0")
    })
  )

  it.effect("is never what a member is restored with, nor deleted by an abort", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const volume = yield* freeVolume(world)
      const run = withCluster(withoutList(world))(Restore.restore(snapshot, { identity: ann }))
      const failed = yield* refusal(drive(run))
      assert.include(failed.message, `volume ${volume}`)
      assert.include(failed.message, "not made for it")
      assert.strictEqual(stateOf(world), "after")
      const at = yield* openOf(world)
      const aborted = yield* drive(
        on(world)(Restore.abort(at ?? { namespace: "shop", id: "none" }, { identity: ann }))
      )
      assert.strictEqual(aborted.outcome, "Incomplete")
      assert.include(aborted.unmet.join(), volume)
      assert.strictEqual(textOf(world, volume), "legacy data-db-0")
      assert.strictEqual(volumeNamed(world, volume)?.spec.persistentVolumeReclaimPolicy, "Retain")
      assert.strictEqual(stateOf(world), "after")
      assertNothingLost(world, "after")
      assert.lengthOf(claimNames(world), 4)
    })
  )

  it.effect("is told also where it is reserved for the very claim, by whatever name that is known", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const volume = yield* freeVolume(world)
      const failed = yield* refusal(drive(on(world)(Restore.restore(snapshot, { identity: ann }))))
      const name =
        /claim (data-db-\d-new-\w+) would get it/.exec(failed.message)?.[1] ?? assert.fail(failed.message)
      const claimRef = { namespace: "shop", name, uid: null }
      const target = { api: kinds.persistentvolumes, name: volume }
      yield* on(world)(Resource.patch(target, { _tag: "Merge", value: { spec: { claimRef } } }))
      const at = (yield* openOf(world)) ?? assert.fail("there is no operation")
      const told = yield* refusal(drive(on(world)(Restore.resume(at, { identity: ann }))))
      assert.include(told.message, `volume ${volume} is reserved for claim ${name} by its claimRef`)
      // Without permission to list volumes it is seen once the claim has it.
      const bound = yield* refusal(
        drive(withCluster(withoutList(world))(Restore.resume(at, { identity: ann, stepTimeout: 60_000 })))
      )
      assert.include(bound.message, `claim ${name} has volume ${volume}, which was not made for it`)
      const aborted = yield* drive(on(world)(Restore.abort(at, { identity: ann })))
      assert.strictEqual(aborted.outcome, "Incomplete")
      assert.strictEqual(textOf(world, volume), "legacy data-db-0")
      assert.strictEqual(stateOf(world), "after")
    })
  )

  it.effect("is no volume that a drill passes with, nor deletes", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const volume = yield* freeVolume(world)
      const result = yield* drive(
        withCluster(withoutList(world))(RestoreDrill.drill(snapshot, { command: ["true"], identity: ann }))
      )
      assert.isFalse(result.passed)
      assert.include(result.failure ?? "", volume)
      assert.strictEqual(textOf(world, volume), "legacy data-db-0")
      assert.include(result.left.join(), volume)
    })
  )
})

/** An admission webhook that changes the specification of every claim that is created. */
const withWebhook = (cluster: Cluster["Service"], change: (claim: string) => object): Cluster["Service"] => ({
  ...cluster,
  request: (request) => {
    if (request.method !== "POST" || !request.path.endsWith("/persistentvolumeclaims"))
      return cluster.request(request)
    const claim = JSON.parse(request.body ?? "")
    const body = JSON.stringify({ ...claim, spec: { ...claim.spec, ...change(claim.metadata.name) } })
    return cluster.request({ ...request, body })
  }
})

describe("a claim that is not filled from its volume snapshot", () => {
  it.effect("has a volume of somebody's where a webhook says so: it fails the restore, and is kept", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const volume = yield* freeVolume(world)
      const cluster = withWebhook(withoutList(world), (claim) =>
        claim.startsWith("data-db-0-") ? { volumeName: volume } : {}
      )
      const run = Restore.restore(snapshot, { identity: ann, stepTimeout: 60_000 })
      const failed = yield* refusal(drive(withCluster(cluster)(run)))
      assert.include(failed.message, `volume ${volume}`)
      assert.strictEqual(stateOf(world), "after")
      const at = (yield* openOf(world)) ?? assert.fail("there is no operation")
      yield* drive(on(world)(Restore.abort(at, { identity: ann })))
      assert.strictEqual(textOf(world, volume), "legacy data-db-0")
      assert.strictEqual(stateOf(world), "after")
      assertNothingLost(world, "after")
    })
  )

  it.effect("fails the restore, also where empty volumes are allowed and nothing can be read", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const run = Restore.restore(snapshot, { identity: ann, allowEmpty: true })
      const cluster = withWebhook(world.sandbox.cluster, () => ({ dataSource: undefined }))
      const failed = yield* refusal(drive(withCluster(cluster)(run)))
      assert.match(failed.message, /claim data-db-\d-new-\w+ was to be filled from \S+ \S+, and says nothing/)
      assert.strictEqual(stateOf(world), "after")
    })
  )

  it.effect("fails it where its class was made anew with a provisioner that makes empty volumes", () =>
    Effect.sync(() => {
      const creationTimestamp = "2026-11-20T10:00:00Z"
      const volume = {
        metadata: { name: "pv", creationTimestamp },
        spec: { hostPath: { path: "/opt/local-path/pv" } }
      }
      const claim = {
        metadata: { name: "data-db-0-new-01234567", creationTimestamp },
        spec: { dataSource: { kind: "VolumeSnapshot", name: "one" } }
      }
      const filled = { as: claim.metadata.name, snapshot: "one", driver: "csi.example.com" }
      assert.match(
        notFilled(filled, claim, volume) ?? "",
        /has driver none, and its snapshot csi.example.com/
      )
      const csi = { driver: filled.driver, volumeHandle: "1" }
      assert.isNull(notFilled(filled, claim, { ...volume, spec: { csi } }))
    })
  )
})
