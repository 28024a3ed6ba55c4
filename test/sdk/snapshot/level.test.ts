import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import {
  volumegroupsnapshots,
  volumesnapshots
} from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import { pods } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { isWrite } from "../../../packages/sdk/src/resource/Status.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, on, refusal } from "../scale/callers.ts"
import { freezable, options, quiesce } from "./freezing.ts"
import { app, classes, names, take, withStorage } from "./world.ts"
import { taken, alone } from "./quiesced.ts"

/** A pod of somebody else that mounts a member's claim, on its node. */
const mount = (world: World, nodeName: string): void => {
  world.sandbox.create({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "reader", namespace: "shop" },
    spec: {
      nodeName,
      containers: [{ name: "main", image: "db:1", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data-db-2" } }]
    }
  })
}

const nodeOf = (world: World, pod: string): string =>
  world.sandbox.store.get(pods, "shop", pod)?.spec.nodeName ?? ""

describe("a level", () => {
  it.effect("quiesced is refused without a profile, and where a member is not ready", () =>
    Effect.gen(function* () {
      const { world } = yield* freezable()
      const { quiesce: _, ...without } = options()
      const none = yield* Effect.flip(drive(on(world)(Snapshot.take(app, without))))
      assert.match(none.message, /no profile defines how to quiesce/)
      world.sick.add("db-2")
      yield* drive(Effect.sleep(3000))
      const sick = yield* Effect.flip(taken(world))
      assert.match(sick.message, /db-2 is NotReady/)
      assert.deepEqual(names(world, volumesnapshots), [])
    })
  )

  it.effect("offline is refused where a pod that is not stopped has a member's volume too", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      mount(world, nodeOf(world, "db-2"))
      yield* drive(Effect.sleep(3000))
      world.log.length = 0
      const { message } = yield* refusal(take(world, { consistency: "offline" }))
      assert.include(message, "claim data-db-2 is mounted by reader too, which is not stopped")
      assert.deepEqual(world.log, [])
      yield* on(world)(Resource.remove({ api: kinds.pods, namespace: "shop", name: "reader" }))
      yield* drive(Effect.sleep(3000))
      const { outcome } = yield* take(world, { consistency: "offline" })
      assert.strictEqual(outcome, "Succeeded")
    })
  )

  for (const [when, plural] of [
    ["before the first volume snapshot", "statefulsets"],
    ["before the last one is taken", "volumegroupsnapshots"]
  ] as const) {
    it.effect(`offline is missed where a pod mounts a member's volume after the plan, ${when}`, () =>
      Effect.gen(function* () {
        const world = yield* withStorage()
        const inner = world.sandbox.cluster
        const node = nodeOf(world, "db-2")
        let isMounted = false
        const met: World["sandbox"]["cluster"] = {
          ...inner,
          request: (request) =>
            Effect.tap(inner.request(request), () =>
              Effect.sync(() => {
                const isDue = isWrite(request) && request.path.includes(`/${plural}`)
                if (isDue && !isMounted) mount(world, node)
                isMounted ||= isDue
              })
            )
        }
        const asked = Snapshot.take(app, { name: "nightly", identity: ann, consistency: "offline" })
        const error = yield* drive(Effect.flip(withCluster(met)(asked)))
        assert.include(error.message, "claim data-db-2 is mounted by reader, which was not stopped")
        assert.deepEqual(names(world, volumesnapshots), [])
        assert.strictEqual(world.sandbox.store.get(statefulsets, "shop", "db")?.spec.replicas, 3)
      })
    )
  }

  it.effect(
    "quiesced is planned with a warning where a pod that is not quiesced has a member's volume too",
    () =>
      Effect.gen(function* () {
        const { world } = yield* freezable()
        mount(world, nodeOf(world, "db-2"))
        const { warnings } = yield* drive(
          on(world)(Snapshot.prepare(app, { consistency: "quiesced", quiesce, ...alone, name: "nightly" }))
        )
        assert.include(warnings.join(), "claim data-db-2 is mounted by reader too, which is not quiesced")
      })
  )

  it.effect("auto is quiesced where all writes stop, and a group where each member is only recoverable", () =>
    Effect.gen(function* () {
      const { world } = yield* freezable()
      const first = yield* taken(world, { consistency: "auto" })
      assert.deepInclude(first.result, { level: "quiesced" })
      const perMember = { ...quiesce, guarantee: "recoverable-per-member" as const }
      const more = { consistency: "auto" as const, quiesce: perMember, name: "second" }
      const second = yield* taken(world, more)
      assert.deepInclude(second.result, { level: "group" })
      const third = yield* taken(world, { ...more, ...alone, name: "third" })
      assert.deepInclude(third.result, { level: "quiesced" })
      assert.match((third.result as Snapshot.SnapshotResult).why.join(), /recoverable from its own snapshot/)
    })
  )

  it.effect("quiesced is refused for several members of which only one's state counts", () =>
    Effect.gen(function* () {
      const { world } = yield* freezable()
      const raft = { ...quiesce, guarantee: "one-member" as const }
      const error = yield* Effect.flip(taken(world, { quiesce: raft }))
      assert.match(error.message, /snapshotted at different times are not consistent/)
      assert.deepEqual(names(world, volumegroupsnapshots), [])
    })
  )

  it.effect(
    "quiesced is refused with its numbers where the freeze would take above half of its deadline",
    () =>
      Effect.gen(function* () {
        const { world, freezer } = yield* freezable()
        const slow = yield* Effect.flip(taken(world, { ...alone, snapshotQps: 1 }))
        assert.match(
          slow.message,
          /quiesced for 10s, more than half of the deadline of 10s \(the snapshot controllers make 12 requests at 1 a second, from --snapshot-qps\)/
        )
        assert.match(String(slow.action), /--consistency group.*--snapshot-qps/)
        assert.lengthOf(freezer.holds, 0)
        const fast = yield* taken(world, { ...alone, snapshotQps: 5 })
        assert.deepInclude(fast.result, { level: "quiesced" })
      })
  )

  it.effect("one slow freeze refuses none of those that come after it; two of three do", () =>
    Effect.gen(function* () {
      const { world } = yield* freezable()
      classes(world, "late", { cutDelay: "6s" })
      const late = { ...alone, class: "late", snapshotQps: 50 }
      for (const [name, more] of Object.entries({ a: alone, b: late, c: alone, d: late })) {
        const { result } = yield* taken(world, { ...more, name })
        assert.deepInclude(result, { level: "quiesced" }, name)
      }
      const refused = yield* Effect.flip(taken(world, { ...alone, name: "e" }))
      assert.match(
        refused.message,
        /quiesced for 6\S*s, more than half of the deadline .*3 volume snapshots recently took 6\S*s/
      )
    })
  )
})
