/** Somebody deletes a namespace in the midst of an operation: how that ends. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Cluster, Request } from "../../../packages/sdk/src/Cluster.ts"
import type { Failure } from "../../../packages/sdk/src/Operation.ts"
import { namespaces } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { drive, type World, withCluster } from "../../simulation/world.ts"
import { neighbour, refusal } from "../scale/callers.ts"

/** The error that it ends with, which comes soon, and how many milliseconds later. */
export const whileDeleted = <A, E extends Failure | object>(
  world: World,
  name: string,
  when: (request: Request) => boolean,
  run: Effect.Effect<A, E, Cluster>
) =>
  Effect.gen(function* () {
    const { registry } = world.sandbox
    let began = -1
    const act = Effect.andThen(
      Effect.sync(() => {
        began = registry.now()
        registry.remove(namespaces, undefined, name, {})
      }),
      // Until its controller has emptied it.
      Effect.sleep("300 millis")
    )
    const error = yield* refusal(drive(withCluster(neighbour(world, when, act))(run)))
    assert.isAtLeast(began, 0, "it was deleted")
    const millis = registry.now() - began
    assert.isAtMost(millis, 15_000, error.message)
    assert.strictEqual(error.reason._tag, "NotFound", error.message)
    assert.match(error.message, new RegExp(`^namespace "${name}" was deleted in the meantime`))
    assert.notInclude(`${error.message}${error.action ?? ""}`, "\n")
    return { error, action: error.action ?? "", began }
  })
