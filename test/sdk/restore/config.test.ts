/** The configuration in a restore: put back, kept as it was, and brought back by an undo. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { read } from "../../../packages/sdk/src/State.ts"
import { drive, type World } from "../../simulation/world.ts"
import { ann, on } from "../scale/callers.ts"
import { app } from "../snapshot/world.ts"
import { assertRolled, canaries, configOf, leftovers, withConfig } from "./configured.ts"
import { assertNothingLost, assertSettled, restore, snapshot, stateOf } from "./world.ts"

const undo = (world: World, id: string | null) =>
  drive(on(world)(Restore.undo({ namespace: "shop", id: id ?? "" }, { identity: ann })))

describe("a restore with the configuration", () => {
  it.effect(
    "puts template, ConfigMaps and Secrets back with the volumes, and an undo takes all of it back",
    () =>
      Effect.gen(function* () {
        const world = yield* withConfig()
        assert.strictEqual(configOf(world), "after")
        const first = yield* restore(world, { withConfig: true })
        assert.strictEqual(first.outcome, "Succeeded", first.unmet.join())
        assert.strictEqual(stateOf(world), "before")
        assert.strictEqual(configOf(world), "before")
        assertRolled(world)
        assert.deepEqual(leftovers(world), [
          `fixed-${first.id}`,
          `kubectl-stateful.snapshot.before-${first.id}`
        ])
        assertSettled(world)
        const second = yield* undo(world, first.id)
        assert.strictEqual(second.outcome, "Succeeded", second.unmet.join())
        assert.strictEqual(stateOf(world), "after")
        assert.strictEqual(configOf(world), "after")
        assertRolled(world)
        assertNothingLost(world, "before")
        assert.notInclude(leftovers(world).join(), "fixed-")
        const third = yield* undo(world, second.id)
        assert.strictEqual(third.outcome, "Succeeded", third.unmet.join())
        assert.strictEqual(stateOf(world), "before")
        assert.strictEqual(configOf(world), "before")
        assertSettled(world)
      })
  )

  it.effect("alone replaces the pods one after another, and never stops the application", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      const first = yield* restore(world, { only: "config" })
      assert.strictEqual(first.outcome, "Succeeded", first.unmet.join())
      assert.strictEqual(configOf(world), "before")
      assert.strictEqual(stateOf(world), "after")
      assertRolled(world)
      const { keptConfig } = yield* on(world)(read(app))
      assert.deepEqual(keptConfig, [{ workload: "StatefulSet/db", operation: first.id ?? "" }])
      const second = yield* undo(world, first.id)
      assert.strictEqual(second.outcome, "Succeeded", second.unmet.join())
      assert.strictEqual(configOf(world), "after")
      assertRolled(world)
      const again = yield* restore(world, { only: "config" })
      assert.strictEqual(again.outcome, "Succeeded", again.unmet.join())
      const nothing = yield* restore(world, { only: "config" })
      assert.strictEqual(nothing.outcome, "Unchanged")
    })
  )

  it.effect("says every object and key that changes, and no value", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      const plan = yield* on(world)(Restore.prepare(snapshot, { withConfig: true }))
      const tried = yield* on(world)(Restore.dryRun(plan, "server"))
      assert.deepEqual(tried.refusals, [])
      const said = JSON.stringify(tried)
      for (const part of [
        "ConfigMap/conf: a, b, c as in the record",
        "Secret/pass: password as in the record",
        `ConfigMap/fixed is immutable: restored as fixed-${plan.id}`,
        "image of db: db:2 -> db:1",
        "spec.containers[db].env[PLAIN].value"
      ])
        assert.include(said, part)
      for (const value of Object.values(canaries)) assert.notInclude(said, value)
      assert.strictEqual(configOf(world), "after")
      assert.deepEqual(leftovers(world), [])
    })
  )
})
