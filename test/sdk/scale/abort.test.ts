/** An abort takes nothing that is used, waits until what it removed is gone, and forgets nothing where its StatefulSet is gone. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { StorageCall } from "../../../packages/sandbox/src/storage/Storage.ts"
import type { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import * as TestClock from "effect/testing/TestClock"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { isGoing } from "../../../packages/sdk/src/step/leftClaims.ts"
import { dying } from "../snapshot/world.ts"
import { at, drive, makeWorld, ref, withCluster, type World } from "../../simulation/world.ts"
import {
  ann,
  bob,
  claimObject,
  claimNamed,
  freeVolume,
  hooks,
  interruptAt,
  movesCount,
  on,
  refusal,
  removeClaim,
  set,
  untilLogged,
  volumeNamed,
  volumeOf,
  policies
} from "./callers.ts"

const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "data-db-3" } }]
const spec = { restartPolicy: "Never", containers: [{ name: "main", image: "db:1" }], volumes }

/** What may refer to a claim, beside the set's own pods. */
const users: Readonly<Record<string, Parameters<World["sandbox"]["create"]>[0]>> = {
  "Job/report": {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "report", namespace: "shop" },
    spec: { template: { metadata: { labels: { job: "report" } }, spec } }
  },
  "CronJob/report": {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "report", namespace: "shop" },
    spec: { schedule: "@daily", jobTemplate: { spec: { template: { spec } } } }
  },
  "Deployment/reader": {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "reader", namespace: "shop" },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: "reader" } },
      template: { metadata: { labels: { app: "reader" } }, spec: { ...spec, restartPolicy: "Always" } }
    }
  },
  "Pod/reader": { apiVersion: "v1", kind: "Pod", metadata: { name: "reader", namespace: "shop" }, spec }
}

const madeAhead = Effect.gen(function* () {
  const world = yield* makeWorld({ replicas: 1, readyAfter: 300 })
  const { plan } = yield* interruptAt(world, "ready db-1", { replicas: 4, step: 1 })
  return { world, id: plan.id }
})

describe("claims that were made ahead", () => {
  for (const [name, object] of Object.entries(users)) {
    it.effect(`stay where ${name} refers to one, which is named, and the others go`, () =>
      Effect.gen(function* () {
        const { world, id } = yield* madeAhead
        world.sandbox.create(object)
        const result = yield* drive(on(world)(Scale.abort(at(id), { identity: bob })))
        assert.isDefined(claimNamed(world, "data-db-3"))
        assert.isUndefined(claimNamed(world, "data-db-3")?.metadata.deletionTimestamp)
        assert.include(result.notes.join(), "data-db-3 kept")
        assert.include(result.notes.join(), name)
      })
    )
  }

  it.effect("stay where a kind that might refer to them may not be listed, which is said", () =>
    Effect.gen(function* () {
      const { world, id } = yield* madeAhead
      const inner = world.sandbox.cluster
      const status = {
        kind: "Status",
        status: "Failure",
        reason: "Forbidden",
        code: 403,
        message: "jobs: no"
      }
      const cluster: typeof inner = {
        ...inner,
        request: (request) =>
          request.path.endsWith("/jobs")
            ? Effect.succeed({
                status: 403,
                headers: {},
                body: Stream.succeed(new TextEncoder().encode(JSON.stringify(status)))
              })
            : inner.request(request)
      }
      const result = yield* drive(withCluster(cluster)(Scale.abort(at(id), { identity: bob })))
      assert.isDefined(claimNamed(world, "data-db-3"))
      assert.include(result.notes.join(), "data-db-3 kept: jobs.batch cannot be listed")
    })
  )

  it.effect("stay, and are named, where they were given a volume of somebody's that was free", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 300 })
      const volume = yield* freeVolume(world)
      const target = { api: kinds.persistentvolumes, name: volume }
      const value = { spec: { persistentVolumeReclaimPolicy: "Delete" } }
      yield* on(world)(Resource.patch(target, { _tag: "Merge", value }))
      const killed = dying(world, movesCount)(Scale.scale(ref, { replicas: 4, identity: ann }))
      yield* drive(Effect.exit(killed))
      const [entry] = yield* on(world)(Journal.list("shop", "db"))
      const claim = volumeNamed(world, volume)?.spec.claimRef?.name ?? ""
      assert.match(claim, /^data-db-[123]$/)
      const result = yield* drive(on(world)(Scale.abort(at(entry?.plan.id ?? ""), { identity: bob })))
      assert.strictEqual(world.sandbox.volumes.get(volume)?.readText("mark"), "legacy data-db-0")
      assert.include(result.notes.join(), `${claim} kept: volume ${volume} was not made for it`)
    })
  )

  it.effect("are gone when the abort ends", () =>
    Effect.gen(function* () {
      const { world, id } = yield* madeAhead
      // Something holds one of them up for a while.
      const held = { api: kinds.persistentvolumeclaims, namespace: "shop", name: "data-db-3" }
      const finalizers = ["example.com/slow"]
      yield* on(world)(Resource.patch(held, { _tag: "Merge", value: { metadata: { finalizers } } }))
      const letGo = Effect.andThen(
        Effect.sleep("20 seconds"),
        on(world)(Resource.patch(held, { _tag: "Merge", value: { metadata: { finalizers: [] } } }))
      )
      yield* Effect.forkChild(letGo)
      yield* drive(on(world)(Scale.abort(at(id), { identity: bob })))
      assert.isUndefined(claimNamed(world, "data-db-3"))
    })
  )
})

describe("claims of the members that were added", () => {
  /** Scales to 3, and aborts once the log has the line, and somebody else has acted. */
  const abortedAt = (
    world: World,
    line: string,
    meanwhile: Effect.Effect<unknown, unknown, Cluster> = Effect.void,
    ends: "Aborted" | "Incomplete" = "Aborted"
  ) =>
    Effect.gen(function* () {
      const { plan } = yield* interruptAt(world, line, { replicas: 3, step: 1 })
      yield* on(world)(meanwhile)
      const { notes, outcome } = yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
      assert.strictEqual(outcome, ends)
      return notes.filter((note) => note.includes("data-db-"))
    })

  for (const late of [true, false])
    it.effect(
      `stay where volumes come ${late ? "with their pods" : "at once"}, and are named with the command that deletes them`,
      () =>
        Effect.gen(function* () {
          const world = yield* makeWorld({ replicas: 1, readyAfter: 200, late })
          assert.deepEqual(yield* abortedAt(world, "create db-2"), [
            "data-db-1, data-db-2 kept: a pod may have written to them; `kubectl delete pvc data-db-1 data-db-2 -n shop` deletes them for good"
          ])
          assert.isDefined(claimNamed(world, "data-db-1"))
          assert.isDefined(claimNamed(world, "data-db-2"))
        })
    )

  it.effect("are named as empty where they never had a volume", () =>
    Effect.gen(function* () {
      const failStorage = ({ about }: StorageCall) => (about === "data-db-1" ? "full" : undefined)
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200, late: true, failStorage })
      assert.deepEqual(yield* abortedAt(world, "create db-1"), [
        "data-db-1 kept: no volume was created for it; `kubectl delete pvc data-db-1 -n shop` deletes it for good"
      ])
    })
  )

  it.effect("are not named where they were there before, with data or without a volume", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200, late: true })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 1, identity: ann })))
      world.sandbox.create({ ...claimObject("data-db-2", "shop") })
      yield* TestClock.adjust("5 seconds")
      assert.deepEqual(yield* abortedAt(world, "create db-2"), [])
      assert.isDefined(claimNamed(world, "data-db-2"))
    })
  )

  it.effect("are not named where somebody has deleted them, or made one that no pod ever had", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200, late: true })
      const claim = { api: kinds.persistentvolumeclaims, namespace: "shop", name: "data-db-1" }
      const finalizers = ["example.com/slow"]
      const meanwhile = Effect.gen(function* () {
        yield* Resource.patch(claim, { _tag: "Merge", value: { metadata: { finalizers } } })
        yield* Resource.remove(claim)
        yield* Effect.sync(() => world.sandbox.create({ ...claimObject("data-db-2", "shop") }))
      })
      const notes = yield* abortedAt(world, "create db-1", meanwhile, "Incomplete")
      assert.match(
        notes.join(),
        /^claim data-db-1 is being deleted; [^,]+, and may be deleted with its data$/
      )
      assert.isDefined(claimNamed(world, "data-db-1")?.metadata.deletionTimestamp)
      assert.isDefined(claimNamed(world, "data-db-2"))
    })
  )

  it.effect("are named where they go only with their StatefulSet, under whenDeleted Delete", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200, late: true })
      const value = { spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete" } } }
      yield* on(world)(Resource.patch(set, { _tag: "Merge", value }))
      yield* TestClock.adjust("5 seconds")
      assert.lengthOf(yield* abortedAt(world, "create db-2"), 1)
      assert.deepEqual(
        claimNamed(world, "data-db-1")?.metadata.ownerReferences?.map(({ kind }) => kind),
        ["StatefulSet"]
      )
    })
  )

  it("go with their pods from when the controller has made these their owners", () => {
    const { metadata, spec } = claimObject("data-db-1", "shop")
    const owned = (kind: string) =>
      isGoing({
        metadata: { ...metadata, ownerReferences: [{ apiVersion: "v1", kind, name: "db-1", uid: "1" }] },
        spec
      })
    assert.deepEqual([owned("Pod"), owned("StatefulSet")], [true, false])
  })

  it.effect("are not named where they go with their pods, under whenScaled Delete", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200, late: true, whenScaled: "Delete" })
      assert.deepEqual(yield* abortedAt(world, "create db-2"), [])
      yield* TestClock.adjust("60 seconds")
      assert.isUndefined(claimNamed(world, "data-db-2"))
    })
  )
})

describe("claims with data from before that new pods got again", () => {
  it.effect("stay when an abort takes those pods, though whenScaled is Delete", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 200, whenScaled: "Delete" })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 1, whenScaled: "Retain", identity: ann })))
      const uids = () => ["data-db-1", "data-db-2"].map((name) => claimNamed(world, name)?.metadata.uid)
      const before = uids()
      // The newer one of two operations is known by when it was begun.
      yield* TestClock.adjust("5 seconds")
      const { plan } = yield* interruptAt(world, "create db-2", { replicas: 3, step: 1 })
      const result = yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(result.outcome, "Aborted")
      assert.notInclude(before, undefined)
      assert.deepEqual(uids(), before)
      assert.deepEqual([...new Set(policies(world))], ["Delete"])
      const { spec } = yield* on(world)(Resource.getObject(set))
      const { persistentVolumeClaimRetentionPolicy: retention } = Object(spec)
      assert.strictEqual(Object(retention).whenScaled, "Delete")
    })
  )
})

describe("an abort whose StatefulSet is gone", () => {
  for (const recreated of [false, true]) {
    it.effect(`puts the reclaim policies back${recreated ? ", though another has its name" : ""}`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ replicas: 4, readyAfter: 200 })
        const { plan } = yield* interruptAt(world, "delete db-3", { replicas: 0 })
        const before = yield* on(world)(Resource.getObject(set))
        yield* on(world)(Resource.remove(set, {}))
        yield* TestClock.adjust("20 seconds")
        if (recreated) {
          const metadata = { name: "db", namespace: "shop" }
          const again = { apiVersion: "apps/v1", kind: "StatefulSet", metadata, spec: before["spec"] }
          world.sandbox.create(again)
        }
        const result = yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
        assert.strictEqual(result.outcome, "Aborted")
        assert.deepEqual([...new Set(policies(world))], ["Delete"])
        assert.include(result.notes.join(), 'statefulset "db" was deleted')
      })
    )
  }

  it.effect("names a volume that lost its claim, and leaves it under Retain", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 4, readyAfter: 200 })
      const { plan } = yield* interruptAt(world, "delete db-3", { replicas: 0 })
      const volume = volumeOf(world, "data-db-3")?.metadata.name ?? ""
      yield* on(world)(Resource.remove(set, {}))
      yield* drive(on(world)(removeClaim("data-db-3")))
      yield* TestClock.adjust("20 seconds")
      const result = yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
      assert.strictEqual(result.outcome, "Incomplete")
      assert.include(result.unmet.join(), `its data is kept in volume ${volume}`)
    })
  )
})

describe("a mark of a hook", () => {
  it.effect("says nothing of a pod that was recreated since", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 300 })
      const inner = world.sandbox.cluster
      // Its goodbye is said, and the caller dies before the count is changed.
      const cluster: typeof inner = {
        ...inner,
        request: (request) => (movesCount(request) ? Effect.never : inner.request(request))
      }
      const scaling = Scale.scale(ref, { replicas: 1, profile: hooks, identity: ann })
      const fiber = yield* Effect.forkChild(Effect.exit(withCluster(cluster)(scaling)))
      yield* untilLogged(world, "leave db-1")
      yield* TestClock.adjust("5 seconds")
      yield* drive(Fiber.interrupt(fiber))
      const [entry] = yield* on(world)(Journal.list("shop", "db"))
      const id = entry?.plan.id ?? ""
      yield* on(world)(Resource.remove({ api: kinds.pods, namespace: "shop", name: "db-1" }, {}))
      yield* TestClock.adjust("20 seconds")
      world.members.add("db-1")
      const asked = { profile: hooks, identity: bob }
      const error = yield* refusal(drive(on(world)(Scale.resume(at(id), asked))))
      assert.strictEqual(error.reason._tag, "HookUnknown")
      assert.include(error.message, "db-1 was recreated since it ran")
      world.log.length = 0
      const result = yield* drive(on(world)(Scale.resume(at(id), { ...asked, hookOutcome: "failed" })))
      assert.strictEqual(result.outcome, "Succeeded")
      assert.include(world.log.join(), "leave db-1")
    })
  )
})

describe("a dry run", () => {
  it.effect("refuses where another operation is in the way, and names it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 4, readyAfter: 200 })
      const { plan } = yield* interruptAt(world, "delete db-3", { replicas: 1 })
      for (const mode of ["client", "server"] as const) {
        const next = yield* on(world)(Scale.prepare(ref, { replicas: 5 }))
        const tried = yield* drive(withCluster(world.sandbox.cluster)(Scale.dryRun(next, mode)))
        assert.include(tried.refusals.map(({ reason }) => reason).join(), `operation ${plan.id}`)
        assert.include(tried.refusals.map(({ remedy }) => remedy).join(), `resume ${plan.id}`)
      }
    })
  )
})

describe("a stray claim without labels", () => {
  for (const [name, replicas] of [
    ["data-db-7", 2],
    ["data-db-1", 2],
    ["data-db-7", 0]
  ] as const) {
    it.effect(`${name} holds up no scale to ${replicas}`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
        world.sandbox.create({
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          metadata: { name, namespace: "shop" },
          spec: {
            accessModes: ["ReadWriteOnce"],
            storageClassName: "fast",
            resources: { requests: { storage: "1Gi" } }
          }
        })
        yield* TestClock.adjust("5 seconds")
        const plan = yield* on(world)(Scale.prepare(ref, { replicas }))
        // The controller takes up a claim of an ordinal that is asked for, labelled or not.
        if (name === "data-db-1") assert.include(plan.effects.join(), "data-db-1: reused")
        const result = yield* drive(on(world)(Scale.run(plan, { identity: ann })))
        assert.strictEqual(result.outcome, "Succeeded")
      })
    )
  }
})
