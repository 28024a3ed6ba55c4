/** A journal that somebody edits while its restore is stopped: whoever may write ConfigMaps can. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Request } from "../../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, on, refusal } from "../scale/callers.ts"
import { assertNothingLost, assertSettled, snapshot, stateOf, withSnapshot } from "./world.ts"

/** Its caller dies in the middle of the exchange of volumes: members are stopped, and one has yet to be moved. */
const stopped = Effect.gen(function* () {
  const world = yield* withSnapshot()
  const plan = yield* on(world)(Restore.prepare(snapshot))
  const inner = world.sandbox.cluster
  const moves = ({ method, path, body = "" }: Request) =>
    method === "POST" && path.endsWith("/persistentvolumeclaims") && body.includes(`data-db-2-${plan.id}`)
  const dying: typeof inner = {
    ...inner,
    request: (request) => (moves(request) ? Effect.die("killed") : inner.request(request))
  }
  yield* drive(Effect.exit(withCluster(dying)(Restore.run(plan, { identity: ann }))))
  const target = { api: kinds.configmaps, namespace: "shop", name: Journal.nameOf(plan.id) }
  return { world, plan, target }
})

/** Its caller dies before anything carries its token: only the journal is there. */
const unfenced = Effect.gen(function* () {
  const world = yield* withSnapshot()
  const plan = yield* on(world)(Restore.prepare(snapshot))
  const inner = world.sandbox.cluster
  const fences = ({ method, path }: Request) => method === "PATCH" && path.endsWith("/statefulsets/db")
  const dying: typeof inner = {
    ...inner,
    request: (request) => (fences(request) ? Effect.die("killed") : inner.request(request))
  }
  yield* drive(Effect.exit(withCluster(dying)(Restore.run(plan, { identity: ann }))))
  return { world, at: { namespace: "shop", id: plan.id } }
})

/** The journal's status with another phase, as somebody writes it who may edit ConfigMaps. */
const say = (world: World, { namespace, id }: { namespace: string; id: string }, phase: string) =>
  on(world)(
    Effect.gen(function* () {
      const { status } = (yield* Journal.read(namespace, id)) ?? assert.fail("there is no journal")
      const data = { "status.json": JSON.stringify({ ...status, phase }) }
      const target = { api: kinds.configmaps, namespace, name: Journal.nameOf(id) }
      yield* Resource.patch(target, { _tag: "Merge", value: { data } })
    })
  )

describe("a restore whose journal somebody has edited", () => {
  it.effect("is no success by its phase alone, and is not walked either", () =>
    Effect.gen(function* () {
      const { world, at } = yield* unfenced
      yield* say(world, at, "Succeeded")
      for (const run of [Restore.resume, Restore.abort]) {
        const error = yield* refusal(drive(on(world)(run(at, { identity: bob }))))
        assert.match(error.message, /according to its journal, which does not say that all of its steps have/)
      }
      assert.strictEqual(stateOf(world), "after")
      yield* say(world, at, "Stopped")
      const { outcome } = yield* drive(on(world)(Restore.resume(at, { identity: bob })))
      assert.strictEqual(outcome, "Succeeded")
      assert.strictEqual(stateOf(world), "before")
      assertSettled(world)
    })
  )

  it.effect("is no success where none of the objects is here that it was about", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const plan = yield* on(world)(Restore.prepare(snapshot))
      const at = { namespace: "shop", id: plan.id }
      yield* drive(on(world)(Restore.run(plan, { identity: ann })))
      assert.strictEqual(
        (yield* drive(on(world)(Restore.resume(at, { identity: bob })))).outcome,
        "Succeeded"
      )
      const target = { api: kinds.statefulsets, namespace: "shop", name: "db" }
      yield* drive(on(world)(Resource.remove(target)))
      const error = yield* refusal(drive(on(world)(Restore.resume(at, { identity: bob }))))
      assert.include(error.message, "has finished, according to its journal, and none of its objects is here")
    })
  )

  it.effect("is aborted by its edited steps, and never said to be undone as a whole", () =>
    Effect.gen(function* () {
      const { world, plan, target } = yield* stopped
      const data = { "plan.json": JSON.stringify({ ...plan, steps: [] }) }
      yield* on(world)(Resource.patch(target, { _tag: "Merge", value: { data } }))
      const at = { namespace: "shop", id: plan.id }
      const { outcome, unmet } = yield* drive(on(world)(Restore.abort(at, { identity: bob })))
      assert.strictEqual(outcome, "Incomplete")
      assert.match(unmet.join(), /was changed after the operation started: what its own steps changed/)
      assertNothingLost(world, "after")
    })
  )

  it.effect("starts no member beside its volume: it is not resumed, and an abort brings all back", () =>
    Effect.gen(function* () {
      const { world, plan, target } = yield* stopped
      // One member keeps its old volume, and nothing looks behind it.
      const steps = plan.steps.filter((step) => !JSON.stringify(step).includes("data-db-1-new-"))
      const data = { "plan.json": JSON.stringify({ ...plan, steps }) }
      yield* on(world)(Resource.patch(target, { _tag: "Merge", value: { data } }))
      const at = { namespace: "shop", id: plan.id }
      const error = yield* refusal(drive(on(world)(Restore.resume(at, { identity: bob }))))
      assert.match(error.message, /was changed after the operation started/)
      const again = { "plan.json": JSON.stringify(plan) }
      yield* on(world)(Resource.patch(target, { _tag: "Merge", value: { data: again } }))
      const { outcome, unmet } = yield* drive(on(world)(Restore.abort(at, { identity: bob })))
      assert.strictEqual(outcome, "Aborted", unmet.join())
      assert.strictEqual(stateOf(world), "after")
      assertNothingLost(world, "after")
      assertSettled(world)
    })
  )
})
