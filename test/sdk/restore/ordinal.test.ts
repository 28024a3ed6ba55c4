/** One member put back alone, while those below it go on. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { atCall } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { read } from "../../../packages/sdk/src/State.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, on } from "../scale/callers.ts"
import { app } from "../snapshot/world.ts"
import {
  assertNothingLost,
  assertSettled,
  claimNames,
  every,
  members,
  policies,
  restore,
  snapshot,
  withSnapshot
} from "./world.ts"

const states = (world: World) => members(world).map(({ is }) => is)

const reasons = (world: World, options: Restore.RestoreOptions) =>
  Effect.map(on(world)(Restore.prepare(snapshot, options)), ({ refusals }) =>
    refusals.map(({ reason }) => reason).join("; ")
  )

describe("a restore of one ordinal", () => {
  it.effect("stops the last member alone, and its undo brings back what that had", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const before = members(world)
      const plan = yield* on(world)(Restore.prepare(snapshot, { ordinals: [2] }))
      assert.include(plan.effects, "db-2 is stopped: 3 -> 2 -> 3; db-0, db-1 keep running")
      const { id, outcome, unmet } = yield* restore(world, { ordinals: [2] })
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assert.deepEqual(states(world), ["after", "after", "before"])
      assert.deepEqual(
        members(world).map(({ pod }, index) => pod === before[index]?.pod),
        [true, true, false]
      )
      assertNothingLost(world, "after")
      assertSettled(world)
      const kept = claimNames(world).filter((name) => !/^data-db-\d$/.test(name))
      assert.deepEqual(kept, [`data-db-2-${id}`])
      const undone = yield* drive(
        on(world)(Restore.undo({ namespace: "shop", id: id ?? "" }, { identity: ann }))
      )
      assert.strictEqual(undone.outcome, "Succeeded", undone.unmet.join())
      assert.deepEqual(states(world), ["after", "after", "after"])
      assert.strictEqual(members(world)[0]?.pod, before[0]?.pod)
      assertSettled(world)
    })
  )

  it.effect("in the middle stops those above it too, whose volumes stay, and says so", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ whenScaled: "Delete" })
      const before = members(world)
      const own = policies(world)
      const plan = yield* on(world)(Restore.prepare(snapshot, { ordinals: [1] }))
      assert.match(plan.effects.join(), /db-1, db-2 are stopped, .*: 3 -> 1 -> 3; db-0 keeps running/)
      assert.match(
        plan.warnings.join(),
        /1 of 3 members keep running: a quorum needs 2, and is lost during the restore/
      )
      const { outcome, unmet } = yield* restore(world, { ordinals: [1] })
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assert.deepEqual(states(world), ["after", "before", "after"])
      assert.strictEqual(members(world)[0]?.pod, before[0]?.pod)
      assert.deepInclude(policies(world), own)
      assertSettled(world)
    })
  )

  it.effect("is refused where there is no such member, and where members must not go back alone", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      assert.match(yield* reasons(world, { ordinals: [3] }), /db has no member of ordinal 3: it has 0 to 2/)
      assert.match(yield* reasons(world, { ordinals: [] }), /no ordinal is given/)
      assert.strictEqual(yield* reasons(world, { ordinals: [2] }), "")
      const state = yield* on(world)(read(app))
      const source = { _tag: "Snapshot" as const, set: "raft", level: "quiesced", created: "2026", cuts: [] }
      const how = { guarantee: "one-member" as const, replicas: 3, differs: [] }
      const plan = Restore.plan(state, app, "8f3a21bc", { ...source, ...how }, { ordinals: [2] })
      assert.match(plan?.refusals.map(({ reason }) => reason).join() ?? "", /must not be restored separately/)
    })
  )

  for (const [way, takeUp] of Object.entries({ resume: Restore.resume, abort: Restore.abort })) {
    it.effect(`whose caller dies at any request goes on, or back, by ${way}`, () =>
      Effect.gen(function* () {
        let points = 0
        for (let index = way === "abort" ? 1 : 40; ; index += every * 2) {
          const world = yield* withSnapshot({ whenScaled: "Delete" })
          const { cluster, record } = inject(
            world.sandbox.cluster,
            atCall(index, { _tag: "Kill", applied: true })
          )
          yield* drive(
            Effect.exit(withCluster(cluster)(Restore.restore(snapshot, { identity: ann, ordinals: [1] })))
          )
          if (record.calls.length < index) break
          points += 1
          const open = (yield* on(world)(Journal.list("shop", "db"))).find(({ status }) =>
            Journal.isOpen(status)
          )
          if (open !== undefined) {
            const at = { namespace: "shop", id: open.plan.id }
            const { outcome, unmet } = yield* drive(on(world)(takeUp(at, { identity: bob })))
            assert.strictEqual(
              outcome,
              way === "abort" ? "Aborted" : "Succeeded",
              `${index}: ${unmet.join()}`
            )
            assert.deepEqual(
              states(world),
              ["after", way === "abort" ? "after" : "before", "after"],
              `${index}`
            )
          }
          assert.strictEqual(states(world)[0], "after")
          assertNothingLost(world, "after")
          assertSettled(world)
        }
        assert.isAbove(points, 1)
      })
    )
  }
})
