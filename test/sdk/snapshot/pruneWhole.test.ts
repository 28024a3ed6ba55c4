/** Anybody who may write ConfigMaps can add to the list of snapshots: what is new is proven before what is old goes. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import { recordName } from "../../../packages/sdk/src/RecordName.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import * as SnapshotPrune from "../../../packages/sdk/src/SnapshotPrune.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { withSnapshot } from "../restore/world.ts"
import { ann, neighbour, on, refusal } from "../scale/callers.ts"
import { take } from "./world.ts"

const secret = { api: kinds.secrets, namespace: "shop", name: recordName("newer") }
const old = { namespace: "shop", name: "nightly" }

const withNewer = Effect.gen(function* () {
  const world = yield* withSnapshot()
  yield* drive(Effect.sleep("10 minutes"))
  yield* take(world, { name: "newer" })
  return world
})

const damage = Effect.andThen(
  Resource.remove(secret),
  Resource.create(
    { api: kinds.secrets, namespace: "shop" },
    { metadata: { name: secret.name }, type: "Opaque", data: { record: "eHh4" } }
  )
)

const beyond = (world: World) =>
  Effect.map(on(world)(SnapshotPrune.listBeyond("shop", { keep: 1 })), (gone) =>
    gone.map(({ summary }) => summary.name)
  )

const left = (world: World) =>
  Effect.map(on(world)(Snapshot.list("shop")), (all) => all.map(({ summary }) => summary.name))

describe("an older snapshot", () => {
  for (const [how, act] of [
    ["was deleted", Resource.remove(secret)],
    ["was damaged", damage]
  ] as const) {
    it.effect(`is the last one where the record of the newer one ${how}`, () =>
      Effect.gen(function* () {
        const world = yield* withNewer
        assert.deepEqual(yield* beyond(world), ["nightly"])
        yield* on(world)(act)
        assert.deepEqual(yield* beyond(world), [])
        const failed = yield* refusal(drive(on(world)(SnapshotPrune.prune(old, { identity: ann }))))
        assert.match(failed.message, /nightly is the newest complete one/)
      })
    )

    it.effect(`is kept where that ${how} after the plan was made`, () =>
      Effect.gen(function* () {
        const world = yield* withNewer
        const begins = ({ method, path }: { readonly method: string; readonly path: string }) =>
          method === "POST" && path.endsWith("/leases")
        const cluster = neighbour(world, begins, act)
        const pruned = withCluster(cluster)(SnapshotPrune.prune(old, { identity: ann }))
        assert.match(
          (yield* refusal(drive(pruned))).message,
          /is the newest complete one of its application now/
        )
        assert.include(yield* left(world), "nightly")
      })
    )
  }
})
