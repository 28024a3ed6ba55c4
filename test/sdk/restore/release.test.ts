/** A release lets out the application that it is about, says so only where that is so, and no other one. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { planAnnotation } from "../../../packages/sdk/src/Labels.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as RestoreRelease from "../../../packages/sdk/src/RestoreRelease.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, on, refusal } from "../scale/callers.ts"
import { clone, fences, withSnapshot } from "./cloneWorld.ts"

const planOf = (world: World, id: string | null) =>
  on(world)(RestoreRelease.prepare({ namespace: "shop", id: id ?? "" }))

/** A release of `copy` whose caller dies, and whose journal then says this of the fence. */
const stopped = (world: World, id: string | null, forged: object) =>
  Effect.gen(function* () {
    const plan = yield* planOf(world, id)
    const inner = world.sandbox.cluster
    const dying: typeof inner = {
      ...inner,
      request: (request) =>
        request.method === "DELETE" && request.path.includes("/networkpolicies/")
          ? Effect.die("killed")
          : inner.request(request)
    }
    yield* drive(Effect.exit(withCluster(dying)(RestoreRelease.run(plan, { identity: ann }))))
    const target = { api: kinds.configmaps, namespace: "shop", name: Journal.nameOf(plan.id) }
    const [step] = plan.steps
    const data = { "plan.json": JSON.stringify({ ...plan, steps: [{ ...step, ...forged }] }) }
    yield* on(world)(Resource.patch(target, { _tag: "Merge", value: { data } }))
    const at = { namespace: "shop", id: plan.id }
    const error = yield* refusal(drive(on(world)(RestoreRelease.resume(at, { identity: bob }))))
    assert.match(error.message, /was changed after the operation started/)
    // As one that an earlier version began.
    const annotations = { [planAnnotation]: null }
    const copy = { api: kinds.statefulsets, namespace: "shop", name: plan.guards[0].name }
    yield* on(world)(Resource.patch(copy, { _tag: "Merge", value: { metadata: { annotations } } }))
    return at
  })

describe("a release", () => {
  it.effect("is no success where its fence is there still", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const { id } = yield* clone(world)
      const plan = yield* planOf(world, id)
      const target = {
        api: Resource.networkPolicies,
        namespace: "shop",
        name: fences(world, "shop")[0] ?? ""
      }
      const labels = { "kubectl-stateful.dev/made-by": null }
      yield* on(world)(Resource.patch(target, { _tag: "Merge", value: { metadata: { labels } } }))
      const { outcome, unmet } = yield* drive(on(world)(RestoreRelease.run(plan, { identity: ann })))
      assert.strictEqual(outcome, "Incomplete")
      assert.match(unmet.join(), /is there, and not as it was made for copy/)
    })
  )

  it.effect(
    "of one application takes no other's fence away, and makes none for it, whatever its journal says",
    () =>
      Effect.gen(function* () {
        const world = yield* withSnapshot()
        const { id } = yield* clone(world)
        const { id: other } = yield* clone(world, { as: "second" })
        const [step] = (yield* planOf(world, other)).steps
        const before = fences(world, "shop")
        const at = yield* stopped(world, id, { ...step })
        const { outcome } = yield* drive(on(world)(RestoreRelease.resume(at, { identity: bob })))
        assert.strictEqual(outcome, "Incomplete")
        assert.deepEqual(fences(world, "shop"), before)
        const second = yield* planOf(world, other)
        yield* drive(on(world)(RestoreRelease.run(second, { identity: ann })))
        assert.lengthOf(fences(world, "shop"), 1)
        const back = yield* stopped(world, id, { ...step })
        const aborted = yield* drive(on(world)(RestoreRelease.abort(back, { identity: bob })))
        assert.match(aborted.unmet.join(), /was not made by restore/)
        assert.lengthOf(fences(world, "shop"), 1)
      })
  )
})
