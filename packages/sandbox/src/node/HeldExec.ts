/**
 * The script around a quiesce command, as a pod's shell would run it: the same output at the same times, on
 * the Effect clock.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Cause from "effect/Cause"
import { script } from "@kubectl-stateful/sdk/QuiesceScript"
import type { Command, Host, Program } from "./Program.ts"

const encoder = new TextEncoder()

const millis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))

/** Exit codes of a command that was ended by a signal. */
const terminated = 143

/** TERM comes this long after the command's input has ended, if it runs still. A fiber has no way to resist it. */
const grace = 5000

/** True if the command is the quiesce command's script. */
export const isHeld = (argv: ReadonlyArray<string>): boolean =>
  argv[0] === "sh" && argv[1] === "-c" && argv[2] === script

/**
 * Runs the script of a quiesce command around the image's own commands, which `run` provides. An interrupted
 * command was ended by TERM, and must release its freeze as the end of a process would.
 */
export const heldExec = (
  host: Host,
  { argv, stdin, stdout, stderr }: Command,
  run: NonNullable<Program["onExec"]>
): Effect.Effect<number, never, Scope.Scope> =>
  Effect.gen(function* () {
    const [, , , , token = "", seconds = "", ...command] = argv
    const say = (words: string) => stdout(`\n${token} ${words}\n`)
    let deadline = (yield* millis) + 1000
    const input = yield* Queue.unbounded<Uint8Array, Cause.Done>()
    const begun = yield* Deferred.make<void>()
    let isBegun = false
    let code: number | null = null

    const line = (text: string) =>
      Effect.gen(function* () {
        const now = yield* millis
        if (!isBegun) {
          if (text !== token || now > deadline) return false
          isBegun = true
          deadline = now + Number(seconds) * 1000
          yield* Deferred.succeed(begun, undefined)
          return true
        }
        if (text.startsWith("+")) yield* Queue.offer(input, encoder.encode(`${text.slice(1)}\n`))
        else if (text.startsWith("ask ") && code === null && now < deadline)
          yield* say(`still ${text.slice(4)}`)
        return text !== "end"
      })
    const reader = yield* stdin.pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.takeWhileEffect(line),
      Stream.runDrain,
      Effect.forkScoped
    )
    /** The deadline is looked at again when it comes: the word to begin moves it. */
    const watch: Effect.Effect<void> = Effect.gen(function* () {
      const left = deadline - (yield* millis)
      if (left <= 0) return
      yield* Effect.sleep(left)
      yield* watch
    })
    const reading = Effect.as(Fiber.await(reader), false)
    const late = yield* Effect.forkScoped(Effect.as(watch, true))
    const first = Effect.raceFirst(Fiber.join(late), reading)

    yield* Effect.raceFirst(Deferred.await(begun), Effect.asVoid(first))
    if (!isBegun) return yield* Effect.as(say("none late"), 1)

    const running = yield* run(host, {
      argv: command,
      stdin: Stream.fromQueue(input),
      stdout,
      stderr
    }).pipe(
      Effect.scoped,
      Effect.map((ended) => ended ?? 127),
      Effect.onExit((exit) => Effect.sync(() => (code = exit._tag === "Success" ? exit.value : terminated))),
      Effect.forkScoped
    )
    const ending = Effect.gen(function* () {
      const hasLapsed = yield* first
      yield* Fiber.interrupt(reader)
      if (hasLapsed) yield* say("lapsed")
      Queue.endUnsafe(input)
      yield* Effect.sleep(grace)
      yield* Fiber.interrupt(running)
    })
    yield* Effect.raceFirst(Fiber.await(running), Effect.andThen(ending, Effect.never))
    const ended = code ?? terminated
    yield* say(`ended ${ended}`)
    return ended
  })
