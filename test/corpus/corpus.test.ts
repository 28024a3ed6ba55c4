/** Situations as people run them: what is said of each is what Kubernetes' rules make right. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { selector, statefulSet } from "../../packages/sdk/src/App.ts"
import { answer } from "../../packages/sdk/src/Checklist.ts"
import { Cluster } from "../../packages/sdk/src/Cluster.ts"
import * as Scale from "../../packages/sdk/src/Scale.ts"
import { read } from "../../packages/sdk/src/State.ts"
import { cases, type Named } from "./case.ts"
import { compare, comparePlan, type Difference } from "./judge.ts"
import { bringAbout } from "./situation.ts"

const planned = ({ namespace, app, right }: Named) =>
  Effect.forEach(app === undefined ? [] : (right.plan ?? []), (wanted) =>
    Effect.map(
      Effect.flatMap(Scale.prepare({ namespace, name: app ?? "" }, { replicas: wanted.replicas }), (plan) =>
        Scale.dryRun(plan, "client")
      ),
      (plan) => comparePlan(wanted, plan)
    )
  )

const differences = (one: Named) =>
  Effect.gen(function* () {
    const sandbox = yield* bringAbout(one)
    const { namespace, app, selector: labels } = one
    const ref = app === undefined ? selector(namespace, labels ?? "") : statefulSet(namespace, app)
    const compared = Effect.gen(function* () {
      const state = yield* read(ref)
      const plans = yield* planned(one)
      return [...compare(one.right, state, answer(state)), ...plans.flat()]
    })
    return yield* Effect.provideService(compared, Cluster, sandbox.cluster)
  })

const told = ({ of, right, said }: Difference): string =>
  `${of}\n  right: ${JSON.stringify(right)}\n  said: ${typeof said === "string" ? said : JSON.stringify(said, null, 1)}`

describe("the corpus", () => {
  for (const one of cases()) {
    it.effect(`${one.name}: ${one.situation}`, () =>
      Effect.map(differences(one), (found) => {
        assert.lengthOf(found, 0, `\n${found.map(told).join("\n")}\n`)
      })
    )
  }
})
