/** Scaling with every call failing, every reply lost and every death of its caller, one by one. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Journal from "../../packages/sdk/src/operation/Journal.ts"
import type { Profile } from "../../packages/sdk/src/Profile.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import { configmaps } from "../../packages/sdk/src/sandbox/resource/core.ts"
import * as Scale from "../../packages/sdk/src/Scale.ts"
import { type FaultKind, faulty } from "./faults.ts"
import { at, drive, makeWorld, ref, withCluster, type World, type WorldOptions } from "./world.ts"

const command = (...argv: ReadonlyArray<string>) =>
  ({ _tag: "Command", argv, container: null, timeout: 5000 }) as const

const profile: Profile = {
  beforeRemove: command("leave", "{pod}"),
  afterAdd: command("join", "{pod}"),
  probe: command("is-member")
}

interface Scenario {
  readonly name: string
  readonly world: WorldOptions
  readonly to: number
  readonly profile: Profile
}

const quick = { readyAfter: 200 }
const scenarios: ReadonlyArray<Scenario> = [
  { name: "1 to 3 without hooks", world: { ...quick, replicas: 1 }, to: 3, profile: {} },
  { name: "3 to 1 without hooks", world: { ...quick, replicas: 3 }, to: 1, profile: {} },
  { name: "1 to 3 with hooks", world: { ...quick, replicas: 1 }, to: 3, profile },
  { name: "3 to 1 with hooks", world: { ...quick, replicas: 3 }, to: 1, profile },
  {
    name: "2 to 0, data kept against whenScaled Delete",
    world: { ...quick, replicas: 2, whenScaled: "Delete" },
    to: 0,
    profile: {}
  },
  { name: "Parallel 1 to 4", world: { ...quick, replicas: 1, policy: "Parallel" }, to: 4, profile: {} }
]

const options = (scenario: Scenario, identity: string) => ({
  replicas: scenario.to,
  profile: scenario.profile,
  identity,
  stepTimeout: 60_000
})

/** I6: a pod is created after the one before it was ready, and deleted after the one behind it was gone. */
const checkOrder = (world: World) => {
  if (world.options.policy === "Parallel") return
  const ready = new Set(Array.from({ length: world.options.replicas }, (_, index) => `db-${index}`))
  const there = new Set(ready)
  for (const line of world.log) {
    const [what = "", pod = ""] = line.split(" ")
    const ordinal = Number(pod.slice(3))
    if (what === "create") {
      if (ordinal > 0) assert.isTrue(ready.has(`db-${ordinal - 1}`), world.log.join(", "))
      there.add(pod)
    }
    if (what === "ready") ready.add(pod)
    if (what === "delete") assert.isFalse(there.has(`db-${ordinal + 1}`), world.log.join(", "))
    if (what === "gone") {
      there.delete(pod)
      ready.delete(pod)
    }
  }
}

/** Hellos come after readiness, goodbyes before the deletion, each once. */
const checkHooks = (world: World) => {
  for (const [index, line] of world.log.entries()) {
    const [what = "", pod = ""] = line.split(" ")
    const before = world.log.slice(0, index)
    if (what === "join") assert.include(before, `ready ${pod}`)
    if (what === "join" || what === "leave") assert.notInclude(before, line, world.log.join(", "))
  }
}

const names = (items: ReadonlyArray<Resource.KubeObject>) =>
  items.map((item) => item.metadata.name).toSorted()

const checkEnd = (world: World, count: number, hooked: boolean) =>
  withCluster(world.sandbox.cluster)(
    Effect.gen(function* () {
      const story = world.log.join(", ")
      const pods = yield* Resource.list(Resource.pods, { namespace: "shop" })
      const expected = Array.from({ length: count }, (_, index) => `db-${index}`)
      assert.deepEqual(names(pods.items), expected, story)
      if (hooked) assert.deepEqual([...world.members].toSorted(), expected, story)
      const set = yield* Resource.get({ api: Resource.statefulSets, namespace: "shop", name: "db" })
      const annotations = Object.keys(Object(set.metadata["annotations"] ?? {}))
      assert.deepEqual(annotations, count === 0 ? ["kubectl-stateful.dev/replicas"] : [], story)
      const leases = yield* Resource.list(Resource.leases, { namespace: "shop" })
      assert.deepEqual(names(leases.items), [], story)
      const journals = yield* Journal.list("shop")
      assert.deepEqual(
        journals.filter((entry) => Journal.isOpen(entry.progress)),
        [],
        story
      )
      const claims = yield* Resource.list(Resource.persistentVolumeClaims, { namespace: "shop" })
      const most = Math.max(count, world.options.replicas)
      assert.deepEqual(
        names(claims.items),
        Array.from({ length: most }, (_, index) => `data-db-${index}`),
        story
      )
      const spec: Record<string, unknown> = Object(set["spec"])
      assert.deepEqual(spec["persistentVolumeClaimRetentionPolicy"], {
        whenScaled: world.options.whenScaled ?? "Retain",
        whenDeleted: "Retain"
      })
      checkOrder(world)
      if (hooked) checkHooks(world)
    })
  )

/** I4: before the first effect there is a journal; before each hook an intent that is not yet concluded. */
const watchful =
  (world: World) =>
  (call: {
    readonly request?: { readonly method: string; readonly path: string }
    readonly command?: ReadonlyArray<string>
  }) => {
    const journals = world.sandbox.store.list(configmaps, "shop").map((one) => JSON.stringify(one))
    const { request, command } = call
    const isEffect =
      (request?.method === "PATCH" && request.path.endsWith("/statefulsets/db")) ||
      (request?.method === "POST" && request.path.endsWith("/persistentvolumeclaims"))
    if (isEffect) assert.isAbove(journals.length, 0, "an effect without a journal")
    const hook = command?.[6]
    if (hook === "join" || hook === "leave") {
      assert.isTrue(
        journals.some((text) => text.includes("Begun")),
        "a hook without an intent"
      )
    }
  }

/** What another caller does who finds things as they are. */
const takeUp = (world: World, scenario: Scenario) =>
  drive(
    withCluster(world.sandbox.cluster)(
      Effect.gen(function* () {
        const [open] = (yield* Journal.list("shop", "db")).filter((entry) => Journal.isOpen(entry.progress))
        const mine = options(scenario, "bob@desk")
        return open === undefined
          ? yield* Scale.scale(ref, mine)
          : yield* Scale.resume(at(open.plan.id), mine)
      })
    )
  )

const attempt = (scenario: Scenario, index: number, kind: FaultKind) =>
  Effect.gen(function* () {
    const world = yield* makeWorld(scenario.world)
    const port = faulty(world.sandbox.cluster, { index, kind }, watchful(world))
    const fiber = yield* Effect.forkChild(
      Effect.exit(withCluster(port.cluster)(Scale.scale(ref, options(scenario, "ann@laptop"))))
    )
    for (
      let waited = 0;
      waited < 400_000 && fiber.pollUnsafe() === undefined && !port.isDead();
      waited += 100
    ) {
      yield* TestClock.adjust(100)
    }
    if (port.isDead()) {
      yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* takeUp(world, scenario)
    } else {
      const exit = yield* Fiber.join(fiber)
      if (exit._tag === "Failure") yield* takeUp(world, scenario)
    }
    yield* checkEnd(world, scenario.to, scenario.profile.afterAdd !== undefined)
    return port.calls()
  })

/** Whoever finds a dead caller's operation goes back instead of on. */
const abortAfterDeath = (scenario: Scenario, index: number) =>
  Effect.gen(function* () {
    const world = yield* makeWorld(scenario.world)
    const port = faulty(world.sandbox.cluster, { index, kind: "crashAfter" })
    const fiber = yield* Effect.forkChild(
      Effect.exit(withCluster(port.cluster)(Scale.scale(ref, options(scenario, "ann@laptop"))))
    )
    for (
      let waited = 0;
      waited < 60_000 && fiber.pollUnsafe() === undefined && !port.isDead();
      waited += 100
    ) {
      yield* TestClock.adjust(100)
    }
    if (!port.isDead()) return port.calls()
    yield* Effect.forkChild(Fiber.interrupt(fiber))
    const aborted = yield* drive(
      withCluster(world.sandbox.cluster)(
        Effect.gen(function* () {
          const [open] = (yield* Journal.list("shop", "db")).filter((entry) => Journal.isOpen(entry.progress))
          if (open === undefined) return false
          const result = yield* Scale.abort(at(open.plan.id), options(scenario, "bob@desk"))
          assert.strictEqual(result.outcome, "Aborted")
          return true
        })
      )
    )
    const { replicas } = world.options
    if (!aborted) return port.calls()
    const pods = yield* withCluster(world.sandbox.cluster)(
      Resource.list(Resource.pods, { namespace: "shop" })
    )
    const expected = Array.from({ length: replicas }, (_, one) => `db-${one}`)
    assert.deepEqual(names(pods.items), expected, world.log.join(", "))
    if (scenario.profile.afterAdd !== undefined) {
      assert.deepEqual([...world.members].toSorted(), expected, world.log.join(", "))
    }
    // Claims that no pod ever had are gone; one that a pod may have written to is kept.
    const claims = names(
      (yield* withCluster(world.sandbox.cluster)(
        Resource.list(Resource.persistentVolumeClaims, { namespace: "shop" })
      )).items
    )
    const created = world.log
      .filter((line) => line.startsWith("create "))
      .map((line) => `data-${line.slice(7)}`)
    for (const claim of created) assert.include(claims, claim, "a claim that a pod had was removed")
    return port.calls()
  })

const kinds: ReadonlyArray<FaultKind> = ["unsent", "lost", "crashBefore", "crashAfter"]

describe("scaling ends the same, whatever fails on the way", () => {
  for (const scenario of scenarios) {
    for (const kind of kinds) {
      it.effect(
        `${scenario.name}, ${kind} at each call`,
        () =>
          Effect.gen(function* () {
            let index = 1
            for (; ; index++) {
              const calls = yield* Effect.scoped(attempt(scenario, index, kind)).pipe(
                Effect.catchDefect((defect) =>
                  Effect.die(
                    new Error(`call ${index}: ${defect instanceof Error ? defect.message : String(defect)}`)
                  )
                ),
                Effect.catch((error) => Effect.die(new Error(`call ${index}: ${error.message}`)))
              )
              // A dead caller's last words are given up.
              yield* TestClock.adjust("15 seconds")
              if (calls < index) break
            }
            console.log(`${scenario.name}: ${index - 1} points, ${kind}`)
            assert.isAbove(index, 20)
          }),
        300_000
      )
    }
  }
})

describe("an abort goes back, wherever the caller died", () => {
  for (const scenario of scenarios) {
    it.effect(
      scenario.name,
      () =>
        Effect.gen(function* () {
          let index = 1
          for (; ; index++) {
            const calls = yield* Effect.scoped(abortAfterDeath(scenario, index)).pipe(
              Effect.catch((error) => Effect.die(new Error(`call ${index}: ${error.message}`)))
            )
            yield* TestClock.adjust("15 seconds")
            if (calls < index) break
          }
          console.log(`${scenario.name}: ${index - 1} points, abort`)
          assert.isAbove(index, 20)
        }),
      300_000
    )
  }
})
