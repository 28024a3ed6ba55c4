/** Members that are all made from one: what it leaves, whatever happens, and when members may not be put back apart. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { atCall, type Fault } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import {
  volumesnapshotclasses,
  volumesnapshotcontents,
  volumesnapshots
} from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { drive, seed, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, on, refusal, volumeOf } from "../scale/callers.ts"
import { names, take, withStorage } from "../snapshot/world.ts"
import {
  assertNothingLost,
  assertSettled,
  claimNames,
  every,
  policies,
  snapshot,
  stateOf,
  write
} from "./world.ts"

const from = (ordinal: number) => ({ seed, seedFrom: { seed, ordinal }, oneMember: "lab" })

/** Three members, each cut alone, which say `after` since. */
const withCuts = Effect.gen(function* () {
  const world = yield* withStorage({ whenScaled: "Delete" })
  write(world, "before")
  const { outcome, unmet } = yield* take(world, { groupClass: "none", oneMember: "lab" })
  assert.strictEqual(outcome, "Succeeded", unmet.join())
  write(world, "after")
  world.log.length = 0
  return world
})

const restored = (world: World, more: Partial<Restore.RestoreOptions>) =>
  drive(on(world)(Restore.restore(snapshot, { identity: ann, ...more })))

/** No copy, no cut of a copy, and no pod is left: only the snapshot's own three cuts. */
const assertCleared = (world: World) => {
  assert.lengthOf(names(world, volumesnapshots), 3)
  assert.lengthOf(world.sandbox.store.list(volumesnapshotcontents), 3)
  assert.deepEqual(
    claimNames(world).filter((name) => name.includes("-seed-")),
    []
  )
  assertSettled(world)
}

describe("members that are made from one", () => {
  it.effect("say what that one said, are made from one opening of it, and can be taken back", () =>
    Effect.gen(function* () {
      const world = yield* withCuts
      const { id, outcome, unmet } = yield* restored(world, from(1))
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assert.strictEqual(stateOf(world), "before")
      assertNothingLost(world, "after")
      const sown = world.log.filter((line) => /^(save|make) /.test(line))
      assert.strictEqual(sown[0], "save db-seed")
      assert.deepEqual(sown.slice(1).toSorted(), ["make db-0", "make db-1", "make db-2"])
      assertCleared(world)
      assert.deepInclude(policies(world), { "data-db-0": "Delete", [`data-db-0-${id ?? ""}`]: "Retain" })
      const at = { namespace: "shop", id: id ?? "" }
      yield* drive(on(world)(Restore.undo(at, { identity: bob })))
      assert.strictEqual(stateOf(world), "after")
      assertNothingLost(world, "before")
      assertCleared(world)
    })
  )

  it.effect("are made from the copy's own cut, and of no other that took its name meanwhile", () =>
    Effect.gen(function* () {
      const world = yield* withCuts
      const swap = Effect.gen(function* () {
        const name = names(world, volumesnapshots).find((one) => one.includes("-seed-")) ?? ""
        const target = { api: kinds.volumesnapshots, namespace: "shop", name }
        yield* Resource.remove(target)
        yield* Effect.sleep("5 seconds")
        const source = { persistentVolumeClaimName: "data-db-0" }
        // As whoever has a claim of their own makes it look.
        world.sandbox.volumes
          .get(volumeOf(world, "data-db-0")?.metadata.name ?? "")
          ?.write("saved", "evil data")
        yield* Resource.create(
          { api: kinds.volumesnapshots, namespace: "shop" },
          { metadata: { name }, spec: { source } }
        )
      })
      const once = yield* Effect.cached(Effect.ignore(on(world)(swap)))
      const inner = world.sandbox.cluster
      const cluster: typeof inner = {
        ...inner,
        request: (request) =>
          request.method === "POST" && /"name":"data-db-\d-new-/.test(request.body ?? "")
            ? Effect.andThen(once, inner.request(request))
            : inner.request(request)
      }
      const run = Restore.restore(snapshot, { identity: ann, ...from(1) })
      const error = yield* refusal(drive(withCluster(cluster)(run)))
      assert.match(error.message, /"data-db-1-seed-\w+" is one of data-db-0, not of data-db-1-seed-/)
      const at = { namespace: "shop", id: /abort ([0-9a-f]{8})/.exec(error.action ?? "")?.[1] ?? "" }
      const { outcome, unmet } = yield* drive(on(world)(Restore.abort(at, { identity: bob })))
      assert.strictEqual(outcome, "Aborted", unmet.join())
      assert.strictEqual(stateOf(world), "after")
    })
  )

  it.effect("leave no cut of the copy where the class says Retain", () =>
    Effect.gen(function* () {
      const world = yield* withCuts
      const { store } = world.sandbox
      for (const one of store.list(volumesnapshotclasses)) {
        const keeps = { ...one, deletionPolicy: "Retain" }
        store.put(volumesnapshotclasses, keeps)
      }
      yield* restored(world, from(0))
      assertCleared(world)
    })
  )

  const ways = { resume: Restore.resume, abort: Restore.abort }
  const faults: ReadonlyArray<Fault> = [
    { _tag: "Kill", applied: false },
    { _tag: "Kill", applied: true },
    { _tag: "LoseReply" }
  ]
  it.effect("are one state whole, the old or the new, whatever request a caller dies at", () =>
    Effect.gen(function* () {
      let points = 0
      for (let index = 3; ; index += 2 * every) {
        const world = yield* withCuts
        const fault = faults[points % faults.length] ?? { _tag: "Fail" }
        const { cluster, record } = inject(world.sandbox.cluster, atCall(index, fault))
        const run = Restore.restore(snapshot, { identity: ann, stepTimeout: 60_000, ...from(0) })
        yield* drive(Effect.exit(withCluster(cluster)(run)))
        if (record.calls.length < index) break
        const open = (yield* on(world)(Journal.list("shop", "db"))).find(({ status }) =>
          Journal.isOpen(status)
        )
        if (open !== undefined) {
          const at = { namespace: "shop", id: open.plan.id }
          const way = points % 2 === 0 ? "abort" : "resume"
          const options = { identity: bob, ...(way === "resume" ? { seed } : {}) }
          const { unmet } = yield* drive(on(world)(ways[way](at, options)))
          assert.deepEqual(unmet, [], `${fault._tag} at ${index}, ${way}`)
          assert.strictEqual(stateOf(world), way === "abort" ? "after" : "before", `${index}`)
        }
        stateOf(world)
        assertNothingLost(world, "after")
        assertCleared(world)
        points += 1
      }
      console.log(`members from one: ${points} points`)
      assert.isAbove(points, 3)
    })
  )

  it.effect("are made by nobody who has another profile; an abort needs none", () =>
    Effect.gen(function* () {
      const world = yield* withCuts
      const plan = yield* on(world)(Restore.prepare(snapshot, from(0)))
      const changed = { ...seed, save: ["save", "elsewhere"] }
      const failed = yield* refusal(drive(on(world)(Restore.run(plan, { identity: ann, seed: changed }))))
      assert.strictEqual(failed.reason._tag, "Mismatch")
      assert.match(failed.action ?? "", /--profile lab/)
      const at = { namespace: "shop", id: plan.id }
      yield* drive(on(world)(Restore.abort(at, { identity: bob })))
      assert.strictEqual(stateOf(world), "after")
      assertCleared(world)
    })
  )
})

describe("members that keep one member's promise", () => {
  it.effect("and were cut apart are not put back together, by their record or by the profile given now", () =>
    Effect.gen(function* () {
      const world = yield* withCuts
      const [listed] = yield* on(world)(Snapshot.list("shop"))
      assert.deepInclude(listed?.summary, { level: "crash", seedOnly: "lab" })
      const failed = yield* refusal(restored(world, {}))
      assert.strictEqual(failed.reason._tag, "Refused")
      assert.match(failed.message, /snapshotted at different times, which is unsafe with lab/)
      assert.match(failed.message + (failed.action ?? ""), /restore nightly --profile lab --seed ORDINAL/)
      assert.strictEqual(stateOf(world), "after")
    })
  )

  it.effect("and were cut as one group, or while nothing ran, are put back as they were", () =>
    Effect.gen(function* () {
      for (const consistency of ["auto", "offline"] as const) {
        const world = yield* withStorage()
        write(world, "before")
        yield* take(world, { consistency, oneMember: "lab" })
        const [listed] = yield* on(world)(Snapshot.list("shop"))
        assert.notProperty(listed?.summary, "seedOnly", consistency)
        write(world, "after")
        const { outcome } = yield* restored(world, { oneMember: "lab" })
        assert.strictEqual(outcome, "Succeeded")
        assert.strictEqual(stateOf(world), "before")
      }
    })
  )

  it.effect("are not called quiesced, since nothing that could be held still would make them safe", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const failed = yield* refusal(take(world, { consistency: "quiesced", oneMember: "lab" }))
      assert.match(failed.message, /lab quiesces nothing/)
    })
  )
})
