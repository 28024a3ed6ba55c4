import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as TestClock from "effect/testing/TestClock"
import { check, type Verdict } from "../../packages/sandbox/src/ledger/Check.ts"
import { ledger } from "../../packages/sandbox/src/ledger/Ledger.ts"
import { make, type Shape } from "../../packages/sandbox/src/Sandbox.ts"
import { bytesOf, claim, fromSnapshot, group, groupClass, membersIn, snapshot } from "./storage.ts"

const labels = { app: "ledger" }
const names = ["ledger-0", "ledger-1", "ledger-2"]
const claimOf = (name: string) => `data-${name}`

/** Three replicas that have moved money for a while. */
const running = Effect.gen(function* () {
  const sandbox = yield* make({ programs: () => ledger() })
  sandbox.create({
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "ledger" },
    spec: {
      replicas: 3,
      serviceName: "ledger",
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            { name: "ledger", image: "ledger", volumeMounts: [{ name: "data", mountPath: "/data" }] }
          ]
        }
      },
      volumeClaimTemplates: [
        {
          metadata: { name: "data" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }
        }
      ]
    }
  })
  sandbox.create(groupClass("sequential", { mode: "sequential", memberDelay: "2s" }))
  yield* TestClock.adjust("30 seconds")
  return sandbox
})

/** New claims out of these snapshots, and what the ledger's checker says of their bytes. */
const restored = (sandbox: Shape, of: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    for (const from of Object.values(of)) sandbox.create(claim(`of-${from}`, fromSnapshot(from)))
    yield* TestClock.adjust("10 seconds")
    const verdict: Verdict = check(
      Object.fromEntries(Object.entries(of).map(([name, from]) => [name, bytesOf(sandbox, `of-${from}`)]))
    )
    return verdict
  })

const membersOf = (sandbox: Shape, name: string) =>
  Object.fromEntries(
    membersIn(sandbox, name).map(({ metadata, spec }) => [
      (spec.source.persistentVolumeClaimName ?? "").replace("data-", ""),
      metadata.name
    ])
  )

describe("a ledger that is snapshotted while money moves", () => {
  it.effect("is in a state of one moment after a restore from an atomic group", () =>
    Effect.gen(function* () {
      const sandbox = yield* running
      sandbox.create(group("atomic", { matchLabels: labels }))
      yield* TestClock.adjust("10 seconds")
      const verdict = yield* restored(sandbox, membersOf(sandbox, "atomic"))
      assert.deepStrictEqual(
        Object.keys(verdict.balances).toSorted((a, b) => (a < b ? -1 : 1)),
        names
      )
      assert.deepStrictEqual(verdict.faults, [])
      assert.strictEqual(verdict.total, verdict.expected)
    }).pipe(Effect.scoped, Random.withSeed("atomic"))
  )

  it.effect("is in none after a restore from a group that was cut member after member", () =>
    Effect.gen(function* () {
      const sandbox = yield* running
      sandbox.create(group("torn", { matchLabels: labels }, "sequential"))
      yield* TestClock.adjust("20 seconds")
      const verdict = yield* restored(sandbox, membersOf(sandbox, "torn"))
      assert.isNotEmpty(verdict.faults)
    }).pipe(Effect.scoped, Random.withSeed("torn"))
  )

  it.effect("is in none after a restore from single snapshots that waited for each other", () =>
    Effect.gen(function* () {
      const sandbox = yield* running
      for (const name of names) {
        sandbox.create(snapshot(name, claimOf(name)))
        yield* TestClock.adjust("2 seconds")
      }
      const verdict = yield* restored(sandbox, Object.fromEntries(names.map((name) => [name, name])))
      assert.isNotEmpty(verdict.faults)
    }).pipe(Effect.scoped, Random.withSeed("single"))
  )
})
