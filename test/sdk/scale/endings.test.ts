/** Every operation can be ended by somebody, whatever became of its journal, its StatefulSet or its rights. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { persistentvolumes } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, interruptAt, on, refusal, set, policies } from "./callers.ts"

const stopped = Effect.gen(function* () {
  const world = yield* makeWorld({ replicas: 4, readyAfter: 200, whenScaled: "Delete" })
  const { plan, status } = yield* interruptAt(world, "delete db-3", { replicas: 0 })
  return { world, id: plan.id, plan, status }
})

/** What the journal says is changed by somebody who may write ConfigMaps. */
const forge = (world: World, id: string, data: object) =>
  on(world)(
    Resource.patch(
      { api: kinds.configmaps, namespace: "shop", name: Journal.nameOf(id) },
      { _tag: "Merge", value: { data } }
    )
  )

const mine = { identity: bob, stepTimeout: 5000 }

/** No journal is open, and the next operation runs. */
const expectOver = (world: World) =>
  Effect.gen(function* () {
    const entries = yield* on(world)(Journal.list("shop", "db"))
    assert.deepEqual(
      entries.filter(({ status }) => Journal.isOpen(status)),
      []
    )
    assert.isNull(yield* on(world)(nextIsRefused))
  })
const nextIsRefused = Effect.flatMap(Scale.prepare(ref, { replicas: 1, quorum: "none" }), (plan) =>
  Effect.map(Scale.dryRun(plan, "client"), ({ refusals }) => refusals[0]?.reason ?? null)
)

describe("an abort that stopped", () => {
  it.effect("says the last way out, and that one ends it", () =>
    Effect.gen(function* () {
      const { world, id } = yield* stopped
      // Somebody moves the ordinals for good: the plan's counts mean other pods now.
      yield* on(world)(Resource.patch(set, { _tag: "Merge", value: { spec: { ordinals: { start: 1 } } } }))
      const early = yield* refusal(drive(on(world)(Scale.abortWithoutJournal(ref, mine))))
      assert.include(early.action, `abort ${id}`)
      const error = yield* refusal(drive(on(world)(Scale.abort(at(id), mine))))
      assert.include(
        error.action,
        "`kubectl stateful abort db --without-journal -n shop` to revert what it can"
      )
      const result = yield* drive(on(world)(Scale.abortWithoutJournal(ref, mine)))
      assert.strictEqual(result.outcome, "Aborted")
      assert.deepEqual([...new Set(policies(world))], ["Delete"])
      yield* expectOver(world)
    })
  )

  it.effect("for want of rights on volumes is ended by the last way out, and each volume is named", () =>
    Effect.gen(function* () {
      const { world, id } = yield* stopped
      const inner = world.sandbox.cluster
      const status = { kind: "Status", status: "Failure", reason: "Forbidden", code: 403, message: "no" }
      const cluster: typeof inner = {
        ...inner,
        request: (request) =>
          request.method === "PATCH" && request.path.includes("/persistentvolumes/")
            ? Effect.succeed({
                status: 403,
                headers: {},
                body: Stream.succeed(new TextEncoder().encode(JSON.stringify(status)))
              })
            : inner.request(request)
      }
      yield* Effect.flip(drive(withCluster(cluster)(Scale.abort(at(id), mine))))
      const result = yield* drive(withCluster(cluster)(Scale.abortWithoutJournal(ref, mine)))
      assert.strictEqual(result.outcome, "Incomplete")
      for (const { metadata } of world.sandbox.store.list(persistentvolumes))
        assert.include(result.unmet.join(), `volume ${metadata.name} keeps reclaim policy Retain`)
      yield* expectOver(world)
      // Whoever has the rights puts the policies back later.
      yield* drive(on(world)(Scale.abortWithoutJournal(ref, mine)))
      assert.deepEqual([...new Set(policies(world))], ["Delete"])
    })
  )
})

describe("a journal", () => {
  it.effect("of steps that this version does not read is no reason to refuse the last way out", () =>
    Effect.gen(function* () {
      const { world, id, plan } = yield* stopped
      yield* forge(world, id, { "plan.json": JSON.stringify({ ...plan, steps: [{ _tag: "Dance" }] }) })
      yield* refusal(drive(on(world)(Scale.abort(at(id), mine))))
      yield* drive(on(world)(Scale.abortWithoutJournal(ref, mine)))
      assert.deepEqual([...new Set(policies(world))], ["Delete"])
      yield* expectOver(world)
    })
  )

  for (const phase of ["Succeeded", "Aborted"] as const) {
    it.effect(`that says ${phase} is not believed while the StatefulSet carries the mark`, () =>
      Effect.gen(function* () {
        const { world, id, status } = yield* stopped
        yield* forge(world, id, { "status.json": JSON.stringify({ ...status, phase }) })
        const error = yield* refusal(drive(on(world)(Scale.scale(ref, { replicas: 4, identity: ann }))))
        assert.strictEqual(error.reason._tag, "Unfinished")
        const result = yield* drive(on(world)(Scale.resume(at(id), mine)))
        assert.strictEqual(result.outcome, "Succeeded")
        yield* TestClock.adjust("20 seconds")
        assert.notInclude(world.log, "ready db-3")
        assert.deepEqual([...new Set(policies(world))], ["Delete"])
        yield* expectOver(world)
      })
    )
  }
})
