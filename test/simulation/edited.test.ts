/** A journal that somebody edits hides no volume that its operation has set to Retain. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { onJournal } from "./acts.ts"
import { attempt, scenarios } from "./rival.ts"

interface Step {
  readonly _tag: string
  readonly claims: ReadonlyArray<object>
}

/** The claims that the plan retains, as somebody else would have them. */
const edited = (change: (claim: object) => ReadonlyArray<object>) => ({
  name: "edited",
  does: onJournal((data) => {
    const plan = JSON.parse(data["plan.json"] ?? "{}")
    const steps = plan.steps.map((step: Step) =>
      step._tag === "RetainVolumes" ? { ...step, claims: step.claims.flatMap(change) } : step
    )
    return { data: { "plan.json": JSON.stringify({ ...plan, steps }) } }
  })
})

describe("a journal whose retained claims were edited leaves no reclaim policy behind unnamed", () => {
  for (const name of ["resume of down", "abort of down"])
    for (const [what, change] of [
      ["all said to be Retain before", (claim: object) => [{ ...claim, reclaimPolicy: "Retain" }]],
      ["none of them left", () => []]
    ] as const)
      it.effect(`${name}: ${what}`, () =>
        Effect.gen(function* () {
          const scenario = scenarios[name] ?? assert.fail(`no scenario ${name}`)
          const { faults } = yield* attempt(scenario, edited(change), 1, 0)
          assert.deepEqual(
            faults.filter((fault) => fault.startsWith("left")),
            []
          )
        })
      )
})
