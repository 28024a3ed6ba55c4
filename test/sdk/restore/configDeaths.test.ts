/** A restore of the configuration whose caller dies, or whose reply is lost, at any request: one state whole. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { atCall, type Fault } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, on } from "../scale/callers.ts"
import { assertRolled, canaries, configOf, leftovers, withConfig } from "./configured.ts"
import {
  assertNothingLost,
  assertSettled,
  every,
  restore,
  snapshot,
  stateOf,
  faults,
  openOf
} from "./world.ts"

const ways = { resume: Restore.resume, abort: Restore.abort }

/** What is run, and from when the volumes are at its beginning and at its end. */
const kinds = {
  "a restore with the configuration": { volumes: ["after", "before"], config: ["after", "before"] },
  "a restore of the configuration alone": { volumes: ["after", "after"], config: ["after", "before"] },
  "an undo of that": { volumes: ["after", "after"], config: ["before", "after"] }
} as const
type Kind = keyof typeof kinds

const assertState = (world: World, kind: Kind, isDone: boolean, place: string) => {
  const { volumes, config } = kinds[kind]
  assert.strictEqual(configOf(world), config[isDone ? 1 : 0], place)
  assert.strictEqual(stateOf(world), volumes[isDone ? 1 : 0], place)
  assertRolled(world)
  assertNothingLost(world, "after")
  assertSettled(world)
}

/** No value stands in a journal. */
const assertQuiet = (world: World) =>
  Effect.map(on(world)(Journal.list("shop", "db")), (entries) => {
    const said = JSON.stringify(entries)
    for (const value of Object.values(canaries)) assert.notInclude(said, value)
  })

const attempt = (kind: Kind, index: number, fault: Fault, way: keyof typeof ways) =>
  Effect.gen(function* () {
    const world = yield* withConfig()
    const first = kind === "an undo of that" ? yield* restore(world, { only: "config" }) : null
    const before = leftovers(world)
    const { cluster, record } = inject(world.sandbox.cluster, atCall(index, fault))
    const options = { identity: ann, stepTimeout: 60_000 }
    const run =
      first === null
        ? Restore.restore(snapshot, {
            ...options,
            ...(kind === "a restore with the configuration" ? { withConfig: true } : { only: "config" })
          })
        : Restore.undo({ namespace: "shop", id: first.id ?? "" }, options)
    const exit = yield* drive(Effect.exit(withCluster(cluster)(run)))
    if (record.calls.length < index) return false
    const place = `${kind}, ${fault._tag} at ${index}, ${way}`
    const at = yield* openOf(world)
    yield* assertQuiet(world)
    if (at === null) {
      // It was over, or had not begun: a caller that dies says nothing of it.
      const isDone = exit._tag === "Success" || configOf(world) === kinds[kind].config[1]
      assertState(world, kind, isDone, place)
      return true
    }
    const { outcome, unmet } = yield* drive(on(world)(ways[way](at, { identity: bob })))
    assert.strictEqual(outcome, way === "abort" ? "Aborted" : "Succeeded", `${place}: ${unmet.join()}`)
    assertState(world, kind, way === "resume", place)
    if (way === "abort") assert.deepEqual(leftovers(world), before, place)
    yield* assertQuiet(world)
    return true
  })

describe("in a restore of the configuration", () => {
  for (const [place, [name, fault]] of Object.entries(faults).entries()) {
    it.effect(`${name} any request leaves one state whole, and no value in a journal`, () =>
      Effect.gen(function* () {
        for (const kind of Object.keys(kinds) as ReadonlyArray<Kind>) {
          let points = 0
          // The steps of the volumes have tests of their own.
          const thin = kind === "a restore with the configuration" ? 4 : 2
          const stride = every > 1 ? every * thin : 1
          for (let index = 1 + (place % stride); ; index += stride) {
            const way = points % 2 === 0 ? ("abort" as const) : ("resume" as const)
            const more = yield* attempt(kind, index, fault, way).pipe(
              Effect.tapCause(() => Effect.sync(() => console.log(`POINT ${kind} ${index} ${way}`)))
            )
            if (!more) break
            points += 1
          }
          console.log(`${kind}, ${name}: ${points} points`)
          assert.isAbove(points, 0)
        }
      })
    )
  }
})
