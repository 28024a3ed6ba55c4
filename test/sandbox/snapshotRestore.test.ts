import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import {
  nodes,
  persistentvolumeclaims,
  persistentvolumes,
  pods
} from "../../packages/sandbox/src/registry/kinds/core.ts"
import {
  bytesOf,
  claim,
  claimIn,
  fromSnapshot,
  pod,
  said,
  snapshot,
  snapshotClass,
  snapshotIn,
  withClaims
} from "./storage.ts"

const ofSize = (storage: string) => ({ resources: { requests: { storage } } })
const fromClaim = (name: string) => ({ dataSource: { kind: "PersistentVolumeClaim", name } })

const volume = (name: string, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name },
  spec: {
    capacity: { storage: "1Gi" },
    accessModes: ["ReadWriteOnce"],
    persistentVolumeReclaimPolicy: "Retain",
    storageClassName: "shared-immediate",
    csi: { driver: "sandbox.csi.kubectl-stateful.dev", volumeHandle: name },
    ...spec
  }
})

describe("a claim made out of something in the sandbox", () => {
  it.effect("that is smaller than its snapshot is never made, and an event says why", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      sandbox.create(snapshot("snap", "one"))
      yield* TestClock.adjust("1 second")
      sandbox.create(claim("small", { ...fromSnapshot("snap"), ...ofSize("512Mi") }))
      sandbox.create(claim("larger", { ...fromSnapshot("snap"), ...ofSize("2Gi") }))
      sandbox.create(claim("nowhere", fromSnapshot("nosuch")))
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(claimIn(sandbox, "small").status.phase, "Pending")
      assert.deepStrictEqual(said(sandbox, "small", "ProvisioningFailed"), [
        "error getting handle for DataSource Type VolumeSnapshot by Name snap: requested volume size 536870912 is less than the size 1073741824 for the source snapshot snap"
      ])
      assert.deepStrictEqual(said(sandbox, "nowhere", "ProvisioningFailed"), [
        'error getting handle for DataSource Type VolumeSnapshot by Name nosuch: error getting snapshot nosuch from api server: volumesnapshots.snapshot.storage.k8s.io "nosuch" not found'
      ])
      assert.strictEqual(bytesOf(sandbox, "larger").capacity, 2 ** 31)
      assert.strictEqual(claimIn(sandbox, "larger").status.capacity?.storage, "2Gi")
    })
  )

  it.effect("waits for a snapshot that is not ready, with doubling pauses", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      bytesOf(sandbox, "one").write("log", "x")
      sandbox.create(snapshotClass("slow", { readyAfter: "5s" }))
      sandbox.create(snapshot("snap", "one", "slow"))
      sandbox.create(claim("copy", fromSnapshot("snap")))
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual(claimIn(sandbox, "copy").status.phase, "Pending")
      yield* TestClock.adjust("12 seconds")
      assert.strictEqual(claimIn(sandbox, "copy").status.phase, "Bound")
      assert.strictEqual(bytesOf(sandbox, "copy").readText("log"), "x")
      assert.notInclude(
        snapshotIn(sandbox, "snap").metadata.finalizers ?? [],
        "provisioner.storage.kubernetes.io/volumesnapshot-as-source-protection"
      )
    })
  )

  it.effect("of a kind that nobody here knows is left to others, though a claim has that name", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      sandbox.create(
        claim("filled", { dataSourceRef: { apiGroup: "example.com", kind: "Backup", name: "one" } })
      )
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(claimIn(sandbox, "filled").status.phase, "Pending")
    })
  )

  it.effect("of another claim has its bytes, if it is bound and not larger", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      bytesOf(sandbox, "one").write("log", "x")
      sandbox.create(claim("clone", fromClaim("one")))
      sandbox.create(claim("small", { ...fromClaim("one"), ...ofSize("1Mi") }))
      sandbox.create(claim("nowhere", fromClaim("nosuch")))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(bytesOf(sandbox, "clone").readText("log"), "x")
      assert.deepStrictEqual(said(sandbox, "small", "ProvisioningFailed"), [
        "error getting handle for DataSource Type PersistentVolumeClaim by Name one: error, new PVC request must be greater than or equal in size to the specified PVC data source, requested 1048576 but source is 1073741824"
      ])
      assert.include(
        String(said(sandbox, "nowhere", "ProvisioningFailed")[0]),
        'persistentvolumeclaim "nosuch" not found'
      )
    })
  )

  it.effect("in a class that waits for its first consumer is made where that one goes", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      sandbox.create(snapshot("snap", "one"))
      yield* TestClock.adjust("1 second")
      sandbox.create(claim("copy", { ...fromSnapshot("snap"), storageClassName: "zonal" }))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(claimIn(sandbox, "copy").status.phase, "Pending")
      sandbox.create(pod("user", "copy"))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(claimIn(sandbox, "copy").status.phase, "Bound")
      const { spec } = sandbox.registry.find(pods, "default", "user")
      const zone = sandbox.registry.find(nodes, undefined, spec.nodeName ?? "").metadata.labels?.[
        "topology.kubernetes.io/zone"
      ]
      const made = sandbox.registry.find(
        persistentvolumes,
        undefined,
        claimIn(sandbox, "copy").spec.volumeName ?? ""
      )
      assert.deepStrictEqual(made.spec.nodeAffinity, {
        required: {
          nodeSelectorTerms: [
            {
              matchExpressions: [{ key: "topology.kubernetes.io/zone", operator: "In", values: [zone] }]
            }
          ]
        }
      })
    })
  )

  it.effect("of a class that fails is tried again until it can be made", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims([])
      const failing: object = {
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: { name: "failing" },
        provisioner: "sandbox.csi.kubectl-stateful.dev",
        parameters: { failCreate: "ResourceExhausted:2", provisionDelay: "2s" }
      }
      sandbox.create({ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: {}, ...failing })
      sandbox.create(claim("one", { storageClassName: "failing" }))
      yield* TestClock.adjust("8 seconds")
      assert.strictEqual(claimIn(sandbox, "one").status.phase, "Pending")
      assert.sameMembers(
        [...said(sandbox, "one", "ProvisioningFailed")],
        [
          'failed to provision volume with StorageClass "failing": rpc error: code = ResourceExhausted desc = failure 1 of 2 asked for by the class',
          'failed to provision volume with StorageClass "failing": rpc error: code = ResourceExhausted desc = failure 2 of 2 asked for by the class'
        ]
      )
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(claimIn(sandbox, "one").status.phase, "Bound")
    })
  )
})

describe("a volume in the sandbox", () => {
  it.effect("that names a claim which is not there yet is kept for it, and bound when it comes", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims([])
      sandbox.create(
        volume("kept", {
          storageClassName: "shared",
          claimRef: { namespace: "default", name: "mine" }
        })
      )
      sandbox.create(claim("another", { storageClassName: "shared" }))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(
        sandbox.registry.find(persistentvolumes, undefined, "kept").status.phase,
        "Available"
      )
      assert.strictEqual(claimIn(sandbox, "another").status.phase, "Pending")
      sandbox.create(claim("mine", { storageClassName: "shared" }))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(claimIn(sandbox, "mine").spec.volumeName, "kept")
      assert.strictEqual(claimIn(sandbox, "mine").status.phase, "Bound")
    })
  )

  it.effect("that is free is given to a claim of its class, whatever that is to be filled from", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims([])
      sandbox.create(volume("free"))
      sandbox.create(claim("mine", fromSnapshot("nosuch")))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(claimIn(sandbox, "mine").spec.volumeName, "free")
      const { annotations } = sandbox.registry.find(persistentvolumes, undefined, "free").metadata
      assert.strictEqual(annotations?.["pv.kubernetes.io/bound-by-controller"], "yes")
    })
  )

  it.effect("that was another claim's is not bound again until its claimRef's uid is cleared", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims([])
      sandbox.create(volume("kept", { claimRef: { namespace: "default", name: "mine" } }))
      sandbox.create(claim("mine", { volumeName: "kept" }))
      yield* TestClock.adjust("1 second")
      sandbox.registry.remove(persistentvolumeclaims, "default", "mine")
      yield* TestClock.adjust("1 second")
      const kept = () => sandbox.registry.find(persistentvolumes, undefined, "kept")
      assert.strictEqual(kept().status.phase, "Released")
      sandbox.create(claim("mine", { volumeName: "kept" }))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(claimIn(sandbox, "mine").status.phase, "Pending")
      sandbox.registry.update(persistentvolumes, undefined, "kept", (current) => ({
        ...current,
        spec: { ...kept().spec, claimRef: { namespace: "default", name: "mine" } }
      }))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(claimIn(sandbox, "mine").status.phase, "Bound")
    })
  )

  it.effect("goes with its claim or stays, as its reclaim policy says at that time", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["gone", "stays"])
      const name = claimIn(sandbox, "stays").spec.volumeName ?? ""
      const before = sandbox.registry.find(persistentvolumes, undefined, name)
      sandbox.registry.update(persistentvolumes, undefined, name, (current) => ({
        ...current,
        spec: { ...before.spec, persistentVolumeReclaimPolicy: "Retain" }
      }))
      for (const each of ["gone", "stays"]) sandbox.registry.remove(persistentvolumeclaims, "default", each)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        sandbox.store.list(persistentvolumes).map(({ metadata, status }) => [metadata.name, status.phase]),
        [[name, "Released"]]
      )
      assert.deepStrictEqual([...sandbox.volumes.keys()], [name])
    })
  )

  it.effect("that is deleted while it is bound stays until its claim is gone", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      const name = claimIn(sandbox, "one").spec.volumeName ?? ""
      sandbox.registry.remove(persistentvolumes, undefined, name)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(claimIn(sandbox, "one").status.phase, "Bound")
      assert.isDefined(sandbox.registry.find(persistentvolumes, undefined, name).metadata.deletionTimestamp)
      sandbox.registry.remove(persistentvolumeclaims, "default", "one")
      yield* TestClock.adjust("1 second")
      assert.lengthOf(sandbox.store.list(persistentvolumes), 0)
      assert.strictEqual(sandbox.volumes.size, 0)
    })
  )

  it.effect("that is torn from its claim leaves the claim Lost", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      const name = claimIn(sandbox, "one").spec.volumeName ?? ""
      sandbox.registry.remove(persistentvolumes, undefined, name)
      sandbox.registry.update(persistentvolumes, undefined, name, (current) => ({
        ...current,
        metadata: { ...current.metadata, finalizers: [] }
      }))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(claimIn(sandbox, "one").status.phase, "Lost")
      assert.lengthOf(said(sandbox, "one", "ClaimLost"), 1)
    })
  )
})
