/** A restore as another application whose caller dies, or whose reply is lost, at any request. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import * as RestoreClone from "../../../packages/sdk/src/RestoreClone.ts"
import { atCall, type Fault } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, on } from "../scale/callers.ts"
import {
  assertGone,
  elsewhere,
  marks,
  namespaceNamed,
  snapshot,
  stateOf,
  withSnapshot
} from "./cloneWorld.ts"
import { assertNothingLost, faults } from "./world.ts"

/** A fixed part of all points; `RESTORE_EVERY=1` takes each of them. */
const every = Number(process.env["RESTORE_EVERY"] ?? 397)

const ways = { resume: RestoreClone.resume, abort: RestoreClone.abort }

const consent = { clone: "db", namespaces: [snapshot.namespace] }

const openOf = (world: World) =>
  Effect.map(on(world)(Journal.list(elsewhere)), (entries) =>
    entries.find(({ status }) => Journal.isOpen(status))
  )

const assertWhole = (world: World) =>
  assert.deepEqual(marks(world, elsewhere, "db"), [
    "before data-db-0",
    "before data-db-1",
    "before data-db-2"
  ])

/** Runs with one fault at the request of this number; false: there are not so many. */
const attempt = (index: number, fault: Fault, way: "resume" | "abort") =>
  Effect.gen(function* () {
    const world = yield* withSnapshot()
    yield* namespaceNamed(world, elsewhere)
    const { cluster, record } = inject(world.sandbox.cluster, atCall(index, fault))
    const options = { toNamespace: elsewhere, identity: ann, stepTimeout: 60_000 }
    const exit = yield* drive(Effect.exit(withCluster(cluster)(RestoreClone.clone(snapshot, options))))
    if (record.calls.length < index) return false
    const place = `${fault._tag} at ${index}, ${way}`
    const open = yield* openOf(world)
    if (open === undefined) {
      const isDone = marks(world, elsewhere, "db").length === 3
      if (exit._tag === "Success") assert.strictEqual(exit.value.outcome, "Succeeded", place)
      if (isDone) assertWhole(world)
      else assertGone(world, elsewhere, "db")
    } else {
      const at = { namespace: elsewhere, id: open.plan.id }
      const { outcome, unmet } = yield* drive(on(world)(ways[way](at, { identity: bob, ...consent })))
      assert.strictEqual(outcome, way === "abort" ? "Aborted" : "Succeeded", `${place}: ${unmet.join()}`)
      if (way === "resume") assertWhole(world)
      else assertGone(world, elsewhere, "db")
    }
    assert.strictEqual(stateOf(world), "after", place)
    assertNothingLost(world, "after")
    return true
  })

describe("in a restore into another namespace", () => {
  for (const [name, fault] of Object.entries(faults)) {
    it.effect(`${name} any request leaves a whole copy or none, and its source as it is`, () =>
      Effect.gen(function* () {
        let points = 0
        for (let index = 1 + (name.length % 11); ; index += every) {
          const way = points % 2 === 0 ? ("abort" as const) : ("resume" as const)
          if (!(yield* attempt(index, fault, way))) break
          points += 1
        }
        assert.isAbove(points, 1)
      })
    )
  }
})
