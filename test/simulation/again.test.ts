/** A second death in the recovery from the first: a fixed part of `npm run prove -- snapshot|restore|scale --part again`. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dies } from "./again.ts"
import { runLine } from "./againRun.ts"
import { plantedAgain } from "./plantedAgain.ts"
import { attempt as scaled, scenarios as scalings } from "./scaleAgain.ts"
import { attempt, scenarios as sets } from "./sets.ts"

const ways = ["resume", "abort"] as const

/** Which of the changes of both the deaths are behind: others from one scenario to the next. */
const pointOf = (place: number) => ({
  faults: dies(5 + ((place * 3) % 4)),
  again: dies(2 + ((place * 5) % 4)),
  way: ways[place % 2] ?? "abort",
  end: ways[(place >> 1) % 2] ?? "abort"
})

describe("whoever takes an operation up dies too, and a third one ends it whole", () => {
  const runs = [
    ...Object.values(sets(2)).map((scenario) => ({
      name: scenario.name,
      run: (place: number) => attempt({ ...scenario, older: false }, pointOf(place))
    })),
    ...scalings.map((name) => ({
      name: `scaling, ${name}`,
      run: (place: number) => scaled(name, pointOf(place)) ?? Effect.die(new Error(name))
    }))
  ]
  for (const [place, { name, run }] of runs.entries())
    it.effect(name, () =>
      Effect.gen(function* () {
        const { replay } = yield* run(place)
        assert.match(replay, /^\d+ Kill before; \d+ Kill before$/, "there are not two deaths")
      })
    )
})

describe("of a death that leaves nothing to be done", () => {
  for (const [verb, scenario] of [
    ["snapshot", "crash"],
    ["restore", "undo"],
    ["scale", "up"]
  ] as const)
    it(`${verb} says so, and not that it failed`, async () => {
      const line = "1 Kill before; 1 Kill before"
      const exit = await runLine({ verb, scenario, members: 2, line, way: "abort", end: "resume" })
      assert.strictEqual(Exit.isSuccess(exit) ? exit.value.outcome : exit, "nothing was left to end")
    })
})

describe("a defect that no single death shows is noticed", () => {
  for (const { name, run, at, says, ...means } of plantedAgain)
    it.effect(name, () =>
      Effect.gen(function* () {
        const faults = dies(at[0])
        yield* run({ ...means, faults, again: () => () => undefined })
        const exit = yield* Effect.exit(run({ ...means, faults, again: dies(at[1]) }))
        assert.strictEqual(exit._tag, "Failure", "it was not noticed")
        if (exit._tag === "Failure") assert.match(String(exit.cause), says)
      })
    )
})
