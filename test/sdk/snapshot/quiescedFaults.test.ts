import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { atCall, type Call, type Fault, when } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { drive } from "../../simulation/world.ts"
import { bob, on } from "../scale/callers.ts"
import { assertThawed, assertTruth, freezable, quiesce } from "./freezing.ts"
import { assertNothingLeft } from "./world.ts"
import { over, levelOf, asksForCut, alone, end, type Way } from "./quiesced.ts"

describe("a quiesced snapshot whose caller was killed as the cuts were made", () => {
  it.effect("is not called quiesced by a resume, though that has the profile and could freeze anew", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable()
      const kill = when(({ write, request }) => write && asksForCut(request), { _tag: "Kill", applied: true })
      yield* over(inject(world.sandbox.cluster, kill).cluster).pipe(Effect.exit)
      yield* drive(Effect.sleep(20_000))
      assertThawed(freezer)
      const [open] = yield* on(world)(Journal.list("shop", "db"))
      const at = { namespace: "shop", id: open?.plan.id ?? "" }
      const error = yield* Effect.flip(drive(on(world)(Snapshot.resume(at, { identity: bob, quiesce }))))
      assert.strictEqual(error.reason._tag, "LevelMissed")
      assert.lengthOf(freezer.holds, 3)
      assertNothingLeft(world)
    })
  )

  it.effect("is thawed by an abort in the set's own pods alone, whatever its journal says since", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable()
      const kill = when(({ write, request }) => write && asksForCut(request), { _tag: "Kill", applied: true })
      yield* over(inject(world.sandbox.cluster, kill).cluster).pipe(Effect.exit)
      const spec = { containers: [{ name: "db", image: "db:1" }] }
      world.sandbox.create({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "other-0", namespace: "shop" },
        spec
      })
      yield* drive(Effect.sleep(20_000))
      const [open] = yield* on(world)(Journal.list("shop", "db"))
      const at = { namespace: "shop", id: open?.plan.id ?? "" }
      const journal = { api: kinds.configmaps, namespace: "shop", name: Journal.nameOf(at.id) }
      const plan = JSON.stringify(open?.plan).replaceAll('"pod":"db-1"', '"pod":"other-0"')
      assert.include(plan, "other-0")
      yield* on(world)(Resource.patch(journal, { _tag: "Merge", value: { data: { "plan.json": plan } } }))
      const before = freezer.log.length
      const { outcome, unmet } = yield* drive(on(world)(Snapshot.abort(at, { identity: bob, quiesce })))
      assert.strictEqual(outcome, "Incomplete")
      assert.lengthOf(unmet, 1)
      assert.match(unmet.join(), /was changed after the operation started/)
      assert.sameMembers(freezer.log.slice(before), ["thaw db-0", "thaw db-2"])
      assertNothingLeft(world)
    })
  )
})

const faults: ReadonlyArray<Fault> = [
  { _tag: "Kill", applied: true },
  { _tag: "Kill", applied: false },
  { _tag: "LoseReply" },
  { _tag: "Fail" },
  { _tag: "Delay", millis: 12_000 }
]

/** One run with one fault; null: the run has not so many calls. */
const faulty = (index: number, fault: Fault, way: Way, more: Partial<Snapshot.SnapshotOptions>) =>
  Effect.gen(function* () {
    const { world, freezer } = yield* freezable()
    const { cluster, record } = inject(world.sandbox.cluster, atCall(index, fault))
    const ended = yield* over(cluster, more).pipe(Effect.exit)
    const what = `${record.replay()}, ${way}`
    // Whoever was killed is dead: all that follows is the members' own doing.
    yield* drive(Effect.sleep(quiesce.hold.deadline + 1000))
    assertThawed(freezer, what)
    for (const { pod, end: at } of freezer.holds) assert.isNotNull(at, `${what}: ${pod}`)
    yield* end(world, way)
    const level = yield* levelOf(world)
    assertTruth(world, freezer, level, what)
    if (ended._tag === "Success" && ended.value._tag === "Success") {
      assert.strictEqual(level, "quiesced", what)
    }
    if (level === "none") assertNothingLeft(world)
    else assert.strictEqual(level, "quiesced", what)
    const isOver = (yield* on(world)(Journal.list("shop", "db"))).every(
      ({ status }) => !Journal.isOpen(status)
    )
    assert.isTrue(isOver, what)
    return level
  })

/** From the first probe to the write of the record: where a freeze may be cut short. */
const stretch = (more: Partial<Snapshot.SnapshotOptions>) =>
  Effect.gen(function* () {
    const { world } = yield* freezable()
    const { cluster, record } = inject(
      world.sandbox.cluster,
      when(() => false, { _tag: "Fail" })
    )
    yield* over(cluster, more)
    const isExec = ({ kind }: Call) => kind === "exec"
    const isRecord = ({ write, request }: Call) => write && request.path.endsWith("/secrets")
    const first = record.calls.find(isExec)?.index ?? assert.fail("nothing was run in a pod")
    const last = record.calls.find(isRecord)?.index ?? assert.fail("nothing was recorded")
    return { first, last }
  })

const ways = ["abort", "resume", "resume with the profile"] as const

/** A fixed part of all points; `npm run prove -- snapshot` takes each of them. */
const step = Number(process.env["SNAPSHOT_EVERY"] ?? 89)

describe("a quiesced snapshot with a fault at any request around its freeze", () => {
  for (const [way, more] of [
    ["as one group", {}],
    ["each volume alone", alone]
  ] as const) {
    it.effect(`${way}: thaws by its deadline, and is quiesced in truth, or nothing is left`, () =>
      Effect.gen(function* () {
        const { first, last } = yield* stretch(more)
        const levels = new Map<string, number>()
        for (const [shift, fault] of faults.entries()) {
          for (let index = first + shift; index <= last; index += step) {
            const level = yield* faulty(index, fault, ways[index % 3] ?? "abort", more)
            levels.set(level, (levels.get(level) ?? 0) + 1)
          }
        }
        console.log(`${way}: requests ${first} to ${last}: ${JSON.stringify(Object.fromEntries(levels))}`)
        assert.isAbove(levels.get("quiesced") ?? 0, 0)
        assert.isAbove(levels.get("none") ?? 0, 0)
      })
    )
  }
})
