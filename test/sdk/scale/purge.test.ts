import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { Cluster, Request } from "../../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import { setAsideLabel } from "../../../packages/sdk/src/Labels.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import type { OperationError } from "../../../packages/sdk/src/operation/OperationError.ts"
import { atCall } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import {
  pods,
  persistentvolumeclaims,
  persistentvolumes
} from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { callsOf, worthwhile } from "../../simulation/scaling.ts"
import { drive, makeWorld, ref, withCluster, type World } from "../../simulation/world.ts"
import { neighbour, refusal } from "./callers.ts"

const ann = "ann@laptop"
const on = (world: World) => withCluster(world.sandbox.cluster)
const claims = (world: World) => world.sandbox.store.list(persistentvolumeclaims, "shop")
const volumeOf = (world: World, name: string) => world.sandbox.store.get(persistentvolumes, undefined, name)

/** Two replicas, of which the second began anew: what it had before is set aside. */
const withAside = Effect.gen(function* () {
  const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
  yield* drive(on(world)(Scale.scale(ref, { replicas: 1, identity: ann })))
  yield* drive(on(world)(Scale.scale(ref, { replicas: 2, leftoverClaims: "set-aside", identity: ann })))
  const aside = claims(world).find(({ metadata }) => metadata.labels?.["kubectl-stateful.dev/set-aside"])
  if (aside === undefined) throw new Error("nothing was set aside")
  return { world, aside, volume: aside.spec.volumeName ?? "" }
})

describe("what was set aside", () => {
  it.effect("stays, whatever is scaled, until somebody purges it", () =>
    Effect.gen(function* () {
      const { world, aside, volume } = yield* withAside
      yield* drive(on(world)(Scale.scale(ref, { replicas: 1, identity: ann })))
      yield* drive(on(world)(Scale.scale(ref, { replicas: 2, identity: ann })))
      assert.include(
        claims(world).map(({ metadata }) => metadata.name),
        aside.metadata.name
      )
      assert.isDefined(volumeOf(world, volume))
    })
  )

  it.effect("is named with its volume and size by the plan, which changes nothing", () =>
    Effect.gen(function* () {
      const { world, aside, volume } = yield* withAside
      const plan = yield* on(world)(Scale.prepare(ref, { purge: true }))
      assert.deepEqual(plan.effects, [
        "db has 2 replicas: they stay",
        `${aside.metadata.name}: deleted permanently, with volume ${volume} (1Gi)`
      ])
      assert.isDefined(volumeOf(world, volume))
    })
  )

  it.effect("is purged with its volume, and nothing else is", () =>
    Effect.gen(function* () {
      const { world, volume } = yield* withAside
      const result = yield* drive(on(world)(Scale.scale(ref, { purge: true, identity: ann })))
      assert.strictEqual(result.outcome, "Succeeded")
      assert.deepEqual(
        claims(world).map(({ metadata, status }) => `${metadata.name} ${status?.phase}`),
        ["data-db-0 Bound", "data-db-1 Bound"]
      )
      assert.isUndefined(volumeOf(world, volume))
      assert.lengthOf(world.sandbox.store.list(persistentvolumes), 2)
      const again = yield* drive(on(world)(Scale.scale(ref, { purge: true, identity: ann })))
      assert.strictEqual(again.outcome, "Unchanged")
    })
  )

  for (const [what, isHeld] of [
    [
      "the claim",
      (path: string, method: string) => method === "DELETE" && path.includes("/persistentvolumeclaims/")
    ],
    [
      "its volume",
      (path: string, method: string) => method === "PATCH" && path.includes("/persistentvolumes/")
    ]
  ] as const) {
    it.effect(`is not deleted by a caller that slept before it wrote ${what}, while another aborted`, () =>
      Effect.gen(function* () {
        const { world, aside, volume } = yield* withAside
        yield* TestClock.adjust("5 seconds")
        const gate = { isShut: true, reached: false }
        const sleeping: Cluster["Service"] = {
          ...world.sandbox.cluster,
          request: (request) =>
            Effect.gen(function* () {
              if (isHeld(request.path, request.method) && gate.isShut) {
                gate.reached = true
                while (gate.isShut) yield* Effect.sleep(100)
              }
              return yield* world.sandbox.cluster.request(request)
            }).pipe(Effect.uninterruptible)
        }
        const first = yield* Effect.forkChild(
          Effect.exit(withCluster(sleeping)(Scale.scale(ref, { purge: true, identity: ann })))
        )
        for (let waited = 0; waited < 60_000 && !gate.reached; waited += 100) yield* TestClock.adjust(100)
        const [entry] = yield* on(world)(Journal.list("shop", "db"))
        const id = entry?.plan.id ?? ""
        const aborting = Scale.abort({ namespace: "shop", id }, { identity: "bob@desk", takeOver: true })
        const aborted = yield* drive(on(world)(aborting))
        assert.strictEqual(aborted.outcome, "Aborted")
        gate.isShut = false
        yield* drive(Fiber.join(first))
        assert.strictEqual(
          claims(world).find(({ metadata }) => metadata.uid === aside.metadata.uid)?.metadata
            .deletionTimestamp,
          undefined
        )
        assert.include(
          claims(world).map(({ metadata }) => metadata.uid),
          aside.metadata.uid
        )
        assert.strictEqual(volumeOf(world, volume)?.spec.persistentVolumeReclaimPolicy, "Retain")
      })
    )
  }

  it.effect("is not deleted while a pod mounts it", () =>
    Effect.gen(function* () {
      const { world, aside, volume } = yield* withAside
      world.sandbox.create({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "reader", namespace: "shop" },
        spec: {
          containers: [{ name: "main", image: "db:1" }],
          volumes: [{ name: "old", persistentVolumeClaim: { claimName: aside.metadata.name } }]
        }
      })
      const error = (yield* Effect.flip(
        drive(on(world)(Scale.scale(ref, { purge: true, identity: ann })))
      )) as OperationError
      assert.include(error.message, "is mounted by reader")
      assert.strictEqual(volumeOf(world, volume)?.spec.persistentVolumeReclaimPolicy, "Retain")
      assert.isDefined(world.sandbox.store.get(pods, "shop", "reader"))
    })
  )

  const writesVolume = ({ method, path }: Request) =>
    method === "PATCH" && path.includes("/persistentvolumes/")
  const deletes = ({ method, path }: Request) =>
    method === "DELETE" && path.includes("/persistentvolumeclaims/")
  for (const [what, when] of [
    ["its volume's policy is written", writesVolume],
    ["it is deleted", deletes]
  ] as const)
    it.effect(`is not deleted once its mark was taken off, just before ${what}`, () =>
      Effect.gen(function* () {
        const { world, aside, volume } = yield* withAside
        const target = { api: kinds.persistentvolumeclaims, namespace: "shop", name: aside.metadata.name }
        const value = { metadata: { labels: { [setAsideLabel]: null } } }
        const cluster = neighbour(world, when, Resource.patch(target, { _tag: "Merge", value }))
        const purging = withCluster(cluster)(Scale.scale(ref, { purge: true, identity: ann }))
        assert.match((yield* refusal(drive(purging))).message, /is not marked as set aside from db/)
        assert.isDefined(claims(world).find(({ metadata }) => metadata.uid === aside.metadata.uid))
        assert.strictEqual(volumeOf(world, volume)?.spec.persistentVolumeReclaimPolicy, "Retain")
      })
    )

  it.effect("is not deleted when another claim has taken its name since", () =>
    Effect.gen(function* () {
      const { world, aside } = yield* withAside
      const plan = yield* on(world)(Scale.prepare(ref, { purge: true }))
      const { name, labels } = aside.metadata
      world.sandbox.store.remove(persistentvolumeclaims, "shop", name)
      world.sandbox.create({
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name, namespace: "shop", labels: { ...labels } },
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: "fast",
          resources: { requests: { storage: "1Gi" } }
        }
      })
      yield* drive(on(world)(Scale.run(plan, { identity: ann })))
      assert.include(
        claims(world).map(({ metadata }) => metadata.name),
        name
      )
    })
  )

  it.effect("is purged once, wherever the caller died", () =>
    Effect.gen(function* () {
      const awake = inject((yield* withAside).world.sandbox.cluster, () => undefined)
      yield* drive(withCluster(awake.cluster)(Scale.scale(ref, { purge: true, identity: ann })))
      const known = callsOf(awake.record.calls)
      let points = 0
      // A third of them: `npm run prove -- scale` kills at every call.
      for (let index = 1; ; index++) {
        if (index % 3 !== 0 || !worthwhile(index, known, 4)) continue
        const { world, volume } = yield* withAside
        const { cluster, record } = inject(
          world.sandbox.cluster,
          atCall(index, { _tag: "Kill", applied: true })
        )
        yield* drive(Effect.exit(withCluster(cluster)(Scale.scale(ref, { purge: true, identity: ann }))))
        if (record.calls.length < index) break
        points += 1
        const entries = yield* on(world)(Journal.list("shop", "db"))
        const open = entries.find((entry) => Journal.isOpen(entry.status))
        yield* drive(
          on(world)(
            open === undefined
              ? Scale.scale(ref, { purge: true, identity: "bob" })
              : Scale.resume({ namespace: "shop", id: open.plan.id }, { identity: "bob", purge: true })
          )
        )
        assert.isUndefined(volumeOf(world, volume))
        assert.lengthOf(claims(world), 2)
      }
      console.log(`purge: ${points} points`)
      assert.isAbove(points, 7)
    })
  )
})
