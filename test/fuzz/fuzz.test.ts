/** A fixed part of `npm run prove -- fuzz`: the same inputs each time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Arbitrary from "effect/Arbitrary"
import { strange } from "../../packages/sdk/src/snapshot/forgery.ts"
import { parseYaml } from "../../packages/sdk/src/Manifest.ts"
import * as Profile from "../../packages/sdk/src/Profile.ts"
import { profiles, record } from "./corpus.ts"
import { mutations, textOf } from "./mutation.ts"
import { target } from "./target.ts"
import { targets } from "./targets.ts"

describe("whatever is in it, it is read or refused, and does nothing else", () => {
  for (const { name, reads, dear, check } of targets)
    it.effect(`${name}: ${reads}`, () =>
      Effect.gen(function* () {
        assert.isNull(yield* check({ runs: Math.ceil(200 / dear), seed: 7 }))
      })
    )
})

describe("the fuzzing itself", () => {
  it.effect(
    "finds a parser that throws, hangs, answers wrongly or changes a prototype, and can do so again",
    () =>
      Effect.gen(function* () {
        const wrongs: Readonly<Record<string, (text: string) => string | null>> = {
          "it threw": (text) => (text.includes("\0") ? JSON.parse(text) : null),
          "it took": (text) => {
            const micros = () => process.threadCpuUsage().user
            const until = micros() + 12_000
            while (text.includes("\0") && micros() < until) continue
            return null
          },
          "it is wrong": (text) => (text.includes("\0") ? "it is wrong" : null),
          prototype: (text) => {
            if (text.includes("\0")) Reflect.set(Object.prototype, "polluted", true)
            return null
          }
        }
        for (const [why, read] of Object.entries(wrongs)) {
          const planted = target(
            "planted",
            "",
            Arbitrary.map(mutations, (each) => textOf(["{}"], each)),
            read,
            1,
            why === "it took" ? 8000 : 2_000_000
          )
          const amount = { runs: 300, seed: 2 }
          const failed = yield* planted.check(amount)
          Reflect.deleteProperty(Object.prototype, "polluted")
          assert.include(failed?.why ?? "", why)
          // What takes long here may take less the next time.
          if (why === "it took") continue
          const again = yield* planted.check({ ...amount, replay: failed?.replay ?? "" })
          Reflect.deleteProperty(Object.prototype, "polluted")
          assert.deepEqual(again, failed)
        }
      })
  )

  it.effect("begins with inputs that are accepted", () =>
    Effect.gen(function* () {
      assert.isNull(strange(record, "shop"))
      assert.isAbove(profiles.length, 3)
      for (const text of profiles)
        assert.isTrue(Result.isSuccess(Profile.read("a.yaml", yield* parseYaml(text))), text)
    })
  )
})
