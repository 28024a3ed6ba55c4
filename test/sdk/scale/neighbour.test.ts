/** Somebody else does what is legal, between two calls of an operation: no data is lost by an act of ours, and success is said only of what is so. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref, withCluster, type World } from "../../simulation/world.ts"
import {
  ann,
  bob,
  claimNamed,
  claimObject,
  interruptAt,
  movesCount,
  neighbour,
  on,
  refusal,
  removeClaim,
  set,
  setWhenScaled,
  untilLogged,
  volumeNamed,
  volumeOf,
  policies
} from "./callers.ts"

const retention = (world: World) =>
  world.sandbox.store.get(statefulsets, "shop", "db")?.spec.persistentVolumeClaimRetentionPolicy?.whenScaled

describe("set-aside", () => {
  it.effect("takes no volume of another namespace, whatever a claim asks for by name", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
      world.sandbox.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "bank" } })
      world.sandbox.create(claimObject("money", "bank"))
      yield* TestClock.adjust("20 seconds")
      const victim = claimNamed(world, "money", "bank")
      world.sandbox.create(claimObject("data-db-1", "shop", { volumeName: victim?.spec.volumeName }))
      yield* TestClock.adjust("5 seconds")
      const error = yield* refusal(
        drive(on(world)(Scale.scale(ref, { replicas: 2, leftoverClaims: "set-aside", identity: ann })))
      )
      assert.strictEqual(error.reason._tag, "Refused")
      assert.include(error.message, "belongs to another claim")
      const volume = volumeNamed(world, victim?.spec.volumeName)
      assert.strictEqual(volume?.spec.claimRef?.uid, victim?.metadata.uid)
      assert.strictEqual(volume?.spec.persistentVolumeReclaimPolicy, "Delete")
    })
  )

  it.effect("takes no volume that was bound to another claim after the plan was made", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 1, identity: ann })))
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 2, leftoverClaims: "set-aside" }))
      const volume = claimNamed(world, "data-db-1")?.spec.volumeName ?? ""
      world.sandbox.create(claimObject("report", "shop", { volumeName: volume }))
      const uid = claimNamed(world, "report")?.metadata.uid
      const claimRef = {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        namespace: "shop",
        name: "report",
        uid
      }
      yield* on(world)(
        Resource.patch(
          { api: kinds.persistentvolumes, name: volume },
          { _tag: "Merge", value: { spec: { claimRef } } }
        )
      )
      yield* TestClock.adjust("20 seconds")
      const error = yield* refusal(drive(on(world)(Scale.run(plan, { identity: ann }))))
      assert.include(error.message, "data-db-1")
      assert.strictEqual(volumeNamed(world, volume)?.spec.claimRef?.uid, uid)
    })
  )

  it.effect("gives the volume back if its new claim is deleted while the volume moves", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 1, identity: ann })))
      const before = claimNamed(world, "data-db-1")
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 2, leftoverClaims: "set-aside" }))
      const aside = `data-db-1-${plan.id}`
      const cluster = neighbour(
        world,
        ({ method, path, body }) =>
          method === "PATCH" && path.includes("/persistentvolumes/") && (body ?? "").includes(aside),
        removeClaim(aside)
      )
      yield* refusal(drive(withCluster(cluster)(Scale.run(plan, { identity: ann }))))
      yield* TestClock.adjust("20 seconds")
      const volume = volumeNamed(world, before?.spec.volumeName)
      assert.strictEqual(volume?.spec.claimRef?.uid, before?.metadata.uid)
      assert.isUndefined(claimNamed(world, "data-db-1")?.metadata.deletionTimestamp)
    })
  )

  it.effect("keeps the labels and annotations of the claim that it moves, there and back", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 1, identity: ann })))
      yield* on(world)(
        Resource.patch(
          { api: kinds.persistentvolumeclaims, namespace: "shop", name: "data-db-1" },
          {
            _tag: "Merge",
            value: { metadata: { labels: { tier: "gold" }, annotations: { "backup/keep": "yes" } } }
          }
        )
      )
      // The newer one of two operations is known by when it was begun.
      yield* TestClock.adjust("5 seconds")
      const { plan } = yield* interruptAt(world, "create db-1", { replicas: 2, leftoverClaims: "set-aside" })
      const aside = claimNamed(world, `data-db-1-${plan.id}`)?.metadata
      assert.deepInclude(aside?.labels, { tier: "gold", app: "db", "kubectl-stateful.dev/set-aside": "db" })
      assert.deepInclude(aside?.annotations, { "backup/keep": "yes" })
      // Its pod had the new claim by then: without that it can come back.
      yield* on(world)(Resource.patch(set, { _tag: "Merge", value: { spec: { replicas: 1 } } }))
      yield* untilLogged(world, "gone db-1")
      yield* on(world)(removeClaim("data-db-1"))
      yield* TestClock.adjust("5 seconds")
      yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
      const back = claimNamed(world, "data-db-1")?.metadata
      assert.deepInclude(back?.labels, { tier: "gold", app: "db" })
      assert.notProperty(back?.labels, "kubectl-stateful.dev/set-aside")
      assert.deepInclude(back?.annotations, { "backup/keep": "yes" })
    })
  )

  it.effect("is not undone onto a claim of the same name that somebody else made", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 1, identity: ann })))
      const volume = claimNamed(world, "data-db-1")?.spec.volumeName
      // The newer one of two operations is known by when it was begun.
      yield* TestClock.adjust("5 seconds")
      const { plan } = yield* interruptAt(world, "create db-1", { replicas: 2, leftoverClaims: "set-aside" })
      yield* on(world)(Resource.patch(set, { _tag: "Merge", value: { spec: { replicas: 1 } } }))
      yield* untilLogged(world, "gone db-1")
      yield* on(world)(removeClaim("data-db-1"))
      yield* TestClock.adjust("5 seconds")
      // It only asks for the volume that was set aside.
      world.sandbox.create(claimObject("data-db-1", "shop", { volumeName: volume }))
      const result = yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
      assert.match(result.notes.join(), /data-db-1 is in use again: the previous data stays in data-db-1-/)
      assert.strictEqual(volumeNamed(world, volume)?.spec.claimRef?.name, `data-db-1-${plan.id}`)
    })
  )
})

describe("whenScaled that is set to Delete while a set is scaled down", () => {
  for (const [to, options] of [
    [0, {}],
    [1, { whenScaled: "Retain" }]
  ] as const) {
    it.effect(`before the count is changed to ${to}, stops it, and a resume ends it`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ replicas: 3, readyAfter: 200, whenScaled: "Delete" })
        const cluster = neighbour(world, movesCount, setWhenScaled("Delete"))
        const asked = { replicas: to, ...options, identity: ann }
        const error = yield* refusal(drive(withCluster(cluster)(Scale.scale(ref, asked))))
        assert.include(error.message, "another client set whenScaled of db to Delete")
        assert.notInclude(world.log.join(), "delete db-2")
        const id = /resume ([0-9a-f]{8})/.exec(error.action ?? "")?.[1] ?? ""
        const result = yield* drive(on(world)(Scale.resume(at(id), { identity: bob })))
        assert.strictEqual(result.outcome, "Succeeded")
        yield* TestClock.adjust("60 seconds")
        for (const name of ["data-db-0", "data-db-1", "data-db-2"])
          assert.isDefined(claimNamed(world, name), name)
        assert.deepEqual(policies(world), ["Delete", "Delete", "Delete"])
        assert.strictEqual(retention(world), "Delete")
      })
    )
  }

  it.effect("after the last change keeps the data, names it, and is no success", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      const volume = claimNamed(world, "data-db-1")?.spec.volumeName ?? ""
      // The pod is terminating: the controller makes it the claim's owner, and the claim goes with it.
      const act = Effect.andThen(setWhenScaled("Delete"), removeClaim("data-db-1"))
      const cluster = neighbour(
        world,
        ({ path }) => path.endsWith("/statefulsets/db") && world.log.includes("delete db-1"),
        act
      )
      const ended = yield* Effect.result(
        drive(withCluster(cluster)(Scale.scale(ref, { replicas: 1, identity: ann })))
      )
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(volumeNamed(world, volume)?.spec.persistentVolumeReclaimPolicy, "Retain")
      if (ended._tag === "Success") {
        assert.strictEqual(ended.success.outcome, "Incomplete")
        assert.include(ended.success.unmet.join(), `its data is kept in volume ${volume}`)
        assert.include(ended.success.notes.join(), "whenScaled of db is Delete instead of Retain")
      } else assert.include((ended.failure as Error).message, "another client set whenScaled of db to Delete")
    })
  )

  it.effect("stops a wait that leans on it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 200 })
      const cluster = neighbour(
        world,
        ({ method, path }) =>
          method === "GET" && path.endsWith("/statefulsets/db") && world.log.includes("delete db-2"),
        setWhenScaled("Delete")
      )
      const error = yield* refusal(
        drive(withCluster(cluster)(Scale.scale(ref, { replicas: 1, step: 1, identity: ann })))
      )
      assert.include(error.message, "another client set whenScaled of db to Delete; this")
      assert.notInclude(world.log.join(), "delete db-1")
    })
  )
})

describe("a claim that is deleted while its set is scaled to zero", () => {
  for (const way of ["forward", "abort"] as const) {
    it.effect(`leaves its data on a volume under Retain, which is named (${way})`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
        const volume = claimNamed(world, "data-db-1")?.spec.volumeName ?? ""
        const fiber = yield* Effect.forkChild(
          Effect.exit(on(world)(Scale.scale(ref, { replicas: 0, identity: ann })))
        )
        yield* untilLogged(world, "delete db-1")
        if (way === "abort") yield* drive(Fiber.interrupt(fiber))
        yield* drive(on(world)(removeClaim("data-db-1")))
        const { plan } =
          (yield* drive(Effect.flatMap(on(world)(journals), (all) => Effect.succeed(all[0])))) ?? {}
        const exit =
          way === "forward"
            ? yield* drive(Fiber.join(fiber))
            : yield* Effect.exit(drive(on(world)(Scale.abort(at(plan?.id ?? ""), { identity: bob }))))
        yield* TestClock.adjust("60 seconds")
        assert.strictEqual(exit._tag, "Success")
        if (exit._tag !== "Success") return
        assert.strictEqual(exit.value.outcome, "Incomplete")
        assert.strictEqual(exit.value.aborted, way === "abort")
        assert.include(exit.value.unmet.join(), `its data is kept in volume ${volume}, reclaim policy Retain`)
        const kept = volumeNamed(world, volume)
        assert.strictEqual(kept?.spec.persistentVolumeReclaimPolicy, "Retain")
        assert.strictEqual(
          kept?.metadata.annotations?.["kubectl-stateful.dev/reclaim-policy-before"],
          "Delete"
        )
        assert.strictEqual(volumeOf(world, "data-db-0")?.spec.persistentVolumeReclaimPolicy, "Delete")
      })
    )
  }
})

const journals = Effect.map(
  Resource.listObjects(kinds.configmaps, {
    namespace: "shop",
    labelSelector: "kubectl-stateful.dev/operation"
  }),
  ({ items }) => items.map((item) => ({ plan: { id: item.metadata.name.slice("kubectl-stateful-".length) } }))
)

describe("a namespace that is deleted while its set is scaled down", () => {
  it.effect("has the volumes under Retain, names them, and is no success", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      const volume = volumeOf(world, "data-db-1")?.metadata.name ?? ""
      const inner = world.sandbox.cluster
      const namespace = { metadata: { name: "shop", deletionTimestamp: "2026-11-28T05:00:00Z" } }
      // The sandbox deletes no namespaces: its claims are about to go.
      const cluster: typeof inner = {
        ...inner,
        request: (request) =>
          request.path === "/api/v1/namespaces/shop"
            ? Effect.succeed({
                status: 200,
                headers: {},
                body: Stream.succeed(new TextEncoder().encode(JSON.stringify(namespace)))
              })
            : inner.request(request)
      }
      const result = yield* drive(withCluster(cluster)(Scale.scale(ref, { replicas: 1, identity: ann })))
      assert.strictEqual(result.outcome, "Incomplete")
      assert.include(result.unmet.join(), `kept with reclaim policy Retain: ${volume} (data-db-1)`)
      assert.strictEqual(volumeNamed(world, volume)?.spec.persistentVolumeReclaimPolicy, "Retain")
    })
  )
})

describe("the policies from before", () => {
  it.effect("stand on the objects that were changed while an operation runs, and are gone after it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 4, readyAfter: 200, whenScaled: "Delete" })
      yield* interruptAt(world, "delete db-3", { replicas: 0 })
      const annotations = volumeOf(world, "data-db-0")?.metadata.annotations
      assert.strictEqual(annotations?.["kubectl-stateful.dev/reclaim-policy-before"], "Delete")
      const now = world.sandbox.store.get(statefulsets, "shop", "db")?.metadata.annotations
      assert.strictEqual(
        now?.["kubectl-stateful.dev/retention-before"],
        '{"whenScaled":"Delete","whenDeleted":"Retain"}'
      )
      const [open] = yield* on(world)(journals)
      yield* drive(on(world)(Scale.resume(at(open?.plan.id ?? ""), { identity: bob })))
      assert.notProperty(
        volumeOf(world, "data-db-0")?.metadata.annotations,
        "kubectl-stateful.dev/reclaim-policy-before"
      )
      assert.deepEqual([...new Set(policies(world))], ["Delete"])
      assert.strictEqual(retention(world), "Delete")
    })
  )

  it.effect("are put back from there, whatever the journal says", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 4, readyAfter: 200, whenScaled: "Delete" })
      const { plan } = yield* interruptAt(world, "delete db-3", { replicas: 0 })
      const target = { api: kinds.configmaps, namespace: "shop", name: `kubectl-stateful-${plan.id}` }
      const forged = JSON.stringify(plan)
        .replaceAll('"was":"Delete"', '"was":"Recycle"')
        .replaceAll('"whenDeleted":"Retain"', '"whenDeleted":"Delete"')
      yield* on(world)(Resource.patch(target, { _tag: "Merge", value: { data: { "plan.json": forged } } }))
      yield* Effect.ignore(drive(on(world)(Scale.abort(at(plan.id), { identity: bob }))))
      assert.deepEqual([...new Set(policies(world))], ["Delete"])
      const now = world.sandbox.store.get(statefulsets, "shop", "db")?.spec
        .persistentVolumeClaimRetentionPolicy
      assert.strictEqual(now?.whenDeleted, "Retain")
    })
  )
})

describe("whoever may not set reclaim policies", () => {
  it.effect("scales, is told what alone keeps the claims, and writes to no volume", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      const inner = world.sandbox.cluster
      const written: Array<string> = []
      const cluster: typeof inner = {
        ...inner,
        request: (request) => {
          if (request.method !== "GET" && request.path.includes("/persistentvolumes/"))
            written.push(request.path)
          const asks = request.path.endsWith("/selfsubjectaccessreviews")
          if (!asks || !(request.body ?? "").includes('"resource":"persistentvolumes"'))
            return inner.request(request)
          return Effect.map(inner.request(request), (response) => ({
            ...response,
            body: Stream.succeed(new TextEncoder().encode('{"status":{"allowed":false}}'))
          }))
        }
      }
      const plan = yield* withCluster(cluster)(Scale.prepare(ref, { replicas: 1 }))
      assert.include(
        plan.effects.join(),
        "1 claim kept: whenScaled Retain, and only as long as whenScaled is not set to Delete"
      )
      const result = yield* drive(withCluster(cluster)(Scale.run(plan, { identity: ann })))
      assert.strictEqual(result.outcome, "Succeeded")
      assert.deepEqual(written, [])
    })
  )
})
