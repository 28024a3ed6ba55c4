/** What nobody can prevent (docs/scale.md): each act of somebody else that costs data is named in the result. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { pods } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref, withCluster } from "../../simulation/world.ts"
import {
  ann,
  bob,
  claimNamed,
  interruptAt,
  neighbour,
  on,
  refusal,
  removeClaim,
  setWhenScaled,
  volumeOf
} from "./callers.ts"

describe("data that somebody else deletes", () => {
  it.effect("before its volume is under Retain stops the operation before a pod goes", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 1 }))
      const cluster = neighbour(
        world,
        ({ method, path }) => method === "GET" && path.includes("/persistentvolumes/"),
        removeClaim("data-db-1")
      )
      const error = yield* refusal(drive(withCluster(cluster)(Scale.run(plan, { identity: ann }))))
      assert.include(error.message, "claim data-db-1 is being deleted: db was not scaled")
      assert.include(error.action, "kubectl patch pv")
      assert.notInclude(world.log.join(), "delete db-1")
    })
  )

  it.effect("after Retain was taken off its volume is no success, and is named", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      const volume = volumeOf(world, "data-db-1")?.metadata.name ?? ""
      const target = { api: kinds.persistentvolumes, name: volume }
      const act = Effect.andThen(
        Resource.patch(target, {
          _tag: "Merge",
          value: { spec: { persistentVolumeReclaimPolicy: "Delete" } }
        }),
        removeClaim("data-db-1")
      )
      const cluster = neighbour(world, () => world.log.includes("delete db-1"), act)
      const result = yield* drive(withCluster(cluster)(Scale.scale(ref, { replicas: 1, identity: ann })))
      assert.strictEqual(result.outcome, "Incomplete")
      assert.match(
        result.unmet.join(),
        /claim data-db-1 (was|is being) deleted; volume pvc-\S+ (is gone, and its data with it|has reclaim policy Delete)/
      )
    })
  )

  it.effect("by whenScaled Delete once an operation is over is said by the next plan", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 200 })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 2, identity: ann })))
      yield* on(world)(setWhenScaled("Delete"))
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 1 }))
      assert.include(plan.effects.join(), "1 claim deleted with their data: whenScaled Delete")
    })
  )

  it.effect("with a claim that a pod begins to use while an abort deletes it is named with the pod", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 300 })
      const { plan } = yield* interruptAt(world, "ready db-1", { replicas: 4, step: 1 })
      const late = Effect.sync(() =>
        world.sandbox.create({
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name: "late", namespace: "shop" },
          spec: {
            // Only a pod that has a node holds its claims.
            nodeName: world.sandbox.store.get(pods, "shop", "db-0")?.spec.nodeName,
            containers: [{ name: "main", image: "db:1" }],
            volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data-db-3" } }]
          }
        })
      )
      const cluster = neighbour(
        world,
        ({ method, path }) => method === "DELETE" && path.endsWith("/data-db-3"),
        late
      )
      const error = yield* refusal(drive(withCluster(cluster)(Scale.abort(at(plan.id), { identity: bob }))))
      assert.include(
        error.message,
        "data-db-3 stuck terminating: Pod/late uses data-db-3, and its data would be deleted with it"
      )
      // Whoever ends the pod ends the abort.
      world.sandbox.store.remove(pods, "shop", "late")
      yield* TestClock.adjust("5 seconds")
      const result = yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
      assert.strictEqual(result.outcome, "Aborted")
      assert.isUndefined(claimNamed(world, "data-db-3"))
    })
  )
})
