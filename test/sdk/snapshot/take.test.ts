import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { selector } from "../../../packages/sdk/src/App.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { atCall, when } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import { configmaps, persistentvolumes, secrets } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import {
  volumegroupsnapshots,
  volumesnapshotcontents,
  volumesnapshots
} from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import type { Request } from "../../../packages/sdk/src/Cluster.ts"
import { kinds, volumeGroupSnapshotContents } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { decode } from "../../../packages/sdk/src/step/record.ts"
import { recordName } from "../../../packages/sdk/src/RecordName.ts"
import { wokenAnnotation } from "../../../packages/sdk/src/Labels.ts"
import { wakingSidecars } from "../../../packages/sdk/src/step/wakeSidecars.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, on } from "../scale/callers.ts"
import {
  app,
  assertNothingLeft,
  contents,
  dying,
  every,
  names,
  password,
  policies,
  replicasOf,
  take,
  withStorage
} from "./world.ts"

const ways = { resume: Snapshot.resume, abort: Snapshot.abort }

describe("a snapshot", () => {
  it.effect("by auto is one group, whose members are cut at one moment and kept", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const result = yield* take(world)
      assert.strictEqual(result.outcome, "Succeeded", result.unmet.join())
      assert.deepInclude(result.result, { set: "nightly", level: "group", skew: 0, claims: 3 })
      assert.deepEqual(names(world, volumegroupsnapshots), ["nightly"])
      assert.lengthOf(names(world, volumesnapshots), 3)
      assert.deepEqual(policies(world), ["Retain"])
      assert.strictEqual(replicasOf(world), 3)
    })
  )

  it.effect("by its level crash is a snapshot of each claim, named by set and claim", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const { outcome, result } = yield* take(world, { consistency: "crash" })
      assert.strictEqual(outcome, "Succeeded")
      assert.deepInclude(result, { level: "crash", claims: 3 })
      assert.deepEqual(names(world, volumesnapshots).toSorted(), [
        "nightly-data-db-0",
        "nightly-data-db-1",
        "nightly-data-db-2"
      ])
      assert.deepEqual(policies(world), ["Retain"])
    })
  )

  it.effect("taken offline is cut while nothing runs, and the count is the one from before", () =>
    Effect.gen(function* () {
      const world = yield* withStorage({ whenScaled: "Delete" })
      const { outcome, unmet } = yield* take(world, { consistency: "offline" })
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assert.strictEqual(replicasOf(world), 3)
      assert.deepEqual(
        world.sandbox.store.list(persistentvolumes).map(({ spec }) => spec.persistentVolumeReclaimPolicy),
        ["Delete", "Delete", "Delete"]
      )
      const when = world.sandbox.store.get(statefulsets, "shop", "db")?.spec
        .persistentVolumeClaimRetentionPolicy
      assert.strictEqual(when?.whenScaled, "Delete")
      const ended = world.log.lastIndexOf("delete db-0")
      const started = world.log.lastIndexOf("create db-0")
      assert.isBelow(ended, started)
    })
  )

  for (const [where, change] of [
    ["its caller dies once all is back", () => {}],
    [
      "its caller dies then, and somebody deletes its list entry",
      ({ sandbox }: World) => sandbox.store.remove(configmaps, "shop", recordName("nightly"))
    ]
  ] as const) {
    it.effect(`taken offline stops nothing again, and is kept, where ${where}`, () =>
      Effect.gen(function* () {
        const world = yield* withStorage()
        world.log.length = 0
        const inner = world.sandbox.cluster
        const isBack = () => world.log.includes("ready db-2")
        const dying: typeof inner = {
          ...inner,
          request: (request) => (isBack() ? Effect.die("killed") : inner.request(request))
        }
        const options = { name: "nightly", consistency: "offline", identity: ann } as const
        yield* Effect.exit(drive(withCluster(dying)(Snapshot.take(app, options))))
        const [entry] = yield* on(world)(Journal.list("shop", "db"))
        assert.isTrue(isBack() && entry !== undefined && Journal.isOpen(entry.status))
        world.log.length = 0
        change(world)
        const at = { namespace: "shop", id: entry?.plan.id ?? "" }
        const { outcome } = yield* drive(on(world)(Snapshot.resume(at, { identity: bob })))
        assert.strictEqual(outcome, "Succeeded")
        const [listed] = yield* on(world)(Snapshot.list("shop"))
        assert.deepInclude(listed?.summary, { name: "nightly", level: "offline" })
        assert.deepEqual(
          world.log.filter((line) => line.startsWith("delete")),
          []
        )
      })
    )
  }

  it.effect("has a record in a Secret, and beside it what a list shows, without a value", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world)
      const record = world.sandbox.store.get(secrets, "shop", recordName("nightly"))
      const whole = decode([String(Reflect.get(Object(Reflect.get(Object(record), "data")), "record"))])
      const text = JSON.stringify(whole)
      assert.include(text, '"kind":"SnapshotRecord"')
      assert.include(text, '"kind":"StatefulSet"')
      const index = world.sandbox.store.get(configmaps, "shop", recordName("nightly"))
      assert.notInclude(JSON.stringify(index), password)
      const [listed] = yield* on(world)(Snapshot.list("shop"))
      assert.deepInclude(listed?.summary, { name: "nightly", level: "group", skew: 0, retained: true })
      assert.deepEqual(listed?.ready, ["data-db-0", "data-db-1", "data-db-2"])
      assert.isUndefined(record?.metadata.annotations?.["kubectl-stateful.dev/operation"])
    })
  )

  for (const [consistency, api, key] of [
    ["crash", kinds.volumesnapshotcontents, "snapshot.storage.kubernetes.io/volumesnapshot-being-created"],
    [
      "group",
      volumeGroupSnapshotContents,
      "groupsnapshot.storage.kubernetes.io/volumegroupsnapshot-being-created"
    ]
  ] as const) {
    it.effect(`${consistency}: an abort deletes none that is taken before its sidecar has said so`, () =>
      Effect.gen(function* () {
        const world = yield* withStorage()
        const isRecord = ({ method, path }: Request) => method === "POST" && path.endsWith("/secrets")
        const options = { name: "nightly", consistency, identity: ann }
        yield* drive(Effect.exit(dying(world, isRecord)(Snapshot.take(app, options))))
        const [entry] = yield* on(world)(Journal.list("shop", "db"))
        const annotate = (value: string | null) =>
          Effect.forEach(
            contents(world).filter(({ kind }) => kind === api.kind),
            ({ metadata: { name } }) =>
              on(world)(
                Resource.patch(
                  { api, name },
                  { _tag: "Merge", value: { metadata: { annotations: { [key]: value } } } }
                )
              )
          )
        yield* annotate("yes")
        const abort = on(world)(
          Snapshot.abort({ namespace: "shop", id: entry?.plan.id ?? "" }, { identity: bob })
        )
        const confirm = Effect.gen(function* () {
          yield* Effect.sleep("5 seconds")
          const all = world.sandbox.store.list(volumesnapshots, "shop")
          assert.deepEqual(
            all.map(({ metadata }) => metadata.deletionTimestamp),
            [undefined, undefined, undefined]
          )
          yield* annotate(null)
        })
        const [{ outcome }] = yield* drive(Effect.all([abort, confirm], { concurrency: 2 }))
        assert.strictEqual(outcome, "Aborted")
        assertNothingLeft(world)
      })
    )
  }

  it.effect("crash: an abort wakes the sidecar that missed a deletion while it asked its driver", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const isRecord = ({ method, path }: Request) => method === "POST" && path.endsWith("/secrets")
      const options = { name: "nightly", consistency: "crash" as const, identity: ann }
      yield* drive(Effect.exit(dying(world, isRecord)(Snapshot.take(app, options))))
      const [entry] = yield* on(world)(Journal.list("shop", "db"))
      const key = "snapshot.storage.kubernetes.io/volumesnapshot-being-created"
      const annotate = (value: string | null) =>
        Effect.forEach(world.sandbox.store.list(volumesnapshotcontents), ({ metadata: { name } }) =>
          on(world)(
            Resource.patch(
              { api: kinds.volumesnapshotcontents, name },
              { _tag: "Merge", value: { metadata: { annotations: { [key]: value } } } }
            )
          )
        )
      const isDrop = ({ method, path }: Request) =>
        method === "DELETE" && path.endsWith("/volumesnapshots/nightly-data-db-1")
      let dropped = 0
      const abort = withCluster({
        ...world.sandbox.cluster,
        request: (request) =>
          Effect.gen(function* () {
            // The sidecar asks its driver just now.
            if (isDrop(request) && dropped++ === 0) yield* Effect.orDie(annotate("yes"))
            return yield* world.sandbox.cluster.request(request)
          })
      })(Snapshot.abort({ namespace: "shop", id: entry?.plan.id ?? "" }, { identity: bob }))
      const confirm = Effect.andThen(Effect.sleep("5 seconds"), annotate(null))
      const began = world.sandbox.registry.now()
      const [{ outcome }] = yield* drive(Effect.all([abort, confirm], { concurrency: 2 }))
      assert.strictEqual(dropped, 1)
      assert.strictEqual(outcome, "Aborted")
      assertNothingLeft(world)
      assert.isBelow(world.sandbox.registry.now() - began, 60_000)
    })
  )

  it.effect("whose status names a content of another namespace wakes no sidecar of that one", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const foreign = (namespace: string) => ({
        apiVersion: "snapshot.storage.k8s.io/v1",
        kind: "VolumeSnapshotContent",
        metadata: { name: `of-${namespace}`, finalizers: ["example.com/held"] },
        spec: {
          deletionPolicy: "Retain",
          driver: "other.example.com",
          source: { snapshotHandle: `handle-${namespace}` },
          volumeSnapshotRef: { name: "theirs", namespace }
        }
      })
      const targets = ["shop", "other"].map((namespace) => {
        world.sandbox.create(foreign(namespace))
        return { api: kinds.volumesnapshotcontents, name: `of-${namespace}` }
      })
      for (const target of targets) yield* on(world)(Resource.remove(target))
      yield* drive(on(world)(wakingSidecars("shop", targets, Effect.sleep("20 seconds"))))
      const woken = contents(world).filter(({ metadata }) => metadata.annotations?.[wokenAnnotation])
      assert.deepEqual(
        woken.map(({ metadata }) => metadata.name),
        ["of-shop"]
      )
    })
  )

  it.effect("is not taken where a webhook writes another record than was sent", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const inner = world.sandbox.cluster
      const webhook: typeof inner = {
        ...inner,
        request: (request) =>
          request.method === "POST" && request.path.endsWith("/secrets")
            ? inner.request({
                ...request,
                body: (request.body ?? "").replace(/"record":"[^"]*"/, '"record":"AAAA"')
              })
            : inner.request(request)
      }
      const taken = Snapshot.take(app, { name: "nightly", identity: ann })
      yield* Effect.flip(drive(withCluster(webhook)(taken)))
      assert.deepEqual(
        names(world, configmaps).filter((name) => name === recordName("nightly")),
        []
      )
    })
  )

  it.effect("of a name that is taken is refused before anything is cut", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world)
      const again = yield* Effect.flip(take(world))
      assert.strictEqual(again.message, "snapshot nightly already exists")
      assert.lengthOf(names(world, volumesnapshots), 3)
    })
  )

  for (const consistency of ["group", "crash", "offline"] as const) {
    it.effect(
      `${consistency}: a caller that dies at any request leaves what an abort removes, and a resume ends`,
      () =>
        Effect.gen(function* () {
          let points = 0
          for (let index = 1; ; index += every) {
            const ends = yield* Effect.forEach(["abort", "resume"] as const, (way) =>
              Effect.gen(function* () {
                const world = yield* withStorage()
                const { cluster, record } = inject(
                  world.sandbox.cluster,
                  atCall(index, { _tag: "Kill", applied: true })
                )
                const options = { name: "nightly", consistency, identity: ann }
                yield* drive(Effect.exit(withCluster(cluster)(Snapshot.take(app, options))))
                if (record.calls.length < index) return false
                const entries = yield* on(world)(Journal.list("shop", "db"))
                const open = entries.find(({ status }) => Journal.isOpen(status))
                if (open === undefined) return true
                const at = { namespace: "shop", id: open.plan.id }
                const ended = yield* drive(on(world)(ways[way](at, { identity: bob })))
                assert.strictEqual(
                  ended.outcome,
                  way === "abort" ? "Aborted" : "Succeeded",
                  `${index}: ${ended.unmet.join()}`
                )
                assert.strictEqual(replicasOf(world), 3, `${index}`)
                if (way === "abort") assertNothingLeft(world)
                else assert.lengthOf(names(world, volumesnapshots), 3)
                return true
              })
            )
            if (ends.includes(false)) break
            points += 1
          }
          console.log(`${consistency}: ${points} points`)
          assert.isAbove(points, 3)
        })
    )
  }

  for (const consistency of ["group", "crash"] as const) {
    it.effect(`${consistency}: a lost reply at any request is looked up, and nothing is made twice`, () =>
      Effect.gen(function* () {
        let points = 0
        for (let index = 1; ; index += every) {
          const world = yield* withStorage()
          const { cluster, record } = inject(world.sandbox.cluster, atCall(index, { _tag: "LoseReply" }))
          const options = { name: "nightly", consistency, identity: ann }
          const ended = yield* drive(Effect.exit(withCluster(cluster)(Snapshot.take(app, options))))
          if (record.calls.length < index) break
          points += 1
          // A question before the operation has begun may fail: nothing is made then.
          if (ended._tag === "Failure") assertNothingLeft(world)
          else {
            assert.strictEqual(ended.value.outcome, "Succeeded", `${index}`)
            assert.lengthOf(names(world, volumesnapshots), 3)
          }
        }
        console.log(`${consistency}, a lost reply: ${points} points`)
        assert.isAbove(points, 2)
      })
    )
  }
})

describe("a snapshot of several workloads", () => {
  it.effect("is one cut over all of them, and excludes an operation on any of them", () =>
    Effect.gen(function* () {
      const world = yield* withStorage({ replicas: 2 })
      const label = { metadata: { labels: { tier: "shop" } } }
      const db = { api: kinds.statefulsets, namespace: "shop", name: "db" }
      yield* on(world)(Resource.patch(db, { _tag: "Merge", value: label }))
      const set = world.sandbox.store.get(statefulsets, "shop", "db")
      const template = { ...set?.spec.template, metadata: { labels: { app: "web" } } }
      const web = {
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "web", namespace: "shop", ...label.metadata },
        spec: {
          ...set?.spec,
          replicas: 1,
          serviceName: "web",
          selector: { matchLabels: { app: "web" } },
          template
        }
      }
      world.sandbox.create(web)
      yield* drive(Effect.sleep("10 seconds"))
      const ref = selector("shop", "tier=shop")
      const { outcome, result, unmet } = yield* drive(
        on(world)(Snapshot.take(ref, { name: "all", identity: ann }))
      )
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assert.deepInclude(result, { level: "group", claims: 3, skew: 0 })
      // One that stops on its way holds every workload, whichever name is given.
      const atTheCut = when(({ write, request }) => write && request.path.includes("/volumegroupsnapshots"), {
        _tag: "Kill",
        applied: true
      })
      const { cluster } = inject(world.sandbox.cluster, atTheCut)
      yield* drive(Effect.exit(withCluster(cluster)(Snapshot.take(ref, { name: "next", identity: ann }))))
      const plan = yield* on(world)(Scale.prepare({ namespace: "shop", name: "web" }, { replicas: 2 }))
      const { refusals } = yield* on(world)(Scale.dryRun(plan, "client"))
      assert.include(
        refusals[0]?.reason,
        "(snapshot) on tier=shop was started by ann@laptop and is unfinished"
      )
    })
  )
})
