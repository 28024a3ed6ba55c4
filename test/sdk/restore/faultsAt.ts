/** One fault at a request of a restore of several workloads: all of them have one state after it. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { atCall, type Fault } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, on } from "../scale/callers.ts"

export interface Faults<E, R> {
  /** The request of the first fault, and from one to the next. */
  readonly first: number
  readonly stride: number
  /** A world in which the snapshot `all` says `before`, and everything says `after` since. */
  readonly make: Effect.Effect<World, E, R>
  /** From when all of them are, which has to be one time. */
  readonly stateOf: (world: World) => string
  /** Nothing is left open. */
  readonly settled: (world: World) => void
}

const faults: ReadonlyArray<Fault> = [{ _tag: "Kill", applied: true }, { _tag: "Fail" }]

/** Answers how many requests met one. */
export const faultsAt = <E, R>({ first, stride, make, stateOf, settled }: Faults<E, R>) =>
  Effect.gen(function* () {
    let points = 0
    for (let index = first; ; index += stride) {
      const world = yield* make
      const fault = atCall(index, faults[(points >> 1) % 2] ?? { _tag: "Fail" })
      const { cluster, record } = inject(world.sandbox.cluster, fault)
      const snapshot = { namespace: "shop", name: "all" }
      const run = Restore.restore(snapshot, { identity: ann, stepTimeout: 60_000 })
      yield* drive(Effect.exit(withCluster(cluster)(run)))
      if (record.calls.length < index) return points
      points += 1
      const entries = yield* on(world)(Journal.list("shop"))
      const open = entries.find(({ status }) => Journal.isOpen(status))
      if (open !== undefined) {
        const back = points % 2 === 0
        const at = { namespace: "shop", id: open.plan.id }
        const takeUp = back ? Restore.abort : Restore.resume
        const { outcome, unmet } = yield* drive(on(world)(takeUp(at, { identity: bob })))
        assert.strictEqual(outcome, back ? "Aborted" : "Succeeded", `${index}: ${unmet.join()}`)
        assert.strictEqual(stateOf(world), back ? "after" : "before", `${index}`)
      }
      stateOf(world)
      settled(world)
    }
  })
