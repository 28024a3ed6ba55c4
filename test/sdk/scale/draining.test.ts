import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { drainingAnnotation } from "../../../packages/sdk/src/Discovery.ts"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { pods } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref } from "../../simulation/world.ts"
import { ann, bob, hooks, on, refusal } from "./callers.ts"

const markOf = (pod: Resource.KubeObject): unknown =>
  Reflect.get(Object(pod.metadata["annotations"]), drainingAnnotation)

const marks = (world: Parameters<typeof on>[0]) =>
  Effect.map(
    on(world)(Resource.listObjects(kinds.pods, { namespace: ref.namespace })),
    ({ items }) => new Map(items.map((pod) => [pod.metadata.name, markOf(pod)]))
  )

/** A scaling from 3 to 2 that stops at the goodbye of db-2; its id. */
const stopped = (world: Parameters<typeof on>[0]) =>
  Effect.gen(function* () {
    world.answers.set("leave", 3)
    const options = { replicas: 2, profile: hooks, identity: ann, drainWait: 1000 }
    yield* refusal(drive(on(world)(Scale.scale(ref, options))))
    const [entry] = yield* on(world)(Journal.list("shop", "db"))
    return entry?.plan.id ?? assert.fail("no operation was begun")
  })

describe("members that are about to leave", () => {
  it.effect("are marked before their goodbye, and stay so while it fails; nobody else is", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3 })
      const id = yield* stopped(world)
      assert.deepEqual(
        [...(yield* marks(world))],
        [
          ["db-0", undefined],
          ["db-1", undefined],
          ["db-2", id]
        ]
      )
    })
  )

  it.effect("are no longer marked once the scaling is aborted; what somebody else marked stays", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3 })
      const id = yield* stopped(world)
      yield* on(world)(
        Resource.patch(
          { api: kinds.pods, namespace: ref.namespace, name: "db-0" },
          { _tag: "Merge", value: { metadata: { annotations: { [drainingAnnotation]: "by hand" } } } }
        )
      )
      const result = yield* drive(on(world)(Scale.abort(at(id), { profile: hooks, identity: bob })))
      assert.strictEqual(result.outcome, "Aborted")
      const seen = yield* marks(world)
      assert.isTrue(seen.has("db-2"))
      assert.isUndefined(seen.get("db-2"))
      assert.equal(seen.get("db-0"), "by hand")
    })
  )

  const annotate = (world: Parameters<typeof on>[0], name: string, mark: string | null) =>
    on(world)(
      Resource.patch(
        { api: kinds.pods, namespace: ref.namespace, name },
        { _tag: "Merge", value: { metadata: { annotations: { [drainingAnnotation]: mark } } } }
      )
    )

  it.effect("and were marked by somebody else before, are so after an abort", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3 })
      yield* annotate(world, "db-2", "by hand")
      const id = yield* stopped(world)
      yield* drive(on(world)(Scale.abort(at(id), { profile: hooks, identity: bob })))
      assert.equal((yield* marks(world)).get("db-2"), "by hand")
    })
  )

  it.effect("are given the time again when their mark is taken off, or their pod is made anew", () =>
    Effect.gen(function* () {
      for (const act of ["unmark", "delete"] as const) {
        const world = yield* makeWorld({ replicas: 3 })
        const options = { replicas: 2, identity: ann, drainWait: 10_000 }
        const scaling = yield* Effect.forkChild(on(world)(Scale.scale(ref, options)))
        const isMarked = Effect.map(marks(world), (all) => all.get("db-2") !== undefined)
        while (!(yield* isMarked)) yield* TestClock.adjust(100)
        yield* TestClock.adjust(5000)
        if (act === "unmark") yield* annotate(world, "db-2", null)
        else world.sandbox.registry.remove(pods, "shop", "db-2")
        yield* TestClock.adjust(6000)
        assert.isTrue(yield* isMarked, act)
        assert.isFalse(world.log.includes("delete db-2") && act === "unmark")
        yield* TestClock.adjust(8000)
        assert.equal((yield* marks(world)).size, 3, `${act}: it leaves before routers have seen its mark`)
        yield* drive(Fiber.join(scaling))
        assert.equal((yield* marks(world)).size, 2)
      }
    })
  )

  it.effect("are not marked unless a wait is asked for", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2 })
      world.answers.set("leave", 3)
      yield* refusal(drive(on(world)(Scale.scale(ref, { replicas: 1, profile: hooks, identity: ann }))))
      assert.isUndefined((yield* marks(world)).get("db-1"))
    })
  )
})
