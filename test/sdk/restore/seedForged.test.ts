/** The cut of a seed's copy, in whose place somebody puts another. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Cluster, Request } from "../../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { persistentvolumeclaims } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { volumesnapshots } from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import { drive, seed, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, neighbour, on, refusal, volumeOf } from "../scale/callers.ts"
import { names, take, withStorage } from "../snapshot/world.ts"
import { snapshot, stateOf, write } from "./world.ts"

const from = { seed, seedFrom: { seed, ordinal: 1 }, oneMember: "lab" }

const withCuts = Effect.gen(function* () {
  const world = yield* withStorage()
  write(world, "before")
  yield* take(world, { groupClass: "none", oneMember: "lab" })
  write(world, "after")
  return world
})

const isSeed = (name: string) => name.includes("-seed-")

/** A cut with the operation's own label, of another claim or of the copy itself. */
const forged = (world: World, name: string, claim: string) =>
  Effect.gen(function* () {
    // As whoever has a claim of their own makes it look.
    world.sandbox.volumes.get(volumeOf(world, claim)?.metadata.name ?? "")?.write("saved", "evil data")
    const labels = { "kubectl-stateful.dev/made-by": name.slice(-8) }
    const spec = { source: { persistentVolumeClaimName: claim } }
    yield* Resource.create(
      { api: kinds.volumesnapshots, namespace: "shop" },
      { metadata: { name, labels }, spec }
    )
    yield* Effect.sleep("2 seconds")
  })

/** The one that there is goes, and another gets its name. */
const swapped = (world: World, claim: string) =>
  Effect.gen(function* () {
    const name = names(world, volumesnapshots).find(isSeed) ?? ""
    yield* Resource.remove({ api: kinds.volumesnapshots, namespace: "shop", name })
    yield* Effect.sleep("2 seconds")
    yield* forged(world, name, claim === "" ? name : claim)
  })

const makesMember = ({ method, body = "" }: Request) =>
  method === "POST" && /"name":"data-db-\d-new-/.test(body)

describe("members that are made from one", () => {
  it.effect("are made from no cut that was there before the copy was saved, whatever its label says", () =>
    Effect.gen(function* () {
      const world = yield* withCuts
      const act = Effect.suspend(() => {
        const claim = names(world, persistentvolumeclaims).find(isSeed) ?? ""
        return forged(world, claim, claim)
      })
      const isSeeding = ({ method, path, body = "" }: Request) =>
        method === "POST" && path.endsWith("/pods") && body.includes("seed")
      const cluster = neighbour(world, isSeeding, act)
      const run = Restore.restore(snapshot, { identity: ann, ...from })
      const error = yield* refusal(drive(withCluster(cluster)(run)))
      assert.match(
        error.message,
        /volumesnapshot "data-db-1-seed-\w+" already exists and does not belong to this/
      )
      assert.strictEqual(stateOf(world), "after")
    })
  )

  for (const claim of ["data-db-0", ""])
    it.effect(
      `are not taken from a cut of ${claim || "the copy"} that was put there and whose caller died since`,
      () =>
        Effect.gen(function* () {
          const world = yield* withCuts
          const once = yield* Effect.cached(Effect.ignore(on(world)(swapped(world, claim))))
          const inner = world.sandbox.cluster
          // Dies once each member's claim is bound.
          const bound = () =>
            world.sandbox.store
              .list(persistentvolumeclaims, "shop")
              .filter(({ metadata, status }) => metadata.name.includes("-new-") && status.phase === "Bound")
          const dying: Cluster["Service"] = {
            ...inner,
            request: (request) => {
              if (bound().length === 3) return Effect.die("killed")
              return makesMember(request)
                ? Effect.andThen(once, inner.request(request))
                : inner.request(request)
            }
          }
          yield* drive(
            Effect.exit(
              withCluster(dying)(Restore.restore(snapshot, { identity: ann, stepTimeout: 60_000, ...from }))
            )
          )
          assert.lengthOf(bound(), 3)
          const [open] = yield* on(world)(Journal.list("shop", "db"))
          const at = { namespace: "shop", id: open?.plan.id ?? "" }
          const error = yield* refusal(drive(on(world)(Restore.resume(at, { identity: bob, seed }))))
          assert.match(error.message, /volumesnapshot "data-db-1-seed-\w+" is another one/)
          const { outcome, unmet } = yield* drive(on(world)(Restore.abort(at, { identity: bob })))
          assert.strictEqual(outcome, "Aborted", unmet.join())
          assert.strictEqual(stateOf(world), "after")
        })
    )
})
