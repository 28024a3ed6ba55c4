import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import {
  nodes,
  type Node,
  persistentvolumeclaims,
  pods
} from "../../packages/sandbox/src/registry/kinds/core.ts"
import { volumeattachments } from "../../packages/sandbox/src/registry/kinds/storage.ts"
import type { Shape } from "../../packages/sandbox/src/Sandbox.ts"
import type { Volume } from "../../packages/sandbox/src/storage/Volume.ts"
import { bytesOf, claim, claimIn, pod, said, withClaims } from "./storage.ts"

const attached = (sandbox: Shape) =>
  sandbox.store
    .list(volumeattachments)
    .map(({ spec, status }) => [spec.nodeName, status?.attached === true] as const)

const phaseOf = (sandbox: Shape, name: string) => sandbox.registry.find(pods, "default", name).status.phase

const taint = (sandbox: Shape, name: string) =>
  sandbox.registry.update(nodes, undefined, name, (current) => {
    const { spec }: Node = sandbox.registry.find(nodes, undefined, name)
    const outOfService = {
      key: "node.kubernetes.io/out-of-service",
      value: "nodeshutdown",
      effect: "NoExecute" as const
    }
    return { ...current, spec: { ...spec, taints: [...(spec.taints ?? []), outOfService] } }
  })

describe("a volume that is attached in the sandbox", () => {
  it.effect("is there before its pod's containers start, and leaves when the pod has", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      sandbox.create(pod("first", "one", "node-a"))
      yield* TestClock.adjust("50 millis")
      assert.deepStrictEqual(attached(sandbox), [["node-a", false]])
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(attached(sandbox), [["node-a", true]])
      assert.strictEqual(phaseOf(sandbox, "first"), "Running")
      const [attachment] = sandbox.store.list(volumeattachments)
      assert.match(attachment?.metadata.name ?? "", /^csi-[0-9a-f]{64}$/)
      assert.strictEqual(
        attachment?.spec.source.persistentVolumeName,
        claimIn(sandbox, "one").spec.volumeName
      )
      assert.lengthOf(said(sandbox, "first", "SuccessfulAttachVolume"), 1)
      sandbox.registry.remove(pods, "default", "first")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(attached(sandbox), [])
    })
  )

  it.effect("ReadWriteOnce waits on another node until the first lets it go, and an event says so", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      sandbox.create(pod("first", "one", "node-a"))
      yield* TestClock.adjust("10 seconds")
      sandbox.create(pod("second", "one", "node-b"))
      sandbox.create(pod("beside", "one", "node-a"))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(phaseOf(sandbox, "second"), "Pending")
      assert.strictEqual(phaseOf(sandbox, "beside"), "Running")
      assert.deepStrictEqual(said(sandbox, "second", "FailedAttachVolume"), [
        `Multi-Attach error for volume "${claimIn(sandbox, "one").spec.volumeName}" Volume is already used by pod(s) first, beside`
      ])
      for (const name of ["first", "beside"]) sandbox.registry.remove(pods, "default", name)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(attached(sandbox), [["node-b", true]])
      assert.strictEqual(phaseOf(sandbox, "second"), "Running")
    })
  )

  it.effect("ReadWriteMany is on several nodes at once", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims([])
      sandbox.create(claim("shared", { accessModes: ["ReadWriteMany"] }))
      yield* TestClock.adjust("1 second")
      sandbox.create(pod("first", "shared", "node-a"))
      sandbox.create(pod("second", "shared", "node-b"))
      yield* TestClock.adjust("10 seconds")
      assert.sameDeepMembers(attached(sandbox), [
        ["node-a", true],
        ["node-b", true]
      ])
    })
  )

  it.effect("leaves a node that is not heard of after six minutes, though its pod was deleted by force", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      sandbox.create(pod("first", "one", "node-a"))
      yield* TestClock.adjust("10 seconds")
      sandbox.loseNode("node-a")
      sandbox.registry.remove(pods, "default", "first", { gracePeriodSeconds: 0 })
      sandbox.create(pod("second", "one", "node-b"))
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(attached(sandbox), [["node-a", true]])
      assert.include(
        String(said(sandbox, "second", "FailedAttachVolume")[0]),
        "Volume is already exclusively attached to one node and can't be attached to another"
      )
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(attached(sandbox), [["node-b", true]])
      assert.strictEqual(phaseOf(sandbox, "second"), "Running")
    })
  )

  it.effect(
    "leaves it at once when the node is said to be out of service, and its old pod writes to nobody",
    () =>
      Effect.gen(function* () {
        const mounted = new Map<string, Volume>()
        const sandbox = yield* withClaims(["one"], {
          programs: () => ({
            onStart: (host) =>
              Effect.andThen(
                Effect.sync(() => {
                  const volume = host.volume("/data")
                  if (volume !== undefined) mounted.set(host.pod.metadata.name, volume)
                }),
                Effect.never
              )
          })
        })
        sandbox.create(pod("first", "one", "node-a"))
        yield* TestClock.adjust("10 seconds")
        mounted.get("first")?.write("log", "one\n")
        sandbox.loseNode("node-a")
        taint(sandbox, "node-a")
        sandbox.registry.remove(pods, "default", "first", { gracePeriodSeconds: 0 })
        sandbox.create(pod("second", "one", "node-b"))
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(attached(sandbox), [["node-b", true]])
        mounted.get("first")?.append("log", "from the dead\n")
        mounted.get("second")?.append("log", "two\n")
        assert.strictEqual(bytesOf(sandbox, "one").readText("log"), "one\ntwo\n")
      })
  )

  it.effect("of a node without power has lost what was not synced, and elsewhere is as the disk has it", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      sandbox.create(pod("first", "one", "node-a"))
      yield* TestClock.adjust("10 seconds")
      bytesOf(sandbox, "one").write("log", "committed\n")
      bytesOf(sandbox, "one").append("log", "on its way\n", { buffered: true })
      sandbox.loseNode("node-a", "power")
      taint(sandbox, "node-a")
      sandbox.registry.remove(pods, "default", "first", { gracePeriodSeconds: 0 })
      sandbox.create(pod("second", "one", "node-b"))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(phaseOf(sandbox, "second"), "Running")
      assert.strictEqual(bytesOf(sandbox, "one").readText("log"), "committed\n")
    })
  )

  it.effect("of a claim that was deleted goes from the storage only once it has left its node", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"], { storage: { detachMillis: 30_000 } })
      sandbox.create(pod("first", "one", "node-a"))
      yield* TestClock.adjust("10 seconds")
      sandbox.registry.remove(pods, "default", "first", { gracePeriodSeconds: 0 })
      sandbox.registry.remove(persistentvolumeclaims, "default", "one")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(sandbox.volumes.size, 1)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(sandbox.volumes.size, 0)
    })
  )

  it.effect("is tried again where attaching fails, and its pod is told", () =>
    Effect.gen(function* () {
      let fails = true
      const sandbox = yield* withClaims(["one"], {
        storage: {
          fail: ({ name }) => (fails && name === "ControllerPublishVolume" ? "Internal: no path" : undefined)
        }
      })
      sandbox.create(pod("first", "one", "node-a"))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(phaseOf(sandbox, "first"), "Pending")
      assert.include(
        String(said(sandbox, "first", "FailedAttachVolume")[0]),
        "rpc error: code = Internal desc = no path"
      )
      fails = false
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(phaseOf(sandbox, "first"), "Running")
    })
  )
})
