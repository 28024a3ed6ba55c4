import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as Scale from "@kubectl-stateful/sdk/Scale"
import { watchAll } from "@kubectl-stateful/sdk/State"
import { drive, makeWorld, withCluster } from "../../simulation/world.ts"

describe("watching all StatefulSets of a namespace", () => {
  for (const namespace of ["shop", null])
    it.effect(`shows each change soon, in ${namespace ?? "all namespaces"}`, () =>
      Effect.gen(function* () {
        const { sandbox } = yield* makeWorld({ replicas: 1 })
        const seen: Array<number> = []
        const fiber = yield* Effect.forkChild(
          withCluster(sandbox.cluster)(
            watchAll({ namespace }, { every: "1 hour" }).pipe(
              Stream.runForEach((states) =>
                Effect.sync(() => seen.push(states.flatMap(({ replicas }) => replicas).length))
              )
            )
          )
        )
        yield* drive(Effect.sleep("2 seconds"))
        assert.deepEqual(seen, [1])
        yield* drive(
          withCluster(sandbox.cluster)(
            Scale.scale({ namespace: "shop", name: "db" }, { replicas: 2, identity: "ann" })
          )
        )
        yield* drive(Effect.sleep("2 seconds"))
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(seen.at(-1), 2)
      }).pipe(Effect.scoped)
    )
})
