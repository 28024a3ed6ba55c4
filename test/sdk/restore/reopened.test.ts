/** A restore that is over is undone by no journal: what it has set aside says so. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { drive } from "../../simulation/world.ts"
import { ann, bob, on, refusal } from "../scale/callers.ts"
import { setBack } from "../snapshot/setBack.ts"
import { withStorage } from "../snapshot/world.ts"
import { claimNames, restore, stateOf, withSnapshot } from "./world.ts"

describe("the journal of an operation that is over, set back by somebody,", () => {
  for (const [way, takeUp] of Object.entries({ abort: Restore.abort, resume: Restore.resume }))
    it.effect(`is taken up by no ${way} of a restore`, () =>
      Effect.gen(function* () {
        const world = yield* withSnapshot()
        const { id } = yield* restore(world)
        const at = yield* setBack(world, id ?? "")
        const error = yield* refusal(drive(on(world)(takeUp(at, { identity: bob }))))
        assert.match(
          error.message,
          /has finished, according to claim "data-db-0-\w+": its journal was changed since/
        )
        assert.strictEqual(stateOf(world), "before")
        // Without that journal what it offers is still there.
        const name = `kubectl-stateful-${at.id}`
        yield* on(world)(Resource.remove({ api: kinds.configmaps, namespace: "shop", name }))
        const undone = yield* drive(on(world)(Restore.undo(at, { identity: ann })))
        assert.strictEqual(undone.outcome, "Succeeded", undone.unmet.join())
        assert.strictEqual(stateOf(world), "after")
      })
    )

  it.effect("is taken up by no abort of a scaling that set claims aside", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const ref = { _tag: "StatefulSet", namespace: "shop", name: "db" } as const
      yield* drive(on(world)(Scale.scale(ref, { replicas: 2, identity: ann })))
      const up = { replicas: 3, leftoverClaims: "set-aside", identity: ann } as const
      const { id } = yield* drive(on(world)(Scale.scale(ref, up)))
      const at = yield* setBack(world, id ?? "")
      const before = claimNames(world)
      const error = yield* refusal(drive(on(world)(Scale.abort(at, { identity: bob }))))
      assert.match(error.message, /has finished, according to claim "data-db-2-\w+"/)
      assert.deepEqual(claimNames(world), before)
    })
  )
})
