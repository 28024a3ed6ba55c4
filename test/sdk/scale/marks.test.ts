/** A policy of ours that nothing puts back any more is named, and none is put back while pods still go. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { Request } from "../../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { persistentvolumes } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref, withCluster, type World } from "../../simulation/world.ts"
import {
  ann,
  bob,
  claimNamed,
  interruptAt,
  movesCount,
  neighbour,
  on,
  refusal,
  removeClaim,
  set,
  volumeOf,
  policies
} from "./callers.ts"

const ours = (name: string) => `kubectl-stateful.dev/${name}`
const countTo = (replicas: number) => Resource.patch(set, { _tag: "Merge", value: { spec: { replicas } } })

const unmark = (world: World, claim: string) => {
  const annotations = Object.fromEntries(
    ["reclaim-policy-before", "operation", "app"].map((name) => [ours(name), null])
  )
  const name = volumeOf(world, claim)?.metadata.name ?? ""
  return Resource.patch(
    { api: kinds.persistentvolumes, name },
    { _tag: "Merge", value: { metadata: { annotations } } }
  )
}

/** The write by which the retention policy is put back. */
const putsBack = ({ method, path, body }: Request): boolean =>
  method === "PATCH" &&
  path.endsWith("/statefulsets/db") &&
  (body ?? "").includes('"remove","path":"/metadata/annotations/kubectl-stateful.dev~1retention-before"')

describe("a mark that somebody removed", () => {
  it.effect("from a volume is missed, and the volume is named", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      const volume = volumeOf(world, "data-db-1")?.metadata.name
      const act = Effect.suspend(() => unmark(world, "data-db-1"))
      const cluster = neighbour(world, movesCount, act)
      const result = yield* drive(withCluster(cluster)(Scale.scale(ref, { replicas: 1, identity: ann })))
      assert.strictEqual(volumeOf(world, "data-db-1")?.spec.persistentVolumeReclaimPolicy, "Retain")
      assert.strictEqual(result.outcome, "Incomplete")
      assert.include(
        result.unmet.join(),
        `volume ${volume} of data-db-1 has reclaim policy Retain instead of Delete`
      )
    })
  )

  it.effect("from a volume while an abort runs is missed, and the volume is named", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
      const { plan } = yield* interruptAt(world, "ready db-1", { replicas: 3, step: 1 })
      const act = Effect.suspend(() => unmark(world, "data-db-1"))
      const toOne = (request: Request) => movesCount(request) && (request.body ?? "").includes('"value":1}')
      const cluster = neighbour(world, toOne, act)
      const result = yield* drive(withCluster(cluster)(Scale.abort(at(plan.id), { identity: bob })))
      assert.strictEqual(volumeOf(world, "data-db-1")?.spec.persistentVolumeReclaimPolicy, "Retain")
      assert.include(result.unmet.join(), "of data-db-1 has reclaim policy Retain instead of Delete")
    })
  )

  it.effect("from the StatefulSet is missed, and its retention policy is named", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200, whenScaled: "Delete" })
      const annotations = { [ours("retention-before")]: null }
      const act = Resource.patch(set, { _tag: "Merge", value: { metadata: { annotations } } })
      const cluster = neighbour(world, movesCount, act)
      const result = yield* drive(withCluster(cluster)(Scale.scale(ref, { replicas: 0, identity: ann })))
      assert.strictEqual(result.outcome, "Incomplete")
      assert.include(
        result.unmet.join(),
        "whenScaled Retain, whenDeleted Retain on db instead of whenScaled Delete"
      )
    })
  )
})

describe("a mark that somebody removes just before the write that goes by it", () => {
  it.effect("is missed too: the retention policy is named", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200, whenScaled: "Delete" })
      const annotations = { [ours("retention-before")]: null }
      const act = Resource.patch(set, { _tag: "Merge", value: { metadata: { annotations } } })
      const cluster = neighbour(world, putsBack, act)
      const result = yield* drive(withCluster(cluster)(Scale.scale(ref, { replicas: 0, identity: ann })))
      assert.strictEqual(result.outcome, "Incomplete")
      assert.include(result.unmet.join(), "instead of whenScaled Delete")
    })
  )
})

describe("a count that somebody lowers while an abort puts policies back", () => {
  it.effect("costs no data, and is named", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 4, readyAfter: 200, whenScaled: "Delete" })
      const { plan } = yield* interruptAt(world, "delete db-3", { replicas: 0 })
      const cluster = neighbour(world, putsBack, countTo(1))
      const error = yield* refusal(drive(withCluster(cluster)(Scale.abort(at(plan.id), { identity: bob }))))
      assert.include(error.message, "another client changed db just now")
      const result = yield* drive(on(world)(Scale.resume(at(plan.id), { identity: bob })))
      yield* TestClock.adjust("60 seconds")
      for (const name of ["data-db-0", "data-db-1", "data-db-2", "data-db-3"])
        assert.isUndefined(claimNamed(world, name)?.metadata.deletionTimestamp ?? undefined, name)
      assert.lengthOf(world.sandbox.store.list(persistentvolumes), 4)
      assert.strictEqual(result.aborted, true)
    })
  )

  it.effect("after that is no success either", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 200 })
      const { plan } = yield* interruptAt(world, "delete db-2", { replicas: 0 })
      const isRelease = ({ method, path, body }: Request) =>
        method === "PATCH" &&
        path.includes("/persistentvolumes/") &&
        (body ?? "").includes('"value":"Delete"')
      const cluster = neighbour(world, isRelease, countTo(1))
      const result = yield* drive(withCluster(cluster)(Scale.abort(at(plan.id), { identity: bob })))
      assert.strictEqual(result.outcome, "Incomplete")
      assert.include(result.unmet.join(), "replicas of db are 1 instead of 3: another client set them")
    })
  )
})

describe("a kept claim that is deleted once its reclaim policy was put back", () => {
  it.effect("is missed by the last look", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 200 })
      const isPutBack = ({ method, path }: Request) =>
        method === "GET" &&
        path.endsWith("/statefulsets/db") &&
        world.log.includes("gone db-1") &&
        [...new Set(policies(world))].join() === "Delete"
      const cluster = neighbour(world, isPutBack, removeClaim("data-db-1"))
      const result = yield* drive(withCluster(cluster)(Scale.scale(ref, { replicas: 1, identity: ann })))
      assert.strictEqual(result.outcome, "Incomplete")
      assert.include(result.unmet.join(), "claim data-db-1 ")
    })
  )
})

describe("an abort that is taken up after somebody moved the ordinals", () => {
  it.effect("puts back what it has set on claims of ordinals from before", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
      const { plan } = yield* interruptAt(world, "ready db-1", { replicas: 4, step: 1 })
      const start = Resource.patch(set, { _tag: "Merge", value: { spec: { ordinals: { start: 1 } } } })
      const toOne = (request: Request) => movesCount(request) && (request.body ?? "").includes('"value":1}')
      const abort = Scale.abort(at(plan.id), { identity: bob })
      yield* refusal(drive(withCluster(neighbour(world, toOne, start))(abort)))
      assert.include([...new Set(policies(world))], "Retain")
      // Its count is there by then: the rest is put back.
      yield* on(world)(countTo(1))
      yield* TestClock.adjust("20 seconds")
      const result = yield* drive(on(world)(abort))
      assert.include(result.unmet.join(), "ordinals.start of db is 1 instead of 0")
      assert.deepEqual([...new Set(policies(world))], ["Delete"])
    })
  )
})

describe("an abort whose StatefulSet is deleted half way", () => {
  it.effect("puts back the reclaim policies that the abort itself has set", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
      const { plan } = yield* interruptAt(world, "ready db-1", { replicas: 3, step: 1 })
      const cluster = neighbour(world, movesCount, Resource.remove(set, {}))
      yield* Effect.flip(drive(withCluster(cluster)(Scale.abort(at(plan.id), { identity: bob }))))
      assert.include([...new Set(policies(world))], "Retain")
      yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
      assert.deepEqual([...new Set(policies(world))], ["Delete"])
    })
  )
})
