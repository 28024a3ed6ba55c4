import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { selector, statefulSet as ref } from "../../../packages/sdk/src/App.ts"
import type { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import { read, readAllCounted, readCounted, watch } from "../../../packages/sdk/src/State.ts"
import { claim, lists, type Json, object, pod, statefulSet, volume } from "../objects.ts"
import { type Wire, wire } from "../wire.ts"

const all = (): Wire["objects"] => lists({ namespaces: [object("shop")] }) as Wire["objects"]
const app = ref("shop", "db")

/** Runs to its end in virtual time. */
const finish = <A, E>(effect: Effect.Effect<A, E, Cluster>, on: Wire) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.provide(effect, on.layer))
    yield* TestClock.adjust("10 minutes")
    return yield* Fiber.join(fiber)
  })

const askedFor = (on: Wire) => on.asked.map(({ path }) => path.split("/").at(-1))

describe("reading one app", () => {
  it.effect("asks once per kind, in two rounds", () =>
    Effect.gen(function* () {
      const on = wire(all(), ["volumesnapshots", "volumegroupsnapshots"])
      const { value, cost } = yield* finish(readCounted(app), on)
      assert.deepEqual([value.replicas.length, value.claims.length, value.unread.length], [3, 6, 0])
      assert.equal(new Set(askedFor(on)).size, on.asked.length)
      assert.deepEqual([cost.rounds, cost.requests], [2, on.asked.length])
    })
  )

  it.effect(
    "takes no more than four rounds for 500 pods with 1000 claims, and as many requests as for three",
    () =>
      Effect.gen(function* () {
        const ordinals = Array.from({ length: 500 }, (_, ordinal) => ordinal)
        const few = yield* finish(readCounted(app), wire(all()))
        const many = wire({
          ...all(),
          statefulsets: [statefulSet({ spec: { replicas: 500 } })],
          pods: ordinals.map((ordinal) => pod(ordinal)),
          persistentvolumeclaims: ordinals.flatMap((ordinal) => [
            claim(`data-db-${ordinal}`),
            claim(`wal-db-${ordinal}`)
          ])
        })
        const { value, cost } = yield* finish(readCounted(app), many)
        assert.deepEqual([value.replicas.length, value.claims.length], [500, 1000])
        assert.isAtMost(cost.rounds, 4)
        assert.equal(cost.requests, few.cost.requests)
      })
  )

  it.effect("never asks for a Secret's or a ConfigMap's data, nor for any Secret of a Helm release", () =>
    Effect.gen(function* () {
      const on = wire(all())
      yield* finish(read(app), on)
      const data = on.asked.filter(({ path }) => /\/(secrets|configmaps)$/.test(path))
      assert.equal(data.length, 2)
      assert.isTrue(data.every(({ accept }) => accept.includes("as=PartialObjectMetadataList")))
      const secrets = data.find(({ path }) => path.endsWith("secrets"))
      assert.equal(secrets?.query["fieldSelector"], "type!=helm.sh/release.v1")
    })
  )

  /** A volume of the app whose driver is called with Secrets of its own namespace. */
  const driverSecrets = (): Wire["objects"] => ({
    ...all(),
    persistentvolumes: [0, 1, 2].map((ordinal) =>
      volume(`data-db-${ordinal}`, {
        spec: {
          csi: {
            nodeStageSecretRef: { name: "stage", namespace: "storage" },
            controllerExpandSecretRef: { name: "grow", namespace: "storage" }
          }
        }
      })
    ),
    secrets: [{ metadata: { name: "stage", namespace: "storage" } }]
  })

  it.effect("lists the names of Secrets once in each namespace of which a volume names any", () =>
    Effect.gen(function* () {
      for (const asked of ["one", "namespace", "cluster"] as const) {
        const on = wire(driverSecrets())
        const { state, rounds } = yield* asked === "one"
          ? Effect.map(finish(readCounted(app), on), ({ value, cost }) => ({
              state: value,
              rounds: cost.rounds
            }))
          : Effect.map(
              finish(readAllCounted({ namespace: asked === "namespace" ? "shop" : null }), on),
              ({ value, cost }) => ({ state: value[0], rounds: cost.rounds })
            )
        assert.deepEqual(
          state?.dependencies.map(({ name, present }) => [name, present]),
          [
            ["grow", false],
            ["stage", true]
          ],
          asked
        )
        assert.isAtMost(rounds, 2)
        const lists = on.asked.filter(({ path }) => path.endsWith("/secrets"))
        assert.isTrue(lists.every(({ accept }) => accept.includes("as=PartialObjectMetadataList")))
        assert.deepEqual(
          lists.map(({ path }) => path),
          asked === "cluster"
            ? ["/api/v1/secrets"]
            : ["/api/v1/namespaces/shop/secrets", "/api/v1/namespaces/storage/secrets"]
        )
      }
    })
  )

  it.effect("says of which namespace it could not read the Secrets, and does not call them missing", () =>
    Effect.gen(function* () {
      const state = yield* finish(read(app), wire({ ...driverSecrets(), secrets: 403 }))
      assert.deepEqual(
        state.dependencies.map(({ present }) => present),
        [null, null]
      )
      assert.deepEqual(
        state.unread.map(({ resource }) => resource),
        ["secrets", "secrets of namespace storage"]
      )
    })
  )

  it.effect("keeps nothing of a Secret's annotations, where kubectl apply leaves its values", () =>
    Effect.gen(function* () {
      const volumes = [{ name: "tls", secret: { secretName: "tls" } }]
      const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "CANARY" }
      const on = wire({
        ...all(),
        statefulsets: [statefulSet({ spec: { template: { spec: { volumes } } } })],
        secrets: [object("tls", { metadata: { annotations } })]
      })
      const { value } = yield* finish(readCounted(app), on)
      assert.isTrue(value.references[0]?.present)
      assert.notInclude(JSON.stringify(value), "CANARY")
    })
  )

  it.effect("asks for the pods by the StatefulSet's own selector", () =>
    Effect.gen(function* () {
      const on = wire(all())
      yield* finish(read(app), on)
      assert.equal(on.asked.find(({ path }) => path.endsWith("/pods"))?.query["labelSelector"], "app=db")
    })
  )

  it.effect("asks for all pods where pods name a claim that others may mount too", () =>
    Effect.gen(function* () {
      const volumes = [{ name: "media", persistentVolumeClaim: { claimName: "media" } }]
      const importer = object("importer", { spec: { containers: [], volumes } })
      const on = wire({
        ...all(),
        statefulsets: [statefulSet({ spec: { template: { spec: { volumes } } } })],
        persistentvolumeclaims: [claim("media")],
        pods: [pod(0), importer]
      })
      const state = yield* finish(read(app), on)
      assert.isUndefined(on.asked.find(({ path }) => path.endsWith("/pods"))?.query["labelSelector"])
      assert.deepEqual(state.claims.find(({ name }) => name === "media")?.usedBy, ["importer"])
    })
  )

  it.effect("asks for no kind that discovery does not show, and calls it empty", () =>
    Effect.gen(function* () {
      const on = wire(all())
      const state = yield* finish(read(app), on)
      assert.notInclude(askedFor(on), "volumesnapshots")
      assert.deepEqual([state.protection.snapshots, state.protection.snapshotApi], [[], false])
    })
  )

  it.effect("gives a namespace-only user the rest, with what was refused as unknown", () =>
    Effect.gen(function* () {
      const cluster = [
        "nodes",
        "persistentvolumes",
        "volumeattachments",
        "storageclasses",
        "csidrivers"
      ] as const
      const refused = Object.fromEntries([...cluster, "secrets", "namespaces"].map((plural) => [plural, 403]))
      const state = yield* finish(read(app), wire({ ...all(), ...refused }))
      assert.deepEqual([state.nodes, state.namespaceLabels, state.protection.drivers], [null, null, null])
      assert.deepEqual(
        state.replicas.map((replica) => replica.pod?.ready),
        [true, true, true]
      )
      assert.deepEqual(state.unread.map(({ resource, reason }) => `${resource} ${reason}`).toSorted(), [
        "csidrivers.storage.k8s.io Forbidden",
        "namespaces/shop Forbidden",
        "nodes Forbidden",
        "persistentvolumes Forbidden",
        "secrets Forbidden",
        "storageclasses.storage.k8s.io Forbidden",
        "volumeattachments.storage.k8s.io Forbidden"
      ])
    })
  )

  it.effect("reports an object with a field of another type by name and path, and reads the others", () =>
    Effect.gen(function* () {
      const broken = pod(1, { status: { containerStatuses: "?" } })
      const state = yield* finish(read(app), wire({ ...all(), pods: [pod(0), broken, pod(2)] }))
      assert.deepEqual(state.unread, [
        {
          resource: "pods/db-1",
          reason: "Unreadable",
          message: "pods/db-1: status.containerStatuses: expected array"
        }
      ])
      assert.isNotNull(state.replicas[2]?.pod)
    })
  )

  it.effect("is not hurt by 10,000 labels or a ConfigMap of a megabyte", () =>
    Effect.gen(function* () {
      const labels = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`label-${index}`, "x"]))
      const annotations = { big: "x".repeat(1 << 20) }
      const state = yield* finish(
        read(app),
        wire({
          ...all(),
          pods: [pod(0, { metadata: { labels } })],
          configmaps: [object("x", { metadata: { annotations } })]
        })
      )
      assert.deepEqual(state.unread, [])
      assert.isTrue(state.replicas[0]?.pod?.ready)
    })
  )
})

describe("an app that cannot be read", () => {
  const failure = <A, E>(effect: Effect.Effect<A, E, Cluster>, objects: Wire["objects"]) =>
    Effect.flip(finish(effect, wire(objects)))

  it.effect("is not found, with the names that may have been meant", () =>
    Effect.gen(function* () {
      const error = yield* failure(read(ref("shop", "bd")), all())
      if (error._tag !== "AppNotFound") return assert.fail(error.message)
      assert.deepEqual([error.name, error.ref], ["AppNotFound", ref("shop", "bd")])
      assert.equal(error.message, 'statefulsets.apps "bd" not found in namespace shop')
      assert.equal(error.action, "did you mean db?")
    })
  )

  it.effect("may be a Deployment of that name", () =>
    Effect.gen(function* () {
      const error = yield* failure(read(ref("shop", "web")), { ...all(), deployments: [object("web")] })
      assert.match(error.action ?? "", /^a Deployment of that name exists/)
    })
  )

  it.effect("is not found also when nothing else may be read", () =>
    Effect.gen(function* () {
      const error = yield* failure(read(app), { statefulsets: [], pods: 403, deployments: 403 })
      assert.equal(error._tag, "AppNotFound")
    })
  )

  it.effect("is forbidden when it may not be read itself", () =>
    Effect.gen(function* () {
      const error = yield* failure(read(app), { ...all(), statefulsets: 403 })
      assert.deepEqual([error._tag, error.reason._tag], ["ClusterError", "Forbidden"])
    })
  )

  it.effect("by selector is forbidden, not absent, when workloads may not be listed", () =>
    Effect.gen(function* () {
      const refused = { ...all(), statefulsets: 403, deployments: 403, daemonsets: 403 }
      const error = yield* failure(read(selector("shop", "app=db")), refused)
      assert.equal(error.reason._tag, "Forbidden")
      const absent = yield* failure(read(selector("shop", "app=none")), all())
      assert.equal(absent._tag, "AppNotFound")
    })
  )

  it.effect("is not asked for when its selector cannot be read", () =>
    Effect.gen(function* () {
      const on = wire(all())
      const error = yield* Effect.flip(finish(read(selector("shop", "app in")), on))
      assert.equal(error.reason._tag, "BadRequest")
      assert.deepEqual(on.asked, [])
    })
  )
})

describe("key checking", () => {
  it.effect("reads the referenced objects alone, and keeps names and sizes of their keys", () =>
    Effect.gen(function* () {
      const env = [{ name: "P", valueFrom: { secretKeyRef: { name: "pass", key: "password" } } }]
      const containers = [{ name: "postgres", env, envFrom: [{ configMapRef: { name: "conf" } }] }]
      const on = wire({
        ...all(),
        statefulsets: [statefulSet({ spec: { template: { spec: { containers } } } })],
        secrets: [object("pass", { data: { user: "Q0FOQVJZ" } }), object("other")],
        configmaps: [object("conf", { data: { a: "1234é" } })]
      })
      const { value, cost } = yield* finish(readCounted(app, { checkKeys: true }), on)
      assert.deepEqual(
        value.references.map(({ name, keys, missingKeys, bytes }) => [name, keys, missingKeys, bytes]),
        [
          ["conf", ["a"], [], 6],
          ["pass", ["user"], ["password"], 6]
        ]
      )
      assert.notMatch(JSON.stringify(value), /CANARY|Q0FOQVJZ/)
      assert.notInclude(askedFor(on), "other")
      assert.equal(cost.rounds, 3)
    })
  )
})

describe("reading all apps", () => {
  it.effect("asks once per kind for all of them", () =>
    Effect.gen(function* () {
      const names = ["a", "b", "c"]
      const on = wire({
        ...all(),
        statefulsets: names.map((name) => ({ ...statefulSet(), ...object(name) }))
      })
      const sets = names.map((name): Json => {
        const set = statefulSet()
        return { ...set, metadata: { ...(set["metadata"] as Json), name, uid: `uid-${name}` } }
      })
      const { value, cost } = yield* finish(readAllCounted({ namespace: "shop" }), {
        ...on,
        ...wire({ ...all(), statefulsets: sets })
      })
      assert.deepEqual(
        value.map(({ name }) => name),
        names
      )
      assert.isAtMost(cost.rounds, 2)
      assert.isAtMost(cost.requests, 25)
    })
  )

  it.effect("shows one that cannot be understood, and why", () =>
    Effect.gen(function* () {
      const broken = statefulSet({ spec: { replicas: "three" } })
      const { value } = yield* finish(
        readAllCounted({ namespace: "shop" }),
        wire({ ...all(), statefulsets: [broken] })
      )
      assert.deepEqual(
        value.map(({ name, workloads, unread }) => [name, workloads.length, unread[0]?.resource]),
        [["db", 0, "statefulsets.apps/db"]]
      )
    })
  )

  it.effect("keeps the namespaces apart", () =>
    Effect.gen(function* () {
      const elsewhere = {
        ...statefulSet(),
        ...object("db", { metadata: { namespace: "other" } }),
        spec: statefulSet()["spec"]
      }
      const { value } = yield* finish(
        readAllCounted({ namespace: null }),
        wire({ ...all(), statefulsets: [statefulSet(), elsewhere] })
      )
      assert.deepEqual(
        value.map(({ namespace, claims }) => [namespace, claims.length]),
        [
          ["other", 0],
          ["shop", 6]
        ]
      )
    })
  )
})

/** In small steps, since what a step wakes asks for its own sleep only then. */
const seconds = (count: number) => Effect.repeat(TestClock.adjust("50 millis"), { times: count * 20 })

describe("watching an app", () => {
  it.effect("tells the state at once, after changes have settled, and on a timer", () =>
    Effect.gen(function* () {
      const on = wire(all())
      const seen: Array<number> = []
      const fiber = yield* Effect.forkChild(
        watch(app, { every: "1 minute" }).pipe(
          Stream.runForEach((state) =>
            Effect.sync(() => seen.push(state.replicas.filter((one) => one.pod).length))
          ),
          Effect.provide(on.layer)
        )
      )
      yield* seconds(3)
      assert.deepEqual(seen, [3])
      on.objects.pods = [pod(0), pod(1)]
      const pods = on.watches.get("pods")
      assert.isDefined(pods)
      for (const ordinal of [2, 1]) {
        const metadata = { resourceVersion: `${10 + ordinal}` }
        const changed = { ...pod(ordinal, { metadata }), apiVersion: "v1", kind: "Pod" }
        yield* Queue.offer(pods, { type: "MODIFIED", object: changed })
      }
      yield* seconds(3)
      assert.deepEqual(seen, [3, 2])
      yield* seconds(60)
      assert.deepEqual(seen, [3, 2, 2])
      yield* Fiber.interrupt(fiber)
    })
  )
})
