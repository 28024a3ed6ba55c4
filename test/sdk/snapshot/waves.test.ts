/** Volumes of a member that are cut one after another, with what has to be done between: all of it, or no set. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { atCall, type Fault } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { configmaps } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { readRecord } from "../../../packages/sdk/src/step/recordList.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { bob, on } from "../scale/callers.ts"
import { assertWaves, labelOf, options, withWaves } from "./waving.ts"
import { app, assertNothingLeft, classes, every } from "./world.ts"

const taken = (world: World, more: Partial<Snapshot.SnapshotOptions> = {}) =>
  drive(on(world)(Snapshot.take(app, options(more))))

const missed = (world: World, more: Partial<Snapshot.SnapshotOptions> = {}) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(taken(world, more))
    assert.strictEqual(error.reason._tag, "LevelMissed", error.message)
    assertNothingLeft(world)
    return error.message
  })

describe("a set that is cut in waves", () => {
  for (const [how, more] of [
    ["asked for by name", {}],
    ["as the best that there is without a group", { consistency: "auto" }]
  ] as const) {
    it.effect(
      `${how} has each member's data before its stop and the WAL after it, and keeps what was said`,
      () =>
        Effect.gen(function* () {
          const { world, waver } = yield* withWaves()
          const { outcome, result, unmet } = yield* taken(world, more)
          assert.strictEqual(outcome, "Succeeded", unmet.join())
          assert.deepInclude(result, { level: "quiesced", claims: 6 })
          assert.lengthOf(waver.backups, 3)
          assertWaves(world, waver)
          const record = yield* on(world)(readRecord("shop", "nightly"))
          const kept = [0, 1, 2].map((ordinal) => ({
            ordinal,
            name: "label",
            text: labelOf(`db-${ordinal}`)
          }))
          assert.deepEqual(record?.quiesced?.waves, { profile: "./toy.yaml", kept })
          assert.strictEqual(record?.quiesced?.guarantee, "recoverable-per-member")
          // A list needs no text.
          const listed = world.sandbox.store.get(configmaps, "shop", "kubectl-stateful.snapshot.nightly")
          assert.notInclude(JSON.stringify(listed), "THE END")
        })
    )
  }

  it.effect("is a group instead, where there is one and nothing else was asked for", () =>
    Effect.gen(function* () {
      const { world, waver } = yield* withWaves()
      const { result } = yield* drive(
        on(world)(Snapshot.take(app, { ...options({ consistency: "auto" }), groupClass: undefined } as never))
      )
      assert.deepInclude(result, { level: "group" })
      assert.isEmpty(waver.backups)
    })
  )

  it.effect(
    "is none where a session ends before the last volume is cut, by its own word or without one",
    () =>
      Effect.gen(function* () {
        const { world, waver } = yield* withWaves()
        waver.answers.set("next", 3)
        assert.match(
          yield* missed(world),
          /db-\d did not continue to the next stage: it ended with exit code 3/
        )
        // Not by auto either: what is cut alone would be no server's.
        yield* missed(world, { consistency: "auto" })
        waver.answers.clear()
        waver.answers.set("end", 1)
        assert.match(yield* missed(world), /db-\d did not stay quiesced: .*exit code 1/)
      })
  )

  it.effect("is none where it takes longer than its deadline, or says more than there is room for", () =>
    Effect.gen(function* () {
      const { world, waver } = yield* withWaves()
      classes(world, "slow", { cutDelay: "40s" })
      assert.match(
        yield* missed(world, { class: "slow" }),
        /the last volume snapshot was not taken within the deadline of 30s/
      )
      waver.says = `keep label ${"x".repeat(4000)}\n`.repeat(20)
      assert.match(yield* missed(world), /prints more than can be saved/)
    })
  )

  it.effect("takes its time for a slow cut: nobody waits, and no prediction refuses it", () =>
    Effect.gen(function* () {
      const { world, waver } = yield* withWaves()
      classes(world, "slow", { cutDelay: "8s" })
      const { outcome } = yield* taken(world, { class: "slow", snapshotQps: 1 })
      assert.strictEqual(outcome, "Succeeded")
      assertWaves(world, waver)
    })
  )

  it.effect("is probed before anything is begun", () =>
    Effect.gen(function* () {
      const { world, waver } = yield* withWaves()
      waver.answers.set("check", 1)
      const { message } = yield* Effect.flip(taken(world))
      assert.match(message, /probe in db-\d failed/)
      assert.isEmpty(waver.backups)
      assertNothingLeft(world)
    })
  )
})

/** Runs with one fault at the request of this number, and goes on with what is left; false: there are not so many. */
const attempt = (index: number, fault: Fault) =>
  Effect.gen(function* () {
    const { world, waver } = yield* withWaves({ replicas: 1 })
    const { cluster, record } = inject(world.sandbox.cluster, atCall(index, fault))
    const first = yield* drive(Effect.exit(withCluster(cluster)(Snapshot.take(app, options()))))
    // What a dead caller has begun in the pods ends with its deadline.
    yield* drive(Effect.sleep(40_000))
    if (record.calls.length < index) return false
    const what = `${fault._tag} at ${index}`
    for (const { pod, end } of waver.backups) assert.isNotNull(end, `${what}: ${pod}`)
    const [open] = (yield* on(world)(Journal.list("shop", "db"))).filter(({ status }) =>
      Journal.isOpen(status)
    )
    const at = { namespace: "shop", id: open?.plan.id ?? "" }
    const { quiesce } = options()
    const ended =
      open === undefined
        ? first
        : yield* drive(Effect.exit(on(world)(Snapshot.resume(at, { identity: bob, quiesce }))))
    const [listed] = yield* on(world)(Snapshot.list("shop"))
    if (listed === undefined) assertNothingLeft(world)
    else {
      // Killed behind its end, it is over for everybody else.
      if (open !== undefined) assert.strictEqual(ended._tag, "Success", what)
      assert.lengthOf(listed.summary.quiesced?.waves?.kept ?? [], 1, what)
      // Of a run that a later one has replaced nothing is in the set.
      const last = { ...waver, backups: waver.backups.slice(-1) }
      assertWaves(world, last, what)
    }
    return true
  })

describe("a set in waves whose caller dies", () => {
  it.effect("at any request, before it or after it, is whole with all that was kept, or is not there", () =>
    Effect.gen(function* () {
      let points = 0
      const fault = (): Fault => ({ _tag: "Kill", applied: points % 2 === 0 })
      for (let index = 1; yield* attempt(index, fault()); index += every) points += 1
      assert.isAbove(points, 0)
    })
  )
})
