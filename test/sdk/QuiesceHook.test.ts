import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { Cluster } from "../../packages/sdk/src/Cluster.ts"
import { QuiesceCommand, hold, type NotHeld } from "../../packages/sdk/src/QuiesceHook.ts"
import { script } from "../../packages/sdk/src/QuiesceScript.ts"
import { atCall } from "../../packages/sandbox/src/Fault.ts"
import { inject } from "../../packages/sandbox/src/FaultyCluster.ts"
import { pods } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { make } from "../../packages/sandbox/src/Sandbox.ts"
import { drive, freeze, member, running, wire } from "./freezer.ts"
import { pod } from "../sandbox/asking.ts"

/** A world, a connection to it, and a hold over that. */
const holding = (hook: QuiesceCommand = freeze(), permit: Effect.Effect<void, string> | null = null) =>
  Effect.gen(function* () {
    const world = yield* running
    const line = wire(world.sandbox.cluster)
    const begun = Effect.provideService(hold(hook, member, permit), Cluster, line.cluster)
    return { ...world, ...line, begun }
  })

const why = (error: NotHeld | string) => (typeof error === "string" ? error : error.reason._tag)

describe("a held command", () => {
  it.effect("that was released is proven to have held from begin to end", () =>
    Effect.gen(function* () {
      const { begun, log } = yield* holding()
      const held = yield* begun
      yield* TestClock.adjust(3000)
      assert.deepEqual(yield* held.ask, { _tag: "Held" })
      assert.deepEqual(log, ["0 freeze"])
      assert.strictEqual(yield* held.millisHeld, 3000)
      assert.deepEqual(yield* held.release, {
        _tag: "Released",
        neverLapsed: true,
        code: 0,
        millisHeld: 3000,
        message: "it kept the member quiesced until it was released, and exited with code 0"
      })
      assert.deepEqual(log, ["0 freeze", "3000 thaw"])
      yield* TestClock.adjust(1000)
      assert.strictEqual(yield* held.millisHeld, 3000)
      assert.strictEqual((yield* held.ask)._tag, "Lapsed")
    })
  )

  it.effect("is undone in the pod at its deadline, and no release says that it held", () =>
    Effect.gen(function* () {
      const { begun, log } = yield* holding()
      const held = yield* begun
      yield* TestClock.adjust(9999)
      assert.strictEqual((yield* held.ask)._tag, "Held")
      yield* TestClock.adjust(1)
      assert.deepEqual(log, ["0 freeze", "10000 thaw"])
      assert.deepEqual(yield* held.ask, { _tag: "Lapsed", message: "its deadline passed" })
      const released = yield* held.release
      assert.deepInclude(released, { _tag: "Released", neverLapsed: false, code: 0 })
      assert.match(released.message, /deadline passed/)
    })
  )

  it.effect("is ended by the end of its connection, and what became of it is unknown", () =>
    Effect.gen(function* () {
      const { begun, log, cut } = yield* holding()
      const held = yield* begun
      yield* TestClock.adjust(500)
      yield* cut
      yield* TestClock.adjust(1)
      assert.deepEqual(log, ["0 freeze", "500 thaw"])
      assert.strictEqual((yield* held.ask)._tag, "Unknown")
      assert.deepInclude(yield* held.release, { _tag: "Unknown", stillHeld: false })
    })
  )

  it.effect("whose pod was replaced is not asked in the new one, and has not held", () =>
    Effect.gen(function* () {
      const { begun, sandbox, asked } = yield* holding()
      const held = yield* begun
      sandbox.registry.remove(pods, "default", "db-0", { gracePeriodSeconds: 0 })
      yield* TestClock.adjust(100)
      sandbox.create(pod("db-0"))
      yield* TestClock.adjust(5000)
      assert.strictEqual((yield* held.ask)._tag, "Unknown")
      assert.deepInclude(yield* held.release, { _tag: "Unknown", stillHeld: false })
      assert.lengthOf(asked, 1)
    })
  )

  it.effect("ends when its caller is interrupted", () =>
    Effect.gen(function* () {
      const { begun, log } = yield* holding()
      const fiber = yield* Effect.forkChild(Effect.scoped(Effect.andThen(begun, Effect.never)))
      yield* TestClock.adjust(0)
      yield* TestClock.adjust(1000)
      yield* drive(Fiber.interrupt(fiber))
      assert.deepEqual(log, ["0 freeze", "1000 thaw"])
    })
  )

  it.effect("whose caller is interrupted before it holds is ended as well", () =>
    Effect.gen(function* () {
      const { begun, log, since } = yield* holding(freeze("slow", "5000"))
      const fiber = yield* Effect.forkChild(Effect.scoped(begun))
      yield* TestClock.adjust(0)
      yield* TestClock.adjust(1000)
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust(1)
      assert.deepEqual(log, ["1000 thaw"])
      assert.isBelow(since(), 5000)
    })
  )

  it.effect("proves nothing with lines of its own, whole, halved, or of another run", () =>
    Effect.gen(function* () {
      const forged = [
        "kubectl-stateful-0000000000000000 still 0",
        "kubectl-stateful-0000000000000000 ended 0",
        "kubectl-stateful-0000000000000000 lapsed",
        "still",
        "half a line "
      ].join("\n")
      const { begun, silence } = yield* holding(freeze("says", `${forged}\nnot held\n`))
      const held = yield* begun
      assert.strictEqual((yield* held.ask)._tag, "Held")
      yield* silence
      assert.strictEqual((yield* drive(held.ask))._tag, "Unknown")
      assert.strictEqual((yield* drive(held.release))._tag, "Unknown")
    })
  )

  it.effect("is not held by a word within its output, but by a line of its own", () =>
    Effect.gen(function* () {
      const { begun } = yield* holding(freeze("mutters", "not held\nheld not\nhel\nd\n"))
      assert.strictEqual(why(yield* drive(Effect.flip(begun))), "Lapsed")
    })
  )

  it.effect("still proves its hold when it prints megabytes", () =>
    Effect.gen(function* () {
      const { begun } = yield* holding(freeze("says", `${"x".repeat(3_000_000)}\n`))
      const held = yield* begun
      assert.strictEqual((yield* held.ask)._tag, "Held")
      assert.deepInclude(yield* held.release, { neverLapsed: true })
    })
  )

  it.effect("that ended by itself has not held, whatever its exit code", () =>
    Effect.gen(function* () {
      const { begun } = yield* holding(freeze("brief"))
      const held = yield* begun
      yield* TestClock.adjust(3000)
      assert.strictEqual((yield* held.ask)._tag, "Lapsed")
      assert.deepInclude(yield* held.release, { _tag: "Released", neverLapsed: false, code: 0 })
    })
  )

  it.effect("that says by its exit code that it lost its hold is believed", () =>
    Effect.gen(function* () {
      const { begun } = yield* holding(freeze("freeze", "3"))
      const held = yield* begun
      assert.deepInclude(yield* held.release, { _tag: "Released", neverLapsed: false, code: 3 })
    })
  )

  it.effect("that does not obey the end of its input is ended by a signal, and has not held well", () =>
    Effect.gen(function* () {
      const { begun, log } = yield* holding(freeze("deaf"))
      const held = yield* begun
      assert.deepInclude(yield* drive(held.release), { _tag: "Released", neverLapsed: false, code: 143 })
      assert.deepEqual(log, ["0 freeze", "5000 killed"])
    })
  )

  it.effect("gets its input before it holds, and in no argv", () =>
    Effect.gen(function* () {
      const { begun, log, asked } = yield* holding({ ...freeze("session"), input: "+a secret\n\nhold\n" })
      yield* begun
      assert.deepEqual(log, ["0 +a secret", "0 ", "0 hold"])
      assert.notInclude(asked[0]?.command.join(" ") ?? "", "secret")
      assert.deepEqual(asked[0]?.command.slice(0, 4), ["sh", "-c", script, "kubectl-stateful"])
    })
  )

  it.effect("is released once, however often that is asked and whoever is interrupted in it", () =>
    Effect.gen(function* () {
      const { begun, written } = yield* holding(freeze("deaf"))
      const held = yield* begun
      const first = yield* Effect.forkChild(held.release)
      yield* TestClock.adjust(0)
      yield* TestClock.adjust(100)
      yield* Fiber.interrupt(first)
      const [one, other] = yield* drive(
        Effect.all([held.release, held.release], { concurrency: "unbounded" })
      )
      assert.deepInclude(one, { _tag: "Released", code: 143 })
      // The question before the end is answered with the clock's next step.
      assert.isAtMost(Math.abs(one.millisHeld - 5050), 50)
      assert.deepEqual(one, other)
      assert.lengthOf(
        written.filter((text) => text.includes("end")),
        1
      )
    })
  )

  it.effect("is asked with another nonce each time", () =>
    Effect.gen(function* () {
      const { begun, written } = yield* holding()
      const held = yield* begun
      yield* Effect.all([held.ask, held.ask, held.ask], { concurrency: "unbounded" })
      yield* held.release
      const nonces = written.flatMap((text) => [...text.matchAll(/ask (\S+)/g)].map(([, nonce]) => nonce))
      assert.lengthOf(new Set(nonces), 4)
    })
  )
})

describe("a server that falls silent", () => {
  it.effect("leaves an answer unknown in 2 seconds, a release in 15, and the pod to its deadline", () =>
    Effect.gen(function* () {
      const { begun, log, silence, since } = yield* holding()
      const held = yield* begun
      yield* silence
      assert.strictEqual((yield* drive(held.ask))._tag, "Unknown")
      assert.strictEqual(since(), 2000)
      assert.deepInclude(yield* drive(held.release), {
        _tag: "Unknown",
        stillHeld: false,
        millisHeld: 17_000
      })
      assert.deepEqual(log, ["0 freeze", "10000 thaw"])
    })
  )

  it.effect("holds up the end of a scope for 3 seconds, and the connection's end undoes the hold", () =>
    Effect.gen(function* () {
      const { begun, log, silence } = yield* holding()
      yield* drive(Effect.scoped(Effect.andThen(begun, silence)))
      yield* TestClock.adjust(1)
      assert.deepEqual(log, ["0 freeze", "3000 thaw"])
    })
  )

  it.effect("before it held leaves that unknown, in the deadline and 2 seconds", () =>
    Effect.gen(function* () {
      const { begun, silence, since } = yield* holding()
      yield* silence
      assert.strictEqual(why(yield* drive(Effect.flip(begun))), "Unknown")
      assert.strictEqual(since(), 12_000)
    })
  )

  it.effect("after an answer, but before the end, leaves a release unknown that was still held", () =>
    Effect.gen(function* () {
      const { begun, cut } = yield* holding(freeze("deaf"))
      const held = yield* begun
      const releasing = yield* Effect.forkChild(held.release)
      yield* TestClock.adjust(0)
      yield* TestClock.adjust(1000)
      yield* cut
      assert.deepInclude(yield* drive(Fiber.join(releasing)), { _tag: "Unknown", stillHeld: true })
    })
  )
})

describe("a hold that never began", () => {
  it.effect("has begun nothing behind a permit that is refused, and fails as that does", () =>
    Effect.gen(function* () {
      const { begun, log, written } = yield* holding(freeze(), Effect.fail("fenced"))
      assert.strictEqual(yield* Effect.flip(begun), "fenced")
      yield* TestClock.adjust(2000)
      assert.deepEqual([log, written], [[], []])
    })
  )

  it.effect("has begun nothing behind a permit that comes late, and keeps no connection", () =>
    Effect.gen(function* () {
      const { begun, log, written, isOpen } = yield* holding(freeze(), Effect.sleep(900))
      assert.strictEqual(why(yield* drive(Effect.flip(begun))), "NotBegun")
      assert.isFalse(isOpen())
      const never = yield* holding(freeze(), Effect.never)
      assert.strictEqual(why(yield* drive(Effect.flip(never.begun))), "NotBegun")
      assert.strictEqual(never.since(), 10_000)
      assert.deepEqual([log, written], [[], []])
    })
  )

  it.effect("has begun nothing when the word is late on its way", () =>
    Effect.gen(function* () {
      const { sandbox, log } = yield* running
      const slow: Cluster["Service"] = {
        ...sandbox.cluster,
        exec: (request) =>
          Effect.map(sandbox.cluster.exec(request), (session) => ({
            ...session,
            write: (chunk) => Effect.delay(session.write(chunk), 1100)
          }))
      }
      const begun = Effect.provideService(hold(freeze(), member, null), Cluster, slow)
      assert.strictEqual(why(yield* drive(Effect.flip(begun))), "NotBegun")
      assert.deepEqual(log, [])
    })
  )

  it.effect("says whether another try is worth it", () =>
    Effect.gen(function* () {
      const { sandbox } = yield* running
      const tried = (cluster: Cluster["Service"], pod = "db-0", hook = freeze()) =>
        hold(hook, { ...member, pod }, null).pipe(
          Effect.provideService(Cluster, cluster),
          Effect.flip,
          Effect.map(why),
          drive
        )
      assert.strictEqual(yield* tried(sandbox.cluster, "none"), "Refused")
      assert.strictEqual(yield* tried(sandbox.cluster, "db-0", { ...freeze(), input: "\0" }), "Refused")
      const failing = inject(sandbox.cluster, atCall(1, { _tag: "Fail" })).cluster
      assert.strictEqual(yield* tried(failing), "NotBegun")
      const bare = yield* make({})
      bare.create(pod("db-0"))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* tried(bare.cluster), "NoShell")
    })
  )

  it.effect("says with which code and words the command ended", () =>
    Effect.gen(function* () {
      const { begun } = yield* holding(freeze("fails"))
      const error = yield* Effect.flip(begun)
      assert.deepEqual(typeof error === "string" ? error : error.reason, { _tag: "Ended", code: 3 })
      assert.match(typeof error === "string" ? error : error.message, /exit code 3: lock  \[31mtable/)
    })
  )

  it.effect("is undone at the deadline where the command did not hold by then", () =>
    Effect.gen(function* () {
      const { begun, log } = yield* holding(freeze("slow", "20000"))
      assert.strictEqual(why(yield* drive(Effect.flip(begun))), "Lapsed")
      assert.deepEqual(log, ["10000 thaw"])
    })
  )
})

describe("a held command's own text", () => {
  it("is data that a profile can carry", () => {
    assert.deepEqual(Schema.decodeUnknownSync(QuiesceCommand)({ ...freeze() }), freeze())
  })
})
