import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { type Cluster } from "../../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import type { Profile } from "../../../packages/sdk/src/Profile.ts"
import type { Progress } from "../../../packages/sdk/src/operation/Progress.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref, withCluster } from "../../simulation/world.ts"
import { ann, bob, command, hooks, interruptAt, on, refusal, set } from "./callers.ts"

describe("scaling with hooks", () => {
  it.effect("says goodbye before it removes, hello after readiness, from the start ordinal on", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, start: 5, readyAfter: 200 })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 3, profile: hooks, identity: ann })))
      yield* drive(on(world)(Scale.scale(ref, { replicas: 2, profile: hooks, identity: ann })))
      assert.deepEqual(world.log, [
        "create db-7",
        "ready db-7",
        "join db-7",
        "leave db-7",
        "delete db-7",
        "gone db-7"
      ])
    })
  )

  it.effect("removes nothing when a goodbye fails", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2 })
      world.answers.set("leave", 3)
      const error = yield* refusal(
        drive(on(world)(Scale.scale(ref, { replicas: 1, profile: hooks, identity: ann })))
      )
      assert.strictEqual(error.reason._tag, "HookFailed")
      assert.include(error.message, "beforeRemove in db-1 failed: exit code 3")
      assert.include(error.action ?? "", "kubectl stateful resume")
      assert.deepEqual(world.log, [])
    })
  )

  it.effect("rejoins a member that said goodbye when the scaling is aborted", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3 })
      const entry = yield* interruptAt(world, "leave db-2", { replicas: 1, profile: hooks })
      const result = yield* drive(
        on(world)(Scale.abort(at(entry.plan.id), { profile: hooks, identity: bob, hookOutcome: "succeeded" }))
      )
      assert.strictEqual(result.outcome, "Aborted")
      assert.deepEqual([...world.members].toSorted(), ["db-0", "db-1", "db-2"])
    })
  )

  it.effect("waits for a person when nobody knows what became of a hook", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2 })
      const cut: Cluster["Service"] = {
        ...world.sandbox.cluster,
        exec: (request) =>
          request.command.includes("leave")
            ? Effect.map(world.sandbox.cluster.exec(request), (session) => ({
                ...session,
                stdout: session.stderr,
                exit: Effect.as(session.exit, { _tag: "Unknown" as const, message: "the connection closed" })
              }))
            : world.sandbox.cluster.exec(request)
      }
      const scaling = Scale.scale(ref, { replicas: 1, profile: hooks, identity: ann })
      const error = yield* refusal(drive(withCluster(cut)(scaling)))
      assert.strictEqual(error.reason._tag, "HookUnknown")
      const [entry] = yield* on(world)(Journal.list("shop", "db"))
      const id = entry?.plan.id ?? ""
      const again = yield* refusal(drive(on(world)(Scale.resume(at(id), { profile: hooks, identity: bob }))))
      assert.strictEqual(again.reason._tag, "HookUnknown")
      yield* drive(
        on(world)(Scale.resume(at(id), { profile: hooks, identity: bob, hookOutcome: "succeeded" }))
      )
      assert.deepEqual(world.log, ["leave db-1", "delete db-1", "gone db-1"])
    })
  )

  it.effect("resumes only with the hooks that it was begun with", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3 })
      const entry = yield* interruptAt(world, "leave db-2", { replicas: 1, profile: hooks })
      const other: Profile = { ...hooks, beforeRemove: command("leave", "everything") }
      const error = yield* refusal(
        drive(on(world)(Scale.resume(at(entry.plan.id), { profile: other, identity: bob })))
      )
      assert.strictEqual(error.reason._tag, "Mismatch")
      assert.notInclude(JSON.stringify(entry), "leave")
    })
  )

  for (const [what, broken, said] of [
    ["names a container that is not there", { container: "no-such" }, "no-such"],
    ["needs a shell that the image does not have", { container: "bare" }, "no sh"]
  ] as const) {
    it.effect(`a hook that ${what} is refused before anything is changed`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ replicas: 2, readyAfter: 100, bare: true })
        const profile: Profile = { beforeRemove: { ...command("leave", "{pod}"), ...broken } }
        const error = yield* refusal(
          drive(on(world)(Scale.scale(ref, { replicas: 1, profile, identity: ann })))
        )
        assert.strictEqual(error.reason._tag, "HookFailed")
        assert.include(error.message, said)
        assert.include(error.action ?? "", "nothing was changed")
        assert.deepEqual(yield* on(world)(Journal.list("shop")), [])
      })
    )
  }

  it.effect("a goodbye that hangs stops the operation in its time, and removes nothing", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 100 })
      world.hanging.add("leave")
      const error = yield* refusal(
        drive(on(world)(Scale.scale(ref, { replicas: 1, profile: hooks, identity: ann })))
      )
      assert.strictEqual(error.reason._tag, "HookUnknown")
      assert.include(error.action ?? "", "--hook-outcome")
      assert.notInclude(world.log.join(), "delete")
    })
  )

  it.effect("a pod replaced during its goodbye is another member: nothing is removed", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 100 })
      world.hanging.add("leave")
      const fiber = yield* Effect.forkChild(
        Effect.exit(on(world)(Scale.scale(ref, { replicas: 1, profile: hooks, identity: ann })))
      )
      yield* TestClock.adjust("3 seconds")
      yield* on(world)(Resource.remove({ api: kinds.pods, namespace: "shop", name: "db-1" }))
      const exit = yield* drive(Fiber.join(fiber))
      assert.isTrue(Exit.isFailure(exit))
      const after = yield* on(world)(Resource.getObject(set))
      assert.strictEqual(Reflect.get(Object(after["spec"]), "replicas"), 2)
    })
  )

  it.effect("has a leader that is about to leave step down first, and waits until it does", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 100 })
      world.leader = "db-2"
      const profile: Profile = { ...hooks, roles: command("role"), stepDown: command("step-down") }
      const notes: Array<string> = []
      const report = (event: Progress) =>
        Effect.sync(() => void (event._tag === "Note" && notes.push(event.message)))
      yield* drive(on(world)(Scale.scale(ref, { replicas: 2, profile, identity: ann, report })))
      assert.deepEqual(world.log, ["step-down db-2", "leave db-2", "delete db-2", "gone db-2"])
      assert.deepEqual(notes, ["db-2 gave leadership away"])
    })
  )

  it.effect("removes nobody while those that stay are ready but not healthy", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 100 })
      world.answers.set("is-well", 1)
      const profile: Profile = { ...hooks, roles: command("role"), health: command("is-well") }
      const error = yield* refusal(
        drive(on(world)(Scale.scale(ref, { replicas: 2, profile, identity: ann, stepTimeout: 20_000 })))
      )
      assert.strictEqual(error.reason._tag, "TimedOut")
      assert.include(error.message, "quorum: 0 of the 2 remaining members healthy")
      assert.deepEqual(world.log, [])
    })
  )
})
