/** A journal that somebody has written as a whole: nothing carries the mark of its operation. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import type { AnyPlan } from "../../../packages/sdk/src/operation/Plan.ts"
import { firstEntry } from "../../../packages/sdk/src/operation/rehearse.ts"
import { volumesnapshots } from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import * as Prune from "../../../packages/sdk/src/SnapshotPrune.ts"
import { drive, type World } from "../../simulation/world.ts"
import { bob, on, refusal } from "../scale/callers.ts"
import { app, contents, names, policies, take, withStorage } from "./world.ts"

const nightly = { namespace: "shop", name: "nightly" }

const forge = (world: World, plan: AnyPlan) =>
  Effect.gen(function* () {
    const entry = firstEntry(plan, `${plan.id}.00000000`, "eve", "2026-11-29T00:00:00Z")
    yield* on(world)(Journal.create({ ...entry, status: { ...entry.status, phase: "Stopped" } }))
    return { namespace: plan.home, id: plan.id }
  })

const assertKept = (world: World) => {
  assert.lengthOf(names(world, volumesnapshots), 3)
  assert.deepEqual(policies(world), ["Retain"])
  assert.lengthOf(contents(world), 3)
}

describe("a journal that nobody has begun", () => {
  it.effect("deletes no set by a resume: its record does not say that this was begun", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world, { consistency: "crash" })
      const at = yield* forge(world, yield* on(world)(Prune.prepare(nightly, { last: true })))
      const error = yield* refusal(drive(on(world)(Prune.resume(at, { identity: bob }))))
      assert.match(error.message, /the record of snapshot nightly is not marked as being deleted/)
      assertKept(world)
      assert.strictEqual((yield* drive(on(world)(Prune.abort(at, { identity: bob })))).outcome, "Aborted")
      assertKept(world)
    })
  )

  it.effect("undoes nothing of another set, whose name and groups it says", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const other = yield* on(world)(Snapshot.prepare(app, { name: "nightly", consistency: "crash" }))
      yield* take(world, { consistency: "crash" })
      for (const steps of [other.steps, other.steps.filter(({ _tag }) => _tag === "RetainContents")]) {
        const id = steps.length === other.steps.length ? other.id : "f0f0f0f0"
        const at = yield* forge(world, { ...other, id, steps })
        const forward = yield* Effect.exit(drive(on(world)(Snapshot.resume(at, { identity: bob }))))
        assert.strictEqual(forward._tag, "Failure")
        yield* drive(on(world)(Snapshot.abort(at, { identity: bob })))
        assertKept(world)
      }
    })
  )
})
