/** A set that is complete is undone by no journal: whoever may write ConfigMaps could open that again. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { volumesnapshots } from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { drive, type World } from "../../simulation/world.ts"
import { bob, on, refusal } from "../scale/callers.ts"
import { type Json, setBack } from "./setBack.ts"
import { take, withStorage } from "./world.ts"

/** The journal of a set that is complete, as if it had been stopped, with another plan. */
const reopened = (world: World, change?: (plan: Json) => Json) =>
  Effect.gen(function* () {
    const { id } = yield* take(world, { consistency: "crash" })
    yield* drive(Effect.sleep("30 seconds"))
    return yield* setBack(world, id ?? "", change)
  })

const assertKept = (world: World) => assert.lengthOf(world.sandbox.store.list(volumesnapshots, "shop"), 3)

describe("the journal of a complete set that somebody has opened again", () => {
  for (const [way, takeUp] of Object.entries({ abort: Snapshot.abort, resume: Snapshot.resume })) {
    it.effect(`is taken up by no ${way}: the record says that it is over`, () =>
      Effect.gen(function* () {
        const world = yield* withStorage()
        const at = yield* reopened(world)
        const error = yield* refusal(drive(on(world)(takeUp(at, { identity: bob }))))
        assert.match(error.message, /has finished, according to secret "kubectl-stateful.snapshot.nightly"/)
        assert.include(error.action, `kubectl delete configmap kubectl-stateful-${at.id}`)
        assertKept(world)
      })
    )
  }

  it.effect("deletes nothing of it either as the journal of another set, or of a restore", () =>
    Effect.gen(function* () {
      const text = (from: string, to: string) => (plan: Json) =>
        JSON.parse(JSON.stringify(plan).replaceAll(from, to)) as Json
      const world = yield* withStorage()
      const at = yield* reopened(world, (plan) => ({
        ...text('"set":"nightly"', '"set":"other"')(text("snapshot.nightly", "snapshot.other")(plan))
      }))
      const error = yield* refusal(drive(on(world)(Snapshot.abort(at, { identity: bob }))))
      assert.match(error.message, /it takes snapshots with another name than its own/)
      assertKept(world)

      const again = yield* withStorage()
      const cut = {
        snapshot: "x",
        handle: null,
        volumeHandle: null,
        driver: "x",
        storageClass: null,
        size: "1Gi"
      }
      const from = { ...cut, as: "nightly-data-db-0", claim: "data-db-0", template: "data", ordinal: 0 }
      const restoring = yield* reopened(again, ({ guards, ...plan }) => ({
        ...plan,
        verb: "restore",
        guards: (guards as ReadonlyArray<Json>).filter(({ kind }) => kind === "StatefulSet"),
        settings: { set: "nightly", undoes: null, kept: [], allowEmpty: false },
        steps: [{ _tag: "SeedClaims", profile: "x", digest: "x", from, class: null, claims: [] }]
      }))
      const stopped = yield* refusal(drive(on(again)(Restore.abort(restoring, { identity: bob }))))
      assert.match(stopped.message, /it creates a copy with another name than its own/)
      assertKept(again)
    })
  )
})
