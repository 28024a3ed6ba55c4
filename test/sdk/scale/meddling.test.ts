/** Somebody else takes away what an operation wrote down, or deletes what it keeps, while it is under way. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Progress } from "../../../packages/sdk/src/operation/Progress.ts"
import {
  persistentvolumeclaims,
  persistentvolumes
} from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, interruptAt, movesCount, neighbour, on, refusal, set } from "./callers.ts"

const claim = (world: World, name: string) => world.sandbox.store.get(persistentvolumeclaims, "shop", name)
const volume = (world: World, name: string) => world.sandbox.store.get(persistentvolumes, undefined, name)

/** Scales to zero, and once db-1 is gone somebody else acts. */
const toZero = <E>(world: World, act: Effect.Effect<unknown, E>) =>
  on(world)(
    Scale.scale(ref, {
      replicas: 0,
      identity: ann,
      report: (event: Progress) =>
        event._tag === "Stage" && event.stage === "removed" && event.subject.name === "db-1"
          ? Effect.ignore(act)
          : Effect.void
    })
  )

const withoutAnnotation = (name: string) =>
  ({
    _tag: "Json",
    operations: [{ op: "remove", path: `/metadata/annotations/kubectl-stateful.dev~1${name}` }]
  }) as const

describe("a scale whose StatefulSet has lost all its annotations, as by a replace", () => {
  it.effect("makes no more changes, says how to go on, and is aborted", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 300 })
      const bare = { _tag: "Merge", value: { metadata: { annotations: null } } } as const
      const cluster = neighbour(world, movesCount, Resource.patch(set, bare))
      const error = yield* refusal(
        drive(withCluster(cluster)(Scale.scale(ref, { replicas: 5, identity: ann })))
      )
      assert.include(error.message, 'statefulset "db" no longer has the annotation of operation')
      const id =
        /kubectl stateful resume (\w{8}) -n shop/.exec(error.action ?? "")?.[1] ?? assert.fail(error.action)
      const { outcome } = yield* drive(on(world)(Scale.abort(at(id), { identity: bob })))
      assert.strictEqual(outcome, "Aborted")
    })
  )
})

describe("success is not said of a scale to zero where somebody else", () => {
  it.effect("took the mark off a volume, whose policy cannot be put back then", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 300 })
      const name = claim(world, "data-db-0")?.spec.volumeName ?? ""
      const target = { api: kinds.persistentvolumes, name }
      const act = on(world)(Resource.patch(target, withoutAnnotation("reclaim-policy-before")))
      const scaled = yield* drive(toZero(world, act))
      assert.strictEqual(scaled.outcome, "Incomplete")
      assert.include(
        scaled.notes.join(),
        `volume ${name} of data-db-0 has reclaim policy Retain instead of Delete`
      )
    })
  )

  it.effect("took off the StatefulSet what whenScaled was, which cannot be put back then", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, whenScaled: "Delete", readyAfter: 300 })
      const act = on(world)(Resource.patch(set, withoutAnnotation("retention-before")))
      const scaled = yield* drive(toZero(world, act))
      assert.strictEqual(scaled.outcome, "Incomplete")
      assert.include(
        scaled.notes.join(),
        "whenScaled Retain, whenDeleted Retain on db instead of whenScaled Delete"
      )
    })
  )

  it.effect("deleted a volume, which is left under Retain", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 300 })
      const name = claim(world, "data-db-0")?.spec.volumeName ?? ""
      const act = on(world)(Resource.remove({ api: kinds.persistentvolumes, name }))
      const scaled = yield* drive(toZero(world, act))
      assert.strictEqual(scaled.outcome, "Incomplete")
      assert.include(scaled.notes.join(), `volume ${name} of data-db-0 is being deleted`)
      assert.strictEqual(volume(world, name)?.spec.persistentVolumeReclaimPolicy, "Retain")
    })
  )
})

describe("an operation whose journal somebody deletes", () => {
  it.effect("says how what it has set is put back, and not that a resume would go on", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 300 })
      const journals = { api: kinds.configmaps, namespace: "shop" }
      const act = Effect.gen(function* () {
        const { items } = yield* on(world)(Resource.listObjects(kinds.configmaps, { namespace: "shop" }))
        for (const { metadata } of items)
          if (metadata.name.startsWith("kubectl-stateful-"))
            yield* on(world)(Resource.remove({ ...journals, name: metadata.name }))
      })
      const error = yield* refusal(drive(toZero(world, act)))
      assert.include(error.message, "is gone")
      assert.include(error.action ?? "", "--without-journal")
      assert.notInclude(error.action ?? "", "kubectl stateful resume")
    })
  )
})

describe("an abort back to where whenScaled is Delete", () => {
  it.effect("says of no claim that it is kept that goes with its pod", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, whenScaled: "Delete", readyAfter: 300 })
      const { plan } = yield* interruptAt(world, "ready db-1", { replicas: 3, step: 1 })
      // It goes as slowly as where a garbage collector comes by for it.
      const held = { api: kinds.persistentvolumeclaims, namespace: "shop", name: "data-db-1" }
      const value = { metadata: { finalizers: ["example.com/slow"] } }
      yield* on(world)(Resource.patch(held, { _tag: "Merge", value }))
      const aborted = yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
      assert.isDefined(claim(world, "data-db-1")?.metadata.deletionTimestamp)
      assert.notMatch(aborted.notes.join(), /data-db-1[^.]* kept/)
      assert.include(aborted.notes.join(), "data-db-1 removed with its pod")
    })
  )
})
