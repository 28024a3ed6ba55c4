import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { textAt } from "../../../packages/sdk/src/resource/KubeObject.ts"
import { when } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { configmaps } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { volumesnapshots } from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import * as Prune from "../../../packages/sdk/src/SnapshotPrune.ts"
import * as SnapshotSet from "../../../packages/sdk/src/SnapshotSet.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, on, refusal } from "../scale/callers.ts"
import { contents, names, password, take, withStorage } from "./world.ts"

const nightly = { namespace: "shop", name: "nightly" }

const merge = (world: World, api: Resource.ApiResource, name: string, value: object) =>
  on(world)(Resource.patch({ api, namespace: "shop", name }, { _tag: "Merge", value }))

/** With a Secret and a ConfigMap that its pods name. */
const withConfig = Effect.gen(function* () {
  const world = yield* withStorage()
  const settings = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "settings", namespace: "shop" },
    data: { size: "3", mode: "fast" }
  }
  world.sandbox.create(settings)
  const envFrom = [{ secretRef: { name: "pass" } }, { configMapRef: { name: "settings" } }]
  const set = yield* on(world)(Resource.getObject({ api: kinds.statefulsets, namespace: "shop", name: "db" }))
  const accepted = kinds.statefulsets.accept(set)
  assert.strictEqual(accepted._tag, "Success")
  const containers = accepted._tag === "Success" ? accepted.success.spec.template.spec.containers : []
  yield* merge(world, kinds.statefulsets, "db", {
    spec: {
      template: {
        spec: {
          runtimeClassName: "gvisor",
          nodeSelector: { disk: "ssd" },
          containers: containers.map((one) => ({ ...one, envFrom }))
        }
      }
    }
  })
  yield* drive(Effect.sleep("10 seconds"))
  return world
})

/** A caller who may do everything but read or write Secrets. */
const withoutSecrets = (world: World) => {
  const deny = [{ apiGroups: [""], resources: ["secrets"], verbs: ["*"] }]
  return withCluster(world.sandbox.as({ name: "eve", deny }))
}

describe("snapshots of all namespaces", () => {
  it.effect("have volume snapshots of their own namespace only", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world)
      world.sandbox.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } })
      const record = world.sandbox.store.get(configmaps, "shop", "kubectl-stateful.snapshot.nightly")
      assert.isDefined(record)
      const { name, labels = {} } = record.metadata
      const text = textAt(record, "data", "summary.json").replaceAll(
        '"namespace":"shop"',
        '"namespace":"other"'
      )
      const metadata = { name, namespace: "other", labels }
      const copy = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "summary.json": text } }
      world.sandbox.create(copy)
      const listed = yield* on(world)(Snapshot.list(undefined))
      assert.sameDeepMembers(
        listed.map(({ summary, ready, restorable }) => [summary.namespace, ready?.length, restorable]),
        [
          ["shop", 3, true],
          ["other", 0, false]
        ]
      )
    })
  )
})

describe("a snapshot described", () => {
  it.effect(
    "says its level and skew, where its members were, what it holds, and that it can be restored",
    () =>
      Effect.gen(function* () {
        const world = yield* withConfig
        yield* take(world)
        const { summary, now, oneMoment, restorable, obstacles } = yield* on(world)(
          SnapshotSet.describe(nightly)
        )
        assert.deepInclude(summary, { level: "group", skew: 0, changed: [] })
        assert.isTrue(oneMoment)
        assert.deepEqual([restorable, obstacles], [true, []])
        const [placement] = summary.placement ?? []
        assert.deepInclude(placement, {
          workload: "StatefulSet/db",
          nodeSelector: { disk: "ssd" },
          runtimeClass: "gvisor"
        })
        assert.includeMembers(summary.manifests?.slice() ?? [], [
          "StatefulSet/db",
          "ConfigMap/settings",
          "Secret/pass"
        ])
        const policies = now?.map(({ deletionPolicy, ready }) => ({ deletionPolicy, ready }))
        assert.deepEqual(
          policies,
          Array.from({ length: 3 }, () => ({ deletionPolicy: "Retain", ready: true }))
        )
      })
  )

  it.effect("names the workload, ConfigMap or Secret that somebody changed while it was cut", () =>
    Effect.gen(function* () {
      const world = yield* withConfig
      const inner = world.sandbox.cluster
      let hasActed = false
      const acted: typeof inner = {
        ...inner,
        request: (request) => {
          const act = !hasActed && request.method === "POST" && request.path.includes("volumesnapshots")
          if (!act) return inner.request(request)
          hasActed = true
          return Effect.andThen(
            Effect.all([
              merge(world, kinds.secrets, "pass", { data: { password: "eA==" } }),
              merge(world, kinds.statefulsets, "db", { spec: { minReadySeconds: 1 } })
            ]).pipe(Effect.orDie),
            inner.request(request)
          )
        }
      }
      const options = { name: "nightly", consistency: "crash", identity: ann } as const
      const ref = { _tag: "StatefulSet", namespace: "shop", name: "db" } as const
      yield* drive(withCluster(acted)(Snapshot.take(ref, options)))
      const { summary } = yield* on(world)(SnapshotSet.describe(nightly))
      assert.sameMembers([...summary.changed], ["Secret/pass", "StatefulSet/db"])
    })
  )

  it.effect(
    "taken offline has not changed by being stopped, and its manifest has the count from before",
    () =>
      Effect.gen(function* () {
        const world = yield* withStorage({ whenScaled: "Delete" })
        yield* take(world, { consistency: "offline" })
        const { summary } = yield* on(world)(SnapshotSet.describe(nightly))
        assert.deepEqual(summary.changed, [])
        const diff = yield* on(world)(SnapshotSet.diff(nightly, null))
        assert.deepEqual(diff.differences, [])
      })
  )

  it.effect("is listed, described and planned to be deleted without a right on Secrets", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world)
      const free = withoutSecrets(world)
      const [listed] = yield* free(Snapshot.list("shop"))
      assert.isTrue(listed?.restorable)
      const { summary } = yield* free(SnapshotSet.describe(nightly))
      assert.strictEqual(summary.level, "group")
      const plan = yield* free(Prune.prepare(nightly, { last: true }))
      assert.deepEqual(plan.refusals, [])
      assert.include(plan.unchecked[0], "no permission to read Secrets")
      const error = yield* refusal(drive(free(Prune.run(plan, { identity: ann }))))
      assert.strictEqual(error.reason._tag, "Access")
      assert.lengthOf(names(world, volumesnapshots), 3)
    })
  )

  it.effect("whose cut is gone cannot be restored, and says which; without contents nobody knows", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world, { consistency: "crash" })
      const deny = [
        { apiGroups: ["snapshot.storage.k8s.io"], resources: ["volumesnapshotcontents"], verbs: ["*"] }
      ]
      const eve = withCluster(world.sandbox.as({ name: "eve", deny }))
      assert.isNull((yield* eve(SnapshotSet.describe(nightly))).restorable)
      const target = { api: kinds.volumesnapshots, namespace: "shop", name: "nightly-data-db-1" }
      yield* on(world)(Resource.remove(target))
      yield* drive(Effect.sleep("5 seconds"))
      const { restorable, obstacles } = yield* on(world)(SnapshotSet.describe(nightly))
      assert.deepEqual([restorable, obstacles], [false, ['volumesnapshot "nightly-data-db-1" is gone']])
    })
  )
})

describe("the difference of a snapshot", () => {
  it.effect("to now is told by image, key, size and count, of a Secret only that it changed", () =>
    Effect.gen(function* () {
      const world = yield* withConfig
      yield* take(world)
      const none = yield* on(world)(SnapshotSet.diff(nightly, null))
      assert.deepEqual(none.differences, [])
      const secret = "bmV3LXBhc3N3b3Jk"
      yield* merge(world, kinds.secrets, "pass", { data: { password: secret } })
      yield* merge(world, kinds.configmaps, "settings", { data: { mode: "slow" } })
      const set = yield* on(world)(
        Resource.getObject({ api: kinds.statefulsets, namespace: "shop", name: "db" })
      )
      const text = JSON.stringify(set).replaceAll(/"image":"[^"]*"/g, '"image":"db:2"')
      yield* merge(world, kinds.statefulsets, "db", {
        spec: { replicas: 2, template: { spec: JSON.parse(text).spec.template.spec } }
      })
      yield* drive(Effect.sleep("10 seconds"))
      const diff = yield* on(world)(SnapshotSet.diff(nightly, null))
      const lines = diff.differences.map(({ about, what, change }) => `${about} ${what}: ${change}`)
      assert.sameMembers(lines, [
        "images StatefulSet/db: container db: db:1 -> db:2",
        "configuration ConfigMap/settings: differs in mode",
        "secrets Secret/pass: changed",
        "topology StatefulSet/db: 3 -> 2 replicas",
        "sizes PersistentVolumeClaim/data-db-2: is gone (1Gi)"
      ])
      const said = JSON.stringify(diff)
      for (const value of [secret, password, "fast", "slow"]) assert.notInclude(said, value)
      yield* take(world, { name: "later" })
      const between = yield* on(world)(SnapshotSet.diff(nightly, { ...nightly, name: "later" }))
      assert.deepEqual(between.differences, diff.differences)
    })
  )
})

describe("pruning", () => {
  const taken = (world: World, ...sets: ReadonlyArray<string>) =>
    Effect.forEach(sets, (name) => Effect.andThen(take(world, { name }), drive(Effect.sleep("2 seconds"))), {
      discard: true
    })

  it.effect("goes by age among those that are not kept, and never takes the last good one", () =>
    Effect.gen(function* () {
      const world = yield* withStorage({ replicas: 1 })
      yield* taken(world, "a", "b", "c")
      const listed = yield* on(world)(Snapshot.list("shop"))
      const newest = Date.parse(listed[0]?.summary.created ?? "")
      const which = (keep: Prune.Keep, now: number) =>
        Prune.beyond(listed, keep, now).map(({ summary }) => summary.name)
      assert.deepEqual(which({ expire: 0 }, newest + 60_000), ["b", "a"])
      assert.deepEqual(which({ keep: 2, expire: 0 }, newest + 60_000), ["a"])
      assert.deepEqual(which({ keep: 1, expire: 3_600_000 }, newest), [])
      // A number that was not read, or was reckoned wrong, deletes nothing.
      for (const expire of [Number.NaN, -1, "-30 days"] as const)
        assert.throws(() => which({ expire }, newest + 60_000), /is no age/)
      assert.deepEqual(which({ keep: Number.NaN }, newest + 60_000), [])
      // What is not complete is no good one, and is none of what goes by number or age.
      const broken = listed.map((one) => (one.summary.name === "c" ? { ...one, ready: [] } : one))
      const left = Prune.beyond(broken, { expire: 0 }, newest + 60_000).map(({ summary }) => summary.name)
      assert.deepEqual(left, ["a"])
    })
  )

  it.effect("counts ages to the earlier of two times, this machine's and the cluster's", () =>
    Effect.gen(function* () {
      const world = yield* withStorage({ replicas: 1 })
      yield* taken(world, "a", "b")
      const inner = world.sandbox.cluster
      /** The names of those older than an hour, on a cluster whose clock is behind or ahead of this machine's. */
      const old = (ahead: number) => {
        const request: typeof inner.request = (asked) =>
          Effect.map(inner.request(asked), (answer) => {
            const date = new Date(world.sandbox.registry.now() + ahead).toUTCString()
            return { ...answer, headers: { ...answer.headers, date } }
          })
        const listed = withCluster({ ...inner, request })(Prune.listBeyond("shop", { expire: "1 hour" }))
        return Effect.map(listed, (all) => all.map(({ summary }) => summary.name))
      }
      assert.deepEqual(yield* old(0), [])
      assert.deepEqual(yield* old(7_200_000), [])
      yield* drive(Effect.sleep("2 hours"), 10_000_000)
      assert.deepEqual(yield* old(-7_200_000), [])
      assert.deepEqual(yield* old(0), ["a"])
    })
  )

  it.effect("is refused while a restore of it is not over, also where that began after the plan", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world)
      const early = yield* on(world)(Prune.prepare(nightly, { last: true }))
      const atStop = when(({ write, request }) => write && request.path.includes("/persistentvolumeclaims"), {
        _tag: "Kill",
        applied: true
      })
      const { cluster } = inject(world.sandbox.cluster, atStop)
      yield* drive(Effect.exit(withCluster(cluster)(Restore.restore(nightly, { identity: ann }))))
      const plan = yield* on(world)(Prune.prepare(nightly, { last: true }))
      assert.match(plan.refusals[0]?.reason ?? "", /in use: .*a restore, has not finished/)
      const error = yield* refusal(drive(on(world)(Prune.run(early, { identity: ann }))))
      assert.match(error.message, /in use: .*a restore, has not finished/)
      assert.lengthOf(contents(world), 4)
    })
  )

  it.effect("deletes nothing that the record in the Secret does not name, whatever the list says", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world, { consistency: "crash" })
      yield* take(world, { name: "other", consistency: "crash" })
      const name = "kubectl-stateful.snapshot.nightly"
      const [other, own] = (yield* on(world)(Snapshot.list("shop"))).map(({ summary }) => summary)
      const foreign = "other-data-db-0"
      const cuts = (own?.cuts ?? []).map((cut, index) => other?.cuts[index === 0 ? 0 : 9] ?? cut)
      const text = JSON.stringify({ ...own, cuts })
      yield* merge(world, kinds.configmaps, name, { data: { "summary.json": text } })
      const plan = yield* on(world)(Prune.prepare(nightly, { last: true }))
      assert.match(plan.refusals[0]?.reason ?? "", /"other-data-db-0" was not created for snapshot nightly/)
      yield* merge(world, kinds.volumesnapshots, foreign, {
        metadata: { labels: { "kubectl-stateful.dev/set": "nightly" } }
      })
      const labelled = yield* on(world)(Prune.prepare(nightly, { last: true }))
      assert.deepEqual(labelled.refusals, [])
      const error = yield* refusal(drive(on(world)(Prune.run(labelled, { identity: ann }))))
      assert.include(
        error.message,
        '"other-data-db-0" is not one of its volume snapshots: nothing of nightly was deleted'
      )
      assert.lengthOf(names(world, volumesnapshots), 6)
    })
  )
})
