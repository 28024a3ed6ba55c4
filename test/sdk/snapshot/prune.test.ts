import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import * as Prune from "../../../packages/sdk/src/SnapshotPrune.ts"
import * as RestoreClone from "../../../packages/sdk/src/RestoreClone.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { atCall } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import {
  volumesnapshotcontents,
  volumesnapshots
} from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import { recordName } from "../../../packages/sdk/src/RecordName.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, on, refusal } from "../scale/callers.ts"
import { assertNothingLeft, contents, every, names, policies, take, withStorage } from "./world.ts"

const ways = { resume: Prune.resume, abort: Prune.abort }

const ref = { namespace: "shop", name: "nightly" }

const prune = (world: World, options: Prune.PruneOptions = { last: true }) =>
  drive(
    on(world)(
      Effect.flatMap(Prune.prepare(ref, options), (plan) => Prune.run(plan, { ...options, identity: ann }))
    )
  )

/** Two complete snapshots, of which the second is the newer one. */
const takeBoth = (world: World) =>
  Effect.forEach(
    ["nightly", "newer"],
    (name) => Effect.andThen(take(world, { name, consistency: "crash" }), drive(Effect.sleep("2 seconds"))),
    { discard: true }
  )

describe("deleting a snapshot", () => {
  for (const consistency of ["group", "crash"] as const) {
    it.effect(`of level ${consistency} leaves nothing of it, neither here nor in the storage`, () =>
      Effect.gen(function* () {
        const world = yield* withStorage()
        yield* take(world, { consistency })
        const { outcome, result } = yield* prune(world)
        assert.strictEqual(outcome, "Succeeded")
        assert.deepEqual(result, { set: "nightly", cuts: 3 })
        assertNothingLeft(world)
      })
    )
  }

  it.effect("is refused for the newest complete one, and for one that is not there", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world)
      assert.include((yield* refusal(prune(world, {}))).message, "newest complete one")
      assert.lengthOf(names(world, volumesnapshots), 3)
      const missing = yield* Effect.flip(on(world)(Prune.prepare({ ...ref, name: "weekly" })))
      assert.include(missing.message, "no snapshot weekly")
    })
  )

  it.effect("is refused while a restore into another namespace goes on with it", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world)
      yield* on(world)(Resource.create({ api: kinds.namespaces }, { metadata: { name: "rehearsal" } }))
      const inner = world.sandbox.cluster
      const dying: typeof inner = {
        ...inner,
        request: (request) =>
          request.method === "POST" && request.path.includes("/volumesnapshotcontents")
            ? Effect.die("killed")
            : inner.request(request)
      }
      const plan = yield* on(world)(RestoreClone.prepare(ref, { toNamespace: "rehearsal" }))
      yield* drive(Effect.exit(withCluster(dying)(RestoreClone.run(plan, { identity: ann }))))
      const { message } = yield* refusal(prune(world))
      assert.include(message, `operation ${plan.id}, a clone in namespace rehearsal, has not finished`)
      assert.lengthOf(names(world, volumesnapshots), 3)
      // Of another record of that name nothing is known there: it holds up nobody.
      const journal = { api: kinds.configmaps, namespace: "rehearsal", name: Journal.nameOf(plan.id) }
      const found = yield* on(world)(Resource.getObject(journal))
      const text = JSON.stringify(Reflect.get(found, "data")).replaceAll(plan.settings.record.uid, "no-uid")
      yield* on(world)(Resource.patch(journal, { _tag: "Merge", value: { data: JSON.parse(text) } }))
      assert.strictEqual((yield* prune(world)).outcome, "Succeeded")
    })
  )

  it.effect("touches no cut that another content holds as well", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world, { consistency: "crash" })
      const [content] = world.sandbox.store.list(volumesnapshotcontents)
      const handle = content?.status?.snapshotHandle ?? ""
      const other = {
        apiVersion: "snapshot.storage.k8s.io/v1",
        kind: "VolumeSnapshotContent",
        metadata: { name: "of-another-namespace" },
        spec: {
          deletionPolicy: "Retain",
          driver: content?.spec.driver ?? "",
          source: { snapshotHandle: handle },
          volumeSnapshotRef: { namespace: "bank", name: "ledger" }
        }
      }
      world.sandbox.create(other)
      const error = yield* refusal(prune(world))
      assert.include(error.message, "has the same snapshot handle")
      assert.lengthOf(names(world, volumesnapshots), 3)
      assert.deepEqual(policies(world), ["Retain"])
    })
  )

  it.effect("keeps the newest complete ones of each application", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      for (const name of ["a", "b", "c"]) {
        yield* take(world, { name })
        yield* drive(Effect.sleep("2 seconds"))
      }
      const listed = yield* on(world)(Snapshot.list("shop"))
      assert.deepEqual(
        Prune.beyond(listed, { keep: 2 }, 0).map(({ summary }) => summary.name),
        ["a"]
      )
    })
  )

  for (const consistency of ["group", "crash"] as const) {
    it.effect(`of level ${consistency} never goes for one that only a list says is newer`, () =>
      Effect.gen(function* () {
        const world = yield* withStorage()
        for (const name of ["old", "nightly"]) {
          yield* take(world, { name, consistency })
          yield* drive(Effect.sleep("2 seconds"))
        }
        const old = { api: kinds.configmaps, namespace: "shop", name: recordName("old") }
        const found = yield* on(world)(Resource.getObject(old))
        const summary = JSON.parse(String(Reflect.get(Object(Reflect.get(found, "data")), "summary.json")))
        // Whoever may write ConfigMaps lists the oldest cuts as the newest.
        const forged = { ...summary, name: "zz", created: "2999-01-01T00:00:00Z" }
        const { labels } = Object(found.metadata)
        yield* on(world)(Resource.remove(old))
        yield* on(world)(
          Resource.create(
            { api: kinds.configmaps, namespace: "shop" },
            {
              metadata: { name: recordName("zz"), labels },
              data: { "summary.json": JSON.stringify(forged) }
            }
          )
        )
        const listed = yield* on(world)(Snapshot.list("shop"))
        assert.lengthOf(listed, 2)
        assert.deepEqual(Prune.beyond(listed, {}, Date.now()), [])
        assert.include((yield* refusal(prune(world, {}))).message, "newest complete one")
        assert.lengthOf(names(world, volumesnapshots), 6)
      })
    )
  }

  it.effect("goes by when the storage has cut them, whatever the list says", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      for (const name of ["old", "nightly"]) {
        yield* take(world, { name, consistency: "crash" })
        yield* drive(Effect.sleep("2 seconds"))
      }
      const old = { api: kinds.configmaps, namespace: "shop", name: recordName("old") }
      const found = yield* on(world)(Resource.getObject(old))
      const summary = JSON.parse(String(Reflect.get(Object(Reflect.get(found, "data")), "summary.json")))
      const data = { "summary.json": JSON.stringify({ ...summary, created: "2999-01-01T00:00:00Z" }) }
      yield* on(world)(Resource.patch(old, { _tag: "Merge", value: { data } }))
      const listed = yield* on(world)(Snapshot.list("shop"))
      assert.deepEqual(
        Prune.beyond(listed, {}, 0).map(({ summary: { name } }) => name),
        ["old"]
      )
      assert.include((yield* refusal(prune(world, {}))).message, "newest complete one")
    })
  )

  it.effect("takes no snapshot whose contents are being deleted for a newer one", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* takeBoth(world)
      const [newer] = yield* on(world)(Snapshot.list("shop"))
      assert.strictEqual(newer?.restorable, true)
      // Their controller's finalizer holds them until their VolumeSnapshots go: they are still ready to use.
      for (const { content } of newer?.now ?? [])
        yield* on(world)(Resource.remove({ api: kinds.volumesnapshotcontents, name: content ?? "" }))
      const listed = yield* on(world)(Snapshot.list("shop"))
      const [going] = listed
      assert.lengthOf(going?.ready ?? [], 3)
      assert.match(going?.obstacles[0] ?? "", /^volumesnapshotcontent "\S+" is being deleted$/)
      assert.deepEqual(Prune.beyond(listed, {}, 0), [])
      assert.include((yield* refusal(prune(world, {}))).message, "newest complete one")
    })
  )

  it.effect("is refused where it has become the newest complete one since its plan", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* takeBoth(world)
      const plan = yield* on(world)(Prune.prepare(ref))
      assert.deepEqual(plan.refusals, [])
      yield* drive(on(world)(Prune.prune({ ...ref, name: "newer" }, { last: true, identity: bob })))
      const { message } = yield* refusal(drive(on(world)(Prune.run(plan, { identity: ann }))))
      assert.include(message, "snapshot nightly is the newest complete one of its application now")
      assert.lengthOf(names(world, volumesnapshots), 3)
      const { outcome } = yield* prune(world)
      assert.strictEqual(outcome, "Succeeded")
    })
  )

  it.effect(
    "names a stranger's finalizer, and an abort does not say that it kept what is being deleted",
    () =>
      Effect.gen(function* () {
        const world = yield* withStorage()
        yield* take(world, { consistency: "crash" })
        const [held = ""] = names(world, volumesnapshots)
        const target = { api: kinds.volumesnapshots, namespace: "shop", name: held }
        const { metadata } = yield* on(world)(Resource.getObject(target))
        const own = (Reflect.get(metadata, "finalizers") ?? []) as ReadonlyArray<string>
        const finalizers = [...own, "backup.example.com/hold"]
        yield* on(world)(Resource.patch(target, { _tag: "Merge", value: { metadata: { finalizers } } }))
        const options = { last: true, stepTimeout: 30_000, identity: ann }
        const { message } = yield* refusal(drive(on(world)(Prune.prune(ref, options))))
        assert.include(
          message,
          `${held} (its driver to delete it, and for finalizer backup.example.com/hold)`
        )
        const [entry] = yield* on(world)(Journal.list("shop"))
        const at = { namespace: "shop", id: entry?.plan.id ?? "" }
        const { outcome, unmet } = yield* drive(on(world)(Prune.abort(at, { identity: bob })))
        assert.strictEqual(outcome, "Incomplete")
        // Its content went with the data, whatever holds the VolumeSnapshot.
        assert.deepEqual(unmet, [`volumesnapshot "${held}" is being deleted, with its data`])
        assert.deepEqual(contents(world), [])
      })
  )

  it.effect("takes no snapshot of another application for a newer one", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      for (const name of ["nightly", "other"]) {
        yield* take(world, { name, consistency: "crash" })
        yield* drive(Effect.sleep("2 seconds"))
      }
      const listed = yield* on(world)(Snapshot.list("shop"))
      const newer = listed[0] ?? assert.fail("none is listed")
      const older = listed[1] ?? assert.fail("one is listed")
      const cuts = newer.summary.cuts.map((cut) => ({ ...cut, claim: cut.claim.replace("db", "web") }))
      const foreign = { ...newer, summary: { ...newer.summary, cuts } }
      assert.deepEqual(Prune.beyond([foreign, older], {}, 0), [])
      assert.deepEqual(Prune.beyond([newer, older], {}, 0), [older])
    })
  )

  it.effect("is ended by a resume wherever its caller died, and an abort keeps what is there", () =>
    Effect.gen(function* () {
      let points = 0
      for (let index = 1; ; index += every) {
        const ends = yield* Effect.forEach(["resume", "abort"] as const, (way) =>
          Effect.gen(function* () {
            const world = yield* withStorage()
            yield* take(world, { consistency: "crash" })
            const { cluster, record } = inject(
              world.sandbox.cluster,
              atCall(index, { _tag: "Kill", applied: true })
            )
            const run = Effect.flatMap(Prune.prepare(ref, { last: true }), (plan) =>
              Prune.run(plan, { identity: ann })
            )
            yield* drive(Effect.exit(withCluster(cluster)(run)))
            if (record.calls.length < index) return false
            const entries = yield* on(world)(Journal.list("shop"))
            const open = entries.find(({ status }) => Journal.isOpen(status))
            if (open === undefined) return true
            const at = { namespace: "shop", id: open.plan.id }
            const takenUp = on(world)(ways[way](at, { identity: bob }))
            const ended = yield* drive(
              Effect.catchIf(
                takenUp,
                // It died before the record says so: nothing was deleted then.
                ({ reason }) => way === "resume" && reason._tag === "Mismatch",
                () =>
                  Effect.andThen(
                    Effect.sync(() => assert.lengthOf(contents(world), 3)),
                    Effect.succeed(null)
                  )
              )
            )
            if (ended === null) return true
            assert.strictEqual(ended.outcome, way === "abort" ? "Aborted" : "Succeeded", `${index}`)
            if (way === "resume") assertNothingLeft(world)
            else if (names(world, volumesnapshots).length === 3) {
              assert.deepEqual(policies(world), ["Retain"], `${index}`)
              assert.lengthOf(contents(world), 3)
            }
            return true
          })
        )
        if (ends.includes(false)) break
        points += 1
      }
      console.log(`prune: ${points} points`)
      assert.isAbove(points, 1)
    })
  )
})

describe("a record", () => {
  it.effect("that speaks of another namespace is not listed", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world)
      yield* on(world)(
        Resource.patch(
          { api: kinds.configmaps, namespace: "shop", name: "kubectl-stateful.snapshot.nightly" },
          { _tag: "Merge", value: { data: { "summary.json": '{"kind":"Snapshot","namespace":"bank"}' } } }
        )
      )
      assert.deepEqual(yield* on(world)(Snapshot.list("shop")), [])
    })
  )
})
