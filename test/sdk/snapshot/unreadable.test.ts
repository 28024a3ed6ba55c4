/** A cut that this version cannot read is there all the same: nothing of it is deleted, and nothing said, for want of it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as RestoreClone from "../../../packages/sdk/src/RestoreClone.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import * as Prune from "../../../packages/sdk/src/SnapshotPrune.ts"
import * as Transfer from "../../../packages/sdk/src/SnapshotTransfer.ts"
import * as Verbs from "../../../packages/sdk/src/Verbs.ts"
import { configmaps, secrets } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import {
  volumegroupsnapshots,
  volumesnapshotcontents,
  volumesnapshots
} from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import { odd, told } from "../../simulation/tomorrow.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, on, refusal } from "../scale/callers.ts"
import { headOf, journalOf, stoppedStatus } from "../operation/journal.ts"
import { app, contents, names, take, withStorage } from "./world.ts"

const ref = { namespace: "shop", name: "nightly" }
const whole = { last: true, identity: ann }
const key = { passphrase: "correct horse battery staple" }

/** A content of another namespace that holds the cut of a claim as well. */
const shared = (world: World, [content] = world.sandbox.store.list(volumesnapshotcontents)) => {
  world.sandbox.create({
    apiVersion: "snapshot.storage.k8s.io/v1",
    kind: "VolumeSnapshotContent",
    metadata: { name: "of-the-bank" },
    spec: {
      deletionPolicy: "Retain",
      driver: content?.spec.driver ?? "",
      source: { snapshotHandle: content?.status?.snapshotHandle ?? "" },
      volumeSnapshotRef: { namespace: "bank", name: "ledger" }
    }
  })
}

describe("a cut that cannot be read", () => {
  it.effect("may be held by another namespace: a prune deletes nothing", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world, { consistency: "crash" })
      const plan = yield* on(world)(Prune.prepare(ref, { last: true }))
      shared(world)
      const there = contents(world).length
      const message = yield* told(odd(world, "volumesnapshotcontents", "of-the-bank")(Prune.run(plan, whole)))
      assert.strictEqual(message, 'volumesnapshotcontent "of-the-bank": spec.deletionPolicy: expected string')
      assert.lengthOf(names(world, volumesnapshots), 3)
      assert.lengthOf(contents(world), there)
    })
  )

  it.effect("of a group is not one that is gone: its record stays", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world, { consistency: "group" })
      const plan = yield* on(world)(Prune.prepare(ref, { last: true }))
      const [group = ""] = names(world, volumegroupsnapshots)
      const message = yield* told(odd(world, "volumegroupsnapshots", group)(Prune.run(plan, whole)))
      assert.include(message, `volumegroupsnapshot "${group}"`)
      assert.lengthOf(names(world, volumegroupsnapshots), 1)
      assert.lengthOf(yield* on(world)(Snapshot.list("shop")), 1)
    })
  )

  it.effect("is not claimed by an import, which cannot see whose it is", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world, { consistency: "crash" })
      const file = yield* on(world)(Transfer.exportSet(ref, { ...key, workFactor: 2 }))
      const [content] = world.sandbox.store.list(volumesnapshotcontents)
      // As in a cluster that was built anew on the same storage.
      const ours = [
        ...names(world, secrets)
          .filter((name) => name.includes("nightly"))
          .map((name) => [kinds.secrets, name] as const),
        ...names(world, configmaps)
          .filter((name) => name.includes("nightly"))
          .map((name) => [kinds.configmaps, name] as const),
        ...names(world, volumesnapshots).map((name) => [kinds.volumesnapshots, name] as const),
        ...contents(world).map(({ metadata: { name } }) => [kinds.volumesnapshotcontents, name] as const)
      ]
      for (const [api, name] of ours)
        yield* on(world)(Resource.remove({ api, name, ...(api.namespaced ? { namespace: "shop" } : {}) }))
      yield* drive(Effect.sleep("5 seconds"))
      assert.deepEqual(contents(world), [])
      const prepared = yield* on(world)(Transfer.prepareImport("shop", file, key, { trustHandles: true }))
      shared(world, content === undefined ? [] : [content])
      const run = Transfer.run(prepared, { identity: ann })
      const message = yield* told(odd(world, "volumesnapshotcontents", "of-the-bank")(run))
      assert.include(message, 'volumesnapshotcontent "of-the-bank"')
      assert.deepEqual(names(world, volumesnapshots), [])
    })
  )

  it.effect("is not one that was never asked for: an abort does not end without it", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const plan = yield* on(world)(Snapshot.prepare(app, { name: "nightly", consistency: "crash" }))
      const inner = world.sandbox.cluster
      const dying: typeof inner = {
        ...inner,
        request: (request) =>
          request.method === "GET" &&
          request.path.includes("/secrets") &&
          names(world, volumesnapshots).length === 3
            ? Effect.die("killed")
            : inner.request(request)
      }
      yield* drive(Effect.exit(withCluster(dying)(Snapshot.run(plan, { identity: ann }))))
      const [first = ""] = names(world, volumesnapshots)
      const abort = Verbs.abort({ namespace: "shop", id: plan.id }, { identity: bob, takeOver: true })
      const message = yield* told(odd(world, "volumesnapshots", first)(abort))
      assert.include(message, `volumesnapshot "${first}"`)
      yield* drive(on(world)(abort))
      assert.deepEqual(contents(world), [])
    })
  )

  it.effect("is shown with what is wrong with it, and counts for no restore", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world, { consistency: "crash" })
      const [first = ""] = names(world, volumesnapshots)
      const [listed] = yield* odd(world, "volumesnapshots", first)(Snapshot.list("shop"))
      assert.strictEqual(listed?.restorable, false)
      assert.deepEqual(listed?.obstacles, [
        `volumesnapshot "${first}": spec.volumeSnapshotClassName: expected string`
      ])
      const [content = ""] = world.sandbox.store
        .list(volumesnapshotcontents)
        .map(({ metadata }) => metadata.name)
      const [seen] = yield* odd(world, "volumesnapshotcontents", content)(Snapshot.list("shop"))
      assert.deepEqual(seen?.obstacles, [
        `volumesnapshotcontent "${content}": spec.deletionPolicy: expected string`
      ])
    })
  )
})

describe("a journal that cannot be read", () => {
  /** Written by a version that knows another phase. */
  const damaged = (world: World) => {
    const journal = journalOf(headOf("0badcafe", "db", "no-uid"), { ...stoppedStatus(), phase: "Paused" })
    world.sandbox.create(journal)
  }

  it.effect("may be of an operation that goes on with a snapshot: it is not deleted", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world, { consistency: "crash" })
      damaged(world)
      const { message } = yield* refusal(on(world)(Prune.prune(ref, whole)))
      assert.include(
        message,
        'configmap "kubectl-stateful-0badcafe" is not a journal that this version can read'
      )
      assert.lengthOf(names(world, volumesnapshots), 3)
    })
  )

  it.effect("of another namespace counts where it names the snapshot's record, and there alone", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world, { consistency: "crash" })
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
      const journal = { api: kinds.configmaps, namespace: "rehearsal", name: Journal.nameOf(plan.id) }
      const write = (data: object) => on(world)(Resource.patch(journal, { _tag: "Merge", value: { data } }))
      yield* write({ "status.json": '{"phase":"Paused"}' })
      const { message } = yield* refusal(drive(on(world)(Prune.prune(ref, whole))))
      assert.include(message, `configmap "${journal.name}" is not a journal that this version can read`)
      assert.lengthOf(names(world, volumesnapshots), 3)
      // Whoever writes something there that nobody can read holds up nobody here.
      const { data } = yield* on(world)(Resource.getObject(journal))
      const text = JSON.stringify(data).replaceAll(plan.settings.record.uid, "no-uid")
      yield* write(JSON.parse(text))
      assert.strictEqual((yield* drive(on(world)(Prune.prune(ref, whole)))).outcome, "Succeeded")
    })
  )

  it.effect("is none that a caller may pass over who takes up the only one", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      damaged(world)
      const error = yield* Effect.flip(on(world)(Verbs.find({ namespace: "shop" })))
      assert.include(error.message, 'configmap "kubectl-stateful-0badcafe"')
      const { unreadable } = yield* on(world)(Journal.listReadable("shop", "db"))
      assert.deepEqual(
        unreadable.map(({ id, isOver }) => [id, isOver]),
        [["0badcafe", false]]
      )
    })
  )
})
