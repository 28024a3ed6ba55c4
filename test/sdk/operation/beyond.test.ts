/**
 * What a journal that somebody forged or damaged makes of other namespaces, other applications and
 * other operations: nothing.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import * as Lease from "../../../packages/sdk/src/operation/lease.ts"
import { leases } from "../../../packages/sandbox/src/registry/kinds/index.ts"
import { reachOf } from "../../../packages/sdk/src/operation/InTheWay.ts"
import type { AnyPlan } from "../../../packages/sdk/src/operation/Plan.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { drive, makeWorld, withCluster, type World } from "../../simulation/world.ts"
import { ann, claimNamed, claimObject, on } from "../scale/callers.ts"
import { headOf, journalOf, stoppedStatus } from "./journal.ts"

const id = "8f3a8f3a"
const annotation = "kubectl-stateful.dev/operation"

const workload = (name: string, namespace: string, replicas: number) => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name, namespace },
  spec: {
    replicas,
    serviceName: name,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "db", image: "db:1" }] }
    }
  }
})

/** An application of the forger's own, a neighbour in its namespace, and one in another. */
const setup = Effect.gen(function* () {
  const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
  world.sandbox.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "bank" } })
  world.sandbox.create(workload("ledger", "bank", 3))
  world.sandbox.create(workload("pay", "shop", 3))
  world.sandbox.create(claimObject("money", "bank"))
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "root", namespace: "shop" },
    data: { password: "Q0FOQVJZLVBX" }
  }
  world.sandbox.create(secret)
  yield* TestClock.adjust("20 seconds")
  return world
})

const setOf = (world: World, namespace: string, name: string) =>
  world.sandbox.store.get(statefulsets, namespace, name)

const guardOf = (world: World, namespace: string, name: string) => {
  const metadata = setOf(world, namespace, name)?.metadata
  return {
    kind: "StatefulSet",
    namespace,
    name,
    uid: metadata?.uid ?? "",
    generation: metadata?.generation ?? 1
  }
}

const forge = (world: World, more: object, as = id, status: object = {}) => {
  const head = headOf(as, "db", "")
  const plan = { ...head, guards: [guardOf(world, "shop", "db")], ...more }
  world.sandbox.create(journalOf(plan, { ...stoppedStatus(), ...status }))
}

const mark = (world: World, namespace: string, name: string, token: string) =>
  on(world)(
    Resource.patch(
      { api: kinds.statefulsets, namespace, name },
      { _tag: "Merge", value: { metadata: { annotations: { [annotation]: token } } } }
    )
  )

const ways = { resume: Scale.resume, abort: Scale.abort }
type Way = (typeof ways)["resume"]

const taking = (world: World, takeUp: Way, as = id, more: object = {}) =>
  Effect.exit(
    drive(on(world)(takeUp({ namespace: "shop", id: as }, { identity: "admin", purge: true, ...more })))
  )

describe("a guard in another namespace", () => {
  it.effect("is an abort's own by its mark, or where its namespace was named", () =>
    Effect.gen(function* () {
      const world = yield* setup
      const ledger = setOf(world, "bank", "ledger")?.metadata
      const head = headOf(id, "db", setOf(world, "shop", "db")?.metadata.uid ?? "")
      const place = { kind: "StatefulSet" as const, namespace: "bank", name: "ledger" }
      const guard = { ...place, uid: ledger?.uid ?? "", generation: 1 }
      const plan: AnyPlan = { ...head, guards: [head.guards[0], guard] }
      const beyond = (named: ReadonlyArray<string>) =>
        Effect.map(on(world)(reachOf(plan, named)), (reach) => [[...reach.beyond], reach.left])
      const alone = [["StatefulSet/bank/ledger"], ['statefulset "bank/ledger"']]
      assert.deepEqual(yield* beyond([]), alone)
      assert.deepEqual(yield* beyond(["bank"]), [[], []])
      yield* mark(world, "bank", "ledger", `${id}.00000007`)
      assert.deepEqual(yield* beyond([]), alone)
      yield* mark(world, "bank", "ledger", `${id}.00000007.shop`)
      assert.deepEqual(yield* beyond([]), [[], []])
    })
  )
})

describe("a forged journal", () => {
  for (const [way, takeUp] of Object.entries(ways)) {
    it.effect(`with the id of another namespace's operation changes nothing there by ${way}`, () =>
      Effect.gen(function* () {
        const world = yield* setup
        yield* mark(world, "bank", "ledger", `${id}.00000007`)
        const ledger = "StatefulSet/bank/ledger"
        forge(world, {
          guards: [guardOf(world, "shop", "db"), guardOf(world, "bank", "ledger")],
          steps: [{ _tag: "SetReplicas", on: ledger, from: 0, to: 3, remember: null }]
        })
        const was = JSON.stringify(setOf(world, "bank", "ledger"))
        yield* taking(world, takeUp)
        assert.strictEqual(setOf(world, "bank", "ledger")?.spec.replicas, 3)
        assert.strictEqual(JSON.stringify(setOf(world, "bank", "ledger")), was)
      })
    )

    it.effect(`takes no Lease in another namespace by ${way}, whoever is to be taken over`, () =>
      Effect.gen(function* () {
        const world = yield* setup
        const theirs = { kind: "StatefulSet" as const, namespace: "bank", name: "ledger" }
        const token = "11111111.00000001"
        yield* on(world)(Lease.acquire({ ...theirs, token, identity: "teller" }, { takeOver: false }))
        const was = JSON.stringify(world.sandbox.store.list(leases, "bank"))
        forge(world, {
          app: { _tag: "Selector", namespace: "shop", name: "db", selector: "app=db" },
          guards: [guardOf(world, "shop", "db"), guardOf(world, "bank", "ledger")]
        })
        yield* taking(world, takeUp, id, { takeOver: true })
        assert.strictEqual(JSON.stringify(world.sandbox.store.list(leases, "bank")), was)
      })
    )

    it.effect(`undoes nothing in another namespace without a mark by ${way}`, () =>
      Effect.gen(function* () {
        const world = yield* setup
        const money = claimNamed(world, "money", "bank")
        forge(world, {
          guards: [guardOf(world, "shop", "db"), { ...guardOf(world, "bank", "ledger"), uid: "gone" }],
          steps: [
            {
              _tag: "Purge",
              on: "StatefulSet/bank/ledger",
              claim: "money",
              uid: money?.metadata.uid,
              volume: money?.spec.volumeName,
              size: "1Gi"
            }
          ]
        })
        const was = JSON.stringify(money)
        yield* taking(world, takeUp)
        assert.strictEqual(JSON.stringify(claimNamed(world, "money", "bank")), was)
      })
    )

    it.effect(`whose step is about no guard of it changes nothing by ${way}`, () =>
      Effect.gen(function* () {
        const world = yield* setup
        forge(world, {
          steps: [
            {
              _tag: "SetReplicas",
              on: "StatefulSet/shop/gone",
              from: way === "abort" ? 1 : 2,
              to: way === "abort" ? 2 : 1,
              remember: null
            }
          ]
        })
        yield* taking(world, takeUp)
        assert.strictEqual(setOf(world, "shop", "db")?.spec.replicas, 2)
      })
    )

    it.effect(`of one application changes no other by ${way}`, () =>
      Effect.gen(function* () {
        const world = yield* setup
        forge(world, {
          guards: [guardOf(world, "shop", "pay")],
          steps: [
            {
              _tag: "SetReplicas",
              from: way === "abort" ? 2 : 3,
              to: way === "abort" ? 3 : 2,
              remember: null
            }
          ]
        })
        yield* taking(world, takeUp)
        assert.strictEqual(setOf(world, "shop", "pay")?.spec.replicas, 3)
      })
    )

    it.effect(`of one application changes no other that it guards as well by ${way}`, () =>
      Effect.gen(function* () {
        const world = yield* setup
        forge(world, {
          guards: [guardOf(world, "shop", "db"), guardOf(world, "shop", "pay")],
          steps: [
            {
              _tag: "SetReplicas",
              on: "StatefulSet/shop/pay",
              from: way === "abort" ? 2 : 3,
              to: way === "abort" ? 3 : 2,
              remember: null
            }
          ]
        })
        yield* taking(world, takeUp)
        assert.strictEqual(setOf(world, "shop", "pay")?.spec.replicas, 3)
      })
    )

    it.effect(`never asks for a Secret's values by ${way}`, () =>
      Effect.gen(function* () {
        const world = yield* setup
        const asked: Array<string> = []
        const inner = world.sandbox.cluster
        const cluster: Cluster["Service"] = {
          ...inner,
          request: (request) => {
            if (request.path.includes("/secrets/"))
              asked.push(`${request.method} ${request.headers?.["accept"] ?? "whole"}`)
            return inner.request(request)
          }
        }
        const secret = { kind: "Secret", namespace: "shop", name: "root", uid: null, generation: null }
        const uid = (yield* on(world)(
          Resource.getObject({ api: kinds.secrets, namespace: "shop", name: "root" })
        )).metadata.uid
        forge(world, {
          guards: [guardOf(world, "shop", "db"), { ...secret, uid }],
          steps: [{ _tag: "SetReplicas", on: "Secret/shop/root", from: 2, to: 1, remember: null }]
        })
        const exit = yield* Effect.exit(
          drive(withCluster(cluster)(takeUp({ namespace: "shop", id }, { identity: ann })))
        )
        assert.notInclude(JSON.stringify(exit), "Q0FOQVJZ")
        assert.deepEqual(
          asked.filter((one) => !one.includes("PartialObjectMetadata")),
          []
        )
      })
    )

    it.effect(`may not bear the id of another operation with something behind it by ${way}`, () =>
      Effect.gen(function* () {
        const world = yield* setup
        const as = `${id}.1`
        forge(
          world,
          {
            steps: [
              {
                _tag: "SetReplicas",
                from: way === "abort" ? 1 : 2,
                to: way === "abort" ? 2 : 1,
                remember: null
              }
            ]
          },
          as
        )
        yield* taking(world, takeUp, as)
        assert.strictEqual(setOf(world, "shop", "db")?.spec.replicas, 2)
      })
    )
  }

  it.effect("leaves no policy under which a deleted StatefulSet takes its claims along", () =>
    Effect.gen(function* () {
      for (const [way, takeUp] of Object.entries(ways)) {
        const world = yield* setup
        const from = { whenScaled: "Retain", whenDeleted: "Retain" }
        const to = { whenScaled: "Retain", whenDeleted: "Delete" }
        forge(world, {
          steps: [
            way === "resume"
              ? { _tag: "SetRetention", from, to }
              : { _tag: "RestoreRetention", from: to, to: from, again: true }
          ]
        })
        yield* taking(world, takeUp)
        assert.strictEqual(
          setOf(world, "shop", "db")?.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted,
          "Retain",
          way
        )
      }
    })
  )
})
