/**
 * A journal is input, not authority: what somebody who may only write ConfigMaps of one namespace can
 * make an administrator do who types `resume` or `abort`.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { OperationError } from "../../../packages/sdk/src/operation/OperationError.ts"
import type { Progress } from "../../../packages/sdk/src/operation/Progress.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import { scaleVerb } from "../../../packages/sdk/src/scale/verb.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { AnyPlan } from "../../../packages/sdk/src/operation/Plan.ts"
import { drive, makeWorld, withCluster, type World } from "../../simulation/world.ts"
import { claimNamed, claimObject, on, volumeNamed } from "./callers.ts"
import { headOf, journalOf, stoppedStatus } from "../operation/journal.ts"

const id = "8f3a8f3a"

/** The victim's volume, in another namespace, and an application in the forger's own. */
const setup = Effect.gen(function* () {
  const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
  world.sandbox.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "bank" } })
  world.sandbox.create(claimObject("money", "bank"))
  world.sandbox.create(claimObject("ledger-archive", "shop"))
  yield* TestClock.adjust("20 seconds")
  const victim = claimNamed(world, "money", "bank")
  return { world, uid: victim?.metadata.uid ?? "", volume: victim?.spec.volumeName ?? "" }
})

const isReadable = (plan: unknown): boolean =>
  Result.isSuccess(Result.flatMap(Schema.decodeUnknownResult(AnyPlan)(plan), scaleVerb.decode))

const forge = (world: World, steps: ReadonlyArray<unknown>, more: object = {}) => {
  const set = world.sandbox.store.get(statefulsets, "shop", "db")
  const head = headOf(id, "db", set?.metadata.uid ?? "", set?.metadata.generation ?? 1)
  const plan = { ...head, effects: ["nothing to worry about"], steps, ...more }
  const journal = journalOf(plan, stoppedStatus())
  // One that could not be read would be refused for that alone.
  assert.isTrue(isReadable(plan), "a plan that can be read")
  world.sandbox.create(journal)
}

const kept = (claim: string, uid: string, volume: string) => ({
  claim,
  uid,
  volume,
  reclaimPolicy: "Delete"
})
const policies = { whenScaled: "Delete", whenDeleted: "Delete" }
const before = { whenScaled: "Retain", whenDeleted: "Retain" }

/** Every write but those of the operation's own housekeeping, as `METHOD path`. */
const writesOf = (
  world: World,
  effect: (cluster: World["sandbox"]["cluster"]) => Effect.Effect<unknown, unknown>
) =>
  Effect.gen(function* () {
    const inner = world.sandbox.cluster
    const writes: Array<string> = []
    const cluster: typeof inner = {
      ...inner,
      request: (request) => {
        const isOurs = /accessreviews|\/leases|\/configmaps|\/statefulsets\/db$/.test(request.path)
        if (request.method !== "GET" && !isOurs) writes.push(`${request.method} ${request.path}`)
        return inner.request(request)
      }
    }
    yield* Effect.ignore(drive(effect(cluster)))
    yield* TestClock.adjust("60 seconds")
    return writes
  })

const forgeries: Readonly<Record<string, (uid: string, volume: string) => ReadonlyArray<unknown>>> = {
  "a volume of another namespace that is said to be kept": (uid, volume) => [
    { _tag: "RetainVolumes", claims: [kept("money", uid, volume)], retain: true },
    { _tag: "RestoreReclaimPolicies", count: 1 }
  ],
  "the same under the name of a claim of this set": (uid, volume) => [
    { _tag: "RetainVolumes", claims: [kept("data-db-0", uid, volume)], retain: true },
    { _tag: "RestoreReclaimPolicies", count: 1 }
  ],
  "a volume of another namespace to be purged": (uid, volume) => [
    { _tag: "Purge", claim: "nothing", uid, volume, size: "1Gi" }
  ],
  "a volume of another namespace to be set aside": (uid, volume) => [
    { _tag: "MoveVolume", from: "money", uid, volume, to: "gone", reclaimPolicy: "Delete" }
  ]
}

describe("a forged journal", () => {
  for (const [what, steps] of Object.entries(forgeries)) {
    for (const [way, takeUp] of Object.entries({ resume: Scale.resume, abort: Scale.abort })) {
      it.effect(`writes nothing by ${way}: ${what}`, () =>
        Effect.gen(function* () {
          const { world, uid, volume } = yield* setup
          forge(world, steps(uid, volume))
          const was = JSON.stringify(volumeNamed(world, volume)?.spec)
          const writes = yield* writesOf(world, (cluster) =>
            withCluster(cluster)(takeUp({ namespace: "shop", id }, { identity: "admin", purge: true }))
          )
          assert.deepEqual(writes, [])
          assert.strictEqual(JSON.stringify(volumeNamed(world, volume)?.spec), was)
          assert.isDefined(claimNamed(world, "money", "bank"))
        })
      )
    }
  }

  it.effect("sets no claim aside that is none of its set's", () =>
    Effect.gen(function* () {
      const { world } = yield* setup
      const other = claimNamed(world, "ledger-archive")
      const uid = other?.metadata.uid
      forge(world, [
        {
          _tag: "MoveVolume",
          from: "ledger-archive",
          uid,
          volume: other?.spec.volumeName,
          to: "gone",
          reclaimPolicy: "Delete"
        }
      ])
      yield* Effect.ignore(drive(on(world)(Scale.resume({ namespace: "shop", id }, { identity: "admin" }))))
      assert.strictEqual(claimNamed(world, "ledger-archive")?.metadata.uid, uid)
    })
  )

  const asked = (steps: ReadonlyArray<unknown>, more: object = {}) =>
    Effect.gen(function* () {
      const { world } = yield* setup
      forge(world, steps, more)
      const failed = yield* Effect.flip(
        drive(on(world)(Scale.resume({ namespace: "shop", id }, { identity: "admin" })))
      )
      yield* TestClock.adjust("60 seconds")
      assert.isDefined(claimNamed(world, "data-db-1"))
      assert.strictEqual(world.log.join(), "")
      return failed as OperationError
    })
  const down = [{ _tag: "SetReplicas", from: 2, to: 1, remember: null }]

  it.effect("deletes no claims by whenScaled unless its new caller asks for that", () =>
    Effect.gen(function* () {
      const steps = [
        { _tag: "SetRetention", from: before, to: policies },
        ...down,
        { _tag: "RestoreRetention", from: policies, to: before, again: false }
      ]
      const error = yield* asked(steps)
      assert.strictEqual(error.reason._tag, "Mismatch")
      assert.include(error.action, "--when-scaled Delete")
    })
  )

  it.effect("goes below quorum only if its new caller asks for that", () =>
    Effect.gen(function* () {
      const error = yield* asked(down, { settings: { quorum: "none" } })
      assert.include(error.action, "--quorum none")
    })
  )

  it.effect("sends no requests to pods unless its new caller asks for them", () =>
    Effect.gen(function* () {
      const health = { scheme: "http", port: 8080, path: "/admin/shutdown" }
      const error = yield* asked(down, { settings: { health } })
      assert.include(error.action, "--health")
    })
  )

  it.effect("is told by its steps before anything is done, whatever it says of itself", () =>
    Effect.gen(function* () {
      const { world } = yield* setup
      forge(world, down)
      const told: Array<string> = []
      const report = (event: Progress) =>
        Effect.sync(() => {
          if (event._tag === "Started") told.push(...event.effects)
        })
      yield* drive(on(world)(Scale.resume({ namespace: "shop", id }, { identity: "admin", report })))
      assert.deepEqual(told, ["replicas 2 -> 1"])
    })
  )
})
