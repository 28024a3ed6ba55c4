import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Scale from "@kubectl-stateful/sdk/Scale"
import { ClusterError } from "../../../packages/sdk/src/Cluster.ts"
import {
  configmaps,
  persistentvolumeclaims,
  persistentvolumes
} from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { drive, makeWorld, withCluster, type World, type WorldOptions } from "../../simulation/world.ts"

const ref = { namespace: "shop", name: "db" }

const tried = (world: World, replicas: number) =>
  drive(
    withCluster(world.sandbox.cluster)(
      Effect.flatMap(Scale.prepare(ref, { replicas }), (plan) => Scale.dryRun(plan, "server"))
    )
  )

/** What a dry run says of a server on which a webhook refuses one kind of object. */
const refused = (options: WorldOptions, replicas: number, kind: string) =>
  Effect.gen(function* () {
    const world = yield* makeWorld(options)
    world.sandbox.refuse({
      name: "policy.example.com",
      refuse: (_, object) => (object.kind === kind ? `no ${kind} today` : undefined)
    })
    const error = yield* Effect.flip(tried(world, replicas))
    assert.instanceOf(error, ClusterError)
    return error.message
  })

describe("a dry run on the server", () => {
  const up = { replicas: 1 }
  const toZero = { replicas: 1, whenScaled: "Delete" } as const
  for (const [kind, options, replicas, what] of [
    ["Lease", up, 2, "lease kubectl-stateful.db would be refused: "],
    ["ConfigMap", up, 2, "journal kubectl-stateful-"],
    ["PersistentVolumeClaim", up, 2, '"create claim data-db-1" would be refused: '],
    ["StatefulSet", up, 2, '"replicas 1 -> 2" would be refused: '],
    ["StatefulSet", toZero, 0, '"set whenScaled Retain, whenDeleted Retain" would be refused: '],
    ["PersistentVolume", toZero, 0, ': reclaim policy Retain" would be refused: ']
  ] as const) {
    it.effect(`finds that no ${kind} may be written on the way to ${replicas}`, () =>
      Effect.gen(function* () {
        const message = yield* refused(options, replicas, kind)
        assert.include(message, what)
        assert.include(message, `no ${kind} today`)
      })
    )
  }

  it.effect("keeps nothing, and names what it could not try", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(up)
      const before = world.sandbox.store.list(persistentvolumeclaims, "shop").length
      const plan = yield* tried(world, 2)
      assert.isFalse(plan.unchecked.some((line) => line.includes("replicas 1 -> 2")))
      assert.lengthOf(world.sandbox.store.list(persistentvolumeclaims, "shop"), before)
      assert.isFalse(
        world.sandbox.store
          .list(configmaps, "shop")
          .some(({ metadata }) => metadata.name.startsWith("kubectl-stateful"))
      )
    })
  )

  /** Everything of the storage, as it is stored. */
  const stored = (world: World) =>
    JSON.stringify([
      world.sandbox.store.list(persistentvolumeclaims, "shop"),
      world.sandbox.store.list(persistentvolumes)
    ])

  it.effect("of --leftover-claims set-aside, and of --purge, deletes no claim", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      const on = withCluster(world.sandbox.cluster)
      const aside = { replicas: 2, leftoverClaims: "set-aside" } as const
      yield* drive(on(Scale.scale(ref, { replicas: 1, identity: "ann@laptop" })))
      for (const options of [aside, { purge: true }]) {
        const plan = yield* on(Scale.prepare(ref, options))
        assert.isTrue(plan.steps.some(({ _tag }) => _tag === "MoveVolume" || _tag === "Purge"))
        const before = stored(world)
        yield* drive(on(Scale.dryRun(plan, "server")))
        assert.strictEqual(stored(world), before)
        yield* drive(on(Scale.scale(ref, { ...options, identity: "ann@laptop" })))
      }
    })
  )
})
