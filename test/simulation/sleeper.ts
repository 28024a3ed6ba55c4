/**
 * A caller that is put to sleep exactly between its look and its next call, as a laptop that is
 * closed, while another takes its operation over; then it wakes up and sends what it was about to send.
 */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Cluster } from "../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../packages/sdk/src/operation/Journal.ts"
import { statefulsets } from "../../packages/sdk/src/sandbox/resource/apps.ts"
import { persistentvolumeclaims, persistentvolumes } from "../../packages/sdk/src/sandbox/resource/core.ts"
import * as Scale from "../../packages/sdk/src/Scale.ts"
import { type Decorate, optionsOf, plain, type Scenario } from "./scaling.ts"
import { at, drive, makeWorld, ref, withCluster } from "./world.ts"

interface Gate {
  /** At this call, from 1, it falls asleep: nothing that it sends from then on goes out. */
  readonly at: number
  calls: number
  asleep: boolean
}

/** `done`: the writes that were accepted. What commands did is told by the world. */
const sleeping = (inner: Cluster["Service"], gate: Gate, done: Array<string>): Cluster["Service"] => {
  const pass = Effect.gen(function* () {
    gate.calls += 1
    if (gate.calls === gate.at) gate.asleep = true
    while (gate.asleep) yield* Effect.sleep(100)
  })
  return {
    ...inner,
    request: (request) =>
      Effect.gen(function* () {
        yield* pass
        const response = yield* inner.request(request)
        // Claims and volumes carry no token: what matters is that they are in the end as they were.
        const counts = request.method !== "GET" && !/accessreviews|persistentvolume/.test(request.path)
        if (counts && response.status < 300) done.push(`${request.method} ${request.path}`)
        return response
      }),
    watch: (request) => Stream.unwrap(Effect.as(pass, inner.watch(request))),
    exec: (request) =>
      Effect.gen(function* () {
        yield* pass
        const session = yield* inner.exec(request)
        return { ...session, write: (chunk) => Effect.andThen(pass, session.write(chunk)) }
      })
  }
}

/** How another caller takes over, and how the application is then. */
export type TakeOver = "resume" | "abort"

export interface Nap {
  readonly calls: number
  /** What the sleeper still did after another had finished its operation. */
  readonly after: ReadonlyArray<string>
}

/** One nap; null calls mean that the operation was over before. */
export const nap = (scenario: Scenario, index: number, takeOver: TakeOver, decorate: Decorate = plain) =>
  Effect.gen(function* () {
    const world = yield* makeWorld(scenario.world)
    const port = decorate(world.sandbox.cluster, world)
    const gate: Gate = { at: index, calls: 0, asleep: false }
    const done: Array<string> = []
    const fiber = yield* Effect.forkChild(
      Effect.exit(
        withCluster(sleeping(port, gate, done))(Scale.scale(ref, optionsOf(scenario, "ann@laptop")))
      )
    )
    for (let waited = 0; waited < 60_000 && fiber.pollUnsafe() === undefined && !gate.asleep; waited += 50) {
      yield* TestClock.adjust(50)
    }
    const nobody: Nap = { calls: gate.calls, after: [] }
    if (!gate.asleep) return nobody
    const bob = optionsOf(scenario, "bob@desk")
    const open = (yield* withCluster(port)(Journal.list("shop", "db"))).find((entry) =>
      Journal.isOpen(entry.progress)
    )
    if (open !== undefined) {
      const id = at(open.plan.id)
      yield* drive(withCluster(port)(takeOver === "resume" ? Scale.resume(id, bob) : Scale.abort(id, bob)))
    }
    const claims = () =>
      world.sandbox.store.list(persistentvolumeclaims, "shop").map(({ metadata }) => metadata.name)
    const policies = () =>
      world.sandbox.store.list(persistentvolumes).map(({ spec }) => spec.persistentVolumeReclaimPolicy)
    const kept = claims()
    const reclaimed = policies()
    const settled = JSON.stringify(world.sandbox.store.list(statefulsets, "shop").map(({ spec }) => spec))
    const members = [...world.members].toSorted()
    const story = [...world.log]
    done.length = 0
    gate.asleep = false
    for (let waited = 0; waited < 60_000 && fiber.pollUnsafe() === undefined; waited += 100) {
      yield* TestClock.adjust(100)
    }
    assert.ok(fiber.pollUnsafe() !== undefined, "I12: a caller that was fenced does not end")
    const exit = yield* Fiber.join(fiber)
    if (open === undefined) return nobody
    assert.equal(exit._tag, "Failure", "a caller that was fenced was told that it succeeded")
    assert.equal(
      JSON.stringify(world.sandbox.store.list(statefulsets, "shop").map(({ spec }) => spec)),
      settled,
      `the StatefulSet: ${done.join(", ")}`
    )
    assert.deepEqual([...world.members].toSorted(), members, `the members: ${done.join(", ")}`)
    assert.deepEqual(claims(), kept, "claims that nobody asked for")
    assert.deepEqual(policies(), reclaimed, "reclaim policies")
    const more = world.log.slice(story.length)
    return { calls: gate.calls, after: [...done, ...more] }
  }).pipe(Effect.scoped)
