/** A restore whose caller dies, or whose reply is lost, at any request: one state whole, the old or the new. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ClusterError } from "../../../packages/sdk/src/Cluster.ts"
import type { Progress } from "../../../packages/sdk/src/operation/Progress.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { atCall, type Fault } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, on } from "../scale/callers.ts"
import {
  assertNothingLost,
  assertSettled,
  claimNames,
  every,
  restore,
  snapshot,
  stateOf,
  withSnapshot,
  faults,
  openOf
} from "./world.ts"

const ways = { resume: Restore.resume, abort: Restore.abort }
const final = ["data-db-0", "data-db-1", "data-db-2"]

/** Whether the state is whole, which one it is, and nothing lost. */
const assertState = (world: World, state: string) => {
  assert.strictEqual(stateOf(world), state)
  assertNothingLost(world, "after")
  assertSettled(world)
}

const ended = (
  world: World,
  way: keyof typeof ways,
  at: { readonly namespace: string; readonly id: string }
) =>
  Effect.gen(function* () {
    const { outcome, unmet } = yield* drive(on(world)(ways[way](at, { identity: bob })))
    assert.strictEqual(outcome, way === "abort" ? "Aborted" : "Succeeded", unmet.join())
    assertState(world, way === "abort" ? "after" : "before")
    if (way === "abort") {
      // What pods may have written to since is kept; all else that was made is gone.
      const left = claimNames(world).filter((name) => !final.includes(name))
      assert.deepEqual(
        left.filter((name) => !name.includes("-new-")),
        []
      )
    }
  })

/** Runs with one fault at the request of this number; false: there are not so many. */
const attempt = (index: number, fault: Fault, way: keyof typeof ways, undoes: boolean) =>
  Effect.gen(function* () {
    const world = yield* withSnapshot({ whenScaled: "Delete" })
    const first = undoes ? yield* restore(world) : null
    const { cluster, record } = inject(world.sandbox.cluster, atCall(index, fault))
    const options = { identity: ann, stepTimeout: 60_000 }
    const run =
      first === null
        ? Restore.restore(snapshot, options)
        : Restore.undo({ namespace: "shop", id: first.id ?? "" }, options)
    const exit = yield* drive(Effect.exit(withCluster(cluster)(run)))
    if (record.calls.length < index) return false
    const at = yield* openOf(world)
    const [old, wanted] = undoes ? ["before", "after"] : ["after", "before"]
    if (at === null) {
      // A question before it has begun may fail; then nothing was changed.
      const done = exit._tag === "Success" && exit.value.outcome === "Succeeded"
      const place = `${fault._tag} at ${index}`
      if (exit._tag === "Success") assert.isTrue(done, `${place}: ${exit.value.unmet.join()}`)
      assert.strictEqual(stateOf(world), done || fault._tag === "Kill" ? stateOf(world) : old, place)
      if (done) assert.strictEqual(stateOf(world), wanted, place)
      assertNothingLost(world, "after")
      return true
    }
    if (undoes) {
      const { outcome, unmet } = yield* drive(on(world)(ways[way](at, { identity: bob })))
      assert.strictEqual(outcome, way === "abort" ? "Aborted" : "Succeeded", `${index}: ${unmet.join()}`)
      assert.strictEqual(stateOf(world), way === "abort" ? old : wanted)
      assertNothingLost(world, "after")
      assertNothingLost(world, "before")
      assertSettled(world)
    } else yield* ended(world, way, at)
    return true
  })

describe("in a restore", () => {
  for (const [place, [name, fault]] of Object.entries(faults).entries()) {
    for (const undoes of [false, true]) {
      it.effect(
        `${name} any request${undoes ? " of an undo" : ""} leaves one state whole, and nothing lost`,
        () =>
          Effect.gen(function* () {
            let points = 0
            const stride = every > 1 ? every * 2 : 1
            // Each fault at requests of its own.
            for (let index = 1 + ((place * 17) % every); ; index += stride) {
              const way = points % 2 === 0 ? ("abort" as const) : ("resume" as const)
              const more = yield* attempt(index, fault, way, undoes).pipe(
                Effect.tapCause(() => Effect.sync(() => console.log(`POINT ${index} ${way}`)))
              )
              if (!more) break
              points += 1
            }
            console.log(`${name}${undoes ? ", undo" : ""}: ${points} points`)
            assert.isAbove(points, 0)
          })
      )
    }
  }
})

/** Which of the steps that run side by side a request belongs to: the claims that its step names. */
const claimsOf = (step: object): ReadonlyArray<string> =>
  Object.entries(step).flatMap(([key, value]) =>
    (key === "from" || key === "to") && typeof value === "string" ? [value] : []
  )

/** Every write of one step fails, until the caller gives up; null: the plan has no such step. */
const failing = (index: number) =>
  Effect.gen(function* () {
    const world = yield* withSnapshot({ replicas: 2, whenScaled: "Delete" })
    const plan = yield* on(world)(Restore.prepare(snapshot))
    if (index >= plan.steps.length) return null
    const step = plan.steps[index]
    const names = claimsOf(step ?? {})
    let at = -1
    const inner = world.sandbox.cluster
    const cluster = {
      ...inner,
      request: (request: Parameters<typeof inner.request>[0]) =>
        Effect.suspend(() => {
          const isLook = step?._tag === "AssertClaims"
          const told = `${request.path} ${request.body}`
          const isOfIt = names.length === 0 ? at === index : names.some((name) => told.includes(name))
          const isHit = at >= index && isOfIt && (request.method !== "GET" || isLook)
          // The journal says that it failed.
          const isOurs = request.path.includes("/configmaps/") || request.path.includes("/leases/")
          return isHit && !isOurs
            ? Effect.fail(new ClusterError({ reason: { _tag: "Invalid" }, message: "a webhook said no" }))
            : inner.request(request)
        })
    }
    const report = (event: Progress) =>
      Effect.sync(() => {
        if (event._tag === "Step") at = Math.max(at, event.index)
      })
    const options = { identity: ann, report, stepTimeout: 60_000 }
    const exit = yield* drive(Effect.exit(withCluster(cluster)(Restore.run(plan, options))))
    return {
      world,
      at: { namespace: "shop", id: plan.id },
      failed: exit._tag === "Failure",
      step: step?._tag
    }
  })

/** A step fails; then the old state is whole, by an undo or by an abort. Null: the plan has no such step. */
const takenBack = (index: number, undoes: boolean) =>
  Effect.gen(function* () {
    const found = yield* failing(index)
    if (found === null) return null
    const { world, at, step = "" } = found
    assert.isTrue(found.failed, step)
    const way = undoes ? "resume" : "abort"
    const ended = yield* drive(on(world)(ways[way](at, { identity: bob })))
    assert.strictEqual(ended.outcome, undoes ? "Succeeded" : "Aborted", `${step}: ${ended.unmet.join()}`)
    if (undoes) {
      assert.strictEqual(stateOf(world, 2), "before", step)
      const { outcome, unmet } = yield* drive(on(world)(Restore.undo(at, { identity: bob })))
      assert.strictEqual(outcome, "Succeeded", `${step}: ${unmet.join()}`)
    }
    assert.strictEqual(stateOf(world, 2), "after", step)
    assertSettled(world)
    return step
  })

describe("a restore of which one step fails", () => {
  it.effect("is the old state whole by an abort, and by an undo once it was resumed", () =>
    Effect.gen(function* () {
      const failed: Array<string> = []
      for (let index = 0; ; index++) {
        const step = yield* takenBack(index, index % 2 === 0)
        if (step === null) break
        failed.push(step)
        // `npm test` takes one of the two at each step.
        if (every === 1) yield* takenBack(index, index % 2 !== 0)
      }
      console.log(`each of ${failed.length} steps failed${every === 1 ? ", aborted and undone" : ""}`)
      assert.deepEqual(
        [...new Set(failed)],
        [
          "FillClaims",
          "RetainVolumes",
          "SetRetention",
          "SetReplicas",
          "MoveVolume",
          "AttachVolume",
          "AssertClaims",
          "RestoreRetention",
          "HandOverPolicies"
        ]
      )
    })
  )
})
