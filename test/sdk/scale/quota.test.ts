import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { PodTemplateSpec } from "../../../packages/sdk/src/kind/Pod.ts"
import { podNeeds } from "../../../packages/sdk/src/Quota.ts"
import * as Quantity from "../../../packages/sdk/src/Quantity.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { drive, makeWorld, ref, withCluster } from "../../simulation/world.ts"

const quota = (hard: Readonly<Record<string, string>>, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "team", namespace: "shop" },
  spec: { hard, ...spec }
})

/** The plan for so many replicas of one that has a claim of 1Gi, under a quota. */
const planned = (replicas: number, hard: Readonly<Record<string, string>>, spec: object = {}) =>
  Effect.gen(function* () {
    const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
    world.sandbox.create(quota(hard, spec))
    yield* drive(Effect.sleep(2000))
    const plan = yield* withCluster(world.sandbox.cluster)(Scale.prepare(ref, { replicas }))
    return { reasons: plan.refusals.map(({ reason }) => reason), unchecked: plan.unchecked, plan, world }
  })

describe("a plan to scale under a quota", () => {
  it.effect("is refused by the first pod that does not fit, before anything is changed", () =>
    Effect.gen(function* () {
      const { reasons } = yield* planned(5, { pods: "3" })
      assert.deepEqual(reasons, ['db-3 does not fit into quota "team": pods would be 4 of 3'])
    })
  )

  it.effect("counts claims and their storage, of a class too", () =>
    Effect.gen(function* () {
      assert.deepEqual((yield* planned(3, { "requests.storage": "2560Mi" })).reasons, [
        'db-2 does not fit into quota "team": requests.storage would be 3Gi of 2560Mi'
      ])
      assert.deepEqual(
        (yield* planned(2, { "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1" })).reasons,
        [
          'db-1 does not fit into quota "team": fast.storageclass.storage.k8s.io/persistentvolumeclaims would be 2 of 1'
        ]
      )
    })
  )

  it.effect("runs where there is room, and says true: the last pod that fits comes", () =>
    Effect.gen(function* () {
      const { plan, reasons, world } = yield* planned(3, { pods: "3", "requests.storage": "3Gi" })
      assert.deepEqual(reasons, [])
      const result = yield* drive(withCluster(world.sandbox.cluster)(Scale.run(plan, { identity: "ann" })))
      assert.strictEqual(result.outcome, "Succeeded")
    })
  )

  it.effect("counts no claim twice that is there from before", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 100 })
      const on = withCluster(world.sandbox.cluster)
      yield* drive(on(Scale.scale(ref, { replicas: 1, identity: "ann" })))
      world.sandbox.create(quota({ persistentvolumeclaims: "2" }))
      yield* drive(Effect.sleep(2000))
      assert.deepEqual((yield* on(Scale.prepare(ref, { replicas: 2 }))).refusals, [])
      assert.lengthOf((yield* on(Scale.prepare(ref, { replicas: 3 }))).refusals, 1)
    })
  )

  it.effect("leaves a quota of some pods only unchecked, and says so", () =>
    Effect.gen(function* () {
      const { reasons, unchecked } = yield* planned(3, { pods: "1" }, { scopes: ["NotBestEffort"] })
      assert.deepEqual(reasons, [])
      assert.include(unchecked.join("\n"), 'quota "team" counts some pods only')
    })
  )
})

const written = (template: PodTemplateSpec) =>
  Object.fromEntries(
    Object.entries(podNeeds(template)).map(([name, amount]) => [name, Quantity.format(amount)])
  )

describe("what a pod counts for", () => {
  it("is its containers and side-cars together, or its greatest init container; a limit is the request that is left out", () => {
    const template: PodTemplateSpec = {
      spec: {
        containers: [
          { name: "a", resources: { requests: { cpu: "500m" }, limits: { cpu: "2", memory: "1Gi" } } },
          { name: "b", resources: { requests: { cpu: "250m" } } }
        ],
        initContainers: [
          { name: "once", resources: { requests: { memory: "4Gi" } } },
          { name: "aside", restartPolicy: "Always", resources: { requests: { cpu: "1" } } }
        ]
      }
    }
    const needs = written(template)
    assert.strictEqual(needs["requests.cpu"], "1.75")
    assert.strictEqual(needs["requests.memory"], "4Gi")
    assert.strictEqual(needs["limits.cpu"], "2")
    assert.strictEqual(needs["limits.memory"], "1Gi")
    assert.strictEqual(needs["pods"], "1")
  })

  it("is what it requests as a whole, where it does", () => {
    const needs = written({
      spec: {
        resources: { requests: { cpu: "2" }, limits: { cpu: "4", memory: "8Gi" } },
        containers: [{ name: "a", resources: { requests: { cpu: "500m" } } }, { name: "b" }]
      }
    })
    assert.strictEqual(needs["requests.cpu"], "2")
    assert.strictEqual(needs["limits.cpu"], "4")
    assert.strictEqual(needs["requests.memory"], "8Gi")
    assert.strictEqual(needs["limits.memory"], "8Gi")
  })
})
