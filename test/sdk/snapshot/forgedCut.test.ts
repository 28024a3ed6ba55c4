/** Cuts that somebody puts in the place of an operation's own: a label is on whatever somebody puts it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Request } from "../../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { persistentvolumeclaims } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { drive, type World } from "../../simulation/world.ts"
import { ann, bob, on, refusal } from "../scale/callers.ts"
import { stateOf, write } from "../restore/world.ts"
import { app, take, withStorage, dying } from "./world.ts"

const forge = (id: string, name: string, claim: string) =>
  Resource.create(
    { api: kinds.volumesnapshots, namespace: "shop" },
    {
      metadata: { name, labels: { "kubectl-stateful.dev/made-by": id } },
      spec: { source: { persistentVolumeClaimName: claim } }
    }
  )

const openOf = (world: World) =>
  Effect.map(on(world)(Journal.list("shop", "db")), (all) => {
    const open = all.find(({ status }) => Journal.isOpen(status))
    return { namespace: "shop", id: open?.plan.id ?? assert.fail("nothing is open") }
  })

describe("a set that is taken up", () => {
  it.effect("has no cut of another claim, whatever its name and its label are", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const taking = Snapshot.take(app, { name: "nightly", consistency: "crash", identity: ann })
      const asks = ({ method, path }: Request) => method === "POST" && path.endsWith("/volumesnapshots")
      yield* drive(Effect.exit(dying(world, asks)(taking)))
      const at = yield* openOf(world)
      yield* on(world)(forge(at.id, "nightly-data-db-1", "data-db-0"))
      const error = yield* refusal(drive(on(world)(Snapshot.resume(at, { identity: bob }))))
      assert.match(error.message, /volumesnapshot "nightly-data-db-1" is not of claim data-db-1/)
    })
  )
})

describe("a restore that is taken up once its claims are bound", () => {
  it.effect("goes by no cut that took the place of the recorded one meanwhile", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      write(world, "before")
      yield* take(world, { consistency: "crash" })
      write(world, "after")
      const bound = () =>
        world.sandbox.store
          .list(persistentvolumeclaims, "shop")
          .filter(({ metadata, status }) => metadata.name.includes("-new-") && status.phase === "Bound")
      const nightly = { namespace: "shop", name: "nightly" }
      const run = Restore.restore(nightly, { identity: ann })
      yield* drive(Effect.exit(dying(world, () => bound().length === 3)(run)))
      const name = "nightly-data-db-1"
      yield* on(world)(Resource.remove({ api: kinds.volumesnapshots, namespace: "shop", name }))
      yield* drive(Effect.sleep("2 seconds"))
      yield* on(world)(forge("", name, "data-db-1"))
      yield* drive(Effect.sleep("2 seconds"))
      const at = yield* openOf(world)
      const error = yield* refusal(drive(on(world)(Restore.resume(at, { identity: bob }))))
      assert.match(error.message, /"nightly-data-db-1" has another snapshot handle than the recorded one/)
      const { outcome, unmet } = yield* drive(on(world)(Restore.abort(at, { identity: bob })))
      assert.strictEqual(outcome, "Aborted", unmet.join())
      assert.strictEqual(stateOf(world), "after")
    })
  )
})
