/** A driver that answers `Unavailable` for ever: its controller tries the cut again and again, and never ends that. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import type { Progress } from "../../../packages/sdk/src/operation/Progress.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { drive } from "../../simulation/world.ts"
import { bob, on, refusal } from "../scale/callers.ts"
import { assertThawed, freezable, options } from "./freezing.ts"
import { app, assertNothingLeft, classes } from "./world.ts"

describe("a quiesced set whose driver is unavailable for ever", () => {
  it.effect("says so meanwhile and in the end, and how what is being cut goes once that has ended", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable({ replicas: 1 })
      classes(world, "failing", { failCut: "Unavailable:100000" })
      const told: Array<string> = []
      const report = (event: Progress) =>
        Effect.sync(() => void (event._tag === "Waiting" && told.push(event.for ?? "")))
      const asked = options({ groupClass: "none", class: "failing" })
      const error = yield* refusal(drive(on(world)(Snapshot.take(app, { ...asked, report }))))
      assertThawed(freezer)
      assert.match(told.join(" "), /code = Unavailable/)
      assert.strictEqual(error.reason._tag, "LevelMissed")
      assert.match(error.message, /^the volume snapshot of data-db-0 failed: .*code = Unavailable/)
      // The side-car deletes nothing that its driver may yet make, until it looks at all of them again.
      assert.match(
        String(error.action),
        /thaw db.*of the CSI driver; not everything .* could be deleted .*nightly-data-db-0.*stateful abort [0-9a-f]{8} -n shop`/
      )
      yield* drive(Effect.sleep("16 minutes"))
      const [open] = yield* on(world)(Journal.list("shop", "db"))
      const at = { namespace: "shop", id: open?.plan.id ?? "" }
      assert.strictEqual((yield* drive(on(world)(Snapshot.abort(at, { identity: bob })))).outcome, "Aborted")
      assertNothingLeft(world)
    })
  )
})
