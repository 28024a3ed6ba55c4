/** A journal that cannot be read, or is gone, is an open operation: what it changed is put back from the objects themselves. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { configmaps } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { drive, makeWorld, ref, type World } from "../../simulation/world.ts"
import {
  ann,
  bob,
  claimNamed,
  interruptAt,
  on,
  refusal,
  removeClaim,
  volumeNamed,
  policies
} from "./callers.ts"
import { headOf } from "../operation/journal.ts"

const target = (id: string) => ({ api: kinds.configmaps, namespace: "shop", name: Journal.nameOf(id) })

/** Its progress was cut, or written by a newer version. */
const damage = (world: World, id: string) =>
  on(world)(
    Resource.patch(target(id), { _tag: "Merge", value: { data: { "status.json": '{"phase":"Runn' } } })
  )

const stopped = Effect.gen(function* () {
  const world = yield* makeWorld({ replicas: 4, readyAfter: 200, whenScaled: "Delete" })
  const { plan } = yield* interruptAt(world, "delete db-3", { replicas: 0 })
  return { world, id: plan.id }
})

const setOf = (world: World) => world.sandbox.store.get(statefulsets, "shop", "db")
const expectPutBack = (world: World) => {
  assert.strictEqual(setOf(world)?.spec.persistentVolumeClaimRetentionPolicy?.whenScaled, "Delete")
  const ours = Object.keys(setOf(world)?.metadata.annotations ?? {})
  assert.deepEqual(
    ours.filter((name) => name !== "kubectl-stateful.dev/replicas"),
    []
  )
}

describe("a journal that cannot be read", () => {
  it.effect("stops a second operation on its app, and is named with the way out", () =>
    Effect.gen(function* () {
      const { world, id } = yield* stopped
      yield* damage(world, id)
      const error = yield* refusal(drive(on(world)(Scale.scale(ref, { replicas: 4, identity: bob }))))
      assert.strictEqual(error.reason._tag, "Unfinished")
      assert.include(error.message, `configmap "kubectl-stateful-${id}"`)
      assert.include(error.action, "abort db --without-journal -n shop")
      assert.deepEqual([...new Set(policies(world))], ["Retain"])
    })
  )

  it.effect("leaves nothing that an abort without it does not put back or name", () =>
    Effect.gen(function* () {
      const { world, id } = yield* stopped
      yield* damage(world, id)
      const result = yield* drive(on(world)(Scale.abortWithoutJournal(ref, { identity: bob })))
      assert.strictEqual(result.outcome, "Aborted")
      assert.deepEqual([...new Set(policies(world))], ["Delete"])
      expectPutBack(world)
      assert.include(result.notes.join(), `configmap "kubectl-stateful-${id}" is marked as over`)
      assert.include(result.notes.join(), "replicas of db stay at 1")
      // Its data is still there to be looked at, and the next operation runs.
      assert.isDefined(world.sandbox.store.get(configmaps, "shop", Journal.nameOf(id)))
      const again = yield* drive(on(world)(Scale.scale(ref, { replicas: 2, identity: ann })))
      assert.strictEqual(again.outcome, "Succeeded")
    })
  )

  it.effect("costs no data of a claim that was deleted meanwhile, and that is no success", () =>
    Effect.gen(function* () {
      const { world, id } = yield* stopped
      yield* damage(world, id)
      const volume = claimNamed(world, "data-db-3")?.spec.volumeName
      yield* drive(on(world)(removeClaim("data-db-3")))
      const result = yield* drive(on(world)(Scale.abortWithoutJournal(ref, { identity: bob })))
      assert.strictEqual(result.outcome, "Incomplete")
      assert.include(result.unmet.join(), `volume ${volume} keeps reclaim policy Retain`)
      assert.strictEqual(volumeNamed(world, volume)?.spec.persistentVolumeReclaimPolicy, "Retain")
    })
  )
})

describe("a journal that was deleted", () => {
  it.effect("is missed by the mark on the StatefulSet", () =>
    Effect.gen(function* () {
      const { world, id } = yield* stopped
      yield* on(world)(Resource.remove(target(id), {}))
      const error = yield* refusal(drive(on(world)(Scale.scale(ref, { replicas: 4, identity: bob }))))
      assert.include(error.message, "is annotated with an operation whose journal no longer exists")
      yield* drive(on(world)(Scale.abortWithoutJournal(ref, { identity: bob })))
      assert.deepEqual([...new Set(policies(world))], ["Delete"])
      expectPutBack(world)
    })
  )
})

describe("a journal that can be read", () => {
  it.effect("is what an abort goes by", () =>
    Effect.gen(function* () {
      const { world, id } = yield* stopped
      const error = yield* refusal(drive(on(world)(Scale.abortWithoutJournal(ref, { identity: bob }))))
      assert.include(error.action, `abort ${id}`)
      assert.deepEqual([...new Set(policies(world))], ["Retain"])
    })
  )

  it.effect("speaks for no other namespace than its own", () =>
    Effect.gen(function* () {
      const { world, id } = yield* stopped
      const entry = yield* on(world)(Journal.find("shop", id))
      const plan = { ...entry.plan, app: { ...entry.plan.app, namespace: "bank" } }
      yield* on(world)(
        Resource.patch(target(id), { _tag: "Merge", value: { data: { "plan.json": JSON.stringify(plan) } } })
      )
      const failed = yield* Effect.flip(
        drive(on(world)(Scale.resume({ namespace: "shop", id }, { identity: bob })))
      )
      assert.include((failed as Error).message, "is a journal of another namespace")
    })
  )

  it.effect("has room for the marks of every plan that fits", () =>
    Effect.sync(() => {
      const hook = { _tag: "RunHook", hook: "beforeRemove", ordinal: 1 }
      const move = { _tag: "SetReplicas", from: 2, to: 1, remember: null }
      const steps = (count: number) => Array.from({ length: count }, () => [hook, move]).flat()
      const planned = (count: number) => ({ ...headOf("44b98c3f", "db", "u"), steps: steps(count) })
      const fits = (count: number) => !Journal.isTooLarge(planned(count), count)
      let most = 1
      while (fits(most * 2)) most *= 2
      for (let by = most / 2; by >= 1; by = Math.floor(by / 2)) if (fits(most + by)) most += by
      const uid = "1522aee1-eec1-42ef-afb4-3c8b8d093f12"
      const mark = [{ kind: "Pod", name: "db-1000", uid, state: "Succeeded" }]
      const marks = Object.fromEntries(
        Array.from({ length: most }, (_, index) => [
          [`${2 * index}`, mark],
          [`undo ${2 * index}`, mark]
        ]).flat()
      )
      const size = JSON.stringify({ steps: steps(most) }).length + JSON.stringify(marks).length
      assert.isAbove(most, 1000)
      assert.isBelow(size, 1_048_576 - 10_000)
    })
  )
})

describe("marks that somebody has taken off", () => {
  it.effect("a journal, all or one of them, keep no operation from being ended", () =>
    Effect.gen(function* () {
      for (const annotations of [null, { "kubectl-stateful.dev/phase": null }]) {
        const { world, id } = yield* stopped
        yield* on(world)(Resource.patch(target(id), { _tag: "Merge", value: { metadata: { annotations } } }))
        const run = { identity: bob, takeOver: true }
        const result = yield* drive(on(world)(Scale.abort({ namespace: "shop", id }, run)))
        assert.strictEqual(result.outcome, "Aborted", result.unmet.join())
        const journal = world.sandbox.store.get(configmaps, "shop", Journal.nameOf(id))
        assert.strictEqual(journal?.metadata.annotations?.["kubectl-stateful.dev/phase"], "Aborted")
        expectPutBack(world)
      }
    })
  )

  it.effect("a volume, one of them, keep no policy from being put back", () =>
    Effect.gen(function* () {
      const { world, id } = yield* stopped
      for (const claim of ["data-db-0", "data-db-1", "data-db-2"]) {
        const name = claimNamed(world, claim)?.spec.volumeName ?? ""
        const annotations = { "kubectl-stateful.dev/app": null }
        const volume = { api: kinds.persistentvolumes, name }
        yield* on(world)(Resource.patch(volume, { _tag: "Merge", value: { metadata: { annotations } } }))
      }
      const result = yield* drive(on(world)(Scale.abort({ namespace: "shop", id }, { identity: bob })))
      assert.strictEqual(result.outcome, "Aborted", result.unmet.join())
      assert.deepEqual(policies(world), ["Delete", "Delete", "Delete", "Delete"])
    })
  )
})
