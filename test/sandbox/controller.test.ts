import { Admission } from "../../packages/sandbox/src/registry/Admission.ts"
import { type Controller, run } from "../../packages/sandbox/src/controller/Controller.ts"
import { Registry } from "../../packages/sandbox/src/registry/Registry.ts"
import { Store } from "../../packages/sandbox/src/registry/Store.ts"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { numberAt, stringAt } from "../../packages/sandbox/src/apimachinery/Json.ts"
import type { Program } from "../../packages/sandbox/src/node/Program.ts"
import { controllerrevisions, statefulsets } from "../../packages/sandbox/src/registry/kinds/apps.ts"
import {
  namespaces,
  persistentvolumeclaims,
  persistentvolumes,
  pods
} from "../../packages/sandbox/src/registry/kinds/core.ts"
import { make, type Options, type Shape } from "../../packages/sandbox/src/Sandbox.ts"

const set = (spec: object = {}, image = "db:1") => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db" },
  spec: {
    replicas: 3,
    serviceName: "db",
    selector: { matchLabels: { app: "db" } },
    template: {
      metadata: { labels: { app: "db" } },
      spec: { containers: [{ name: "main", image, volumeMounts: [{ name: "data", mountPath: "/data" }] }] }
    },
    volumeClaimTemplates: [
      {
        metadata: { name: "data" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }
      }
    ],
    ...spec
  }
})

const names = (sandbox: Shape) => sandbox.store.list(pods, "default").map((pod) => pod.metadata.name)

const claims = (sandbox: Shape) =>
  sandbox.store.list(persistentvolumeclaims, "default").map((claim) => claim.metadata.name)

const change = (sandbox: Shape, spec: object) =>
  sandbox.registry.update(statefulsets, "default", "db", (current) => ({
    ...current,
    spec: { ...(current.spec as object), ...spec }
  }))

const imageOf = (sandbox: Shape, name: string) =>
  sandbox.registry.find(pods, "default", name).spec.containers[0]?.image

/** Containers of image `bad` never get ready. */
const program: Program = { isReady: (host) => host.container.image !== "bad" }

const settled = (options: Options = {}, spec: object = {}) =>
  Effect.gen(function* () {
    const sandbox = yield* make({ programs: () => program, ...options })
    sandbox.create(set(spec))
    yield* TestClock.adjust("1 minute")
    return sandbox
  })

describe("a StatefulSet in the sandbox", () => {
  it.effect("under OrderedReady starts its pods one after another", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(set())
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(names(sandbox), ["db-0"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(names(sandbox), ["db-0", "db-1"])
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(names(sandbox), ["db-0", "db-1", "db-2"])
      const status = sandbox.registry.find(statefulsets, "default", "db").status
      assert.strictEqual(status.readyReplicas, 3)
      assert.strictEqual(status.observedGeneration, 1)
      assert.deepStrictEqual(claims(sandbox), ["data-db-0", "data-db-1", "data-db-2"])
    })
  )

  it.effect("under Parallel starts them all at once", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(set({ podManagementPolicy: "Parallel" }))
      yield* TestClock.adjust("10 millis")
      assert.deepStrictEqual(names(sandbox), ["db-0", "db-1", "db-2"])
    })
  )

  it.effect("spreads its pods over the zones", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled()
      const nodes = sandbox.store.list(pods, "default").map((pod) => pod.spec.nodeName)
      assert.sameMembers(nodes, ["node-a", "node-b", "node-c"])
    })
  )

  it.effect("scales down from the highest ordinal, and its claims stay", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled()
      change(sandbox, { replicas: 1 })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(names(sandbox), ["db-0"])
      assert.lengthOf(claims(sandbox), 3)
    })
  )

  it.effect("is stopped in a scale-down by a sick lower ordinal", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled()
      const pod = sandbox.registry.find(pods, "default", "db-0")
      sandbox.loseNode(pod.spec.nodeName ?? "")
      yield* TestClock.adjust("1 minute")
      change(sandbox, { replicas: 1 })
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(names(sandbox), ["db-0", "db-1", "db-2"])
      assert.strictEqual(sandbox.registry.find(pods, "default", "db-0").status.phase, "Running")
    })
  )

  it.effect("whenScaled Delete takes the claims of the ordinals that go, and no others", () =>
    Effect.gen(function* () {
      const policy = { whenScaled: "Delete", whenDeleted: "Retain" }
      const sandbox = yield* settled({}, { persistentVolumeClaimRetentionPolicy: policy })
      change(sandbox, { replicas: 1 })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(claims(sandbox), ["data-db-0"])
      assert.lengthOf(sandbox.store.list(persistentvolumes), 1)
    })
  )

  it.effect("whenDeleted Delete takes all claims with the set", () =>
    Effect.gen(function* () {
      const policy = { whenScaled: "Retain", whenDeleted: "Delete" }
      const sandbox = yield* settled({}, { persistentVolumeClaimRetentionPolicy: policy })
      sandbox.registry.remove(statefulsets, "default", "db")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(names(sandbox), [])
      assert.deepStrictEqual(claims(sandbox), [])
    })
  )

  it.effect("deleted with orphans leaves its pods, and a new one of that name adopts them", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled()
      const before = sandbox.store.list(pods, "default").map((pod) => pod.metadata.uid)
      sandbox.registry.remove(statefulsets, "default", "db", { propagation: "Orphan" })
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(sandbox.store.get(statefulsets, "default", "db"))
      assert.lengthOf(names(sandbox), 3)
      sandbox.create(set())
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(
        sandbox.store.list(pods, "default").map((pod) => pod.metadata.uid),
        before
      )
      const owner = sandbox.registry.find(pods, "default", "db-0").metadata.ownerReferences?.[0]?.uid
      assert.strictEqual(owner, sandbox.registry.find(statefulsets, "default", "db").metadata.uid)
    })
  )

  it.effect(
    "made anew with a further claim template can change no pod that it adopts, and does nothing else",
    () =>
      Effect.gen(function* () {
        const sandbox = yield* settled()
        sandbox.registry.remove(statefulsets, "default", "db", { propagation: "Orphan" })
        yield* TestClock.adjust("1 minute")
        const { spec } = set()
        const [template] = spec.volumeClaimTemplates
        const wal = { ...template, metadata: { name: "wal" } }
        const volumeClaimTemplates = [...spec.volumeClaimTemplates, wal]
        sandbox.create(set({ replicas: 4, volumeClaimTemplates }))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(names(sandbox), ["db-0", "db-1", "db-2"])
        assert.include(claims(sandbox), "wal-db-0")
        assert.notInclude(claims(sandbox), "wal-db-1")
        for (const name of ["db-0", "db-1", "db-2"]) {
          sandbox.registry.remove(pods, "default", name)
          yield* TestClock.adjust("1 minute")
        }
        assert.deepStrictEqual(names(sandbox), ["db-0", "db-1", "db-2", "db-3"])
        assert.include(claims(sandbox), "wal-db-3")
      })
  )

  it.effect("treats the partition as a count of pods kept old when ordinals start above zero", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled({}, { replicas: 4, ordinals: { start: 2 } })
      assert.deepStrictEqual(names(sandbox), ["db-2", "db-3", "db-4", "db-5"])
      change(sandbox, {
        template: set({}, "db:2").spec.template,
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 1 } }
      })
      yield* TestClock.adjust("1 minute")
      const images = names(sandbox).map((name) => imageOf(sandbox, name))
      assert.deepStrictEqual(images, ["db:1", "db:2", "db:2", "db:2"])
    })
  )

  it.effect("keeps the pod of a bad template although the template was reverted", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled()
      change(sandbox, { template: set({}, "bad").spec.template })
      yield* TestClock.adjust("1 minute")
      change(sandbox, { template: set().spec.template })
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(imageOf(sandbox, "db-2"), "bad")
      sandbox.registry.remove(pods, "default", "db-2")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(imageOf(sandbox, "db-2"), "db:1")
    })
  )

  it.effect("goes back to the old revision, under a higher number, when its template does", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled()
      change(sandbox, { template: set({}, "db:2").spec.template })
      yield* TestClock.adjust("1 minute")
      change(sandbox, { template: set().spec.template })
      yield* TestClock.adjust("1 minute")
      const revisions = sandbox.store.list(controllerrevisions, "default")
      assert.sameMembers(
        revisions.map((each) => each.revision),
        [2, 3]
      )
      assert.strictEqual(imageOf(sandbox, "db-2"), "db:1")
    })
  )

  it.effect("waits minReadySeconds before the next pod", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(set({ minReadySeconds: 30 }))
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(names(sandbox), ["db-0"])
      assert.strictEqual(sandbox.registry.find(statefulsets, "default", "db").status.availableReplicas, 0)
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(names(sandbox), ["db-0", "db-1"])
    })
  )

  it.effect("replaces a pod whose node is gone for good only once the pod is", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled()
      const pod = sandbox.registry.find(pods, "default", "db-1")
      sandbox.loseNode(pod.spec.nodeName ?? "")
      sandbox.registry.remove(pods, "default", "db-1")
      yield* TestClock.adjust("1 hour")
      const waiting = sandbox.registry.find(pods, "default", "db-1")
      assert.strictEqual(waiting.metadata.uid, pod.metadata.uid)
      assert.isDefined(waiting.metadata.deletionTimestamp)
      sandbox.registry.remove(pods, "default", "db-1", { gracePeriodSeconds: 0 })
      // Its volume leaves the silent node after six minutes.
      yield* TestClock.adjust("10 minutes")
      const next = sandbox.registry.find(pods, "default", "db-1")
      assert.notStrictEqual(next.metadata.uid, pod.metadata.uid)
      assert.strictEqual(next.status.phase, "Running")
    })
  )

  it.effect("is written whole by one seed and one clock: two runs end in the same objects", () =>
    Effect.gen(function* () {
      const run = Effect.scoped(
        Effect.map(settled(), (sandbox) =>
          sandbox.store.list(pods, "default").map((pod) => pod.metadata.name)
        )
      )
      assert.deepStrictEqual(yield* run, yield* run)
    })
  )
})

describe("a controller in the sandbox", () => {
  it.effect("waits until something is due, at whatever fraction of a millisecond", () =>
    Effect.gen(function* () {
      // Woken a little too early it went round and round, and time stood still.
      const sandbox = yield* make({ programs: () => program, startMillis: 100 / 3 })
      sandbox.create(set())
      for (let step = 1; step < 400; step++) yield* TestClock.adjust(1000 / (step + 7))
      assert.deepEqual(names(sandbox), ["db-0", "db-1", "db-2"])
    }).pipe(Effect.scoped, Effect.provide(TestClock.layer({ warningDelay: "1 hour" })))
  )
})

describe("a claim in the sandbox", () => {
  it.effect("that is used is deleted only after its pod", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled({}, { replicas: 1 })
      sandbox.registry.remove(persistentvolumeclaims, "default", "data-db-0")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(claims(sandbox), ["data-db-0"])
      const uid = sandbox.registry.find(persistentvolumeclaims, "default", "data-db-0").metadata.uid
      sandbox.registry.remove(pods, "default", "db-0")
      yield* TestClock.adjust("1 minute")
      assert.notStrictEqual(
        sandbox.registry.find(persistentvolumeclaims, "default", "data-db-0").metadata.uid,
        uid
      )
    })
  )

  it.effect("with WaitForFirstConsumer stays pending until a pod wants it", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      const claim = (name: string, storageClassName: string) => ({
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name },
        spec: {
          storageClassName,
          accessModes: ["ReadWriteOnce"],
          resources: { requests: { storage: "1Gi" } }
        }
      })
      sandbox.create(claim("late", "shared"))
      sandbox.create(claim("soon", "shared-immediate"))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(
        sandbox.registry.find(persistentvolumeclaims, "default", "late").status.phase,
        "Pending"
      )
      assert.strictEqual(
        sandbox.registry.find(persistentvolumeclaims, "default", "soon").status.phase,
        "Bound"
      )
    })
  )

  it.effect("of class local pins its pod to the node", () =>
    Effect.gen(function* () {
      const template = set().spec.volumeClaimTemplates.map((each) => ({
        ...each,
        spec: { ...each.spec, storageClassName: "local" }
      }))
      const sandbox = yield* settled({}, { replicas: 1, volumeClaimTemplates: template })
      const pod = sandbox.registry.find(pods, "default", "db-0")
      sandbox.loseNode(pod.spec.nodeName ?? "")
      yield* TestClock.adjust("1 minute")
      sandbox.registry.remove(pods, "default", "db-0", { gracePeriodSeconds: 0 })
      yield* TestClock.adjust("1 minute")
      const next = sandbox.registry.find(pods, "default", "db-0")
      assert.isUndefined(next.spec.nodeName)
      const scheduled = next.status.conditions?.find((condition) => condition.type === "PodScheduled")
      assert.include(scheduled?.message ?? "", "didn't match PersistentVolume's node affinity")
      assert.strictEqual(stringAt(scheduled, "reason"), "Unschedulable")
    })
  )
})

describe("a container in the sandbox", () => {
  it.effect("keeps what it writes to its volume when its pod is replaced", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled(
        {
          programs: () => ({
            onStart: (host) =>
              Effect.andThen(
                Effect.sync(() => host.volume("/data")?.append("log", `${host.pod.metadata.uid}\n`)),
                Effect.never
              )
          })
        },
        { replicas: 1 }
      )
      sandbox.registry.remove(pods, "default", "db-0")
      yield* TestClock.adjust("1 minute")
      const [volume] = sandbox.volumes.values()
      assert.lengthOf(volume?.readText("log")?.trim().split("\n") ?? [], 2)
    })
  )

  it.effect("that ends is started again: soon the first time, then after ten seconds, then twenty", () =>
    Effect.gen(function* () {
      const starts: Array<number> = []
      const sandbox = yield* make({
        programs: () => ({
          onStart: () =>
            Effect.andThen(
              Effect.clockWith((clock) =>
                Effect.sync(() => starts.push(clock.currentTimeMillisUnsafe() / 1000))
              ),
              Effect.as(Effect.sleep("1 second"), 1)
            )
        })
      })
      sandbox.create(set({ replicas: 1 }))
      yield* TestClock.adjust("50 seconds")
      const gaps = starts.slice(1).map((start, i) => Math.round(start - (starts[i] ?? 0)))
      assert.deepStrictEqual(gaps, [2, 11, 21])
      const pod = sandbox.registry.find(pods, "default", "db-0")
      assert.strictEqual(numberAt(pod.status.containerStatuses?.[0], "restartCount"), 3)
      assert.strictEqual(pod.status.phase, "Running")
    })
  )
})

describe("a controller in the sandbox", () => {
  it.effect("looks again when it said, also where its timer comes early, and the moment while it looks", () =>
    Effect.gen(function* () {
      let millis = 0
      const now = () => (millis += 1)
      const registry = new Registry(new Store(), now, () => 0, new Admission(new Set()))
      const looks: Array<number> = []
      const controller: Controller = {
        name: "waiting",
        keysOf: () => ["one"],
        reconcile: () => (looks.push(millis) === 1 ? 1000 : undefined)
      }
      registry.create(namespaces, undefined, {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: "one" }
      })
      yield* run(registry, [controller])
      yield* TestClock.adjust(1)
      const [first = 0] = looks
      const due = first + 1 + 1000
      // The first look at the clock then is a moment before it, and the second is that moment.
      millis = due - 2
      yield* TestClock.adjust("1 second")
      assert.lengthOf(looks, 2)
    })
  )
})
