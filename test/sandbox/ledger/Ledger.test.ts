import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { script as heldScript } from "../../../packages/sdk/src/QuiesceScript.ts"
import { script } from "../../../packages/sdk/src/Hook.ts"
import { check, describe as words } from "../../../packages/sandbox/src/ledger/Check.ts"
import { ledger } from "../../../packages/sandbox/src/ledger/Ledger.ts"
import { memberOf } from "../../../packages/sandbox/src/ledger/Member.ts"
import type { Host } from "../../../packages/sandbox/src/node/Program.ts"
import { Volume } from "../../../packages/sandbox/src/storage/Volume.ts"
import { members } from "./members.ts"

const program = ledger({ everyMillis: 20 })
const seeds = Array.from({ length: 60 }, (_, seed) => seed)

const inOrder = (host: Host, ...argv: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    let out = ""
    const write = (text: Uint8Array | string) =>
      Effect.sync(() => {
        out += typeof text === "string" ? text : new TextDecoder().decode(text)
      })
    const run = program.onExec?.(host, { argv, stdin: Stream.empty, stdout: write, stderr: write })
    const code = yield* Effect.scoped(run ?? Effect.succeed(-1))
    return { code, out }
  })

describe("the ledger", () => {
  it.effect("a cut of all members at one moment is a state that could have been, from any seed", () =>
    Effect.gen(function* () {
      let inFlight = 0
      let torn = 0
      for (const seed of seeds) {
        yield* Effect.gen(function* () {
          const { cut } = yield* members(3, program)
          yield* TestClock.adjust(yield* Random.nextIntBetween(1, 400))
          const verdict = check(cut())
          assert.deepEqual(verdict.faults, [], `seed ${seed}`)
          assert.strictEqual(verdict.total, 3000, `seed ${seed}`)
          inFlight += verdict.inFlight.length
          const raw = Object.values(verdict.balances).reduce((sum, each) => sum + each, 0)
          if (raw !== 3000) torn += 1
        }).pipe(Effect.scoped, Random.withSeed(seed))
      }
      // The cuts that a plain sum would have called broken.
      assert.isAbove(inFlight, 10)
      assert.isAbove(torn, 10)
    })
  )

  it.effect("members cut at different moments are no state of one moment, from any seed", () =>
    Effect.gen(function* () {
      for (const seed of seeds) {
        yield* Effect.gen(function* () {
          const { cut } = yield* members(3, program)
          yield* TestClock.adjust(yield* Random.nextIntBetween(100, 300))
          const names = yield* Random.shuffle(["ledger-0", "ledger-1", "ledger-2"])
          const first = cut(...names.slice(0, 1))
          yield* TestClock.adjust(200)
          const verdict = check({ ...first, ...cut(...names.slice(1)) })
          assert.isNotEmpty(verdict.faults, `seed ${seed}`)
          assert.match(words(verdict), /NOT a state of one moment/)
        }).pipe(Effect.scoped, Random.withSeed(seed))
      }
    })
  )

  it.effect("money moves: every member has sent and received", () =>
    Effect.gen(function* () {
      const { hosts } = yield* members(3, program)
      yield* TestClock.adjust(2000)
      for (const host of hosts.values()) {
        const account = memberOf(host)?.account
        assert.lengthOf(Object.keys(account?.sent ?? {}), 2)
        assert.lengthOf(Object.keys(account?.received ?? {}), 2)
        assert.isAbove(account?.position ?? 0, 50)
      }
    }).pipe(Effect.scoped, Random.withSeed("move"))
  )

  it.effect("a member that is killed at any moment recovers all of it from its volume", () =>
    Effect.gen(function* () {
      for (const seed of seeds.slice(0, 20)) {
        yield* Effect.gen(function* () {
          const { kill, start, cut } = yield* members(3, program)
          for (let round = 0; round < 3; round++) {
            yield* TestClock.adjust(yield* Random.nextIntBetween(1, 150))
            yield* kill("ledger-1")
            assert.deepEqual(check(cut()).faults, [], `seed ${seed}`)
            yield* TestClock.adjust(yield* Random.nextIntBetween(5, 50))
            yield* start("ledger-1")
          }
          yield* TestClock.adjust(300)
          const verdict = check(cut())
          assert.deepEqual(verdict.faults, [], `seed ${seed}`)
          assert.strictEqual(verdict.total, 3000)
        }).pipe(Effect.scoped, Random.withSeed(seed))
      }
    })
  )

  it.effect("members that start from a cut of one moment go on from it, and nothing is lost", () =>
    Effect.gen(function* () {
      const before = yield* Effect.scoped(
        Effect.gen(function* () {
          const { cut } = yield* members(3, program)
          yield* TestClock.adjust(333)
          return cut()
        })
      )
      const restored = yield* members(0, program)
      Object.assign(restored.volumes, before)
      for (const name of Object.keys(before)) yield* restored.start(name)
      yield* TestClock.adjust(500)
      const verdict = check(restored.cut())
      assert.deepEqual(verdict.faults, [])
      assert.strictEqual(verdict.total, 3000)
    }).pipe(Effect.scoped, Random.withSeed("restore"))
  )

  it.effect("one member restored alone shows for good, however long all go on", () =>
    Effect.gen(function* () {
      const all = yield* members(3, program)
      yield* TestClock.adjust(200)
      const old = all.cut("ledger-2")
      yield* TestClock.adjust(400)
      yield* all.kill("ledger-2")
      Object.assign(all.volumes, old)
      yield* all.start("ledger-2")
      yield* TestClock.adjust(100)
      assert.isNotEmpty(check(all.cut()).faults)
    }).pipe(Effect.scoped, Random.withSeed("alone"))
  )

  it.effect("a member whose volume is missing is missed, and so is one that dealt with the others", () =>
    Effect.gen(function* () {
      const { cut } = yield* members(3, program)
      yield* TestClock.adjust(500)
      assert.match(
        check(cut("ledger-0", "ledger-1")).faults.join(),
        /ledger-0 has dealt with ledger-2, which is not there/
      )
      assert.match(
        check({ ...cut("ledger-0", "ledger-1"), "ledger-2": new Volume() }).faults.join(),
        /ledger-2 has no log/
      )
    }).pipe(Effect.scoped, Random.withSeed("missing"))
  )

  it.effect("an applied transfer that was never logged is a fault", () =>
    Effect.gen(function* () {
      const { cut } = yield* members(2, program)
      yield* TestClock.adjust(300)
      const volumes = cut()
      const lines = volumes["ledger-0"]?.readText("log")?.split("\n") ?? []
      volumes["ledger-0"]?.write("log", `${lines.slice(0, -4).join("\n")}\n`)
      assert.match(check(volumes).faults.join(), /ledger-0 applied \d transfers? that it never logged/)
    }).pipe(Effect.scoped, Random.withSeed("applied"))
  )

  it.effect("a line that a power cut tore counts for nothing, and the next stands on a line of its own", () =>
    Effect.gen(function* () {
      const all = yield* members(3, program)
      yield* TestClock.adjust(200)
      yield* all.kill("ledger-0")
      all.volumes["ledger-0"]?.append("log", '{"_tag":"Send","to":"led')
      assert.deepEqual(check(all.cut()).faults, [])
      yield* all.start("ledger-0")
      yield* TestClock.adjust(200)
      assert.deepEqual(check(all.cut()).faults, [])
    }).pipe(Effect.scoped, Random.withSeed("torn"))
  )

  it.effect("a log stays small however long it runs, and still tells skewed cuts", () =>
    Effect.gen(function* () {
      const { cut, volumes } = yield* members(2, ledger({ everyMillis: 2 }))
      yield* TestClock.adjust(20_000)
      assert.isBelow(volumes["ledger-0"]?.used ?? 0, 200_000)
      assert.match(volumes["ledger-0"]?.readText("log") ?? "", /^\{"_tag":"Checkpoint"/)
      assert.deepEqual(check(cut()).faults, [])
      const first = cut("ledger-0")
      yield* TestClock.adjust(50)
      assert.isNotEmpty(check({ ...first, ...cut("ledger-1") }).faults)
    }).pipe(Effect.scoped, Random.withSeed("long"))
  )

  it.effect("a full volume stops a member and loses nothing", () =>
    Effect.gen(function* () {
      const all = yield* members(3, program)
      yield* TestClock.adjust(200)
      const volume = all.volumes["ledger-1"] ?? new Volume()
      volume.capacity = volume.used
      yield* TestClock.adjust(300)
      assert.deepEqual(check(all.cut()).faults, [])
      volume.capacity = Number.POSITIVE_INFINITY
      yield* TestClock.adjust(600)
      const verdict = check(all.cut())
      assert.deepEqual([verdict.faults, verdict.total], [[], 3000])
    }).pipe(Effect.scoped, Random.withSeed("full"))
  )

  it.effect("quiesced, nothing is in flight until the time is over, and the end says whether it was", () =>
    Effect.gen(function* () {
      const { hosts, cut } = yield* members(3, program)
      yield* TestClock.adjust(200)
      const all = [...hosts.values()]
      for (const host of all) {
        yield* Effect.all([inOrder(host, "ledger", "quiesce", "1"), TestClock.adjust(50)], { concurrency: 2 })
      }
      const held = check(cut())
      assert.deepEqual([held.faults, held.inFlight], [[], []])
      yield* TestClock.adjust(100)
      assert.deepEqual(check(cut()).balances, held.balances)
      const [first = assert.fail("none"), second = assert.fail("only one")] = all
      assert.strictEqual((yield* inOrder(first, "ledger", "unquiesce")).code, 0)
      yield* TestClock.adjust(1500)
      assert.strictEqual((yield* inOrder(second, "ledger", "unquiesce")).code, 1)
      assert.notDeepEqual(check(cut()).balances, held.balances)
    }).pipe(Effect.scoped, Random.withSeed("quiesce"))
  )

  it.effect("each member can say its balance, and judge them all", () =>
    Effect.gen(function* () {
      const { hosts } = yield* members(3, program)
      yield* TestClock.adjust(200)
      const host = hosts.get("ledger-1") ?? assert.fail("it runs")
      assert.match((yield* inOrder(host, "ledger", "balance")).out, /^ledger-1 {3}\d+ {3}\d in flight\n$/)
      const { code, out } = yield* inOrder(host, "ledger", "check")
      assert.strictEqual(code, 0)
      assert.match(out, /total 3000 of 3000: a state of one moment/)
      assert.strictEqual((yield* inOrder(host, "ledger", "dance")).code, 2)
      assert.isNull((yield* inOrder(host, "cat", "/etc/passwd")).code)
      const hook = yield* inOrder(host, "sh", "-c", script, "name", "token-1", "9", "ledger", "check")
      assert.match(hook.out, /\ntoken-1 0\n$/)
    }).pipe(Effect.scoped, Random.withSeed("say"))
  )

  it.effect("a member that is held sends nothing until its hold ends, and moves money again then", () =>
    Effect.gen(function* () {
      const { hosts } = yield* members(3, program)
      yield* TestClock.adjust(200)
      let out = ""
      const holding = [...hosts.values()].map((host) => {
        const end = Stream.fromEffectDrain(Effect.sleep(2000))
        const word = Stream.succeed(new TextEncoder().encode("T\n"))
        const run = program.onExec?.(host, {
          argv: ["sh", "-c", heldScript, "name", "T", "9", "ledger", "hold"],
          stdin: Stream.concat(word, end),
          stdout: (text) => Effect.sync(() => void (out += typeof text === "string" ? text : "")),
          stderr: () => Effect.void
        })
        return Effect.scoped(run ?? Effect.succeed(-1))
      })
      const codes = yield* Effect.forkChild(Effect.all(holding, { concurrency: "unbounded" }))
      yield* TestClock.adjust(0)
      yield* TestClock.adjust(1000)
      assert.strictEqual(out, "held\n".repeat(3))
      const balances = () => [...hosts.values()].map((host) => memberOf(host)?.account.balance).join()
      const before = balances()
      yield* TestClock.adjust(999)
      assert.strictEqual(balances(), before)
      yield* TestClock.adjust(1)
      assert.deepEqual(yield* Fiber.join(codes), [0, 0, 0])
      yield* TestClock.adjust(1000)
      assert.notStrictEqual(balances(), before)
    }).pipe(Effect.scoped, Random.withSeed("hold"))
  )
})
