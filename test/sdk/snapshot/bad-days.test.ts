/** Sets that are taken on bad days: each ends as it should, with a way out, and with nothing half made. */
import { randomBytes } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { statefulSet } from "../../../packages/sdk/src/App.ts"
import type { Request } from "../../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { when } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { driver } from "../../../packages/sandbox/src/node/Nodes.ts"
import { pods, secrets } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import {
  volumegroupsnapshotclasses,
  volumesnapshotclasses
} from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { objects, wire } from "../../simulation/defects.ts"
import { drive, type World, withCluster } from "../../simulation/world.ts"
import { ann, bob, neighbour, on, refusal } from "../scale/callers.ts"
import { app, assertNothingLeft, names, policies, take, withStorage } from "./world.ts"

const snapshotClass = (
  name: string,
  of: string,
  parameters: object = {},
  annotations: Readonly<Record<string, string>> = {}
) => ({
  apiVersion: "snapshot.storage.k8s.io/v1",
  kind: "VolumeSnapshotClass",
  metadata: { name, annotations },
  driver: of,
  deletionPolicy: "Delete",
  parameters
})

const isDefault = { "snapshot.storage.kubernetes.io/is-default-class": "true" }
const alone = { consistency: "crash" } as const
const how = { identity: ann, stepTimeout: 20_000 }

/** What it is refused with, the way out with it, and that nothing was made for it. */
const refused = (
  world: World,
  options: Partial<Snapshot.SnapshotOptions> = {},
  cluster = world.sandbox.cluster
) =>
  Effect.gen(function* () {
    const taking = Snapshot.take(app, { name: "nightly", identity: ann, ...options })
    const { reason, message, action } = yield* refusal(drive(withCluster(cluster)(taking)))
    assert.strictEqual(reason._tag, "Refused", message)
    assertNothingLeft(world)
    return `${message}; ${action ?? ""}`
  })

describe("a set is refused before anything is made", () => {
  it.effect("where the cluster has no kinds for it, and it is said what to install", () =>
    Effect.gen(function* () {
      const without = ["snapshot", "groupsnapshot"].flatMap((group) =>
        ["s", "contents", "classes"].map((end) => `volume${group}${end}.${group}.storage.k8s.io`)
      )
      const world = yield* withStorage({ without })
      for (const options of [{}, alone])
        assert.match(
          yield* refused(world, options),
          /the API snapshot.storage.k8s.io is not installed; install kubernetes-csi\/external-snapshotter/
        )
    })
  )

  it.effect("where its driver has no class", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      for (const type of [volumesnapshotclasses, volumegroupsnapshotclasses])
        for (const { metadata } of world.sandbox.store.list(type))
          world.sandbox.registry.remove(type, undefined, metadata.name, {})
      assert.match(
        yield* refused(world),
        /has no VolumeSnapshotClass; create a VolumeSnapshotClass with driver/
      )
    })
  )

  it.effect("where two classes are the default, and both are named", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      world.sandbox.create(snapshotClass("second", driver, {}, isDefault))
      assert.match(
        yield* refused(world, alone),
        /has two default classes: second, snap; choose one with --class/
      )
    })
  )

  it.effect("where the class that is asked for is of another driver, or is not there", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      world.sandbox.create(snapshotClass("other", "other.csi.example.com"))
      for (const name of ["other", "none"])
        assert.match(
          yield* refused(world, { ...alone, class: name }),
          new RegExp(`VolumeSnapshotClass ${name} does not belong to driver .*; use one of its own: snap`)
        )
    })
  )

  for (const [what, source, words] of [
    ["a host's path", { hostPath: { path: "/srv" } }, /data-db-1: hostPath volumes do not support snapshots/],
    [
      "of a driver without snapshots",
      { csi: { driver: "nfs.csi.example.com", volumeHandle: "v" } },
      /driver nfs.csi.example.com has no VolumeSnapshotClass/
    ]
  ] as const) {
    it.effect(`where one claim's volume is ${what}`, () =>
      Effect.gen(function* () {
        const world = yield* withStorage()
        const other = wire(() => ({
          take: objects("PersistentVolume", (volume) =>
            volume.spec.claimRef?.name === "data-db-1"
              ? { ...volume, spec: { ...volume.spec, csi: undefined, ...source } }
              : volume
          )
        }))
        assert.match(yield* refused(world, {}, other(world.sandbox.cluster, world)), words)
      })
    )
  }
})

/** The set's Pods mount these volumes too. */
const mounts = (world: World, volumes: ReadonlyArray<{ readonly name: string }>) =>
  Effect.gen(function* () {
    const set = { api: kinds.statefulsets, namespace: "shop", name: "db" }
    const volumeMounts = [{ name: "data" }, ...volumes].map(({ name }) => ({ name, mountPath: `/${name}` }))
    const containers = [{ name: "db", image: "db:1", volumeMounts }]
    const template = { spec: { volumes, containers } }
    yield* on(world)(Resource.patch(set, { _tag: "Merge", value: { spec: { template } } }))
    yield* drive(Effect.sleep("20 seconds"))
  })

describe("a set of an application", () => {
  it.effect("that writes to an emptyDir and to a host's path names both as left out", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const [cache, host] = [
        { name: "cache", emptyDir: {} },
        { name: "host", hostPath: { path: "/srv" } }
      ]
      yield* mounts(world, [cache, host])
      assert.strictEqual((yield* take(world)).outcome, "Succeeded")
      const [listed] = yield* on(world)(Snapshot.list("shop"))
      assert.deepEqual(listed?.summary.leftOut, [
        { what: "emptyDir cache of StatefulSet/db", why: "db:/cache is on no claim" },
        { what: "hostPath /srv of StatefulSet/db", why: "db:/host is on no claim" }
      ])
    })
  )

  it.effect("that keeps its data on no claim is warned that the snapshot has none of it", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const labels = { app: "cache" }
      const volumes = [{ name: "data", emptyDir: {} }]
      const mounted = {
        name: "redis",
        image: "redis:8",
        volumeMounts: [{ name: "data", mountPath: "/data" }]
      }
      const template = { metadata: { labels }, spec: { containers: [mounted], volumes } }
      const spec = { serviceName: "cache", replicas: 1, selector: { matchLabels: labels }, template }
      const metadata = { name: "cache", namespace: "shop" }
      world.sandbox.create({ apiVersion: "apps/v1", kind: "StatefulSet", metadata, spec })
      yield* drive(Effect.sleep("20 seconds"))
      const taking = Snapshot.prepare(statefulSet("shop", "cache"), { name: "nightly" })
      const { warnings } = yield* on(world)(taking)
      assert.deepEqual(warnings, [
        "the snapshot has no volume, only manifests",
        "emptyDir data of StatefulSet/cache is not in the snapshot: redis:/data is on no claim"
      ])
      yield* drive(on(world)(Snapshot.take(statefulSet("shop", "cache"), { name: "nightly", identity: ann })))
      const [listed] = yield* on(world)(Snapshot.list("shop"))
      assert.include(JSON.stringify(listed), "there is no claim")
    })
  )

  it.effect("whose configuration is larger than a Secret may be has a record in parts, and is listed", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const data = { big: randomBytes(700_000).toString("base64") }
      const big = ["big-0", "big-1"]
      for (const name of big) {
        const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "shop" }, data }
        world.sandbox.create(map)
      }
      yield* mounts(
        world,
        big.map((name) => ({ name, configMap: { name } }))
      )
      assert.strictEqual((yield* take(world)).outcome, "Succeeded")
      const record = "kubectl-stateful.snapshot.nightly"
      assert.includeMembers(names(world, secrets), [record, `${record}.2`])
      assert.lengthOf(yield* on(world)(Snapshot.list("shop")), 1)
    })
  )

  it.effect("one of whose nodes is lost as it is cut is cut: the storage does that", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const node = world.sandbox.store.get(pods, "shop", "db-1")?.spec.nodeName ?? ""
      const act = Effect.sync(() => world.sandbox.loseNode(node))
      const cluster = neighbour(
        world,
        ({ method, path }) => method === "POST" && path.endsWith("/volumesnapshots"),
        act
      )
      const taking = Snapshot.take(app, { name: "nightly", ...alone, ...how })
      const { outcome, result } = yield* drive(withCluster(cluster)(taking))
      assert.strictEqual(outcome, "Succeeded")
      assert.deepInclude(result, { level: "crash", claims: 3 })
    })
  )
})

describe("a set whose cuts do not come", () => {
  it.effect("since one of many fails for good is missed, says why, and the others go", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      world.sandbox.create(snapshotClass("failing", driver, { failCut: "Internal:1000" }))
      const plan = yield* on(world)(Snapshot.prepare(app, { name: "nightly", ...alone }))
      const of = (name: string) => `"class":"${name}","as":"nightly-data-db-1"`
      const text = JSON.stringify(plan).replace(of("snap"), of("failing"))
      assert.include(text, of("failing"))
      const error = yield* refusal(drive(on(world)(Snapshot.run(JSON.parse(text), how))))
      assert.strictEqual(error.reason._tag, "LevelMissed")
      assert.match(error.message, /^no volume snapshot within 20s: data-db-1 \(.*code = Internal/)
      assert.match(
        String(error.action),
        /what was created is deleted; check the logs of the snapshot controller/
      )
      assertNothingLeft(world)
    })
  )

  it.effect("since no controller works on them is missed with what to look at, and leaves nothing", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      // Of a class that is not there any more: nobody works on it, as with a controller that is down.
      const blind = wire(() => ({
        send: (request) =>
          request.method === "POST" && request.path.endsWith("/volumesnapshots")
            ? { ...request, body: (request.body ?? "").replace('"snap"', '"of-nobody"') }
            : request
      }))
      const taking = Snapshot.take(app, { name: "nightly", ...alone, ...how })
      const error = yield* refusal(drive(withCluster(blind(world.sandbox.cluster, world))(taking)))
      assert.strictEqual(error.reason._tag, "LevelMissed")
      assert.match(error.message, /^no volume snapshot within 20s: data-db-0/)
      assert.match(String(error.action), /deleted; check the logs of the snapshot controller/)
      assertNothingLeft(world)
    })
  )

  it.effect("ready as long as anybody waits stops with both ways out, and an abort leaves nothing", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      world.sandbox.create(snapshotClass("never", driver, { readyAfter: "24h" }))
      const taking = Snapshot.take(app, { name: "nightly", ...alone, class: "never", ...how })
      const error = yield* refusal(drive(on(world)(taking)))
      assert.strictEqual(error.reason._tag, "TimedOut")
      assert.match(error.message, /^not ready to use in 20s: data-db-0/)
      assert.match(String(error.action), /a resume continues to wait; or abort/)
      const [open] = yield* on(world)(Journal.list("shop", "db"))
      const at = { namespace: "shop", id: open?.plan.id ?? "" }
      assert.strictEqual((yield* drive(on(world)(Snapshot.abort(at, { identity: bob })))).outcome, "Aborted")
      assertNothingLeft(world)
    })
  )

  it.effect("to stay ready is not called complete: one that fails once it was ready is named", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world, alone)
      const failed = wire(() => ({
        take: objects("VolumeSnapshot", (cut) =>
          cut.metadata.name === "nightly-data-db-1"
            ? { ...cut, status: { ...cut.status, readyToUse: false, error: { message: "the pool is gone" } } }
            : cut
        )
      }))
      const [listed] = yield* withCluster(failed(world.sandbox.cluster, world))(Snapshot.list("shop"))
      assert.deepEqual(listed?.ready, ["data-db-0", "data-db-2"])
    })
  )
})

describe("a set whose cuts are read as they were before", () => {
  it.effect("has all its contents under Retain: none is passed over", () =>
    Effect.gen(function* () {
      for (let nth = 2; nth <= 4; nth++) {
        const world = yield* withStorage({ replicas: 2 })
        let seen = 0
        const isRead = ({ method, path }: Request) =>
          method === "GET" && path.endsWith("/volumesnapshots/nightly-data-db-1") && ++seen === nth
        const lags = when(({ request }) => isRead(request), { _tag: "Lag" })
        const taking = Snapshot.take(app, { name: "nightly", ...alone, ...how })
        yield* drive(Effect.exit(withCluster(inject(world.sandbox.cluster, lags).cluster)(taking)))
        assert.isAtLeast(seen, nth)
        assert.deepEqual(policies(world), ["Retain"], `read ${nth}`)
      }
    })
  )
})
