/** The simulation finds bugs: each one that is planted is noticed at some call. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { atCall, type Fault } from "../../packages/sandbox/src/Fault.ts"
import { type Planted, planted } from "./planted.ts"
import { abortAfter, attempt, scenarios, slow } from "./scaling.ts"
import { nap } from "./sleeper.ts"

const kill: Fault = { _tag: "Kill", applied: true }

/** Runs with the bug, and answers how many calls there were; fails where it is noticed. */
const run = ({ bug, scenario, shows }: Planted, index: number): Effect.Effect<number, unknown> => {
  const world = { ...scenarios, slow }[scenario]
  const ways = {
    nap: Effect.flatMap(nap(world, index, "abort", bug), ({ calls, after }) =>
      after.length > 0 ? Effect.die(new Error(after.join(", "))) : Effect.succeed(calls)
    ),
    resume: Effect.map(attempt(world, atCall(index, kill), bug), ({ calls }) => calls),
    abort: Effect.map(abortAfter(world, atCall(index, kill), bug), ({ calls }) => calls)
  }
  return ways[shows]
}

/** The first call at which it is noticed; null: at none. */
const noticed = (bug: Planted) =>
  Effect.gen(function* () {
    // The effects are at the end: those calls first.
    for (let index = bug.from ?? 40; index < 140; index++) {
      const exit = yield* Effect.exit(run(bug, index))
      if (Exit.isFailure(exit)) return index
      if (exit.value < index) return null
    }
    return null
  })

/** A fixed part of them; `npm run prove -- planted` takes each. */
const every = Number(process.env["PLANTED_EVERY"] ?? 4)

describe("a planted bug is noticed", () => {
  for (const bug of planted.filter((_, place) => place % every === 0)) {
    it.effect(bug.name, () =>
      Effect.gen(function* () {
        assert.isNotNull(yield* noticed(bug))
      })
    )
  }
})
