import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { persistentvolumeclaims, persistentvolumes } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { make } from "../../packages/sandbox/src/Sandbox.ts"

describe("a claim, in the sandbox", () => {
  it.effect("is lost once its volume is deleted by force", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create({
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "data" },
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: "shared-immediate",
          resources: { requests: { storage: "1Gi" } }
        }
      })
      yield* TestClock.adjust("2 seconds")
      const claim = () => sandbox.registry.find(persistentvolumeclaims, "default", "data")
      assert.strictEqual(claim().status.phase, "Bound")
      const volume = claim().spec.volumeName ?? ""
      sandbox.registry.remove(persistentvolumes, undefined, volume)
      sandbox.registry.update(persistentvolumes, undefined, volume, (current) => ({
        ...current,
        metadata: { ...current.metadata, finalizers: [] }
      }))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(claim().status.phase, "Lost")
    })
  )
})
