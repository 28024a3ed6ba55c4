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
import { statefulsets } from "../../packages/sandbox/src/registry/kinds/apps.ts"
import { persistentvolumeclaims, persistentvolumes } from "../../packages/sandbox/src/registry/kinds/core.ts"
import * as Scale from "../../packages/sdk/src/Scale.ts"
import {
  type Calls,
  type Decorate,
  isRead,
  marked,
  optionsOf,
  plain,
  type Scenario,
  worthOf
} from "./scaling.ts"
import { at, drive, makeWorld, ref, withCluster } from "./world.ts"

interface Gate {
  /** At this call, from 1, it falls asleep: nothing that it sends from then on goes out. */
  readonly at: number
  calls: number
  asleep: boolean
  /** Which calls, by number, only read. */
  readonly reads: Set<number>
  /** The first call that changes something. */
  firstWrite: number
  /** Which calls, by number, are of the kind that the scenario is about. */
  readonly chosen: Array<number>
}

const gateAt = (at: number): Gate => ({
  at,
  calls: 0,
  asleep: false,
  reads: new Set(),
  firstWrite: 0,
  chosen: []
})

/** `done`: the writes that were accepted. What commands did is told by the world. */
const sleeping = (
  inner: Cluster["Service"],
  gate: Gate,
  done: Array<string>,
  only: Scenario["only"]
): Cluster["Service"] => {
  const passing = (kind: "read" | "request" | "exec") =>
    Effect.gen(function* () {
      gate.calls += 1
      if (kind === "read") gate.reads.add(gate.calls)
      if (kind === "request" && gate.firstWrite === 0) gate.firstWrite = gate.calls
      if (gate.calls === gate.at) gate.asleep = true
      while (gate.asleep) yield* Effect.sleep(100)
    })
  return {
    ...inner,
    request: (request) =>
      Effect.gen(function* () {
        yield* passing(isRead(request) ? "read" : "request")
        if (only?.(request) === true) gate.chosen.push(gate.calls)
        const response = yield* inner.request(request)
        // Claims, volumes and pods carry no token: what matters is that they are in the end as they were.
        const counts =
          request.method !== "GET" && !/accessreviews|persistentvolume|[/]pods[/]/.test(request.path)
        if (counts && response.status < 300) done.push(`${request.method} ${request.path}`)
        return response
      }),
    watch: (request) => Stream.unwrap(Effect.as(passing("read"), inner.watch(request))),
    exec: (request) =>
      Effect.gen(function* () {
        yield* passing("exec")
        const session = yield* inner.exec(request)
        return { ...session, write: (chunk) => Effect.andThen(passing("exec"), session.write(chunk)) }
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

/** The calls of a caller that never sleeps, as naps count them. */
export const callsAwake = (scenario: Scenario): Effect.Effect<Calls> =>
  Effect.gen(function* () {
    const world = yield* makeWorld(scenario.world)
    const gate = gateAt(Infinity)
    const awake = withCluster(sleeping(world.sandbox.cluster, gate, [], scenario.only))
    yield* drive(awake(Effect.ignore(Scale.scale(ref, optionsOf(scenario, "ann@laptop")))))
    return { ...gate, worth: worthOf(gate.chosen) }
  }).pipe(Effect.scoped)

/** One nap; null calls mean that the operation was over before. */
export const nap = (scenario: Scenario, index: number, takeOver: TakeOver, decorate: Decorate = plain) =>
  Effect.gen(function* () {
    const world = yield* makeWorld(scenario.world)
    const port = decorate(world.sandbox.cluster, world)
    const gate = gateAt(index)
    const done: Array<string> = []
    const fiber = yield* Effect.forkChild(
      Effect.exit(
        withCluster(sleeping(port, gate, done, scenario.only))(
          Scale.scale(ref, optionsOf(scenario, "ann@laptop"))
        )
      )
    )
    for (let waited = 0; waited < 60_000 && fiber.pollUnsafe() === undefined && !gate.asleep; waited += 50) {
      yield* TestClock.adjust(50)
    }
    const nobody: Nap = { calls: gate.calls, after: [] }
    if (!gate.asleep) return nobody
    const bob = optionsOf(scenario, "bob@desk")
    const open = (yield* withCluster(port)(Journal.list("shop", "db"))).find((entry) =>
      Journal.isOpen(entry.status)
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
    const draining = marked(world)
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
    assert.deepEqual(marked(world), draining, "marks of pods")
    const more = world.log.slice(story.length)
    return { calls: gate.calls, after: [...done, ...more] }
  }).pipe(Effect.scoped)
