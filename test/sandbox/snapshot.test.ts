import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { persistentvolumeclaims, persistentvolumes } from "../../packages/sandbox/src/registry/kinds/core.ts"
import {
  volumesnapshotclasses,
  volumesnapshotcontents,
  volumesnapshots
} from "../../packages/sandbox/src/registry/kinds/storage.ts"
import { Refusal } from "../../packages/sandbox/src/apimachinery/Status.ts"
import {
  bytesOf,
  claim,
  claimIn,
  contentOf,
  driver,
  fromSnapshot,
  pod,
  said,
  snapshot,
  snapshotClass,
  snapshotIn,
  withClaims
} from "./storage.ts"

const onClaim = "snapshot.storage.kubernetes.io/pvc-as-source-protection"

const messageOf = (act: () => unknown): string => {
  try {
    act()
    return ""
  } catch (refusal) {
    return refusal instanceof Refusal ? String(refusal.status.message) : ""
  }
}

describe("a VolumeSnapshot in the sandbox", () => {
  it.effect("is bound at once, cut a moment later, and is ready with the cut", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      sandbox.create(snapshot("snap", "one"))
      yield* TestClock.adjust("10 millis")
      const { uid } = snapshotIn(sandbox, "snap").metadata
      assert.deepStrictEqual(snapshotIn(sandbox, "snap").status, {
        boundVolumeSnapshotContentName: `snapcontent-${uid}`,
        readyToUse: false
      })
      assert.include(claimIn(sandbox, "one").metadata.finalizers ?? [], onClaim)
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(snapshotIn(sandbox, "snap").status, {
        boundVolumeSnapshotContentName: `snapcontent-${uid}`,
        creationTime: "1970-01-01T00:00:01Z",
        readyToUse: true,
        restoreSize: "1Gi"
      })
      assert.strictEqual(snapshotIn(sandbox, "snap").spec.volumeSnapshotClassName, "snap")
      assert.deepStrictEqual(snapshotIn(sandbox, "snap").metadata.finalizers, [
        "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection",
        "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection"
      ])
      assert.notInclude(claimIn(sandbox, "one").metadata.finalizers ?? [], onClaim)
      assert.deepStrictEqual(contentOf(sandbox, "snap").status, {
        creationTime: 1_050_000_000,
        readyToUse: true,
        restoreSize: 2 ** 30,
        snapshotHandle: `snapshot-${uid}`
      })
      assert.lengthOf(said(sandbox, "snap", "CreatingSnapshot"), 1)
      assert.lengthOf(said(sandbox, "snap", "SnapshotReady"), 1)
    })
  )

  it.effect("holds the bytes of the instant of its cut, neither of the request nor of its readiness", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      sandbox.create(snapshotClass("slow", { cutDelay: "3s", readyAfter: "5s" }))
      bytesOf(sandbox, "one").write("log", "at the request\n")
      sandbox.create(snapshot("snap", "one", "slow"))
      yield* TestClock.adjust("2 seconds")
      bytesOf(sandbox, "one").append("log", "before the cut\n")
      yield* TestClock.adjust("2 seconds")
      bytesOf(sandbox, "one").append("log", "after the cut\n")
      yield* TestClock.adjust("20 seconds")
      sandbox.create(claim("copy", fromSnapshot("snap")))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(bytesOf(sandbox, "copy").readText("log"), "at the request\nbefore the cut\n")
      bytesOf(sandbox, "copy").append("log", "mine\n")
      assert.notInclude(bytesOf(sandbox, "one").readText("log"), "mine")
    })
  )

  it.effect("of a driver that does not freeze holds what a power cut would have left", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      sandbox.create(snapshotClass("crash", { freeze: "false" }))
      bytesOf(sandbox, "one").write("log", "synced\n")
      bytesOf(sandbox, "one").append("log", "buffered\n", { buffered: true })
      sandbox.create(snapshot("crash", "one", "crash"))
      yield* TestClock.adjust("100 millis")
      sandbox.create(snapshot("frozen", "one"))
      yield* TestClock.adjust("100 millis")
      for (const name of ["crash", "frozen"]) sandbox.create(claim(`of-${name}`, fromSnapshot(name)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(bytesOf(sandbox, "of-crash").readText("log"), "synced\n")
      assert.strictEqual(bytesOf(sandbox, "of-frozen").readText("log"), "synced\nbuffered\n")
    })
  )

  it.effect("that is ready late is seen to be so by a poll 1, 3 or 7 seconds after its cut", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      sandbox.create(snapshotClass("slow", { cutDelay: "3s", readyAfter: "5s" }))
      sandbox.create(snapshot("snap", "one", "slow"))
      yield* TestClock.adjust("2900 millis")
      assert.isUndefined(snapshotIn(sandbox, "snap").status?.creationTime)
      yield* TestClock.adjust("200 millis")
      const cut = snapshotIn(sandbox, "snap").status
      assert.strictEqual(cut?.creationTime, "1970-01-01T00:00:04Z")
      assert.strictEqual(cut?.restoreSize, "1Gi")
      assert.strictEqual(cut?.readyToUse, false)
      assert.include(claimIn(sandbox, "one").metadata.finalizers ?? [], onClaim)
      yield* TestClock.adjust("6800 millis")
      assert.strictEqual(snapshotIn(sandbox, "snap").status?.readyToUse, false)
      yield* TestClock.adjust("200 millis")
      assert.strictEqual(snapshotIn(sandbox, "snap").status?.readyToUse, true)
    })
  )

  it.effect(
    "that fails is tried again after 1, 3 and 7 seconds, and forgets its error once it succeeds",
    () =>
      Effect.gen(function* () {
        const sandbox = yield* withClaims(["one"])
        sandbox.create(snapshotClass("failing", { failCut: "Unavailable:3" }))
        sandbox.create(snapshot("snap", "one", "failing"))
        const handle = claimIn(sandbox, "one").spec.volumeName
        const words = (opening: string, nth: number) =>
          `${opening}: failed to take snapshot of the volume ${handle}: "rpc error: code = Unavailable desc = failure ${nth} of 3 asked for by the class"`
        const message = () => snapshotIn(sandbox, "snap").status?.error?.message
        yield* TestClock.adjust("100 millis")
        assert.strictEqual(message(), words("Failed to create snapshot", 1))
        assert.strictEqual(snapshotIn(sandbox, "snap").status?.readyToUse, false)
        yield* TestClock.adjust("1200 millis")
        assert.strictEqual(message(), words("Failed to check and update snapshot content", 2))
        yield* TestClock.adjust("2200 millis")
        assert.strictEqual(message(), words("Failed to check and update snapshot content", 3))
        yield* TestClock.adjust("4500 millis")
        assert.isUndefined(message())
        assert.strictEqual(snapshotIn(sandbox, "snap").status?.readyToUse, true)
        assert.deepStrictEqual(said(sandbox, "snap", "SnapshotCreationFailed"), [])
      })
  )

  it.effect("fails as a test says it does, for as long as it says so", () =>
    Effect.gen(function* () {
      let full = true
      const sandbox = yield* withClaims(["one"], {
        storage: {
          fail: ({ name, about }) =>
            full && name === "CreateSnapshot" && about === "snap"
              ? "ResourceExhausted: the pool is full"
              : undefined
        }
      })
      sandbox.create(snapshot("snap", "one"))
      yield* TestClock.adjust("1 hour")
      assert.include(
        snapshotIn(sandbox, "snap").status?.error?.message ?? "",
        "code = ResourceExhausted desc = the pool is full"
      )
      full = false
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(snapshotIn(sandbox, "snap").status?.readyToUse, true)
    })
  )

  it.effect(
    "of an unbound claim is refused by the controller, in status.error, and taken once it is bound",
    () =>
      Effect.gen(function* () {
        const sandbox = yield* withClaims([])
        sandbox.create(claim("late", { storageClassName: "shared" }))
        sandbox.create(snapshot("snap", "late"))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(snapshotIn(sandbox, "snap").status, {
          error: {
            message:
              "Failed to set default snapshot class with error the PVC late is not yet bound to a PV, will not attempt to take a snapshot",
            time: "1970-01-01T00:00:01Z"
          }
        })
        assert.lengthOf(said(sandbox, "snap", "SetDefaultSnapshotClassFailed"), 1)
        sandbox.create(pod("user", "late"))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(snapshotIn(sandbox, "snap").status?.readyToUse, true)
      })
  )

  it.effect("of an unbound claim, with a class named, pins the claim with a finalizer", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims([])
      sandbox.create(claim("late", { storageClassName: "shared" }))
      sandbox.create(snapshot("snap", "late", "snap"))
      yield* TestClock.adjust("1 second")
      assert.include(snapshotIn(sandbox, "snap").status?.error?.message ?? "", "is not yet bound to a PV")
      sandbox.registry.remove(persistentvolumeclaims, "default", "late")
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(claimIn(sandbox, "late").metadata.finalizers, [onClaim])
      sandbox.registry.remove(volumesnapshots, "default", "snap")
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(sandbox.store.get(persistentvolumeclaims, "default", "late"))
    })
  )

  it.effect("needs one default class of its driver, if it names none: none and two are errors", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      const message = (name: string) => snapshotIn(sandbox, name).status?.error?.message
      sandbox.create({
        ...snapshotClass("second"),
        metadata: {
          name: "second",
          annotations: { "snapshot.storage.kubernetes.io/is-default-class": "true" }
        }
      })
      sandbox.create(snapshot("two", "one"))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(
        message("two"),
        "Failed to set default snapshot class with error 2 default snapshot classes were found"
      )
      for (const name of ["snap", "second"]) sandbox.registry.remove(volumesnapshotclasses, undefined, name)
      sandbox.create({
        ...snapshotClass("other", {}, { driver: "other.example.com" }),
        metadata: {
          name: "other",
          annotations: { "snapshot.storage.kubernetes.io/is-default-class": "true" }
        }
      })
      sandbox.create(snapshot("none", "one"))
      sandbox.create(snapshot("missing", "one", "nosuch"))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(
        message("none"),
        "Failed to set default snapshot class with error cannot find default snapshot class"
      )
      assert.strictEqual(
        message("missing"),
        'Failed to get snapshot class with error volumesnapshotclass.snapshot.storage.k8s.io "nosuch" not found'
      )
    })
  )

  it.effect("takes its content with it, or leaves it, as the content's deletionPolicy says", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      sandbox.create(snapshotClass("kept", {}, { deletionPolicy: "Retain" }))
      sandbox.create(snapshot("gone", "one"))
      sandbox.create(snapshot("stays", "one", "kept"))
      yield* TestClock.adjust("1 second")
      const kept = contentOf(sandbox, "stays")
      for (const name of ["gone", "stays"]) sandbox.registry.remove(volumesnapshots, "default", name)
      yield* TestClock.adjust("1 second")
      assert.lengthOf(sandbox.store.list(volumesnapshots), 0)
      assert.deepStrictEqual(
        sandbox.store.list(volumesnapshotcontents).map(({ metadata }) => metadata.name),
        [kept.metadata.name]
      )
    })
  )

  it.effect("does not go while a claim is still being made out of it", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      sandbox.create(snapshot("snap", "one"))
      yield* TestClock.adjust("1 second")
      sandbox.create(claim("small", { ...fromSnapshot("snap"), resources: { requests: { storage: "1Mi" } } }))
      yield* TestClock.adjust("1 second")
      sandbox.registry.remove(volumesnapshots, "default", "snap")
      yield* TestClock.adjust("1 minute")
      assert.isDefined(snapshotIn(sandbox, "snap").metadata.deletionTimestamp)
      assert.deepStrictEqual(said(sandbox, "snap", "SnapshotDeletePending"), [
        "Snapshot is being used to restore a PVC"
      ])
      sandbox.registry.remove(persistentvolumeclaims, "default", "small")
      yield* TestClock.adjust("5 minutes")
      assert.isUndefined(sandbox.store.get(volumesnapshots, "default", "snap"))
    })
  )

  it.effect("whose content is deleted under it keeps the content on its way out", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      sandbox.create(snapshot("snap", "one"))
      yield* TestClock.adjust("1 second")
      sandbox.registry.remove(volumesnapshotcontents, undefined, contentOf(sandbox, "snap").metadata.name)
      yield* TestClock.adjust("1 hour")
      assert.isDefined(contentOf(sandbox, "snap").metadata.deletionTimestamp)
      sandbox.registry.remove(volumesnapshots, "default", "snap")
      yield* TestClock.adjust("1 second")
      assert.lengthOf(sandbox.store.list(volumesnapshotcontents), 0)
    })
  )

  it.effect("of a content made beforehand crosses namespaces, and outlives the one that it came from", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"], { namespaces: ["away"] })
      bytesOf(sandbox, "one").write("log", "here\n")
      sandbox.create(snapshotClass("kept", {}, { deletionPolicy: "Retain" }))
      sandbox.create(snapshot("snap", "one", "kept"))
      yield* TestClock.adjust("1 second")
      const handle = contentOf(sandbox, "snap").status?.snapshotHandle
      sandbox.registry.remove(volumesnapshots, "default", "snap")
      sandbox.create({
        apiVersion: "snapshot.storage.k8s.io/v1",
        kind: "VolumeSnapshotContent",
        metadata: { name: "given" },
        spec: {
          deletionPolicy: "Retain",
          driver,
          source: { snapshotHandle: handle },
          volumeSnapshotRef: { namespace: "away", name: "snap" }
        }
      })
      const reference = (name: string) => ({
        ...snapshot(name, ""),
        metadata: { name, namespace: "away" },
        spec: { source: { volumeSnapshotContentName: "given" } }
      })
      sandbox.create(reference("stolen"))
      sandbox.create(reference("snap"))
      yield* TestClock.adjust("1 second")
      const found = sandbox.registry.find(volumesnapshots, "away", "snap")
      assert.deepStrictEqual(found.status, {
        boundVolumeSnapshotContentName: "given",
        creationTime: "1970-01-01T00:00:01Z",
        readyToUse: true,
        restoreSize: "1Gi"
      })
      const { status } = sandbox.registry.find(volumesnapshots, "away", "stolen")
      assert.strictEqual(
        status?.error?.message,
        "VolumeSnapshotContent [given] is bound to a different snapshot"
      )
      assert.strictEqual(status?.readyToUse, false)
      const copy = claim("copy", fromSnapshot("snap"))
      sandbox.create({ ...copy, metadata: { ...copy.metadata, namespace: "away" } })
      yield* TestClock.adjust("1 second")
      const restored = sandbox.registry.find(persistentvolumeclaims, "away", "copy")
      const volume = sandbox.registry.find(persistentvolumes, undefined, restored.spec.volumeName ?? "")
      assert.strictEqual(sandbox.volumes.get(volume.spec.csi?.volumeHandle ?? "")?.readText("log"), "here\n")
    })
  )

  it.effect("that names a content which is not there says so, and is bound when it comes", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      sandbox.create({
        ...snapshot("snap", ""),
        spec: { source: { volumeSnapshotContentName: "nosuch" } }
      })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(snapshotIn(sandbox, "snap").status, {
        readyToUse: false,
        error: { message: "VolumeSnapshotContent is missing", time: "1970-01-01T00:00:01Z" }
      })
      sandbox.create(snapshot("source", "one"))
      yield* TestClock.adjust("1 second")
      sandbox.create({
        apiVersion: "snapshot.storage.k8s.io/v1",
        kind: "VolumeSnapshotContent",
        metadata: { name: "nosuch" },
        spec: {
          deletionPolicy: "Retain",
          driver,
          source: { snapshotHandle: contentOf(sandbox, "source").status?.snapshotHandle },
          volumeSnapshotRef: { namespace: "default", name: "snap" }
        }
      })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(snapshotIn(sandbox, "snap").status?.readyToUse, true)
      assert.isUndefined(snapshotIn(sandbox, "snap").status?.error)
    })
  )

  it.effect("has one source, which never changes, and no empty class", () =>
    Effect.gen(function* () {
      const sandbox = yield* withClaims(["one"])
      const only =
        "spec.source: Invalid value: exactly one of volumeSnapshotContentName and persistentVolumeClaimName must be set"
      assert.include(
        messageOf(() => sandbox.create({ ...snapshot("none", "one"), spec: { source: {} } })),
        only
      )
      assert.include(
        messageOf(() =>
          sandbox.create({
            ...snapshot("both", "one"),
            spec: { source: { persistentVolumeClaimName: "one", volumeSnapshotContentName: "x" } }
          })
        ),
        only
      )
      assert.include(
        messageOf(() => sandbox.create(snapshot("empty", "one", ""))),
        'Invalid value: "": volumeSnapshotClassName must not be the empty string when set'
      )
      sandbox.create(snapshot("snap", "one"))
      assert.include(
        messageOf(() =>
          sandbox.registry.update(volumesnapshots, "default", "snap", (current) => ({
            ...current,
            spec: { source: { persistentVolumeClaimName: "two" } }
          }))
        ),
        'spec.source.persistentVolumeClaimName: Invalid value: "two": persistentVolumeClaimName is immutable'
      )
    })
  )

  it.effect("waits its turn where the controllers may write five times a second", () =>
    Effect.gen(function* () {
      const names = Array.from({ length: 10 }, (_, nth) => `c${nth}`)
      const lastCut = (qps: number | undefined) =>
        Effect.scoped(
          Effect.gen(function* () {
            const sandbox = yield* withClaims(
              names,
              qps === undefined ? {} : { storage: { snapshotQps: qps } }
            )
            for (const name of names) sandbox.create(snapshot(name, name))
            yield* TestClock.adjust("2 minutes")
            const start = Math.min(
              ...sandbox.store
                .list(volumesnapshots)
                .map(({ metadata }) => Date.parse(metadata.creationTimestamp))
            )
            const cuts = names.map(
              (name) => (contentOf(sandbox, name).status?.creationTime ?? Infinity) / 1e6
            )
            return Math.max(...cuts) - start
          })
        )
      assert.isBelow(yield* lastCut(undefined), 1000)
      const throttled = yield* lastCut(5)
      // Ten snapshots need four writes each before their contents are there, ten of which are free.
      assert.isAbove(throttled, 5000)
      assert.isBelow(throttled, 20_000)
    })
  )
})
