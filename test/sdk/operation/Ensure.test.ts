/** One effect, and every answer that leaves doubt about it. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { ClusterError, type Reason } from "../../../packages/sdk/src/Cluster.ts"
import { ensure, patience } from "../../../packages/sdk/src/operation/Ensure.ts"
import { because } from "../../../packages/sdk/src/operation/OperationError.ts"
import { Patience } from "../../../packages/sdk/src/resource/Patience.ts"
import { drive } from "../../simulation/world.ts"

const failed = (tag: Reason["_tag"]) =>
  new ClusterError({ reason: { _tag: tag } as Reason, message: `the server said ${tag}` })

/** A value that is to become 1, and what the server answers to each write; the last answer stays. */
const serverOf = (answers: ReadonlyArray<"done" | "lost" | "not done" | "else" | ClusterError>) => {
  const server = { value: 0, writes: 0, looks: 0 }
  const spec = {
    look: Effect.sync(() => {
      server.looks += 1
      return server.value
    }),
    done: (value: number) => value === 1,
    write: () =>
      Effect.suspend(() => {
        const answer = answers[Math.min(server.writes, answers.length - 1)] ?? "done"
        server.writes += 1
        if (answer instanceof ClusterError) return Effect.fail(answer)
        if (answer === "done" || answer === "lost") server.value = 1
        if (answer === "lost" || answer === "not done") return Effect.fail(failed("OutcomeUnknown"))
        return Effect.succeed(server.value)
      })
  }
  return { server, spec }
}
const patient = Effect.provideService(Patience, {
  millis: patience,
  failed: () => Effect.void,
  answered: Effect.void
})

describe("an effect", () => {
  it.effect("that is so already writes nothing", () =>
    Effect.gen(function* () {
      const { server, spec } = serverOf([])
      assert.equal(yield* ensure({ ...spec, known: 1 }), 1)
      assert.deepEqual(server, { value: 0, writes: 0, looks: 0 })
    })
  )

  it.effect("whose reply was lost is looked up, and not done twice", () =>
    Effect.gen(function* () {
      const { server, spec } = serverOf(["lost"])
      assert.equal(yield* drive(ensure(spec)), 1)
      assert.deepEqual(server, { value: 1, writes: 1, looks: 2 })
    })
  )

  it.effect("that a lost reply hid the failure of is done again", () =>
    Effect.gen(function* () {
      const { server, spec } = serverOf(["not done", "done"])
      assert.equal(yield* drive(ensure(spec)), 1)
      assert.equal(server.writes, 2)
    })
  )

  it.effect("that may not be done is not, and says why", () =>
    Effect.gen(function* () {
      const { server, spec } = serverOf(["done"])
      const why = because("Fenced", "another process has taken over")
      assert.equal(yield* Effect.flip(ensure({ ...spec, stop: () => why })), why)
      assert.equal(server.writes, 0)
    })
  )

  it.effect("is asked whether it may be done again after a doubt", () =>
    Effect.gen(function* () {
      const { server, spec } = serverOf(["not done"])
      const why = because("Fenced", "another process has taken over")
      const stop = () => (server.writes > 0 ? why : null)
      assert.equal(yield* Effect.flip(drive(ensure({ ...spec, stop }))), why)
      assert.equal(server.writes, 1)
    })
  )

  for (const [tag, writes] of [
    ["Conflict", 20],
    ["AlreadyExists", 3],
    ["NotFound", 3],
    ["Invalid", 3],
    ["Forbidden", 1]
  ] as const) {
    it.effect(`that is answered ${tag} for one and the same state fails with it after ${writes}`, () =>
      Effect.gen(function* () {
        const error = failed(tag)
        const { server, spec } = serverOf([error])
        assert.equal(yield* Effect.flip(drive(ensure(spec))), error)
        assert.equal(server.writes, writes)
      })
    )
  }

  it.effect("that the server takes and keeps otherwise is no success", () =>
    Effect.gen(function* () {
      const { server, spec } = serverOf(["else"])
      const error = yield* Effect.flip(drive(ensure(spec)))
      assert.equal(error.reason._tag, "Changed")
      assert.equal(server.writes, 3)
    })
  )

  it.effect("waits two minutes for a server that is not there, and no longer", () =>
    Effect.gen(function* () {
      const { spec } = serverOf([failed("Unavailable")])
      const began = yield* Clock.currentTimeMillis
      const error = yield* Effect.flip(drive(patient(ensure(spec))))
      assert.equal(error.reason._tag, "Unavailable")
      const took = (yield* Clock.currentTimeMillis) - began
      assert.isAtLeast(took, patience)
      assert.isAtMost(took, patience + 2000)
    })
  )

  it.effect("does not wait inside of a freeze", () =>
    Effect.gen(function* () {
      const { server, spec } = serverOf([failed("Unavailable")])
      assert.equal((yield* Effect.flip(drive(ensure(spec)))).reason._tag, "Unavailable")
      assert.equal(server.writes, 3)
    })
  )
})
