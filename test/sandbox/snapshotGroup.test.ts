import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import {
  volumegroupsnapshotcontents,
  volumegroupsnapshots,
  volumesnapshotcontents,
  volumesnapshots
} from "../../packages/sandbox/src/registry/kinds/storage.ts"
import type { Shape } from "../../packages/sandbox/src/Sandbox.ts"
import {
  bytesOf,
  claim,
  claimIn,
  fromSnapshot,
  group,
  groupClass,
  groupIn,
  membersIn,
  said,
  withClaims
} from "./storage.ts"

const three = ["c0", "c1", "c2"]
const db = { matchLabels: { app: "db" } }

const contentIn = (sandbox: Shape, name: string) =>
  sandbox.registry.find(
    volumegroupsnapshotcontents,
    undefined,
    groupIn(sandbox, name).status?.boundVolumeGroupSnapshotContentName ?? ""
  )

const cutsOf = (sandbox: Shape, name: string) =>
  (contentIn(sandbox, name).status?.volumeSnapshotInfoList ?? []).map(({ creationTime }) => creationTime)

describe("a VolumeGroupSnapshot in the sandbox", () => {
  it.effect("cuts all its members at one instant", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(three)
      sandbox.create(group("all", db))
      yield* TestClock.adjust("1 second")
      const { uid } = groupIn(sandbox, "all").metadata
      assert.deepStrictEqual(groupIn(sandbox, "all").status, {
        boundVolumeGroupSnapshotContentName: `groupsnapcontent-${uid}`,
        creationTime: "1970-01-01T00:00:01Z",
        readyToUse: true
      })
      assert.deepStrictEqual(cutsOf(sandbox, "all"), [1_050_000_000, 1_050_000_000, 1_050_000_000])
      assert.deepStrictEqual(groupIn(sandbox, "all").metadata.finalizers, [
        "groupsnapshot.storage.kubernetes.io/volumegroupsnapshot-bound-protection"
      ])
      assert.lengthOf(said(sandbox, "all", "GroupSnapshotReady"), 1)
    })
  )

  it.effect("has members named by a hash, without labels and class, owned by it, of a claim each", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(three)
      sandbox.create(group("all", db))
      yield* TestClock.adjust("1 second")
      const members = membersIn(sandbox, "all")
      assert.deepStrictEqual(
        members.map(({ spec }) => spec),
        three.map((name) => ({ source: { persistentVolumeClaimName: name } }))
      )
      const { uid } = groupIn(sandbox, "all").metadata
      for (const { metadata, status } of members) {
        assert.match(metadata.name, /^snapshot-[0-9a-f]{64}$/)
        assert.isUndefined(metadata.labels)
        assert.isUndefined(metadata.annotations)
        assert.deepStrictEqual(metadata.ownerReferences, [
          { apiVersion: "groupsnapshot.storage.k8s.io/v1", kind: "VolumeGroupSnapshot", name: "all", uid }
        ])
        assert.deepStrictEqual(metadata.finalizers, [
          "snapshot.storage.kubernetes.io/volumesnapshot-in-group-protection",
          "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection"
        ])
        assert.deepStrictEqual(status, {
          boundVolumeSnapshotContentName: metadata.name.replace("snapshot-", "snapcontent-"),
          creationTime: "1970-01-01T00:00:01Z",
          readyToUse: true,
          restoreSize: "1Gi",
          volumeGroupSnapshotName: "all"
        })
        const content = sandbox.registry.find(
          volumesnapshotcontents,
          undefined,
          status?.boundVolumeSnapshotContentName ?? ""
        )
        assert.deepStrictEqual(content.metadata.annotations, {
          "groupsnapshot.storage.k8s.io/volumeGroupSnapshotHandle": `groupsnapshot-${uid}`
        })
        assert.isUndefined(content.spec.source.snapshotHandle)
        assert.strictEqual(content.status?.volumeGroupSnapshotHandle, `groupsnapshot-${uid}`)
      }
    })
  )

  it.effect("is ready before its members are there", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(three)
      sandbox.create(group("all", db))
      yield* TestClock.adjust("60 millis")
      assert.strictEqual(groupIn(sandbox, "all").status?.readyToUse, true)
      assert.lengthOf(membersIn(sandbox, "all"), 0)
      assert.lengthOf(contentIn(sandbox, "all").status?.volumeSnapshotInfoList ?? [], 3)
      yield* TestClock.adjust("100 millis")
      assert.lengthOf(membersIn(sandbox, "all"), 3)
    })
  )

  it.effect(
    "of a driver that is not atomic looks the same, and is torn: only the contents' nanoseconds tell",
    () =>
      Effect.gen(function* () {
        const sandbox = yield* withClaims(three)
        sandbox.create(groupClass("sequential", { mode: "sequential", memberDelay: "1s" }))
        sandbox.create(group("torn", db, "sequential"))
        yield* TestClock.adjust("500 millis")
        for (const name of three) bytesOf(sandbox, name).write("n", "1")
        yield* TestClock.adjust("1 second")
        for (const name of three) bytesOf(sandbox, name).write("n", "2")
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(groupIn(sandbox, "torn").status?.readyToUse, true)
        assert.deepStrictEqual(cutsOf(sandbox, "torn"), [1_050_000_000, 2_050_000_000, 3_050_000_000])
        for (const { metadata, spec } of membersIn(sandbox, "torn"))
          sandbox.create(claim(`of-${spec.source.persistentVolumeClaimName}`, fromSnapshot(metadata.name)))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(
          three.map((name) => bytesOf(sandbox, `of-${name}`).readText("n")),
          [undefined, "1", "2"]
        )
      })
  )

  it.effect("that is ready late leaves its members never ready, and no claim can be made of them", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(three)
      sandbox.create(groupClass("late", { readyAfter: "5s" }))
      sandbox.create(group("late", db, "late"))
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(groupIn(sandbox, "late").status?.readyToUse, false)
      assert.lengthOf(membersIn(sandbox, "late"), 3)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(groupIn(sandbox, "late").status?.readyToUse, true)
      yield* TestClock.adjust("10 minutes")
      const members = membersIn(sandbox, "late")
      assert.deepStrictEqual(
        members.map(({ status }) => status?.readyToUse),
        [false, false, false]
      )
      const first = members[0]?.metadata.name ?? ""
      // The event comes all the same.
      assert.lengthOf(said(sandbox, first, "SnapshotReady"), 1)
      sandbox.create(claim("copy", fromSnapshot(first)))
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(claimIn(sandbox, "copy").status.phase, "Pending")
      assert.deepStrictEqual(said(sandbox, "copy", "ProvisioningFailed"), [
        `error getting handle for DataSource Type VolumeSnapshot by Name ${first}: snapshot ${first} is not Ready`
      ])
    })
  )

  it.effect("that is ready late has members that are, where the race is switched off", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(three, { storage: { stuckMembers: 0 } })
      sandbox.create(groupClass("late", { readyAfter: "5s" }))
      sandbox.create(group("late", db, "late"))
      yield* TestClock.adjust("6 seconds")
      assert.deepStrictEqual(
        membersIn(sandbox, "late").map(({ status }) => status?.readyToUse),
        [true, true, true]
      )
    })
  )

  it.effect("takes every claim of the namespace when its selector has expressions alone", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(three)
      sandbox.create(claim("other", {}, { app: "web" }))
      yield* TestClock.adjust("1 second")
      sandbox.create(group("all", { matchExpressions: [{ key: "app", operator: "In", values: ["db"] }] }))
      yield* TestClock.adjust("1 second")
      assert.lengthOf(membersIn(sandbox, "all"), 4)
    })
  )

  it.effect("fails as a whole for one claim that is unbound, and for none at all", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(three)
      sandbox.create(claim("late", { storageClassName: "shared" }, { app: "db" }))
      sandbox.create(group("some", db))
      sandbox.create(group("none", { matchLabels: { app: "nosuch" } }))
      sandbox.create(group("classless", db, "nosuch"))
      yield* TestClock.adjust("1 second")
      const message = (name: string) => groupIn(sandbox, name).status?.error?.message
      const opening = "Failed to set default group snapshot class with error"
      assert.strictEqual(
        message("some"),
        `${opening} the PVC late is not yet bound to a PV, will not attempt to take a group snapshot`
      )
      assert.strictEqual(
        message("none"),
        `${opening} label selector app=nosuch for group snapshot not applied to any PVC`
      )
      assert.strictEqual(
        message("classless"),
        'failed to get group snapshot class with error volumegroupsnapshotclass.groupsnapshot.storage.k8s.io "nosuch" not found'
      )
      assert.lengthOf(sandbox.store.list(volumegroupsnapshotcontents), 0)
    })
  )

  it.effect("fails as a whole for one volume of another driver", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(three)
      sandbox.create({
        apiVersion: "storage.k8s.io/v1",
        kind: "CSIDriver",
        metadata: { name: "other.example.com" },
        spec: {}
      })
      const other: object = {
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: { name: "other" },
        provisioner: "other.example.com"
      }
      sandbox.create({ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: {}, ...other })
      sandbox.create(claim("foreign", { storageClassName: "other" }, { app: "db" }))
      yield* TestClock.adjust("1 second")
      sandbox.create(group("mixed", db, "group"))
      yield* TestClock.adjust("1 second")
      const mismatch = `Volume CSI driver (other.example.com) mismatch with VolumeGroupSnapshotClass (sandbox.csi.kubectl-stateful.dev) default/mixed: ${claimIn(sandbox, "foreign").spec.volumeName}`
      assert.deepStrictEqual(said(sandbox, "mixed", "CreateGroupSnapshotContentFailed"), [mismatch])
      assert.include(groupIn(sandbox, "mixed").status?.error?.message ?? "", mismatch)
    })
  )

  it.effect("that fails is tried again, and forgets its error once it succeeds", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(three)
      sandbox.create(groupClass("failing", { failCut: "Unavailable:2" }))
      sandbox.create(group("all", db, "failing"))
      yield* TestClock.adjust("500 millis")
      assert.include(
        groupIn(sandbox, "all").status?.error?.message ?? "",
        "code = Unavailable desc = failure 1 of 2 asked for by the class"
      )
      yield* TestClock.adjust("4 seconds")
      assert.isUndefined(groupIn(sandbox, "all").status?.error)
      assert.strictEqual(groupIn(sandbox, "all").status?.readyToUse, true)
    })
  )

  it.effect("keeps a member that is deleted alone on its way out, and takes it with the whole", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(three)
      sandbox.create(group("all", db))
      yield* TestClock.adjust("1 second")
      const [member] = membersIn(sandbox, "all")
      const name = member?.metadata.name ?? ""
      sandbox.registry.remove(volumesnapshots, "default", name)
      yield* TestClock.adjust("1 minute")
      assert.isDefined(sandbox.registry.find(volumesnapshots, "default", name).metadata.deletionTimestamp)
      assert.include(
        String(said(sandbox, name, "SnapshotDeletePending")[0]),
        `deletion of the individual volume snapshot default/${name} is not allowed as it belongs to group snapshot default/all.`
      )
      sandbox.registry.remove(volumegroupsnapshots, "default", "all")
      yield* TestClock.adjust("5 seconds")
      assert.lengthOf(sandbox.store.list(volumegroupsnapshots), 0)
      assert.lengthOf(sandbox.store.list(volumegroupsnapshotcontents), 0)
      assert.lengthOf(sandbox.store.list(volumesnapshots), 0)
      assert.lengthOf(sandbox.store.list(volumesnapshotcontents), 0)
    })
  )

  it.effect("with a class that retains leaves the contents of all behind", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(three)
      sandbox.create(groupClass("kept", {}, { deletionPolicy: "Retain" }))
      sandbox.create(group("all", db, "kept"))
      yield* TestClock.adjust("1 second")
      sandbox.registry.remove(volumegroupsnapshots, "default", "all")
      yield* TestClock.adjust("5 seconds")
      assert.lengthOf(sandbox.store.list(volumegroupsnapshots), 0)
      assert.lengthOf(sandbox.store.list(volumesnapshots), 0)
      assert.lengthOf(sandbox.store.list(volumegroupsnapshotcontents), 1)
      assert.lengthOf(sandbox.store.list(volumesnapshotcontents), 3)
    })
  )
})
