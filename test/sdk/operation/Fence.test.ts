/** Who may write to an object: the one whose token it carries. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Fence from "../../../packages/sdk/src/operation/Fence.ts"
import { because } from "../../../packages/sdk/src/operation/OperationError.ts"
import { operationAnnotation, madeByAnnotation } from "../../../packages/sdk/src/Labels.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { refusal } from "../scale/callers.ts"
import { drive, makeWorld, mapOf, withCluster, type World } from "./toyWorld.ts"

const mine = "8f3a8f3a.00000001"
const theirs = "8f3a8f3a.00000002"
const maps = kinds.configmaps

const on =
  ({ sandbox }: World) =>
  <A, E>(effect: Effect.Effect<A, E, Cluster>) =>
    drive(withCluster(sandbox.cluster)(effect))
const fenceOf = (world: World, name: string, token = mine): Fence.Fence => ({
  kind: "ConfigMap",
  namespace: "shop",
  name,
  uid: mapOf(world, "shop", name)?.metadata.uid ?? null,
  token
})
const notes = (world: World, name: string) => mapOf(world, "shop", name)?.metadata.annotations ?? {}
const nobody = () => Effect.succeed(null)
const label = {
  done: (object: { readonly metadata: { readonly labels?: unknown } }) =>
    Reflect.get(Object(object.metadata.labels), "team") === "search",
  operations: () => [{ op: "add" as const, path: "/metadata/labels", value: { team: "search" } }]
}
const isLabelled = (world: World) => mapOf(world, "shop", "alpha")?.metadata.labels?.["team"] === "search"
const target = { api: kinds.configmaps, namespace: "shop", name: "alpha" }
const recreate = Effect.andThen(
  Resource.remove(target),
  Resource.create({ api: kinds.configmaps, namespace: "shop" }, { metadata: { name: "alpha" } })
)
const standing = Effect.succeed({ why: null })

describe("a fence", () => {
  it.effect("lets its caller change the object, and is gone when it is released", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const fence = fenceOf(world, "alpha")
      yield* on(world)(Fence.acquire(fence, nobody))
      assert.equal(notes(world, "alpha")[operationAnnotation], mine)
      yield* on(world)(Fence.change(fence, maps, label))
      assert.isTrue(isLabelled(world))
      yield* on(world)(Fence.release(fence))
      assert.isUndefined(notes(world, "alpha")[operationAnnotation])
    }).pipe(Effect.scoped)
  )

  it.effect("stops the caller from before, who changes and releases nothing", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const fence = fenceOf(world, "alpha")
      yield* on(world)(Fence.acquire(fence, nobody))
      yield* on(world)(Fence.acquire(fenceOf(world, "alpha", theirs), nobody))
      const error = yield* refusal(on(world)(Fence.change(fence, maps, label)))
      assert.equal(error.reason._tag, "Fenced")
      yield* on(world)(Fence.release(fence))
      assert.equal(notes(world, "alpha")[operationAnnotation], theirs)
      assert.isFalse(isLabelled(world))
    }).pipe(Effect.scoped)
  )

  it.effect("stops a caller that looked before another took over, by the write itself", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const fence = fenceOf(world, "alpha")
      const known = yield* on(world)(Fence.acquire(fence, nobody))
      assert.isNotNull(known)
      yield* on(world)(Fence.acquire(fenceOf(world, "alpha", theirs), nobody))
      const error = yield* refusal(on(world)(Fence.change(fence, maps, { ...label, known })))
      assert.equal(error.reason._tag, "Fenced")
      assert.isFalse(isLabelled(world))
    }).pipe(Effect.scoped)
  )

  it.effect("is not acquired by a caller whose turn it is not", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const why = because("Fenced", "it is over")
      const error = yield* refusal(
        on(world)(Fence.acquire(fenceOf(world, "alpha"), () => Effect.succeed(why)))
      )
      assert.equal(error, why)
      assert.isUndefined(notes(world, "alpha")[operationAnnotation])
    }).pipe(Effect.scoped)
  )

  it.effect("is around one object, and not around the next of its name", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const fence = fenceOf(world, "alpha")
      yield* on(world)(Fence.acquire(fence, nobody))
      yield* on(world)(recreate)
      for (const write of [
        Fence.acquire(fence, nobody),
        Fence.change(fence, maps, label),
        Fence.assertHeld(fence, maps)
      ])
        assert.equal((yield* refusal(on(world)(write))).reason._tag, "NotFound")
      yield* on(world)(Fence.remove(fence))
      assert.deepEqual(notes(world, "alpha"), {})
      assert.isFalse(isLabelled(world))
    }).pipe(Effect.scoped)
  )

  it.effect("makes an object with the token on it, and removes no other of that name", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const fence = fenceOf(world, "made")
      yield* on(world)(Fence.create(fence, standing, {}))
      assert.deepEqual(notes(world, "made"), { [operationAnnotation]: mine, [madeByAnnotation]: "8f3a8f3a" })
      yield* on(world)(Fence.remove(fence))
      assert.isUndefined(mapOf(world, "shop", "made"))
      world.sandbox.create({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "made", namespace: "shop" }
      })
      assert.equal((yield* refusal(on(world)(Fence.create(fence, standing, {})))).reason._tag, "Changed")
      yield* on(world)(Fence.remove(fence))
      assert.isDefined(mapOf(world, "shop", "made"))
    }).pipe(Effect.scoped)
  )

  it.effect("leaves no object that a caller made after it was replaced", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const why = because("Fenced", "it is over")
      let asked = 0
      const late = Effect.sync(() => ({ why: asked++ === 0 ? null : why }))
      const error = yield* refusal(on(world)(Fence.create(fenceOf(world, "made"), late, {})))
      assert.equal(error.reason._tag, "Fenced")
      assert.isUndefined(mapOf(world, "shop", "made"))
    }).pipe(Effect.scoped)
  )

  it.effect("takes back what was written beside it by a caller that was replaced meanwhile", () =>
    Effect.gen(function* () {
      const why = because("Fenced", "it is over")
      let asked = 0
      let value = 0
      const spec: Fence.BesideWrite<number> = {
        look: Effect.sync(() => value),
        done: (seen) => seen === 1,
        write: () => Effect.sync(() => (value = 1)),
        takeBack: (_, replaced) => Effect.sync(() => (value = replaced === null ? 1 : 0))
      }
      const late = Effect.sync(() => ({ why: asked++ === 0 ? null : why }))
      const world = yield* makeWorld
      const error = yield* refusal(on(world)(Fence.beside(late, spec)))
      assert.equal(error.reason._tag, "Fenced")
      assert.equal(value, 0)
    }).pipe(Effect.scoped)
  )
})
