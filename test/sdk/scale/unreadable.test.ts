/** An object that this version cannot read is there all the same: nothing is done, and nothing said, for want of it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { odd, told, tomorrow } from "../../simulation/tomorrow.ts"
import { at, drive, makeWorld, ref, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, claimNamed, claimObject, interruptAt, on, volumeOf } from "./callers.ts"

const countOf = (world: World) => world.sandbox.store.get(statefulsets, "shop", "db")?.spec.replicas

describe("what cannot be read", () => {
  it.effect("is no pod that is gone: a scale does not end while it may run", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 200 })
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 2 }))
      world.sick.add("db-2")
      const message = yield* told(odd(world, "pods", "db-2")(Scale.run(plan, { identity: ann })))
      assert.strictEqual(message, 'pod "db-2": spec.hostNetwork: expected boolean')
      const result = yield* drive(on(world)(Scale.resume(at(plan.id), { identity: bob })))
      assert.strictEqual(result.outcome, "Succeeded")
    })
  )

  it.effect("is no pod that never came: whoever waits for it is told", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 2 }))
      const message = yield* told(odd(world, "pods", "db-1")(Scale.run(plan, { identity: ann })))
      assert.include(message, 'pod "db-1"')
    })
  )

  it.effect("is a claim that is left over: no pod starts on what it holds", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 1, identity: ann })))
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 2, leftoverClaims: "set-aside" }))
      const uid = claimNamed(world, "data-db-1")?.metadata.uid
      const run = Scale.run(plan, { identity: ann })
      const message = yield* told(odd(world, "persistentvolumeclaims", "data-db-1")(run))
      assert.strictEqual(message, 'persistentvolumeclaim "data-db-1": spec.volumeMode: expected string')
      assert.strictEqual(countOf(world), 1)
      assert.strictEqual(claimNamed(world, "data-db-1")?.metadata.uid, uid)
    })
  )

  it.effect("is a volume that an abort without its journal owes a policy: it is not called put back", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 4, readyAfter: 200, whenScaled: "Delete" })
      const { plan } = yield* interruptAt(world, "delete db-3", { replicas: 0 })
      const journal = { api: kinds.configmaps, namespace: "shop", name: Journal.nameOf(plan.id) }
      yield* on(world)(Resource.remove(journal))
      const volume = volumeOf(world, "data-db-1")?.metadata.name ?? ""
      const abort = Scale.abortWithoutJournal(ref, { identity: bob, takeOver: true })
      const message = yield* told(odd(world, "persistentvolumes", volume)(abort))
      assert.include(message, `persistentvolume "${volume}"`)
      assert.strictEqual(volumeOf(world, "data-db-1")?.spec.persistentVolumeReclaimPolicy, "Retain")
    })
  )

  it.effect("is a claim that was set aside: a purge does not say that there is none", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 1, identity: ann })))
      const again = { replicas: 2, leftoverClaims: "set-aside", identity: ann } as const
      yield* drive(on(world)(Scale.scale(ref, again)))
      const plan = yield* on(world)(Scale.prepare(ref, { purge: true }))
      const aside = /^(\S+): deleted permanently/m.exec(plan.effects.join("\n"))?.[1] ?? ""
      const message = yield* told(
        odd(world, "persistentvolumeclaims", aside)(Scale.prepare(ref, { purge: true }))
      )
      assert.include(message, aside)
    })
  )

  it.effect("is a quota that may be full: a plan says that quotas were not checked", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
      world.sandbox.create({
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name: "team", namespace: "shop" },
        spec: { hard: { pods: "1" } }
      })
      yield* drive(Effect.sleep(2000))
      const plan = yield* odd(world, "resourcequotas", "team")(Scale.prepare(ref, { replicas: 2 }))
      assert.match(plan.unchecked.join(), /^quota, pod security/)
    })
  )

  it.effect("stops nobody whose it is not: another's pod, claim and volume", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      world.sandbox.create(claimObject("report", "shop"))
      world.sandbox.create({
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          name: "report",
          namespace: "shop",
          labels: { app: "db", of: "nobody" },
          finalizers: ["a/b"]
        },
        spec: { containers: [{ name: "main", image: "report:1" }] }
      })
      yield* drive(Effect.sleep(2000))
      const names = ["report", volumeOf(world, "report")?.metadata.name]
      const cluster = tomorrow(world.sandbox.cluster, (_, name) => names.includes(name))
      for (const replicas of [3, 1]) {
        const scale = Scale.scale(ref, { replicas, identity: ann })
        assert.strictEqual((yield* drive(withCluster(cluster)(scale))).outcome, "Succeeded")
      }
    })
  )
})
