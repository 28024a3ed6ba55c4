import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { check } from "../../../packages/sandbox/src/ledger/Check.ts"
import { nodes, pods } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { type ScenarioName, start } from "../../../packages/sandbox/src/scenario/Scenario.ts"
import type { Shape } from "../../../packages/sandbox/src/Sandbox.ts"

const begun = (name: ScenarioName) =>
  Effect.gen(function* () {
    const starting = yield* Effect.forkChild(start(name))
    yield* TestClock.adjust("15 seconds")
    return yield* Fiber.join(starting)
  })

/** Each member's volume by the member's name. */
const ledgerVolumes = (sandbox: Shape) =>
  Object.fromEntries(
    [0, 1, 2].map((ordinal) => {
      const pod = sandbox.registry.find(pods, "shop", `ledger-${ordinal}`)
      const volume = sandbox.processes.get(pod.metadata.uid, "ledger")?.host.volume("/data")
      return [pod.metadata.name, volume?.copy() ?? assert.fail(`${pod.metadata.name} has no volume`)]
    })
  )

const isReady = (name: string, objects: Shape, type: typeof nodes | typeof pods): boolean =>
  objects.store
    .list<typeof type.Object & {}>(type)
    .find(({ metadata }) => metadata.name === name)
    ?.status.conditions?.some((each) => each.type === "Ready" && each.status === "True") === true

describe("a scenario", () => {
  it.effect("ledger: five replicas are ready over three zones, and money moves", () =>
    Effect.gen(function* () {
      const sandbox = yield* begun("ledger")
      assert.lengthOf(sandbox.store.list(nodes), 6)
      const running = sandbox.store.list(pods, "shop")
      assert.deepEqual(
        running.map(({ metadata }) => [metadata.name, isReady(metadata.name, sandbox, pods)]),
        ["ledger-0", "ledger-1", "ledger-2", "web-0", "web-1"].map((name) => [name, true])
      )
      const zones = new Set(running.slice(0, 3).map(({ spec }) => spec.nodeName?.at(-2)))
      assert.deepEqual(zones, new Set(["a", "b", "c"]))
      const verdict = check(ledgerVolumes(sandbox))
      assert.deepEqual([verdict.faults, verdict.total], [[], 3000])
      assert.notDeepEqual(Object.values(verdict.balances), [1000, 1000, 1000])
    }).pipe(Effect.scoped, Random.withSeed("ledger"))
  )

  it.effect("lost-node: the pod of the lost node says Running, and its node is not ready", () =>
    Effect.gen(function* () {
      const sandbox = yield* begun("lost-node")
      const { spec, status } = sandbox.registry.find(pods, "shop", "ledger-1")
      assert.strictEqual(status.phase, "Running")
      assert.isFalse(isReady(spec.nodeName ?? "", sandbox, nodes))
    }).pipe(Effect.scoped, Random.withSeed("lost"))
  )

  it.effect("empty: six nodes and no pod", () =>
    Effect.gen(function* () {
      const sandbox = yield* begun("empty")
      assert.lengthOf(sandbox.store.list(nodes), 6)
      assert.isEmpty(sandbox.store.list(pods))
    }).pipe(Effect.scoped)
  )

  it.effect("ends with its scope: no money moves any more", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const sandbox = yield* Effect.provideService(begun("ledger"), Scope.Scope, scope)
      const pod = sandbox.registry.find(pods, "shop", "ledger-0")
      const volume = sandbox.processes.get(pod.metadata.uid, "ledger")?.host.volume("/data")
      assert.isDefined(volume)
      yield* Scope.close(scope, Exit.void)
      const last = volume?.readText("log")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(volume?.readText("log"), last)
    }).pipe(Random.withSeed("end"))
  )
})
