/** What is known before anything is done: each of these is refused, or handled, with its remedy. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { when } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { nodes as nodeType, pods } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { driverRefusals } from "../../../packages/sdk/src/restore/refusal.ts"
import { read } from "../../../packages/sdk/src/State.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, on, set } from "../scale/callers.ts"
import { app } from "../snapshot/world.ts"
import { restore, snapshot, stateOf, withSnapshot } from "./world.ts"

const reasons = (world: World) =>
  Effect.map(on(world)(Restore.prepare(snapshot)), ({ refusals }) =>
    refusals.map(({ reason }) => reason).join("; ")
  )

const patch = (world: World, value: object) => on(world)(Resource.patch(set, { _tag: "Merge", value }))

/** A cut of the first claim, as a record may have it, in a plan over this state. */
const planned = (world: World, cut: object, change: object = {}) =>
  Effect.gen(function* () {
    const state = yield* on(world)(read(app))
    const [db, ...others] = state.workloads
    if (db === undefined) throw new Error("no workload")
    const own = state.claims.find(({ name }) => name === "data-db-0")
    const found = {
      claim: "data-db-0",
      snapshot: "cut-0",
      handle: "h",
      volumeHandle: own?.volume?.handle ?? null,
      driver: own?.volume?.driver ?? "",
      size: "1Gi",
      why: null,
      ...cut
    }
    const template = { ...db.template, ...change }
    return Restore.plan(
      { ...state, workloads: [{ ...db, template }, ...others] },
      app,
      "8f3a21bc",
      {
        _tag: "Snapshot",
        set: "nightly",
        level: "group",
        guarantee: null,
        created: "2026-11-28T03:15:00Z",
        replicas: 1,
        cuts: [found],
        differs: []
      },
      {}
    )
  })

describe("a restore", () => {
  it.effect("is refused where new volumes, or the pods that prove them, do not fit into a quota", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const quota = (name: string, hard: object) =>
        world.sandbox.create({
          apiVersion: "v1",
          kind: "ResourceQuota",
          metadata: { name, namespace: "shop" },
          spec: { hard }
        })
      quota("claims", { "requests.storage": "7Gi" })
      quota("pods", { pods: "5" })
      quota("roomy", { persistentvolumeclaims: "9" })
      yield* drive(Effect.sleep(2000))
      const why = yield* reasons(world)
      assert.match(why, /data-db-1 on its way .* quota "claims": requests.storage would be 8Gi of 7Gi/)
      assert.match(why, /a pod that checks it does not fit into quota "pods": pods would be 6 of 5/)
      assert.notInclude(why, "roomy")
    })
  )

  it("is refused with a way out where no StorageClass fills a claim's new volume", () => {
    const refused = (storageClass: string | null) =>
      driverRefusals([{ claim: "data-db-0", storageClass, driver: "csi.example.com" }], [])
    const by = /driver csi\.example\.com|provisioner csi\.example\.com/
    for (const [storageClass, why] of [
      ["", /^data-db-0 has no StorageClass, so nothing fills/],
      [null, /there is no default StorageClass$/],
      ["gone", /StorageClass gone not found$/]
    ] as const) {
      const [refusal] = refused(storageClass)
      assert.match(refusal?.reason ?? "", why)
      assert.match(refusal?.remedy ?? "", by)
    }
  })

  it.effect("has the pods that prove the volumes ask for what a LimitRange allows, and counts that", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const create = (kind: string, spec: object) =>
        world.sandbox.create({
          apiVersion: "v1",
          kind,
          metadata: { name: "own", namespace: "shop" },
          spec
        })
      create("LimitRange", { limits: [{ type: "Container", min: { memory: "64Mi" } }] })
      const stop = world.sandbox.refuse({
        name: "LimitRanger",
        refuse: (verb, object) =>
          verb === "CREATE" && /-prove-/.test(object.metadata.name) && /"16Mi"/.test(JSON.stringify(object))
            ? "minimum memory usage per Container is 64Mi, but request is 16Mi"
            : undefined
      })
      assert.strictEqual((yield* restore(world)).outcome, "Succeeded")
      stop()
      create("ResourceQuota", { hard: { "requests.memory": "100Mi" } })
      yield* drive(Effect.sleep(2000))
      assert.match(yield* reasons(world), /quota "own": requests.memory would be 128Mi of 100Mi/)
    })
  )

  it.effect("is refused where no node takes the pods, or has their device or runtime", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const device = yield* planned(world, {}, { extendedResources: { "example.com/disk": "1" } })
      assert.match(
        device?.refusals.map(({ reason }) => reason).join() ?? "",
        /request example.com\/disk, and no node that accepts/
      )
      yield* patch(world, { spec: { template: { spec: { runtimeClassName: "kata" } } } })
      assert.match(yield* reasons(world), /pods of db request RuntimeClass kata, which does not exist/)
      for (const { metadata } of world.sandbox.store.list(nodeType))
        yield* on(world)(
          Resource.patch(
            { api: kinds.nodes, name: metadata.name },
            { _tag: "Merge", value: { spec: { unschedulable: true } } }
          )
        )
      assert.match(
        yield* reasons(world),
        /no node accepts the pods of db \(\d+ cordoned\): they would not start/
      )
    })
  )

  it.effect("is refused of a cut of another volume mode, and makes a claim as large as its cut", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const block = yield* planned(world, { mode: "Block" })
      assert.match(
        block?.refusals.map(({ reason }) => reason).join() ?? "",
        /with mode Block, and its template requests Filesystem/
      )
      const large = yield* planned(world, { size: "5Gi", mode: "Filesystem" })
      assert.deepEqual(large?.refusals, [])
      const [fill] = large?.steps ?? []
      assert.strictEqual(fill?._tag === "FillClaims" ? fill.claims[0]?.size : null, "5Gi")
    })
  )

  it.effect("is refused where another workload would mount a claim, or somebody would undo it", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "data-db-1" } }]
      const labels = { app: "report" }
      world.sandbox.create({
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "report", namespace: "shop" },
        spec: {
          replicas: 0,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: { containers: [{ name: "main", image: "report:1" }], volumes }
          }
        }
      })
      world.sandbox.create({
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: "db", namespace: "shop" },
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name: "db" },
          minReplicas: 1,
          maxReplicas: 5
        }
      })
      const owner = { apiVersion: "example.com/v1", kind: "Database", name: "shop", uid: "1" }
      const tracked = { "argocd.argoproj.io/tracking-id": "shop:apps/StatefulSet:shop/db" }
      yield* patch(world, {
        metadata: { annotations: tracked, ownerReferences: [{ ...owner, controller: true }] }
      })
      const why = yield* reasons(world)
      assert.match(why, /claim data-db-1 is also in the pod template of Deployment\/report/)
      assert.match(why, /HorizontalPodAutoscaler\/db also writes the replicas/)
      assert.match(why, /Database\.example\.com\/shop also writes the replicas/)
      assert.strictEqual(stateOf(world), "after")
    })
  )

  it.effect("is not refused for a Helm release, which starts nothing before its next upgrade", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const entry = { operation: "Apply", apiVersion: "apps/v1", fieldsType: "FieldsV1" }
      yield* patch(world, {
        metadata: {
          annotations: { "meta.helm.sh/release-name": "crm" },
          managedFields: [{ ...entry, manager: "helm", fieldsV1: { "f:spec": { "f:replicas": {} } } }]
        }
      })
      const { workloads } = yield* on(world)(read(app))
      assert.deepEqual(workloads[0]?.writers, [{ name: "Helm/crm", by: "annotations", replicas: true }])
      assert.strictEqual(yield* reasons(world), "")
    })
  )

  it.effect(
    "of members that need each other to become ready starts them together where they are Parallel",
    () =>
      Effect.gen(function* () {
        const world = yield* withSnapshot({ policy: "Parallel" })
        const majority = world.sandbox.store.listen(() => {
          const there = world.sandbox.store
            .list(pods, "shop")
            .filter(({ spec }) => spec.nodeName !== undefined)
          const members = there.filter(({ metadata }) => /^db-\d$/.test(metadata.name))
          for (const pod of ["db-0", "db-1", "db-2"])
            if (members.length < 2) world.sick.add(pod)
            else world.sick.delete(pod)
        })
        const { outcome, unmet } = yield* restore(world)
        assert.strictEqual(outcome, "Succeeded", unmet.join())
        assert.strictEqual(stateOf(world), "before")
        assert.isDefined(majority)
      })
  )

  it.effect("beside another that is not ended is refused, with the way to end that", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const atTheStop = when(
        ({ write, request }) =>
          write &&
          request.path.endsWith("/statefulsets/db") &&
          (request.body ?? "").includes('"/spec/replicas"'),
        { _tag: "Kill", applied: false }
      )
      const { cluster } = inject(world.sandbox.cluster, atTheStop)
      yield* drive(Effect.exit(withCluster(cluster)(Restore.restore(snapshot, { identity: ann }))))
      const plan = yield* on(world)(Restore.prepare(snapshot))
      const { refusals } = yield* on(world)(Restore.dryRun(plan, "client"))
      assert.match(refusals[0]?.reason ?? "", /\(restore\) on db was started by ann@laptop and is unfinished/)
      assert.match(refusals[0]?.remedy ?? "", /resume|abort/)
      assert.strictEqual(stateOf(world), "after")
    })
  )
})
