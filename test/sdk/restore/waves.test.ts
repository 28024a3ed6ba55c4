/** Volumes that were cut in waves: they are an application's only with what was kept, and go nowhere without it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import * as RestoreClone from "../../../packages/sdk/src/RestoreClone.ts"
import { atCall, type Call, when } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { persistentvolumeclaims, pods } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { encode, type SnapshotRecord } from "../../../packages/sdk/src/step/record.ts"
import { recordName } from "../../../packages/sdk/src/RecordName.ts"
import { readRecord } from "../../../packages/sdk/src/step/recordList.ts"
import type { Restoring } from "../../../packages/sdk/src/Verify.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, on, refusal } from "../scale/callers.ts"
import { labelOf, options, withWaves, writes } from "../snapshot/waving.ts"
import { app } from "../snapshot/world.ts"
import { assertGone, clone } from "./cloneWorld.ts"
import { every, snapshot } from "./world.ts"

const withSnapshot = Effect.gen(function* () {
  const { world } = yield* withWaves({ replicas: 2 })
  const { outcome } = yield* drive(on(world)(Snapshot.take(app, options())))
  assert.strictEqual(outcome, "Succeeded")
  return world
})

const restored = (world: World, more: Partial<Restore.RestoreOptions> = {}) =>
  drive(on(world)(Restore.restore(snapshot, { identity: ann, ...more })))

const volumeOf = (world: World, claim: string) => {
  const found = world.sandbox.store.get(persistentvolumeclaims, "shop", claim)
  return world.sandbox.volumes.get(found?.spec.volumeName ?? "")
}

/** Each member's data has the text that was kept of it, and its WAL none. */
const assertWritten = (world: World, name = "db") => {
  for (const ordinal of [0, 1]) {
    assert.strictEqual(
      volumeOf(world, `data-${name}-${ordinal}`)?.readText("label"),
      labelOf(`db-${ordinal}`)
    )
    assert.deepEqual(volumeOf(world, `wal-${name}-${ordinal}`)?.list(), ["segment"])
  }
}

/** Nothing of the application was touched: its volumes are those that have no text. */
const assertUntouched = (world: World) => {
  for (const ordinal of [0, 1]) assert.isUndefined(volumeOf(world, `data-db-${ordinal}`)?.readText("label"))
}

const forged = (world: World, change: (record: SnapshotRecord) => object, immutable = true) =>
  Effect.gen(function* () {
    const record = (yield* on(world)(readRecord("shop", "nightly"))) ?? assert.fail("no record")
    const [data] = encode({ ...record, ...change(record) })
    const name = recordName("nightly")
    const secrets = { api: kinds.secrets, namespace: "shop" }
    yield* on(world)(Resource.remove({ ...secrets, name }))
    const metadata = { name, annotations: { "kubectl-stateful.dev/part": "1 of 1" } }
    const value = { metadata, type: "kubectl-stateful.dev/snapshot.v1", data: { record: data }, immutable }
    yield* on(world)(Resource.create(secrets, value))
  })

type Kept = NonNullable<NonNullable<SnapshotRecord["quiesced"]>["waves"]>["kept"]
const withKept = (change: (kept: Kept) => Kept) => (record: SnapshotRecord) => ({
  quiesced: {
    ...record.quiesced,
    waves: { profile: "./toy.yaml", kept: change(record.quiesced?.waves?.kept ?? []) }
  }
})

const reasons = (world: World, given: Restoring = { writes }) =>
  Effect.map(on(world)(Restore.prepare(snapshot, given)), ({ refusals }) =>
    refusals.map(({ reason }) => reason).join("; ")
  )

describe("a set that was cut in waves", () => {
  it.effect("is restored with what was kept, in place and as another application, and not without", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot
      for (const given of [{}, { verify: { profile: "./toy.yaml", argv: ["true"] } }])
        assert.match(
          yield* reasons(world, given),
          /taken in stages by profile .\/toy.yaml: .*incomplete without/
        )
      const bare = yield* refusal(clone(world))
      assert.match(bare.message, /taken in stages/)
      const copied = yield* clone(world, { writes })
      assert.strictEqual(copied.outcome, "Succeeded", copied.unmet.join())
      assertWritten(world, "copy")
      assertUntouched(world)
      const { outcome, unmet } = yield* restored(world, { writes })
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assertWritten(world)
    })
  )

  it.effect("is refused where its record lacks a member's text, has it twice, or could be changed", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot
      yield* forged(
        world,
        withKept((kept) => kept.filter(({ ordinal }) => ordinal !== 1))
      )
      assert.match(yield* reasons(world), /does not contain label of ordinal 1, /)
      yield* forged(
        world,
        withKept((kept) => [...kept, { ordinal: 0, name: "label", text: "another" }, ...kept])
      )
      assert.match(yield* reasons(world), /does not contain label of ordinal 0/)
      yield* forged(
        world,
        withKept((kept) => [...new Map(kept.map((one) => [one.ordinal, one])).values()]),
        false
      )
      assert.match(yield* reasons(world), /cannot be read, or may have been changed/)
      assertUntouched(world)
    })
  )

  it.effect("whose record names another place writes nothing there: the place is the profile's", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot
      const strange = (name: string) => [
        { ordinal: 0, name: "label", text: labelOf("db-0") },
        { ordinal: 1, name: "label", text: labelOf("db-1") },
        { ordinal: 0, name, text: "x", beside: "/etc/passwd", path: "/" }
      ]
      yield* forged(
        world,
        withKept(() => strange("mark"))
      )
      const { outcome } = yield* restored(world, { writes })
      assert.strictEqual(outcome, "Succeeded")
      assertWritten(world)
      assert.deepEqual(volumeOf(world, "data-db-0")?.list().toSorted(), ["label", "mark"])
      assert.strictEqual(volumeOf(world, "data-db-0")?.readText("mark"), "before data-db-0")
      // One that is no name is no record at all.
      yield* forged(
        world,
        withKept(() => strange("../mark"))
      )
      const { message } = yield* Effect.flip(on(world)(Restore.prepare(snapshot, { writes })))
      assert.match(message, /the record of snapshot nightly is damaged/)
    })
  )

  it.effect(
    "is not restored by another record than the one of the plan, or by another profile's writes",
    () =>
      Effect.gen(function* () {
        const world = yield* withSnapshot
        const plan = yield* on(world)(Restore.prepare(snapshot, { writes }))
        const other = { ...writes, files: [{ text: "label", beside: "segment" }] as const }
        const mismatch = drive(on(world)(Restore.run(plan, { identity: ann, writes: other })))
        assert.match((yield* Effect.flip(mismatch)).message, /by profile .\/toy.yaml, which was not passed/)
        const [open] = yield* on(world)(Journal.list("shop", "db"))
        const at = { namespace: "shop", id: open?.plan.id ?? "" }
        yield* drive(on(world)(Restore.abort(at, { identity: ann })))
        const again = yield* on(world)(Restore.prepare(snapshot, { writes }))
        yield* forged(
          world,
          withKept((kept) => kept)
        )
        const { message } = yield* Effect.flip(
          drive(on(world)(Restore.run(again, { identity: ann, writes })))
        )
        assert.match(message, /is not the record that this was planned with/)
        assertUntouched(world)
      })
  )

  it.effect(
    "of which one of a member's volumes is in its place is gone on with, and not written to again",
    () =>
      Effect.gen(function* () {
        const world = yield* withSnapshot
        const given = { writes, verify: { profile: "./toy.yaml", argv: ["check", "{path:data}"] } }
        const isSecond = ({ write, request: { method, path, body } }: Call) =>
          write &&
          method === "POST" &&
          path.endsWith("/persistentvolumeclaims") &&
          (body ?? "").includes('"name":"wal-db-0"')
        const { cluster } = inject(world.sandbox.cluster, when(isSecond, { _tag: "Kill", applied: false }))
        const run = Restore.restore(snapshot, { identity: ann, ...given })
        yield* drive(Effect.exit(withCluster(cluster)(run)))
        const [open] = yield* on(world)(Journal.list("shop", "db"))
        const at = { namespace: "shop", id: open?.plan.id ?? "" }
        assert.isDefined(volumeOf(world, "data-db-0")?.readText("label"), "it was not in its place")
        const { outcome, unmet } = yield* drive(on(world)(Restore.resume(at, { identity: bob, ...given })))
        assert.strictEqual(outcome, "Succeeded", unmet.join())
        assertWritten(world)
      })
  )

  it.effect("whose restore dies at any request is written back all the same by who goes on", () =>
    Effect.gen(function* () {
      for (let index = 1, points = 0; ; index += 5 * every, points += 1) {
        const world = yield* withSnapshot
        const { cluster, record } = inject(
          world.sandbox.cluster,
          atCall(index, { _tag: "Kill", applied: points % 2 === 0 })
        )
        yield* drive(Effect.exit(withCluster(cluster)(Restore.restore(snapshot, { identity: ann, writes }))))
        if (record.calls.length < index) break
        const all = yield* on(world)(Journal.list("shop", "db"))
        const open = all.find(({ status }) => Journal.isOpen(status))
        if (open === undefined) continue
        const at = { namespace: "shop", id: open.plan.id }
        const { outcome, unmet } = yield* drive(on(world)(Restore.resume(at, { identity: bob, writes })))
        assert.strictEqual(outcome, "Succeeded", `${index}: ${unmet.join()}`)
        assertWritten(world)
      }
    })
  )
})

const beforeStart = { profile: "./toy.yaml", argv: ["rename", "{path:data}", "{pod}"] }

describe("what a profile has run before a copy's first start", () => {
  it.effect(
    "is run on each member's new volumes under its new name, before any pod is there, and on no others",
    () =>
      Effect.gen(function* () {
        const world = yield* withSnapshot
        world.log.length = 0
        const { outcome, unmet } = yield* clone(world, { writes, beforeStart })
        assert.strictEqual(outcome, "Succeeded", unmet.join())
        for (const ordinal of [0, 1]) {
          assert.strictEqual(volumeOf(world, `data-copy-${ordinal}`)?.readText("name"), `copy-${ordinal}`)
          const [changed, started] = [`rename copy-${ordinal}`, `create copy-${ordinal}`].map((line) =>
            world.log.indexOf(line)
          )
          assert.isTrue(changed !== -1 && (changed ?? 0) < (started ?? -1), world.log.join())
        }
        // Volumes of the application itself are put back as they were cut.
        const { outcome: back } = yield* restored(world, { writes, beforeStart })
        assert.strictEqual(back, "Succeeded")
        assert.isUndefined(volumeOf(world, "data-db-0")?.readText("name"))
      })
  )

  it.effect("starts nothing where it fails, and says why; the same has to be given to go on", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot
      world.answers.set("rename", 3)
      const error = yield* Effect.flip(clone(world, { writes, beforeStart }))
      assert.match(error.message, /not restored: .*before-start: .*exit code 3/)
      const running = world.sandbox.store.list(pods, "shop").map(({ metadata }) => metadata.name)
      assert.notInclude(running, "copy-0")
      const [open] = yield* on(world)(Journal.list("shop", "copy"))
      const at = { namespace: "shop", id: open?.plan.id ?? "" }
      world.answers.clear()
      const other = { clone: "copy", identity: bob, writes }
      assert.match(
        (yield* Effect.flip(drive(on(world)(RestoreClone.resume(at, other))))).message,
        /was not passed/
      )
      const { outcome } = yield* drive(on(world)(RestoreClone.abort(at, { clone: "copy", identity: bob })))
      assert.strictEqual(outcome, "Aborted")
      assertGone(world, "shop", "copy")
    })
  )

  it.effect("is refused where there is no volume for it, and a place that is none stops it", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot
      const strange = { ...beforeStart, argv: ["rename", "{path:log}"] }
      assert.match(
        (yield* Effect.flip(clone(world, { writes, beforeStart: strange }))).message,
        /names {path:log}/
      )
      const bare = yield* withSnapshot
      yield* forged(bare, (record) => ({
        quiesced: undefined,
        cuts: [],
        objects: record.objects.map((one) =>
          one["kind"] === "StatefulSet"
            ? { ...one, spec: { ...Object(one["spec"]), volumeClaimTemplates: [] } }
            : one
        )
      }))
      assert.match(
        (yield* refusal(clone(bare, { beforeStart }))).message,
        /has beforeStart, but copy has no volumes/
      )
    })
  )
})
