import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { type Call } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { pods } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import type { Progress } from "../../../packages/sdk/src/operation/Progress.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { drive, type World } from "../../simulation/world.ts"
import { wire } from "../freezer.ts"
import { bob, neighbour, on, refusal } from "../scale/callers.ts"
import { assertThawed, assertTruth, freezable, options } from "./freezing.ts"
import { app, assertNothingLeft, classes, replicasOf } from "./world.ts"
import { taken, over, levelOf, asksForCut, assertPrompt, thaws, alone, end } from "./quiesced.ts"

describe("a quiesced snapshot", () => {
  for (const [way, more] of [
    ["as one group", {}],
    ["each volume alone", alone]
  ] as const) {
    it.effect(`${way} is cut while every member is held, and lets all go once the last cut is seen`, () =>
      Effect.gen(function* () {
        const { world, freezer } = yield* freezable()
        const { outcome, result, unmet } = yield* taken(world, more)
        assert.strictEqual(outcome, "Succeeded", unmet.join())
        assert.deepInclude(result, { set: "nightly", level: "quiesced", claims: 3 })
        assert.deepInclude((result as Snapshot.SnapshotResult).quiesced, {
          guarantee: "blocks-writes",
          deadline: 10_000
        })
        assert.strictEqual(yield* levelOf(world), "quiesced")
        assert.lengthOf(freezer.holds, 3)
        assertTruth(world, freezer, "quiesced")
        assertPrompt(freezer, 500)
        assert.strictEqual(replicasOf(world), 3)
      })
    )
  }

  it.effect("holds no member longer than the driver takes, however long that is", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable()
      const delay = 8100
      classes(world, "slow", { cutDelay: `${delay}ms` })
      const { outcome, unmet } = yield* taken(world, { ...alone, class: "slow" })
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assertPrompt(freezer, delay + 150)
    })
  )

  it.effect("is not waited for until it is ready to use: the members run on before that", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable()
      classes(world, "late", { readyAfter: "60s" })
      const { outcome } = yield* taken(world, { ...alone, class: "late" })
      assert.strictEqual(outcome, "Succeeded")
      assertPrompt(freezer, 500)
    })
  )

  it.effect("is probed first: where a password is wrong nothing is begun, frozen or journalled", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable()
      freezer.answers.set("check", 1)
      const error = yield* refusal(taken(world))
      assert.match(error.message, /probe in db-\d failed/)
      // Where a mesh puts its proxy first, that is where it ran.
      assert.match(error.action ?? "", /ran in the pod's default container/)
      assert.lengthOf(freezer.holds, 0)
      assert.lengthOf(yield* on(world)(Journal.list("shop", "db")), 0)
      assertNothingLeft(world)
    })
  )

  it.effect("whose member cannot be quiesced lets the others go at once, and leaves nothing", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable()
      freezer.answers.set("freeze", 3)
      const error = yield* Effect.flip(taken(world))
      assert.strictEqual(error.reason._tag, "LevelMissed")
      assert.match(error.message, /db-\d could not be quiesced: .*exit code 3/)
      assert.match(String(error.action), /kubectl stateful thaw db -n shop --profile/)
      // It may have done a part of its work. The probe thaws, the failed freeze, and the abort.
      for (const pod of ["db-0", "db-1", "db-2"]) assert.strictEqual(thaws(freezer, pod), 3, pod)
      assertNothingLeft(world)
    })
  )

  it.effect(
    "that is cut too late is not called quiesced: all let go at the deadline, and nothing is left",
    () =>
      Effect.gen(function* () {
        const { world, freezer } = yield* freezable()
        classes(world, "slow", { cutDelay: "60s" })
        const begun = freezer.now()
        const over: Array<number> = []
        const report = (event: Progress) =>
          Effect.sync(() => event._tag === "Stage" && event.stage === "quiesced" && over.push(freezer.now()))
        const asked = {
          ...options({ ...alone, class: "slow" }),
          report: (event: Progress) => Effect.asVoid(report(event))
        }
        const error = yield* Effect.flip(drive(on(world)(Snapshot.take(app, asked))))
        assert.strictEqual(error.reason._tag, "LevelMissed")
        assert.lengthOf(over, 3)
        assert.isBelow(Math.max(...over) - begun, 12_000, "the cut was waited for, held or not")
        assert.match(error.message, /deadline/)
        assertThawed(freezer)
        assertNothingLeft(world)
      })
  )

  it.effect("of which one cut fails thaws at once, and leaves nothing of the others", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable()
      classes(world, "failing", { failCut: "Unavailable:3" })
      const error = yield* Effect.flip(taken(world, { ...alone, class: "failing" }))
      assert.strictEqual(error.reason._tag, "LevelMissed")
      assert.match(error.message, /the volume snapshot of data-db-\d failed/)
      assertPrompt(freezer)
      assertNothingLeft(world)
    })
  )

  for (const slow of [0, 1000]) {
    it.effect(`of which one member cannot be quiesced lets the others go, who take ${slow} ms to hold`, () =>
      Effect.gen(function* () {
        const { world, freezer } = yield* freezable()
        freezer.answers.set("freeze db-1", 3)
        freezer.slow = slow
        const error = yield* Effect.flip(taken(world))
        assert.strictEqual(error.reason._tag, "LevelMissed")
        assert.match(error.message, /db-1 could not be quiesced: .*exit code 3/)
        assertPrompt(freezer)
        for (const pod of ["db-0", "db-2"]) assert.isAtLeast(thaws(freezer, pod), 2, pod)
        assertNothingLeft(world)
      })
    )
  }

  it.effect("whose cuts the server does not take thaws soon, and waits for no better server", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable()
      const isDown = ({ request }: Call) => (asksForCut(request) ? { _tag: "Fail" as const } : undefined)
      const ended = yield* over(inject(world.sandbox.cluster, isDown).cluster)
      assert.strictEqual(ended._tag, "Failure")
      assert.lengthOf(freezer.holds, 3)
      assertPrompt(freezer, 3000)
      assertNothingLeft(world)
    })
  )

  it.effect("with --allow-lower is what is true of it where the freeze fails, and says so", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable()
      classes(world, "slow", { cutDelay: "15s" })
      const { outcome, result, notes } = yield* taken(world, { ...alone, class: "slow", allowLower: true })
      assert.strictEqual(outcome, "Succeeded")
      assert.deepInclude(result, { level: "crash" })
      assert.match((result as Snapshot.SnapshotResult).why.join(), /not quiesced/)
      assert.match(notes.join(), /not quiesced: .*deadline.*kubectl stateful thaw db/)
      assertThawed(freezer)
    })
  )

  it.effect("during which somebody else thaws a member is not called quiesced", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable()
      const act = Effect.sync(() => void freezer.robbed.add("db-1"))
      const ended = yield* over(neighbour(world, asksForCut, act))
      assert.strictEqual(ended._tag, "Failure")
      if (ended._tag === "Failure") assert.match(ended.failure.message, /db-1 did not stay quiesced/)
      assert.strictEqual(thaws(freezer, "db-1"), 3)
      assertNothingLeft(world)
    })
  )

  for (const [what, words] of [
    ["cut", /the connection closed/],
    ["silence", /deadline|no answer came in time/]
  ] as const) {
    it.effect(
      `whose connections are lost by ${what} is not called quiesced, and every member let go in time`,
      () =>
        Effect.gen(function* () {
          const { world, freezer } = yield* freezable()
          const line = wire(world.sandbox.cluster)
          const through = { ...world, sandbox: { ...world.sandbox, cluster: line.cluster } }
          const ended = yield* over(neighbour(through, asksForCut, line[what]))
          assert.strictEqual(ended._tag, "Failure")
          if (ended._tag === "Failure") assert.match(ended.failure.message, words)
          assert.lengthOf(freezer.holds, 3)
          assertThawed(freezer)
          yield* end(world, "abort")
          assertNothingLeft(world)
        })
    )
  }

  it.effect(
    "during which a pod is replaced sends the thaw to the new one too, and is not called quiesced",
    () =>
      Effect.gen(function* () {
        const { world, freezer } = yield* freezable()
        const act = Effect.andThen(
          Effect.sync(() => world.sandbox.registry.remove(pods, "shop", "db-1", { gracePeriodSeconds: 0 })),
          Effect.sleep(1500)
        )
        const ended = yield* over(neighbour(world, asksForCut, act))
        assert.strictEqual(ended._tag, "Failure")
        if (ended._tag === "Failure") assert.match(ended.failure.message, /db-1 was replaced/)
        assert.include(freezer.log, "thaw db-1")
        assertThawed(freezer)
        assertNothingLeft(world)
      })
  )

  it.effect("whose caller is interrupted thaws before it leaves, and an abort leaves nothing", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable()
      classes(world, "slow", { cutDelay: "4s" })
      const running = yield* Effect.forkChild(
        Effect.exit(on(world)(Snapshot.take(app, options({ ...alone, class: "slow" }))))
      )
      for (let waited = 0; waited < 10_000 && freezer.holds.length < 3; waited += 10)
        yield* TestClock.adjust(10)
      yield* TestClock.adjust(100)
      yield* drive(Fiber.interrupt(running))
      assert.lengthOf(freezer.holds, 3)
      assertPrompt(freezer)
      const [open] = yield* on(world)(Journal.list("shop", "db"))
      const at = { namespace: "shop", id: open?.plan.id ?? "" }
      const { outcome } = yield* drive(on(world)(Snapshot.abort(at, { identity: bob })))
      assert.strictEqual(outcome, "Aborted")
      assertNothingLeft(world)
    })
  )

  it.effect("that is taken over by an abort in the middle thaws, changes nothing more, and is told so", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable()
      const act = Effect.gen(function* () {
        const [open] = yield* Journal.list("shop", "db")
        yield* Snapshot.abort(
          { namespace: "shop", id: open?.plan.id ?? "" },
          { identity: bob, takeOver: true }
        )
      })
      const ended = yield* over(neighbour(world, asksForCut, act))
      assert.strictEqual(ended._tag, "Failure")
      assertThawed(freezer)
      yield* drive(Effect.sleep(20_000))
      assertNothingLeft(world)
    })
  )
})

/** Somebody else acts once, after the journal was told whose quiesce may be attempted, and before the first is. */
const beforeFreeze = (world: World, act: Effect.Effect<unknown, unknown, Cluster>) => {
  let isTold = false
  return neighbour(
    world,
    ({ method, path, body }) => {
      if (method !== "GET" && (body ?? "").includes('\\"kind\\":\\"Pod\\"')) isTold = true
      return isTold && method === "GET" && path.endsWith("/pods")
    },
    act
  )
}

describe("a quiesced snapshot whose world changes just before its freeze", () => {
  it.effect("holds nobody where another caller has taken over", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable()
      const act = Effect.gen(function* () {
        const [open] = yield* Journal.list("shop", "db")
        const at = { namespace: "shop", id: open?.plan.id ?? "" }
        yield* Snapshot.abort(at, { identity: bob, takeOver: true })
      })
      const ended = yield* over(beforeFreeze(world, act))
      assert.strictEqual(ended._tag, "Failure")
      assert.deepEqual(freezer.holds, [])
      assertNothingLeft(world)
    })
  )

  it.effect("is missed where a pod is there that it was not planned with: nobody holds that", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable()
      const set = { api: kinds.statefulsets, namespace: "shop", name: "db" }
      const act = Effect.andThen(
        Resource.patch(set, { _tag: "Merge", value: { spec: { replicas: 4 } } }),
        Effect.sleep(2000)
      )
      const ended = yield* over(beforeFreeze(world, act))
      assert.strictEqual(ended._tag, "Failure")
      if (ended._tag === "Failure")
        assert.match(ended.failure.message, /db-3 is a pod that this was not planned with/)
      assert.deepEqual(freezer.holds, [])
      assertNothingLeft(world)
    })
  )

  it.effect("holds all members at once, however long each takes to hold", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable()
      freezer.slow = 1000
      const { outcome } = yield* taken(world)
      assert.strictEqual(outcome, "Succeeded")
      const begins = freezer.holds.map(({ begin }) => begin)
      assert.isBelow(Math.max(...begins) - Math.min(...begins), 100)
    })
  )
})
