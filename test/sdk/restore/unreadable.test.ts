/** What a restore cannot read is there all the same: nothing is moved, deleted or called done for want of it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import * as RestoreDrill from "../../../packages/sdk/src/RestoreDrill.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { selector } from "../../../packages/sdk/src/App.ts"
import type { Command, Host } from "../../../packages/sandbox/src/node/Program.ts"
import { persistentvolumes, pods } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { odd, told, tomorrow } from "../../simulation/tomorrow.ts"
import { at, drive, ref, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, claimObject, on } from "../scale/callers.ts"
import { withStorage } from "../snapshot/world.ts"
import { stateOf, withSnapshot, write } from "./world.ts"

const cut = (world: World, name: string) =>
  on(world)(
    Resource.create(
      { api: kinds.volumesnapshots, namespace: "shop" },
      { metadata: { name }, spec: { source: { persistentVolumeClaimName: "data-db-0" } } }
    )
  )

const deployment = (name: string, claim: string, more: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "shop", labels: { tier: "shop", ...more } },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [{ name, image: "web:1", volumeMounts: [{ name: "files", mountPath: "/files" }] }],
        volumes: [{ name: "files", persistentVolumeClaim: { claimName: claim } }]
      }
    }
  }
})

const all = { namespace: "shop", name: "all" }

/** `db`, and a Deployment with a claim of its own name, with a snapshot of both. */
const withWeb = Effect.gen(function* () {
  const world = yield* withStorage({ replicas: 1 })
  const set = { api: kinds.statefulsets, namespace: "shop", name: "db" }
  yield* on(world)(Resource.patch(set, { _tag: "Merge", value: { metadata: { labels: { tier: "shop" } } } }))
  world.sandbox.create(claimObject("uploads", "shop"))
  world.sandbox.create(deployment("web", "uploads"))
  yield* drive(Effect.sleep("20 seconds"))
  for (const { metadata } of world.sandbox.store.list(persistentvolumes))
    world.sandbox.volumes.get(metadata.name)?.write("mark", "before")
  yield* drive(on(world)(Snapshot.take(selector("shop", "tier=shop"), { name: "all", identity: ann })))
  return world
})

describe("what a restore cannot read", () => {
  it.effect("is a newer VolumeSnapshot: no older one is restored from in its place", () =>
    Effect.gen(function* () {
      const world = yield* withStorage({ replicas: 1 })
      for (const name of ["older", "newer"]) {
        yield* cut(world, name)
        yield* drive(Effect.sleep("30 seconds"))
      }
      const prepare = Restore.prepareFromVolumeSnapshots(ref)
      const plan = yield* on(world)(prepare)
      assert.include(plan.effects.join(), "data-db-0 from volumesnapshot newer")
      assert.include(yield* told(odd(world, "volumesnapshots", "newer")(prepare)), 'volumesnapshot "newer"')
    })
  )

  it.effect("is a Deployment that may use the claim as well: no volume is swapped under it", () =>
    Effect.gen(function* () {
      const world = yield* withWeb
      world.sandbox.create(deployment("worker", "uploads", { tier: "other" }))
      yield* drive(Effect.sleep("5 seconds"))
      const message = yield* told(odd(world, "deployments", "worker")(Restore.prepare(all)))
      assert.strictEqual(message, 'deployment "worker": spec.strategy: expected object')
    })
  )

  it.effect("is a pod of a Deployment: that is not called stopped while it may write", () =>
    Effect.gen(function* () {
      const world = yield* withWeb
      const plan = yield* on(world)(Restore.prepare(all))
      const pod =
        world.sandbox.store.list(pods, "shop").find(({ metadata }) => metadata.name.startsWith("web-"))
          ?.metadata.name ?? ""
      const run = Restore.run(plan, { identity: ann })
      assert.include(yield* told(odd(world, "pods", pod)(run)), `pod "${pod}"`)
      const resumed = yield* drive(on(world)(Restore.resume(at(plan.id), { identity: bob })))
      assert.strictEqual(resumed.outcome, "Succeeded", resumed.unmet.join())
    })
  )

  it.effect("is a pod that may use a Secret that goes: whose it is has to be known", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      world.sandbox.create({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "report", namespace: "shop" },
        spec: { containers: [{ name: "main", image: "report:1" }] }
      })
      const prepare = Restore.prepare({ namespace: "shop", name: "nightly" }, { withConfig: true })
      assert.deepEqual((yield* on(world)(prepare)).refusals, [])
      assert.include(yield* told(odd(world, "pods", "report")(prepare)), 'pod "report"')
    })
  )

  it.effect("is a volume of a drill: it is named, and not called gone", () =>
    Effect.gen(function* () {
      let isOver = false
      const onExec = (_: Host, { argv, stdout }: Command) => {
        const [, , , , token = "", , name = ""] = argv
        isOver ||= name === "has"
        return name === "has" ? Effect.as(stdout(`\n${token} 0\n`), 0) : null
      }
      const world = yield* withSnapshot({ onExec })
      const mine = new Set(world.sandbox.store.list(persistentvolumes).map(({ metadata }) => metadata.name))
      const cluster = tomorrow(
        world.sandbox.cluster,
        (plural, name) => isOver && plural === "persistentvolumes" && !mine.has(name)
      )
      const drill = RestoreDrill.drill(
        { namespace: "shop", name: "nightly" },
        { command: ["has"], identity: ann }
      )
      const { passed, left } = yield* drive(withCluster(cluster)(drill))
      assert.isTrue(passed)
      assert.match(left.join(), /^namespace drill-\S+: persistentvolume "[^"]+": spec\.local/)
    })
  )

  it.effect("is a pod of the source: a fence is not called proven without it", () =>
    Effect.gen(function* () {
      const onExec = (_: Host, { argv, stdout }: Command) =>
        argv[6] === "has" ? Effect.as(stdout(`\n${argv[4]} 0\n`), 0) : null
      const world = yield* withSnapshot({ onExec })
      const drill = RestoreDrill.drill(
        { namespace: "shop", name: "nightly" },
        { command: ["has"], identity: ann }
      )
      // By its namespace: the copy's first pod has the same name.
      const cluster = tomorrow(
        world.sandbox.cluster,
        (plural, name, namespace) => plural === "pods" && name === "db-0" && namespace === "shop"
      )
      const error = yield* Effect.flip(drive(withCluster(cluster)(drill)))
      assert.include(error.message, 'pod "db-0": spec.hostNetwork: expected boolean')
    })
  )

  it.effect("stops no restore that it has nothing to do with", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      world.sandbox.create(claimObject("report", "shop"))
      yield* drive(Effect.sleep("5 seconds"))
      write(world, "after")
      const restore = Restore.restore({ namespace: "shop", name: "nightly" }, { identity: ann })
      const result = yield* drive(odd(world, "persistentvolumeclaims", "report")(restore))
      assert.strictEqual(result.outcome, "Succeeded", result.unmet.join())
      assert.strictEqual(stateOf(world), "before")
    })
  )
})
