/** Tokens that came with a manifest, or that somebody wrote: what stands behind them decides, not they. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, interruptAt, on, refusal, set } from "../scale/callers.ts"
import { headOf, journalOf, stoppedStatus } from "./journal.ts"

const forbidden = {
  status: 403,
  headers: { "content-type": "application/json" },
  body: Stream.make(
    new TextEncoder().encode(
      JSON.stringify({ kind: "Status", status: "Failure", reason: "Forbidden", message: "no", code: 403 })
    )
  )
}
const annotation = "kubectl-stateful.dev/operation"
const mark = (world: World, token: string) =>
  on(world)(
    Resource.patch(set, { _tag: "Merge", value: { metadata: { annotations: { [annotation]: token } } } })
  )
const stopped = Effect.gen(function* () {
  const world = yield* makeWorld({ replicas: 4, readyAfter: 200, whenScaled: "Delete" })
  const { plan } = yield* interruptAt(world, "delete db-3", { replicas: 0 })
  return { world, plan }
})
const setOf = (world: World) => world.sandbox.store.get(statefulsets, "shop", "db")

describe("a mark that somebody writes over an operation's own", () => {
  for (const token of ["deadbeef.00000001", "deadbeef.00000001.nowhere", "../x", "a.b.c.d.e"]) {
    it.effect(`as ${token} keeps nobody from ending it`, () =>
      Effect.gen(function* () {
        const { world, plan } = yield* stopped
        yield* mark(world, token)
        const result = yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
        assert.strictEqual(result.outcome, "Aborted")
        assert.isUndefined(setOf(world)?.metadata.annotations?.[annotation])
      })
    )
  }
})

describe("an open operation", () => {
  it.effect("keeps its guard from another that has a journal as well", () =>
    Effect.gen(function* () {
      const { world, plan } = yield* stopped
      const { uid = "", generation = 1 } = setOf(world)?.metadata ?? {}
      const count = setOf(world)?.spec.replicas ?? 0
      const steps = [{ _tag: "SetReplicas", from: count + 1, to: count, remember: null }]
      const other = { ...headOf("8f3a8f3a", "db", uid, generation), steps }
      world.sandbox.create(journalOf(other, stoppedStatus()))
      const error = yield* refusal(drive(on(world)(Scale.resume(at("8f3a8f3a"), { identity: bob }))))
      assert.strictEqual(error.reason._tag, "Unfinished")
      assert.include(error.message, plan.id)
      assert.match(setOf(world)?.metadata.annotations?.[annotation] ?? "", new RegExp(`^${plan.id}`))
    })
  )

  it.effect("in another namespace is not said to be lost by a caller who may not read its journal", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 200 })
      yield* mark(world, "deadbeef.00000001.bank")
      const inner = world.sandbox.cluster
      const cluster: Cluster["Service"] = {
        ...inner,
        request: (request) =>
          request.path.includes("/namespaces/bank/") ? Effect.succeed(forbidden) : inner.request(request)
      }
      const failed = yield* Effect.flip(
        drive(withCluster(cluster)(Scale.scale(ref, { replicas: 2, identity: ann })))
      )
      assert.strictEqual(failed.reason._tag, "Forbidden")
    })
  )

  for (const home of ["shop", "bank"]) {
    it.effect(`whose journal lies in ${home} is not put back without it`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ replicas: 3, readyAfter: 200 })
        world.sandbox.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "bank" } })
        const { uid = "", generation = 1 } = setOf(world)?.metadata ?? {}
        const head = headOf("8f3a8f3a", "db", uid, generation)
        const app = { _tag: "Selector" as const, namespace: home, selector: "app=db", name: "db" }
        const other = { ...head, app, home, verb: "restore" }
        const journal = journalOf(other, stoppedStatus())
        world.sandbox.create({ ...journal, metadata: { ...journal.metadata, namespace: home } })
        yield* mark(world, `8f3a8f3a.00000001${home === "shop" ? "" : `.${home}`}`)
        const error = yield* refusal(drive(on(world)(Scale.abortWithoutJournal(ref, { identity: bob }))))
        assert.strictEqual(error.reason._tag, "Mismatch")
        assert.match(setOf(world)?.metadata.annotations?.[annotation] ?? "", /^8f3a8f3a/)
      })
    )
  }
})
