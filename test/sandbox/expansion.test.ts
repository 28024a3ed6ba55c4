import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { persistentvolumeclaims, persistentvolumes } from "../../packages/sandbox/src/registry/kinds/core.ts"
import type { Shape } from "../../packages/sandbox/src/Sandbox.ts"
import { Refusal } from "../../packages/sandbox/src/apimachinery/Status.ts"
import { NoSpace } from "../../packages/sandbox/src/storage/Volume.ts"
import { bytesOf, claim, claimIn, pod, said, withClaims } from "./storage.ts"

const grow = (sandbox: Shape, name: string, storage: string) =>
  sandbox.registry.update(persistentvolumeclaims, "default", name, (current) => ({
    ...current,
    spec: { ...claimIn(sandbox, name).spec, resources: { requests: { storage } } }
  }))

const refused = (act: () => unknown): string => {
  try {
    act()
    return ""
  } catch (refusal) {
    return refusal instanceof Refusal ? String(refusal.status.message) : ""
  }
}

const stepOf = (sandbox: Shape) => claimIn(sandbox, "one").status.allocatedResourceStatuses?.storage
const conditionsOf = (sandbox: Shape) =>
  (claimIn(sandbox, "one").status.conditions ?? []).map(({ type }) => type)

describe("a claim that grows in the sandbox", () => {
  it.effect("grows on the storage first and then on the node, and its capacity is the last to change", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      sandbox.create(pod("user", "one", "node-a"))
      yield* TestClock.adjust("10 seconds")
      grow(sandbox, "one", "2Gi")
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(stepOf(sandbox), "ControllerResizeInProgress")
      assert.deepStrictEqual(claimIn(sandbox, "one").status.allocatedResources, { storage: "2Gi" })
      assert.deepStrictEqual(conditionsOf(sandbox), ["Resizing"])
      yield* TestClock.adjust("200 millis")
      assert.strictEqual(stepOf(sandbox), "NodeResizeInProgress")
      assert.deepStrictEqual(conditionsOf(sandbox), ["Resizing", "FileSystemResizePending"])
      const volume = sandbox.registry.find(
        persistentvolumes,
        undefined,
        claimIn(sandbox, "one").spec.volumeName ?? ""
      )
      assert.strictEqual(volume.spec.capacity.storage, "2Gi")
      assert.strictEqual(claimIn(sandbox, "one").status.capacity?.storage, "1Gi")
      assert.strictEqual(bytesOf(sandbox, "one").capacity, 2 ** 30)
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(claimIn(sandbox, "one").status, {
        phase: "Bound",
        accessModes: ["ReadWriteOnce"],
        allocatedResources: { storage: "2Gi" },
        capacity: { storage: "2Gi" }
      })
      assert.strictEqual(bytesOf(sandbox, "one").capacity, 2 ** 31)
      for (const reason of [
        "ExternalExpanding",
        "Resizing",
        "FileSystemResizeRequired",
        "FileSystemResizeSuccessful"
      ])
        assert.lengthOf(said(sandbox, "one", reason), 1)
    })
  )

  it.effect("waits for a pod to finish, when nobody uses it", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      grow(sandbox, "one", "2Gi")
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(stepOf(sandbox), "NodeResizePending")
      assert.strictEqual(claimIn(sandbox, "one").status.capacity?.storage, "1Gi")
      sandbox.create(pod("user", "one", "node-a"))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(claimIn(sandbox, "one").status.capacity?.storage, "2Gi")
    })
  )

  it.effect("says why the storage cannot, and goes on when it can", () =>
    Effect.gen(function* () {
      let full = true
      const sandbox = yield* withClaims(["one"], {
        storage: {
          fail: ({ name }) =>
            full && name === "ControllerExpandVolume" ? "OutOfRange: the pool is full" : undefined
        }
      })
      sandbox.create(pod("user", "one", "node-a"))
      grow(sandbox, "one", "2Gi")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(stepOf(sandbox), "ControllerResizeInProgress")
      const error = claimIn(sandbox, "one").status.conditions?.find(
        ({ type }) => type === "ControllerResizeError"
      )
      assert.include(error?.message ?? "", "rpc error: code = OutOfRange desc = the pool is full")
      assert.lengthOf(said(sandbox, "one", "VolumeResizeFailed"), 1)
      full = false
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(claimIn(sandbox, "one").status.capacity?.storage, "2Gi")
      assert.deepStrictEqual(conditionsOf(sandbox), [])
    })
  )

  it.effect("says why the node cannot", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"], {
        storage: {
          fail: ({ name }) => (name === "NodeExpandVolume" ? "Internal: not permitted" : undefined)
        }
      })
      sandbox.create(pod("user", "one", "node-a"))
      grow(sandbox, "one", "2Gi")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(stepOf(sandbox), "NodeResizeInProgress")
      assert.include(conditionsOf(sandbox), "NodeResizeError")
      assert.strictEqual(claimIn(sandbox, "one").status.capacity?.storage, "1Gi")
    })
  )

  it.effect("is refused where its class cannot grow, and never gets smaller than it is", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      const fixed: object = {
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: { name: "fixed" },
        provisioner: "sandbox.csi.kubectl-stateful.dev"
      }
      sandbox.create({ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: {}, ...fixed })
      sandbox.create(claim("two", { storageClassName: "fixed" }))
      yield* TestClock.adjust("1 second")
      assert.include(
        refused(() => grow(sandbox, "two", "2Gi")),
        'persistentvolumeclaims "two" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize'
      )
      assert.include(
        refused(() => grow(sandbox, "one", "512Mi")),
        "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"
      )
    })
  )

  it.effect("has room for what did not fit before", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims([])
      sandbox.create(claim("tiny", { resources: { requests: { storage: "4" } } }))
      yield* TestClock.adjust("1 second")
      sandbox.create(pod("user", "tiny", "node-a"))
      yield* TestClock.adjust("10 seconds")
      const bytes = bytesOf(sandbox, "tiny")
      bytes.write("log", "1234")
      try {
        bytes.append("log", "5")
        assert.fail("there was room")
      } catch (error) {
        assert.instanceOf(error, NoSpace)
      }
      grow(sandbox, "tiny", "8")
      yield* TestClock.adjust("1 second")
      bytes.append("log", "5")
      assert.strictEqual(bytes.readText("log"), "12345")
    })
  )
})
