import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { script as oneShot } from "../../../packages/sdk/src/Hook.ts"
import type { Pod } from "../../../packages/sdk/src/kind/Pod.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { quiesceOf } from "../../../packages/sdk/src/Quiesce.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { volumesnapshots } from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { claimAt } from "../../../packages/sdk/src/step/places.ts"
import { drive, type World } from "../../simulation/world.ts"
import { ann, on, set } from "../scale/callers.ts"
import { app, names, withStorage } from "./world.ts"

const quiesce = Result.getOrThrow(
  quiesceOf("postgres", { guarantee: "recoverable-per-member", oneVolume: { command: ["where"] } })
)

/** Members that say where their data is. */
const saying = (paths: ReadonlyArray<string>, code = 0) =>
  withStorage({
    onExec: (_, { argv, stdout }) => {
      if (argv[2] !== oneShot || argv[6] !== "where") return null
      return Effect.as(stdout(`${paths.join("\n")}\n\n${argv[4]} ${code}\n`), code)
    }
  })

const alone = { groupClass: "none" }
const take = (world: World, more: Partial<Snapshot.SnapshotOptions> = {}) =>
  drive(on(world)(Snapshot.take(app, { name: "nightly", identity: ann, quiesce, ...alone, ...more })))

const refused = (world: World, more: Partial<Snapshot.SnapshotOptions> = {}) =>
  Effect.gen(function* () {
    const { message } = yield* Effect.flip(take(world, more))
    assert.deepEqual(names(world, volumesnapshots), [])
    assert.deepEqual(yield* on(world)(Journal.list("shop", "db")), [])
    return message
  })

describe("a profile that holds nothing", () => {
  it.effect(
    "makes a set recoverable per member where each has its data on one volume, and it is recorded",
    () =>
      Effect.gen(function* () {
        const world = yield* saying(["/data/pgdata", "/data/pgdata/pg_wal"])
        const { result, outcome } = yield* take(world)
        assert.strictEqual(outcome, "Succeeded")
        assert.deepInclude(result, { level: "crash", recoverable: { profile: "postgres" } })
        const [listed] = yield* on(world)(Snapshot.list("shop"))
        assert.deepEqual(listed?.summary.recoverable, { profile: "postgres" })
      })
  )

  it.effect("refuses data that is not cut at all, alone or in a group, before anything is begun", () =>
    Effect.gen(function* () {
      const world = yield* saying(["/data/pgdata", "/wal"])
      for (const more of [{}, { consistency: "crash" }, { consistency: "offline" }] as const) {
        assert.match(yield* refused(world, more), /\/wal of db-\d is on no claim: .*would be incomplete/)
      }
      const group = Snapshot.take(app, { name: "nightly", identity: ann, quiesce, consistency: "group" })
      assert.match((yield* Effect.flip(drive(on(world)(group)))).message, /is on no claim/)
    })
  )

  it.effect("is refused where a member cannot say where its data is, or does not run", () =>
    Effect.gen(function* () {
      const world = yield* saying([], 1)
      assert.match(yield* refused(world), /oneVolume in db-\d failed, so it is unknown where its data is/)
      const silent = yield* saying([])
      assert.match(yield* refused(silent), /db-\d names no directory/)
      const gone = yield* saying(["/data"])
      const none = Resource.patch(set, { _tag: "Merge", value: { spec: { replicas: 0 } } })
      yield* on(gone)(none)
      yield* drive(Effect.sleep(10_000))
      assert.match(yield* refused(gone), /is not running, so it is unknown/)
      const { result } = yield* take(gone, { allowLower: true })
      assert.notProperty(result, "recoverable")
    })
  )

  it.effect("is not taken for a quiesced one: that is refused with what it can have", () =>
    Effect.gen(function* () {
      const world = yield* saying(["/data"])
      assert.match(yield* refused(world, { consistency: "quiesced" }), /postgres quiesces nothing/)
    })
  )
})

describe("where a directory is", () => {
  const pod: Pod = {
    metadata: {
      name: "db-0",
      uid: "u",
      annotations: { "kubectl.kubernetes.io/default-container": "db" }
    },
    spec: {
      containers: [
        { name: "side", volumeMounts: [{ name: "wal", mountPath: "/var/lib/data" }] },
        {
          name: "db",
          volumeMounts: [
            { name: "data", mountPath: "/var/lib/data" },
            { name: "wal", mountPath: "/var/lib/data/wal/" },
            { name: "tmp", mountPath: "/var/lib/data/tmp" },
            { name: "own", mountPath: "/own" }
          ]
        }
      ],
      volumes: [
        { name: "data", persistentVolumeClaim: { claimName: "data-db-0" } },
        { name: "wal", persistentVolumeClaim: { claimName: "wal-db-0" } },
        { name: "tmp", emptyDir: {} },
        { name: "own", ephemeral: {} }
      ]
    }
  }

  it("is told by the deepest mount of the container that was asked", () => {
    const at = (path: string, container: string | null = null) => claimAt(pod, container, path)
    assert.strictEqual(at("/var/lib/data/pg"), "data-db-0")
    assert.strictEqual(at("/var/lib/data"), "data-db-0")
    assert.strictEqual(at("/var/lib/data/wal"), "wal-db-0")
    assert.strictEqual(at("/var/lib/data/walnut"), "data-db-0")
    assert.strictEqual(at("/var/lib/data/tmp/x"), null)
    assert.strictEqual(at("/var/lib/database"), null)
    assert.strictEqual(at("/own/x"), "db-0-own")
    assert.strictEqual(at("/var/lib/data", "side"), "wal-db-0")
  })
})
