import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Hook from "../../packages/sdk/src/Hook.ts"
import type { RunOptions, StepOptions } from "../../packages/sdk/src/Operation.ts"
import type { Connection } from "../../packages/sdk/src/promise.ts"
import { ofFunctions } from "../../packages/sdk/src/Quiesce.ts"
import type { DrillOptions } from "../../packages/sdk/src/RestoreDrill.ts"
import * as Scale from "../../packages/sdk/src/Scale.ts"
import type { Keep } from "../../packages/sdk/src/SnapshotPrune.ts"
import { drive, makeWorld, ref, virtualTime, withCluster } from "../simulation/world.ts"
import { ann, refusal } from "./scale/callers.ts"

/** Twenty seconds, in every form that `effect` knows. */
const twenty: ReadonlyArray<Duration.Input> = [
  "20 seconds",
  20_000,
  20_000_000_000n,
  [20, 0],
  Duration.seconds(20)
]

/** Whether one of these options says how long a step may take, as a Duration.Input. */
type HasLimit<One> = One extends StepOptions
  ? Duration.Input extends One["stepTimeout"]
    ? true
    : never
  : never

/** The verbs of the Promise entry that may be told how long a step may take. */
type Limited = {
  readonly [
    Name in keyof Connection as Connection[Name] extends (...all: infer All) => unknown
      ? HasLimit<All[number]> extends never
        ? never
        : Name
      : never
  ]: true
}

/** How long it goes on, in virtual time, and what it says then. */
const stuck = (limits: StepOptions & Pick<RunOptions, "timeout">) =>
  Effect.gen(function* () {
    const world = yield* makeWorld({ replicas: 3 })
    world.sick.add("db-0")
    yield* TestClock.adjust("15 seconds")
    const began = yield* Clock.currentTimeMillis
    const error = yield* refusal(
      drive(withCluster(world.sandbox.cluster)(Scale.scale(ref, { replicas: 4, identity: ann, ...limits })))
    )
    assert.strictEqual(error.reason._tag, "TimedOut")
    return { message: error.message, seconds: ((yield* Clock.currentTimeMillis) - began) / 1000 }
  })

describe("a duration is given in any form of effect's own", () => {
  it.layer(virtualTime)((it) => {
    it.effect("as what a step may take", () =>
      Effect.gen(function* () {
        for (const stepTimeout of twenty) {
          const { seconds } = yield* stuck({ stepTimeout })
          assert.isTrue(seconds >= 20 && seconds < 30, `${seconds} s`)
        }
      })
    )

    it.effect("as what the whole may take", () =>
      Effect.gen(function* () {
        for (const timeout of twenty) {
          const { message, seconds } = yield* stuck({ timeout })
          assert.include(message, "timed out after 20s")
          assert.isTrue(seconds >= 20 && seconds < 22, `${seconds} s`)
        }
      })
    )

    it.effect("and an infinite one is none", () =>
      Effect.gen(function* () {
        const { seconds } = yield* stuck({ timeout: "Infinity", stepTimeout: "1 minute" })
        assert.isTrue(seconds >= 60 && seconds < 75, `${seconds} s`)
      })
    )
  })

  it("as what a hook may take, and a minute where nothing is said", () => {
    for (const timeout of twenty) {
      assert.strictEqual(Hook.command(["leave"], { timeout }).timeout, 20_000)
    }
    assert.deepEqual(
      { ...Hook.command(["leave"]) },
      {
        _tag: "Command",
        argv: ["leave"],
        container: null,
        timeout: 60_000
      }
    )
    assert.throws(() => Hook.command(["leave"], { timeout: "Infinity" }))
  })

  it("as what functions may hold a member for", () => {
    const nothing = () => Effect.void
    for (const deadline of twenty) {
      const functions = { name: "app", guarantee: "blocks-writes", version: "1", deadline } as const
      const { hold } = ofFunctions({ ...functions, quiesce: nothing, release: nothing, thaw: nothing })
      assert.strictEqual(hold.deadline, 20_000)
    }
  })

  it("in the options of every verb, which the compiler says", () => {
    const all: Limited = {
      scale: true,
      snapshot: true,
      pruneSnapshot: true,
      importSnapshot: true,
      restore: true,
      restoreFromVolumeSnapshots: true,
      restoreAs: true,
      undoRestore: true,
      drill: true,
      execute: true,
      resume: true,
      abort: true
    }
    const others: Pick<DrillOptions, "commandTimeout"> & Pick<Keep, "expire"> = {
      commandTimeout: "5 minutes",
      expire: "30 days"
    }
    assert.lengthOf(Object.keys({ ...all, ...others }), 14)
  })
})
