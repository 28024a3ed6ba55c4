import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { acts, attempt, type Kind } from "./rival.ts"
import { every } from "./world.ts"

/** Every act at every request is 94 times what a caller can die of: a fixed part, and each with `every` 1. */
const stride = every > 1 ? every * 94 : 1

describe("one act of somebody else loses nothing, crosses nothing, and is told", () => {
  for (const kind of ["restore", "undo"] as const satisfies ReadonlyArray<Kind>) {
    it.effect(kind, () =>
      Effect.gen(function* () {
        const [nothing] = acts
        assert.isDefined(nothing)
        const plain = yield* attempt(kind, nothing, 0, 0)
        assert.deepEqual(plain.faults, [], plain.story.join("\n"))
        const points = acts.flatMap((act) =>
          [0, 700].flatMap((pause) =>
            Array.from({ length: plain.trace.length }, (_, index) => ({ act, pause, index: index + 1 }))
          )
        )
        const chosen = points.filter((_, place) => place % stride === stride - 1)
        const failed: Array<string> = []
        for (const { act, pause, index } of chosen) {
          const { faults, story } = yield* attempt(kind, act, index, pause)
          if (faults.length === 0) continue
          const lines = story.map((line) => `\n  ${line}`).join("")
          failed.push(`${kind}, ${act.name} @ ${index} + ${pause}: ${faults.join("; ")}${lines}`)
          console.log(failed.at(-1))
        }
        console.log(`${kind}: ${chosen.length} of ${points.length} points`)
        assert.deepEqual(failed, [])
      })
    )
  }
})
