/** A scale-down under whenScaled Delete loses claims with their pods: an abort keeps their data, names them, and is no success. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { dying } from "../snapshot/world.ts"
import { at, drive, makeWorld, ref, withCluster, type World } from "../../simulation/world.ts"
import {
  ann,
  bob,
  interruptAt,
  movesCount,
  on,
  set,
  setWhenScaled,
  volumeNamed,
  volumeOf
} from "./callers.ts"

describe("an abort of a scale-down under whenScaled Delete", () => {
  /** A scale-down that stops while its pod takes its time to end, and an abort of it. */
  const aborted = (
    meanwhile: "nothing" | "whenScaled Retain",
    by: (world: World) => World["sandbox"]["cluster"] = ({ sandbox }) => sandbox.cluster
  ) =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 200, whenScaled: "Delete" })
      const pod = { api: kinds.pods, namespace: "shop", name: "db-2" }
      const hold = (finalizers: ReadonlyArray<string>) =>
        on(world)(Resource.patch(pod, { _tag: "Merge", value: { metadata: { finalizers } } }))
      yield* hold(["example.com/slow"])
      const volume = volumeOf(world, "data-db-2")?.metadata.name ?? assert.fail("no volume")
      const { plan } = yield* interruptAt(world, "delete db-2", { replicas: 2 })
      if (meanwhile !== "nothing") {
        yield* on(world)(setWhenScaled("Retain"))
        yield* TestClock.adjust("2 seconds")
      }
      yield* Effect.forkChild(Effect.andThen(Effect.sleep("20 seconds"), hold([])))
      const result = yield* drive(withCluster(by(world))(Scale.abort(at(plan.id), { identity: bob })))
      return { world, volume, result }
    })

  it.effect("keeps the volume of a claim that goes with its pod, names it, and is no success", () =>
    Effect.gen(function* () {
      const { world, volume, result } = yield* aborted("nothing")
      assert.strictEqual(volumeNamed(world, volume)?.spec.persistentVolumeReclaimPolicy, "Retain")
      assert.strictEqual(result.outcome, "Incomplete")
      assert.include(result.unmet.join(), `its data is kept in volume ${volume}`)
    })
  )

  it.effect("by somebody who may see no volumes is no success either, and names the claim that went", () =>
    Effect.gen(function* () {
      const deny = [{ apiGroups: [""], resources: ["persistentvolumes"], verbs: ["*"] }]
      const { result } = yield* aborted("nothing", ({ sandbox }) => sandbox.as({ name: "dev", deny }))
      assert.strictEqual(result.outcome, "Incomplete")
      assert.include(result.notes.join(), "a claim that is deleted with its pod loses its data")
      assert.include(result.unmet.join(), "claim data-db-2 was deleted and recreated")
      assert.include(result.unmet.join(), "no permission to read persistentvolumes")
    })
  )

  it.effect(
    "is no success once a claim has gone with its pod, by this operation's count or by another one",
    () =>
      Effect.gen(function* () {
        for (const replicas of [2, 0]) {
          const world = yield* makeWorld({ replicas: 3, readyAfter: 200, whenScaled: "Delete" })
          let counts = 0
          const dies = dying(world, (request) => movesCount(request) && ++counts === 2)
          yield* drive(Effect.exit(dies(Scale.scale(ref, { replicas: 1, identity: ann }))))
          const [{ plan } = assert.fail("no operation was begun")] = yield* on(world)(
            Journal.list("shop", "db")
          )
          yield* on(world)(Resource.patch(set, { _tag: "Merge", value: { spec: { replicas } } }))
          yield* drive(Effect.sleep("30 seconds"))
          const { outcome, unmet } = yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
          assert.strictEqual(outcome, "Incomplete")
          const gone = replicas === 0 ? ["data-db-0", "data-db-1", "data-db-2"] : ["data-db-2"]
          for (const claim of gone) assert.include(unmet.join(), `claim ${claim} was deleted and recreated`)
          assert.lengthOf(unmet, gone.length)
        }
      })
  )

  it.effect("puts the reclaim policy back of a claim that stays", () =>
    Effect.gen(function* () {
      const { world, volume, result } = yield* aborted("whenScaled Retain")
      assert.strictEqual(volumeOf(world, "data-db-2")?.metadata.name, volume)
      assert.strictEqual(volumeNamed(world, volume)?.spec.persistentVolumeReclaimPolicy, "Delete")
      assert.strictEqual(result.outcome, "Aborted")
    })
  )
})
