import { randomBytes } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { kinds, volumeGroupSnapshotContents } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { atCall, type Plan, when } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { configmaps, secrets } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import {
  volumegroupsnapshots,
  volumesnapshotcontents,
  volumesnapshots
} from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { open, seal, type SnapshotExport } from "../../../packages/sdk/src/snapshot/file.ts"
import * as Prune from "../../../packages/sdk/src/SnapshotPrune.ts"
import * as Transfer from "../../../packages/sdk/src/SnapshotTransfer.ts"
import { decode, encode, type SnapshotRecord } from "../../../packages/sdk/src/step/record.ts"
import { readRecord } from "../../../packages/sdk/src/step/recordList.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { restore, snapshot as nightly, stateOf, withSnapshot, write } from "../restore/world.ts"
import { ann, bob, on, refusal } from "../scale/callers.ts"
import { contents, every, names, password, policies, take, withStorage } from "./world.ts"

const key = { passphrase: "correct horse battery staple" }
/** A guess costs little here. */
const sealFor = { ...key, workFactor: 2 }

const exported = (world: World) => on(world)(Transfer.exportSet(nightly, sealFor))

const removeAll = (world: World, api: Resource.ApiResource, all: ReadonlyArray<string>) =>
  on(world)(
    Effect.forEach(all, (name) => Resource.remove({ api, namespace: "shop", name }), { discard: true })
  )

/** The namespace's own objects of the snapshot are gone, as with the namespace; its contents are not. */
const loseNamespace = (world: World) =>
  Effect.gen(function* () {
    const groups = names(world, volumegroupsnapshots)
    const ours = (all: ReadonlyArray<string>) => all.filter((name) => name.includes("snapshot.nightly"))
    yield* removeAll(world, kinds.volumegroupsnapshots, groups)
    const left = groups.length > 0 ? [] : names(world, volumesnapshots)
    yield* removeAll(world, kinds.volumesnapshots, left)
    yield* removeAll(world, kinds.secrets, ours(names(world, secrets)))
    yield* removeAll(world, kinds.configmaps, ours(names(world, configmaps)))
    yield* drive(Effect.sleep("3 seconds"))
    assert.deepEqual(names(world, volumesnapshots), [])
    assert.deepEqual(yield* on(world)(Snapshot.list("shop")), [])
  })

/** As in a cluster that was built anew on the same storage. */
const loseContents = (world: World) =>
  Effect.gen(function* () {
    yield* on(world)(
      Effect.forEach(contents(world), ({ kind, metadata: { name } }) =>
        Resource.remove({
          api: kind === "VolumeSnapshotContent" ? kinds.volumesnapshotcontents : volumeGroupSnapshotContents,
          name
        })
      )
    )
    yield* drive(Effect.sleep("5 seconds"))
    assert.deepEqual(contents(world), [])
  })

const bring = (world: World, file: Uint8Array, options: Transfer.ImportOptions = {}) =>
  drive(on(world)(Transfer.importSet("shop", file, key, { identity: ann, ...options })))

describe("an exported snapshot", () => {
  for (const consistency of ["group", "crash"] as const) {
    it.effect(
      `of level ${consistency} comes back once its namespace is lost, is restored, and pruned whole`,
      () =>
        Effect.gen(function* () {
          const world = yield* withStorage()
          write(world, "before")
          yield* take(world, { consistency })
          write(world, "after")
          const file = yield* exported(world)
          yield* loseNamespace(world)
          const { outcome, result } = yield* bring(world, file)
          assert.strictEqual(outcome, "Succeeded")
          assert.deepEqual(result, { set: "nightly", claims: 3, made: 3 })
          assert.deepEqual(policies(world), ["Retain"])
          const [listed] = yield* on(world)(Snapshot.list("shop"))
          assert.deepEqual([listed?.ready?.length, listed?.restorable], [3, true])
          assert.strictEqual((yield* restore(world)).outcome, "Succeeded")
          assert.strictEqual(stateOf(world), "before")
          const options = { last: true, identity: ann }
          assert.strictEqual((yield* drive(on(world)(Prune.prune(nightly, options)))).outcome, "Succeeded")
          assert.deepEqual(contents(world), [])
          assert.deepEqual(names(world, volumesnapshots), [])
        })
    )
  }

  it.effect("comes into a cluster that knows nothing of it by a handle that is trusted alone", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      write(world, "before")
      yield* take(world, { consistency: "crash" })
      write(world, "after")
      const file = yield* exported(world)
      yield* loseNamespace(world)
      yield* loseContents(world)
      const error = yield* refusal(bring(world, file))
      assert.match(error.message, /^no content in this cluster has the snapshot of data-db-0: .* snapshot-/)
      assert.deepEqual(names(world, volumesnapshots), [])
      const { plan } = yield* on(world)(Transfer.prepareImport("shop", file, key, { trustHandles: true }))
      const lines = plan.effects.filter((line) =>
        /^data-db-\d: .* snapshot-\S+, 1Gi, its handle is trusted$/.test(line)
      )
      assert.lengthOf(lines, 3)
      yield* bring(world, file, { trustHandles: true })
      yield* restore(world)
      assert.strictEqual(stateOf(world), "before")
    })
  )

  it.effect("whose record alone was lost is listed again, and nothing else is made", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const file = yield* exported(world)
      const before = contents(world).map(({ metadata }) => metadata.uid)
      const record = "kubectl-stateful.snapshot.nightly"
      yield* removeAll(world, kinds.secrets, [record])
      yield* removeAll(world, kinds.configmaps, [record])
      const { result } = yield* bring(world, file)
      assert.deepEqual(result, { set: "nightly", claims: 3, made: 0 })
      assert.deepEqual(
        contents(world).map(({ metadata }) => metadata.uid),
        before
      )
      const error = yield* refusal(bring(world, file))
      assert.include(error.message, "snapshot nightly already exists")
    })
  )

  for (const consistency of ["group", "crash"] as const) {
    it.effect(`of level ${consistency} is not imported under another name than its volume snapshots'`, () =>
      Effect.gen(function* () {
        const world = yield* withStorage({ replicas: 2 })
        yield* take(world, { consistency })
        const { record } = yield* open(yield* exported(world), key)
        const error = yield* refusal(bring(world, yield* fileOf({ ...record, name: "weekly" })))
        assert.match(error.message, /^volumesnapshot "[^"]+" was not created for snapshot weekly/)
      })
    )
  }

  it.effect("never touches a cut of another namespace, whoever trusts the file", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world, { consistency: "crash" })
      const file = yield* exported(world)
      yield* loseNamespace(world)
      const [content] = world.sandbox.store.list(volumesnapshotcontents)
      const handle = content?.status?.snapshotHandle ?? ""
      const bank = {
        apiVersion: "snapshot.storage.k8s.io/v1",
        kind: "VolumeSnapshotContent",
        metadata: { name: "of-the-bank" },
        spec: {
          deletionPolicy: "Retain",
          driver: content?.spec.driver ?? "",
          source: { snapshotHandle: handle },
          volumeSnapshotRef: { namespace: "bank", name: "ledger" }
        }
      }
      world.sandbox.create(bank)
      const error = yield* refusal(bring(world, file, { trustHandles: true }))
      assert.match(
        error.message,
        /content of-the-bank has the snapshot of data-db-\d, and belongs to another namespace than shop/
      )
      assert.deepEqual(names(world, volumesnapshots), [])
    })
  )

  it.effect("says nothing of a Secret anywhere but in the record", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const file = yield* exported(world)
      assert.notInclude(Buffer.from(file).toString("latin1"), password)
      yield* loseNamespace(world)
      const said: Array<unknown> = []
      const report = (event: unknown) => Effect.sync(() => void said.push(event))
      const prepared = yield* on(world)(Transfer.prepareImport("shop", file, key))
      yield* drive(on(world)(Transfer.run(prepared, { identity: ann, report })))
      const journals = world.sandbox.store.list(configmaps, "shop")
      assert.notInclude(JSON.stringify([prepared.plan, said, journals]), password)
    })
  )

  /** How an import ends whose caller died; null: it did not begin, or was over. */
  const endOf = (fault: Plan) =>
    Effect.gen(function* () {
      const world = yield* withStorage({ replicas: 2 })
      yield* take(world, { consistency: "crash" })
      const file = yield* exported(world)
      yield* loseNamespace(world)
      const before = contents(world).length
      const { cluster, record } = inject(world.sandbox.cluster, fault)
      const options = { identity: ann }
      yield* drive(Effect.exit(withCluster(cluster)(Transfer.importSet("shop", file, key, options))))
      const calls = record.calls.length
      const going = (yield* on(world)(Journal.list("shop"))).find(({ status }) => Journal.isOpen(status))
      if (going === undefined || going.plan.verb !== "import") return { calls, way: null }
      const at = { namespace: "shop", id: going.plan.id }
      const resumed = yield* Effect.exit(drive(on(world)(Transfer.resume(at, { identity: bob }))))
      if (resumed._tag === "Success") {
        assert.strictEqual(resumed.value.outcome, "Succeeded")
        assert.lengthOf(names(world, volumesnapshots), 2)
        assert.lengthOf(yield* on(world)(Snapshot.list("shop")), 1)
        return { calls, way: "resume" }
      }
      const ended = yield* drive(on(world)(Transfer.abort(at, { identity: bob })))
      assert.strictEqual(ended.outcome, "Aborted", ended.unmet.join())
      assert.deepEqual(names(world, volumesnapshots), [])
      assert.lengthOf(contents(world), before)
      assert.notInclude(names(world, secrets).join(), "snapshot.nightly")
      return { calls, way: "abort" }
    })

  it.effect(
    "is ended wherever its caller died: by a resume as far as no file is needed, else by an abort",
    () =>
      Effect.gen(function* () {
        const killed = (part: string, applied: boolean) =>
          when(({ write, request }) => write && request.path.includes(part), { _tag: "Kill", applied })
        const before = yield* endOf(killed("/secrets", false))
        const after = yield* endOf(killed("/volumesnapshotcontents", true))
        assert.deepEqual([before.way, after.way], ["abort", "resume"])
        let points = 0
        for (let index = 1; ; index += every) {
          const { calls } = yield* endOf(atCall(index, { _tag: "Kill", applied: true }))
          if (calls < index) break
          points += 1
        }
        console.log(`import: ${points} points`)
        assert.isAbove(points, 0)
      })
  )

  it.effect("resumed by a journal that names another handle makes no content for it", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world, { consistency: "crash" })
      const file = yield* exported(world)
      yield* loseNamespace(world)
      const inner = world.sandbox.cluster
      const dying: typeof inner = {
        ...inner,
        request: (request) =>
          request.method === "POST" && request.path.includes("/volumesnapshotcontents")
            ? Effect.die("killed")
            : inner.request(request)
      }
      yield* drive(Effect.exit(withCluster(dying)(Transfer.importSet("shop", file, key, { identity: ann }))))
      const open = (yield* on(world)(Journal.list("shop"))).find(({ status }) => Journal.isOpen(status))
      const id = open?.plan.id ?? ""
      const journal = { api: kinds.configmaps, namespace: "shop", name: Journal.nameOf(id) }
      const found = yield* on(world)(Resource.getObject(journal))
      const text = JSON.stringify(Reflect.get(found, "data")).replaceAll(
        /snapshot-[0-9a-f-]{36}/g,
        "snapshot-of-the-bank"
      )
      yield* on(world)(Resource.patch(journal, { _tag: "Merge", value: { data: JSON.parse(text) } }))
      const at = { namespace: "shop", id }
      const error = yield* refusal(drive(on(world)(Transfer.resume(at, { identity: bob }))))
      assert.include(error.message, "the handle in a journal is not trusted")
      assert.notInclude(JSON.stringify(contents(world)), "of-the-bank")
      assert.strictEqual((yield* drive(on(world)(Transfer.abort(at, { identity: bob })))).outcome, "Aborted")
    })
  )
})

/** A record of a size; what it holds does not get smaller by packing it. */
const recordOf = (world: World, bytes: number) =>
  Effect.map(on(world)(readRecord("shop", "nightly")), (found): SnapshotRecord => {
    const record = found ?? assert.fail("there is no record")
    const data = { noise: randomBytes(bytes).toString("base64") }
    const metadata = { name: "noise", namespace: "shop" }
    return { ...record, objects: [...record.objects, { apiVersion: "v1", kind: "Secret", metadata, data }] }
  })

const fileOf = (record: SnapshotRecord, more: Partial<SnapshotExport> = {}) =>
  seal(
    { apiVersion: "kubectl-stateful.dev/v1", kind: "SnapshotExport", cluster: null, record, ...more },
    sealFor
  )

describe("a record", () => {
  it.effect("is the same once it was written and read, in one part and in several, and as a file", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ replicas: 1 })
      for (const bytes of [0, 1000, 1_200_000]) {
        const record = yield* recordOf(world, bytes)
        const parts = encode(record)
        assert.strictEqual(parts.length > 1, bytes > 1_000_000)
        assert.deepEqual(decode(parts), record)
        const { record: back } = yield* open(yield* fileOf(record), key)
        assert.deepEqual(back, record)
      }
    })
  )

  it.effect("of more than 1 MiB comes in by a file, and goes again with all its parts", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ replicas: 1 })
      const record = yield* recordOf(world, 1_200_000)
      yield* loseNamespace(world)
      yield* bring(world, yield* fileOf(record))
      const parts = names(world, secrets).filter((name) => name.includes("snapshot.nightly"))
      assert.lengthOf(parts, 2)
      assert.deepEqual((yield* on(world)(readRecord("shop", "nightly")))?.objects, record.objects)
      yield* drive(on(world)(Prune.prune(nightly, { last: true, identity: ann })))
      assert.notInclude(names(world, secrets).join(), "snapshot.nightly")
    })
  )
})

describe("a file", () => {
  it.effect("is refused by one line, wherever it is cut short, and whichever byte of it is another", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ replicas: 1 })
      const record = yield* recordOf(world, 0)
      const file = yield* fileOf({ ...record, objects: [], cuts: [] })
      const bad = [
        ...Array.from({ length: file.length }, (_, length) => file.subarray(0, length)),
        ...Array.from({ length: 64 }, (_, part) => {
          const damaged = Uint8Array.from(file)
          const at = Math.floor((part * file.length) / 64)
          damaged[at] = (damaged[at] ?? 0) ^ 1
          return damaged
        })
      ]
      for (const bytes of bad) {
        const error = yield* Effect.flip(open(bytes, key))
        assert.strictEqual(error._tag, "OperationError")
        assert.notMatch(error.message, /\n/)
      }
    })
  )

  it.effect("says whether the passphrase is wrong, or the file is for another, or none of ours", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ replicas: 1 })
      const file = yield* exported(world)
      const why = (bytes: Uint8Array, by: Transfer.OpenWith) =>
        Effect.map(Effect.flip(open(bytes, by)), ({ message }) => message)
      const age = yield* Effect.promise(() => import("age-encryption"))
      const [mine, other] = yield* Effect.promise(() =>
        Promise.all([age.generateX25519Identity(), age.generateX25519Identity()])
      )
      const recipients = [yield* Effect.promise(() => age.identityToRecipient(mine))]
      const sealed = yield* on(world)(Transfer.exportSet(nightly, { recipients }))
      assert.strictEqual((yield* open(sealed, { identities: [mine] })).record.name, "nightly")
      assert.strictEqual(yield* why(file, { passphrase: "hunter2" }), "the passphrase is wrong")
      assert.strictEqual(yield* why(file, { identities: [mine] }), "the file is encrypted with a passphrase")
      assert.strictEqual(yield* why(sealed, key), "the file is encrypted for recipients")
      assert.strictEqual(yield* why(sealed, { identities: [other] }), "the file is for other recipients")
      assert.strictEqual(yield* why(sealed, { identities: ["x"] }), "the identity file has no age identity")
      assert.strictEqual(yield* why(Buffer.from("PK"), key), "the file is not encrypted with age")
      const huge = new Uint8Array(Transfer.largestFile + 1)
      assert.match(yield* why(huge, key), /more than the 134217728 of the largest snapshot/)
      const strange = yield* Effect.promise(() => {
        const encrypter = new age.Encrypter()
        encrypter.addRecipient(recipients[0] ?? "")
        return encrypter.encrypt("no record")
      })
      const none = "the file contains no snapshot that this version can read"
      assert.strictEqual(yield* why(strange, { identities: [mine] }), none)
      const wrong = yield* Effect.flip(Transfer.exportSet(nightly, { recipients: ["age1x"] })).pipe(on(world))
      assert.strictEqual(wrong.message, "this is not an age recipient")
    })
  )

  it.effect("that was forged names no other namespace, no other kind, and no cut twice", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const record = yield* recordOf(world, 0)
      yield* loseNamespace(world)
      const [cut] = record.cuts
      const role = {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRole",
        metadata: { name: "all" }
      }
      const deployment = {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "x", namespace: "bank" }
      }
      const forged: ReadonlyArray<readonly [Partial<SnapshotRecord>, string]> = [
        [{ namespace: "bank" }, "of namespace bank, and not of shop"],
        [
          { app: { _tag: "StatefulSet", namespace: "bank", name: "db" } },
          "an application of another namespace"
        ],
        [{ name: "../../kube-system" }, "a name that is not one of at most 40 characters"],
        [{ objects: [role] }, "a manifest of kind ClusterRole"],
        [{ objects: [deployment] }, "Deployment/x of another namespace"],
        [{ created: "soon" }, "no time at which it was taken"],
        [{ cuts: cut === undefined ? [] : [cut, cut] }, "a claim twice"],
        [{ cuts: cut === undefined ? [] : [cut, { ...cut, claim: "data-db-1" }] }, "a volume snapshot twice"],
        [
          { cuts: cut === undefined ? [] : [{ ...cut, snapshotHandle: "a\nb" }] },
          "an invalid volume snapshot"
        ]
      ]
      for (const [change, why] of forged) {
        const file = yield* fileOf({ ...record, ...change })
        const error = yield* refusal(bring(world, file, { trustHandles: true }))
        assert.include(error.message, why)
      }
      const other = yield* fileOf({
        ...record,
        cuts: record.cuts.map((one) => ({ ...one, volumeHandle: "v" }))
      })
      assert.include(
        (yield* refusal(bring(world, other))).message,
        "does not match the file's entry for data-db-0"
      )
      assert.deepEqual(names(world, volumesnapshots), [])
    })
  )
})
