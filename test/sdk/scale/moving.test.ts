/** Data that is set aside, brought back or purged, while somebody comes between the look and the act. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { Request } from "../../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref, withCluster, type World } from "../../simulation/world.ts"
import {
  ann,
  bob,
  claimNamed,
  claimObject,
  neighbour,
  on,
  refusal,
  removeClaim,
  volumeNamed
} from "./callers.ts"

const reader = (claim: string) => ({
  metadata: { name: "reader", namespace: "shop" },
  spec: {
    containers: [{ name: "main", image: "db:1", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
    volumes: [{ name: "data", persistentVolumeClaim: { claimName: claim } }]
  }
})
const mount = (claim: string) => Resource.create({ api: kinds.pods, namespace: "shop" }, reader(claim))

/** Three replicas, one of them gone, whose claim is left; and the plan to set it aside. */
const leftover = Effect.gen(function* () {
  const world = yield* makeWorld({ replicas: 3, readyAfter: 200 })
  yield* drive(on(world)(Scale.scale(ref, { replicas: 2, identity: ann })))
  const volume = claimNamed(world, "data-db-2")?.spec.volumeName ?? ""
  const plan = yield* on(world)(Scale.prepare(ref, { replicas: 3, leftoverClaims: "set-aside" }))
  return { world, volume, plan, aside: `data-db-2-${plan.id}` }
})

/** Runs until the request comes, which is never answered, and dies. */
const diesAt = (world: World, when: (request: Request) => boolean, run: ReturnType<typeof Scale.abort>) =>
  Effect.gen(function* () {
    const inner = world.sandbox.cluster
    const gate = { isThere: false }
    const cluster: typeof inner = {
      ...inner,
      request: (request) =>
        Effect.suspend(() => {
          gate.isThere ||= when(request)
          return gate.isThere ? Effect.never : inner.request(request)
        })
    }
    const fiber = yield* Effect.forkChild(Effect.exit(withCluster(cluster)(run)))
    for (let waited = 0; waited < 60_000 && !gate.isThere; waited += 20) yield* TestClock.adjust(20)
    yield* drive(Fiber.interrupt(fiber))
    assert.isTrue(gate.isThere)
  })

const lowers = ({ method, path, body }: Request) =>
  method === "PATCH" &&
  path.endsWith("/statefulsets/db") &&
  (body ?? "").includes('"remove","path":"/metadata/annotations/kubectl-stateful.dev~1operation"')

describe("data that an abort has brought back", () => {
  it.effect("stays when its caller dies and another one aborts again", () =>
    Effect.gen(function* () {
      const { world, volume, plan } = yield* leftover
      const isMade = ({ method, path }: Request) =>
        method === "POST" && path.endsWith("/persistentvolumeclaims") && isAside(world, plan.id)
      yield* diesAt(world, isMade, Scale.run(plan, { identity: ann }))
      yield* diesAt(world, lowers, Scale.abort(at(plan.id), { identity: ann }))
      assert.strictEqual(claimNamed(world, "data-db-2")?.spec.volumeName, volume)
      yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(claimNamed(world, "data-db-2")?.spec.volumeName, volume)
      assert.isDefined(volumeNamed(world, volume))
    })
  )

  it.effect("is named where its reclaim policy is ours still, and nothing on it says so", () =>
    Effect.gen(function* () {
      const { world, volume, plan } = yield* leftover
      const isMade = ({ method, path }: Request) =>
        method === "POST" && path.endsWith("/persistentvolumeclaims") && isAside(world, plan.id)
      yield* diesAt(world, isMade, Scale.run(plan, { identity: ann }))
      const name = "kubectl-stateful.dev/reclaim-policy-before"
      const annotations = { [name]: null }
      yield* on(world)(
        Resource.patch(
          { api: kinds.persistentvolumes, name: volume },
          { _tag: "Merge", value: { metadata: { annotations } } }
        )
      )
      const result = yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
      // Moving it back sets Retain again, and remembers that one: the plan still knows.
      if (volumeNamed(world, volume)?.spec.persistentVolumeReclaimPolicy === "Retain")
        assert.include(result.unmet.join(), "of data-db-2 has reclaim policy Retain instead of Delete")
      assert.strictEqual(result.outcome, "Incomplete")
    })
  )

  it.effect("is not said to be back where the claim that held it was deleted", () =>
    Effect.gen(function* () {
      const { world, volume, plan, aside } = yield* leftover
      const isMade = ({ method, path }: Request) =>
        method === "POST" && path.endsWith("/persistentvolumeclaims") && isAside(world, plan.id)
      yield* diesAt(world, isMade, Scale.run(plan, { identity: ann }))
      yield* on(world)(removeClaim(aside))
      yield* TestClock.adjust("5 seconds")
      const result = yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
      assert.strictEqual(result.outcome, "Incomplete")
      assert.include(result.unmet.join(), `its data is kept in volume ${volume}`)
    })
  )
})

/** The second claim of a run: the first is the one that takes the volume. */
const isAside = (world: World, id: string) => claimNamed(world, `data-db-2-${id}`)?.status.phase === "Bound"

describe("a pod that comes to mount a claim", () => {
  it.effect("whose volume was just set aside keeps it from being deleted, and an abort gives it back", () =>
    Effect.gen(function* () {
      const { world, volume, plan, aside } = yield* leftover
      const before = claimNamed(world, "data-db-2")?.metadata.uid
      const isMoved = (request: Request) =>
        request.method === "GET" &&
        request.path.endsWith("/pods") &&
        volumeNamed(world, volume)?.spec.claimRef?.name === aside
      const cluster = neighbour(world, isMoved, mount("data-db-2"))
      const error = yield* refusal(drive(withCluster(cluster)(Scale.run(plan, { identity: ann }))))
      assert.include(error.message, "claim data-db-2 is mounted by reader")
      const result = yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
      assert.strictEqual(result.unmet.join(), "")
      assert.strictEqual(volumeNamed(world, volume)?.spec.claimRef?.uid, before)
      assert.isUndefined(claimNamed(world, "data-db-2")?.metadata.deletionTimestamp)
    })
  )

  it.effect("just before it is purged keeps it, under Retain", () =>
    Effect.gen(function* () {
      const { world, volume, plan, aside } = yield* leftover
      yield* drive(on(world)(Scale.run(plan, { identity: ann })))
      const isPolicy = ({ method, path, body }: Request) =>
        method === "PATCH" &&
        path.includes("/persistentvolumes/") &&
        (body ?? "").includes('"value":"Delete"')
      const cluster = neighbour(world, isPolicy, mount(aside))
      const error = yield* refusal(
        drive(withCluster(cluster)(Scale.scale(ref, { purge: true, identity: ann })))
      )
      assert.include(error.message, "is mounted by reader: it was not deleted")
      assert.isUndefined(claimNamed(world, aside)?.metadata.deletionTimestamp)
      assert.strictEqual(volumeNamed(world, volume)?.spec.persistentVolumeReclaimPolicy, "Retain")
    })
  )
})

describe("a purge", () => {
  it.effect("takes no claim for the label that somebody put on it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
      const labels = { "kubectl-stateful.dev/set-aside": "db" }
      for (const name of ["report", "data-db-5", "data-db-5-0badcafe"]) {
        const object = claimObject(name, "shop")
        world.sandbox.create({ ...object, metadata: { ...object.metadata, labels } })
      }
      const plan = yield* on(world)(Scale.prepare(ref, { purge: true }))
      assert.deepEqual(plan.steps, [])
    })
  )
})
