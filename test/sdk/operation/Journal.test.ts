/** What is written down of an operation, and whom it believes. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { configmaps } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { refusal } from "../scale/callers.ts"
import { headOf, stoppedStatus } from "./journal.ts"
import { drive, makeWorld, withCluster, type World } from "./toyWorld.ts"

const on =
  ({ sandbox }: World) =>
  <A, E>(effect: Effect.Effect<A, E, Cluster>) =>
    drive(withCluster(sandbox.cluster)(effect))
const guard = { kind: "StatefulSet" as const, namespace: "shop", name: "db" }
const entryOf = (id: string, run = "00000001", phase: Journal.Phase = "Running"): Journal.Entry => ({
  plan: headOf(id, "db", "u"),
  status: { ...stoppedStatus(), phase },
  run: `${id}.${run}`
})
const patched = (id: string, value: object) =>
  Resource.patch(
    { api: kinds.configmaps, namespace: "shop", name: Journal.nameOf(id) },
    { _tag: "Merge", value }
  )
const idAt = (index: number) => index.toString(16).padStart(8, "0")

describe("a journal", () => {
  it.effect("says what was written, to the run whose turn it is alone", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const first = entryOf("0badcafe")
      yield* on(world)(Journal.create(first))
      assert.deepEqual(yield* on(world)(Journal.read("shop", "0badcafe")), first)
      const second = entryOf("0badcafe", "00000002", "Aborting")
      yield* on(world)(Journal.write(second, first.run))
      const late = { ...first, status: { ...first.status, phase: "Succeeded" as const } }
      assert.equal((yield* refusal(on(world)(Journal.write(late, first.run)))).reason._tag, "Fenced")
      assert.deepEqual(yield* on(world)(Journal.read("shop", "0badcafe")), second)
      assert.isNull(yield* on(world)(Journal.notMine(second.plan, second.run)))
      const why = yield* on(world)(Journal.notMine(first.plan, first.run))
      assert.equal(why?.reason._tag, "Fenced")
    }).pipe(Effect.scoped)
  )

  it.effect("that is gone is written by nobody, and named with the way out", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const error = yield* refusal(on(world)(Journal.write(entryOf("0badcafe"), "0badcafe.00000001")))
      assert.equal(error.reason._tag, "NotFound")
      assert.include(error.action, "--without-journal")
    }).pipe(Effect.scoped)
  )

  it.effect("speaks for no other namespace or operation", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      yield* on(world)(Journal.create(entryOf("0badcafe")))
      const { plan } = entryOf("0badcafe")
      for (const other of [
        { ...plan, home: "bank" },
        { ...plan, app: { ...plan.app, namespace: "bank" } },
        { ...plan, id: "1badcafe" },
        { ...plan, id: "0badcafe.1badcafe" }
      ]) {
        yield* on(world)(patched("0badcafe", { data: { "plan.json": JSON.stringify(other) } }))
        const error = yield* Effect.flip(on(world)(Journal.read("shop", "0badcafe")))
        assert.equal(error.reason._tag, "Unreadable")
        assert.deepEqual((yield* on(world)(Journal.listReadable("shop"))).entries, [])
        assert.strictEqual((yield* Effect.flip(on(world)(Journal.list("shop")))).reason._tag, "Unreadable")
      }
    }).pipe(Effect.scoped)
  )

  it.effect("that cannot be read is surveyed by its name until it is closed, and its data stays", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      yield* on(world)(Journal.create(entryOf("0badcafe")))
      yield* on(world)(Journal.create(entryOf("1badcafe")))
      yield* on(world)(patched("1badcafe", { data: { "status.json": "{" } }))
      const { entries, unreadable } = yield* on(world)(Journal.survey("shop", [guard]))
      assert.deepEqual(
        entries.map(({ plan }) => plan.id),
        ["0badcafe"]
      )
      assert.deepEqual(
        unreadable.map(({ id }) => id),
        ["1badcafe"]
      )
      for (const one of unreadable) yield* on(world)(Journal.closeUnreadable("shop", one))
      assert.deepEqual((yield* on(world)(Journal.survey("shop", [guard]))).unreadable, [])
      const left = world.sandbox.store.get(configmaps, "shop", Journal.nameOf("1badcafe"))
      assert.equal(Reflect.get(Object(Reflect.get(Object(left), "data")), "status.json"), "{")
    }).pipe(Effect.scoped)
  )

  it.effect("is not surveyed for an object that it does not guard", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      yield* on(world)(Journal.create(entryOf("0badcafe")))
      const found = yield* on(world)(Journal.survey("shop", [{ ...guard, name: "web" }]))
      assert.deepEqual(found, { entries: [], unreadable: [] })
    }).pipe(Effect.scoped)
  )

  it.effect("is pruned once it is over and twenty newer ones are, and never by its annotation alone", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const open = entryOf(idAt(0))
      yield* on(world)(Journal.create(open))
      // Whoever writes this ends no operation.
      yield* on(world)(
        patched(open.plan.id, { metadata: { annotations: { "kubectl-stateful.dev/phase": "Succeeded" } } })
      )
      for (let index = 1; index <= Journal.kept + 3; index++) {
        yield* Effect.sleep(1000).pipe(drive)
        yield* on(world)(Journal.create(entryOf(idAt(index), "00000001", "Succeeded")))
      }
      yield* on(world)(Journal.prune("shop", { ...guard, name: "web" }))
      assert.lengthOf(yield* on(world)(Journal.list("shop")), Journal.kept + 4)
      yield* on(world)(Journal.prune("shop", guard))
      const left = (yield* on(world)(Journal.list("shop"))).map(({ plan }) => plan.id)
      assert.sameMembers(left, [
        idAt(0),
        ...Array.from({ length: Journal.kept }, (_, index) => idAt(index + 4))
      ])
    }).pipe(Effect.scoped)
  )
})
