import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scale from "@kubectl-stateful/sdk/Scale"
import { when } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { drive, makeWorld, withCluster } from "../../simulation/world.ts"

const ref = { namespace: "shop", name: "db" }

/** A caller that died at its change of `spec.replicas` from 1 to 3, which was not made. */
const unfinished = Effect.gen(function* () {
  const world = yield* makeWorld({ replicas: 1 })
  const { cluster } = inject(
    world.sandbox.cluster,
    when(({ write, request }) => write && JSON.stringify(request).includes("/spec/replicas"), {
      _tag: "Kill",
      applied: false
    })
  )
  const exit = yield* drive(
    Effect.exit(withCluster(cluster)(Scale.scale(ref, { replicas: 3, identity: "ann" })))
  )
  assert.isTrue(Exit.isFailure(exit))
  return world
})

describe("the count that a StatefulSet has", () => {
  it.effect("is not called unchanged while an operation is about to change it", () =>
    Effect.gen(function* () {
      const { sandbox } = yield* unfinished
      const asked = withCluster(sandbox.cluster)(Scale.scale(ref, { replicas: 1, identity: "bob" }))
      const { message, action } = yield* drive(Effect.flip(asked))
      assert.match(message, /^operation \w+ \(scale\) on db was started by ann and is unfinished$/)
      assert.match(action ?? "", /resume .* to continue/)
    })
  )

  it.effect("is refused by a dry run as by the run", () =>
    Effect.gen(function* () {
      const { sandbox } = yield* unfinished
      for (const mode of ["client", "server"] as const) {
        const tried = Effect.flatMap(Scale.prepare(ref, { replicas: 1 }), (plan) => Scale.dryRun(plan, mode))
        const { refusals } = yield* drive(withCluster(sandbox.cluster)(tried))
        assert.match(refusals[0]?.reason ?? "", /is unfinished$/)
      }
    })
  )

  it.effect("is unchanged where nothing is at work", () =>
    Effect.gen(function* () {
      const { sandbox } = yield* makeWorld({ replicas: 1 })
      const { outcome } = yield* drive(
        withCluster(sandbox.cluster)(Scale.scale(ref, { replicas: 1, identity: "bob" }))
      )
      assert.strictEqual(outcome, "Unchanged")
    })
  )
})
