/** Names at the limit of 253 characters, of which two differ only at their ends. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { selector } from "../../../packages/sdk/src/App.ts"
import { isObjectName, longestName, nameBeside } from "../../../packages/sdk/src/ObjectName.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { configmaps } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { deployments, statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import { volumesnapshots } from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import { drive } from "../../simulation/world.ts"
import { ann, claimObject, on, set } from "../scale/callers.ts"
import { take, withStorage } from "../snapshot/world.ts"
import { configMap, merge, target } from "./configured.ts"
import { restore, write } from "./world.ts"

const twins = ["a", "b"].map((end) => `${"n".repeat(251)}-${end}`)

describe("an object that is made beside another", () => {
  it("has a name of its own that Kubernetes accepts, however long the other's is", () => {
    for (const name of [...twins, `${"n".repeat(226)}.${"m".repeat(26)}`, "n".repeat(244), "n"]) {
      const beside = nameBeside(name, "-44b98c3f")
      assert.isTrue(isObjectName(beside), beside)
      assert.match(beside, /-44b98c3f$/)
      if (name.length + 9 <= longestName) assert.strictEqual(beside, `${name}-44b98c3f`)
    }
    assert.lengthOf(new Set(twins.map((name) => nameBeside(name, "-44b98c3f"))), 2)
  })
})

describe("where names differ only in what a longer one has no room for", () => {
  it.effect("each ConfigMap is restored with its own content", () =>
    Effect.gen(function* () {
      const world = yield* withStorage({ replicas: 1 })
      const make = (when: string) =>
        twins.forEach((name) =>
          configMap(world, name, { immutable: true, data: { a: `${when} ${name.at(-1)}` } })
        )
      make("before")
      const env = twins.map((name) => ({
        name: name.at(-1),
        valueFrom: { configMapKeyRef: { name, key: "a" } }
      }))
      const volumeMounts = [{ name: "data", mountPath: "/data" }]
      const containers = [{ name: "db", image: "db:1", volumeMounts, env }]
      yield* merge(world, set, { spec: { template: { spec: { containers } } } })
      yield* drive(Effect.sleep("20 seconds"))
      write(world, "before")
      yield* take(world)
      for (const name of twins) yield* on(world)(Resource.remove(target("ConfigMap", name)))
      make("after")
      const { outcome, unmet } = yield* restore(world, { withConfig: true })
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      const template = world.sandbox.store.get(statefulsets, "shop", "db")?.spec.template
      const names = [...JSON.stringify(template).matchAll(/"configMapKeyRef":\{"name":"([^"]+)"/g)]
      assert.deepEqual(
        names.map(([, name = ""]) =>
          Reflect.get(world.sandbox.store.get(configmaps, "shop", name) ?? {}, "data")
        ),
        [{ a: "before a" }, { a: "before b" }]
      )
    })
  )

  it.effect(
    "each claim has its own VolumeSnapshot; a restore that cannot name its claim is refused, and foretold",
    () =>
      Effect.gen(function* () {
        const world = yield* withStorage({ replicas: 1 })
        const labels = { tier: "shop" }
        yield* merge(world, set, { metadata: { labels } })
        const volumes = twins.map((claimName, index) => ({
          name: `v${index}`,
          persistentVolumeClaim: { claimName }
        }))
        const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }))
        for (const name of twins) world.sandbox.create(claimObject(name, "shop"))
        const spec = { containers: [{ name: "web", image: "web:1", volumeMounts }], volumes }
        const template = { metadata: { labels: { app: "web" } }, spec }
        world.sandbox.create({
          apiVersion: "apps/v1",
          kind: "Deployment",
          metadata: { name: "web", namespace: "shop", labels },
          spec: { replicas: 1, selector: { matchLabels: { app: "web" } }, template }
        })
        yield* drive(Effect.sleep("20 seconds"))
        assert.strictEqual(world.sandbox.store.get(deployments, "shop", "web")?.status.availableReplicas, 1)
        const app = selector("shop", "tier=shop")
        const options = { name: "all", identity: ann, consistency: "crash" } as const
        const { warnings } = yield* on(world)(Snapshot.prepare(app, options))
        assert.deepEqual(
          warnings.filter((warning) => warning.includes("characters")),
          twins.map(
            (name) =>
              `claim ${name} has a name of 253 characters, and a restore takes at most 240: its data can only be copied by hand from its VolumeSnapshot`
          )
        )
        const { outcome, unmet } = yield* drive(on(world)(Snapshot.take(app, options)))
        assert.strictEqual(outcome, "Succeeded", unmet.join())
        const of = world.sandbox.store
          .list(volumesnapshots, "shop")
          .map(({ spec: { source } }) => source.persistentVolumeClaimName)
        assert.sameMembers(of, ["data-db-0", ...twins])
        const { refusals } = yield* on(world)(Restore.prepare({ namespace: "shop", name: "all" }))
        assert.match(refusals[0]?.reason ?? "", /^claim n+-a has a name of 253 characters: /)
        assert.match(refusals[0]?.remedy ?? "", /of at most 240 characters/)
      })
  )
})
