/** A Deployment's claims, put back together with a StatefulSet's: as its pod template names them. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Request } from "../../../packages/sdk/src/Cluster.ts"
import { selector } from "../../../packages/sdk/src/App.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { deployments } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import {
  configmaps,
  persistentvolumeclaims,
  persistentvolumes
} from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, on } from "../scale/callers.ts"
import { withStorage } from "../snapshot/world.ts"
import { faultsAt } from "./faultsAt.ts"
import { assertSettled, every } from "./world.ts"

const app = selector("shop", "tier=shop")
const all = { namespace: "shop", name: "all" }
const claims = ["data-db-0", "uploads"]

const claimOf = (world: World, name: string) => world.sandbox.store.get(persistentvolumeclaims, "shop", name)
const bytesOf = (world: World, claim: string) =>
  world.sandbox.volumes.get(claimOf(world, claim)?.spec.volumeName ?? "")

const write = (world: World, when: string) => {
  for (const claim of claims) bytesOf(world, claim)?.write("mark", when)
}

/** From when all volumes are, which has to be one time; every pod is there again. */
const stateOf = (world: World): string => {
  const marks = claims.map((claim) => bytesOf(world, claim)?.readText("mark") ?? `${claim} has none`)
  assert.lengthOf([...new Set(marks)], 1, marks.join())
  for (const name of ["web", "worker"]) {
    const found = world.sandbox.store.get(deployments, "shop", name)
    if (found === undefined) continue
    assert.strictEqual(found.spec.replicas, 1, name)
    assert.strictEqual(found.status.availableReplicas, 1, name)
  }
  return marks[0] ?? ""
}

const labels = { tier: "shop" }

const deployment = (name: string, claim: string, more: Readonly<Record<string, string>> = labels) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "shop", labels: more },
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

/** `db`, and `web` with a claim of its own name; a snapshot of both says `before`, and both say `after` since. */
const withWeb = (more: ReadonlyArray<ReturnType<typeof deployment>> = []) =>
  Effect.gen(function* () {
    const world = yield* withStorage({ replicas: 1 })
    const target = { api: kinds.statefulsets, namespace: "shop", name: "db" }
    yield* on(world)(Resource.patch(target, { _tag: "Merge", value: { metadata: { labels } } }))
    const claim = {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: {
        name: "uploads",
        namespace: "shop",
        labels: { chart: "shop" },
        annotations: { helm: "shop" }
      },
      spec: {
        accessModes: ["ReadWriteOnce"],
        storageClassName: "fast",
        resources: { requests: { storage: "1Gi" } }
      }
    }
    world.sandbox.create(claim)
    world.sandbox.create(deployment("web", "uploads"))
    for (const one of more) world.sandbox.create(one)
    yield* drive(Effect.sleep("20 seconds"))
    write(world, "before")
    const { outcome, unmet } = yield* drive(on(world)(Snapshot.take(app, { name: "all", identity: ann })))
    assert.strictEqual(outcome, "Succeeded", unmet.join())
    write(world, "after")
    world.log.length = 0
    return world
  })

const settled = (world: World) => {
  assertSettled(world)
  for (const one of world.sandbox.store.list(deployments, "shop"))
    assert.notInclude(JSON.stringify(one.metadata.annotations ?? {}), "kubectl-stateful.dev/operation")
  const volume = claimOf(world, "uploads")?.spec.volumeName
  const found = world.sandbox.store.list(persistentvolumes).find(({ metadata }) => metadata.name === volume)
  assert.notInclude(JSON.stringify(found?.metadata.annotations ?? {}), "reclaim-policy-before")
  assert.strictEqual(found?.spec.persistentVolumeReclaimPolicy, "Delete")
}

const restore = (world: World) => drive(on(world)(Restore.restore(all, { identity: ann })))
const undo = (world: World, id: string) =>
  drive(on(world)(Restore.undo({ namespace: "shop", id }, { identity: ann })))

describe("a restore with a Deployment", () => {
  it.effect("swaps the volume of the claim that its pod template names, and is undone", () =>
    Effect.gen(function* () {
      const world = yield* withWeb()
      const plan = yield* on(world)(Restore.prepare(all))
      assert.deepEqual(plan.refusals, [])
      const { id, outcome, unmet } = yield* restore(world)
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assert.strictEqual(stateOf(world), "before")
      settled(world)
      // The tools that made the claim know it again.
      assert.deepEqual(claimOf(world, "uploads")?.metadata.labels, { chart: "shop" })
      assert.strictEqual(claimOf(world, "uploads")?.metadata.annotations?.["helm"], "shop")
      const undone = yield* undo(world, id ?? "")
      assert.strictEqual(undone.outcome, "Succeeded", undone.unmet.join())
      assert.strictEqual(stateOf(world), "after")
      settled(world)
      // Only the last journals are kept; what was set aside tells by itself whose it was.
      for (const { metadata } of world.sandbox.store.list(configmaps, "shop"))
        if (/^kubectl-stateful-[0-9a-f]{8}$/.test(metadata.name))
          yield* on(world)(Resource.remove({ api: kinds.configmaps, namespace: "shop", name: metadata.name }))
      const again = yield* undo(world, undone.id ?? "")
      assert.strictEqual(again.outcome, "Succeeded", again.unmet.join())
      assert.strictEqual(stateOf(world), "before")
      assert.strictEqual(claimOf(world, "uploads")?.metadata.annotations?.["helm"], "shop")
      settled(world)
    })
  )

  it.effect("stops whoever shares the claim, and refuses where one of them was not selected", () =>
    Effect.gen(function* () {
      const world = yield* withWeb([deployment("worker", "uploads")])
      const { outcome, unmet } = yield* restore(world)
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assert.strictEqual(stateOf(world), "before")
      assert.isTrue(world.log.some((line) => line.startsWith("gone worker-")))
      settled(world)
      const stranger = deployment("report", "uploads", { tier: "other" })
      world.sandbox.create({ ...stranger, spec: { ...stranger.spec, replicas: 0 } })
      const { refusals } = yield* on(world)(Restore.prepare(all))
      assert.match(
        refusals[0]?.reason ?? "",
        /claim uploads is also in the pod template of Deployment\/report/
      )
    })
  )

  it.effect("that is aborted before anything was stopped stops nothing", () =>
    Effect.gen(function* () {
      const world = yield* withWeb()
      const plan = yield* on(world)(Restore.prepare(all))
      const inner = world.sandbox.cluster
      const keeps = ({ method, body = "" }: Request) =>
        method === "PATCH" && body.includes('"path":"/spec/persistentVolumeReclaimPolicy"')
      const dying: typeof inner = {
        ...inner,
        request: (request) => (keeps(request) ? Effect.die("killed") : inner.request(request))
      }
      yield* drive(Effect.exit(withCluster(dying)(Restore.run(plan, { identity: ann }))))
      const at = { namespace: "shop", id: plan.id }
      const { outcome, unmet } = yield* drive(on(world)(Restore.abort(at, { identity: ann, takeOver: true })))
      assert.strictEqual(outcome, "Aborted", unmet.join())
      assert.deepEqual(
        world.log.filter((line) => /^(gone|delete) (web|db)-(?!.*prove)/.test(line)),
        []
      )
      assert.strictEqual(stateOf(world), "after")
      settled(world)
    })
  )

  it.effect("that fails or loses its caller at any request leaves one state of all", () =>
    Effect.gen(function* () {
      const points = yield* faultsAt({ first: 13, stride: every * 3, make: withWeb(), stateOf, settled })
      assert.isAbove(points, 1)
    })
  )
})
