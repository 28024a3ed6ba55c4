/** A pod whose commands hold something, and connections to it that can be cut, or fall silent. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Cluster, ExecRequest } from "../../packages/sdk/src/Cluster.ts"
import type { QuiesceCommand } from "../../packages/sdk/src/QuiesceHook.ts"
import type { Member } from "../../packages/sdk/src/Hook.ts"
import { heldExec, isHeld } from "../../packages/sandbox/src/node/HeldExec.ts"
import type { Command, Host } from "../../packages/sandbox/src/node/Program.ts"
import { make } from "../../packages/sandbox/src/Sandbox.ts"
import { pod } from "../sandbox/asking.ts"

export const member: Member = { namespace: "default", pod: "db-0", ordinal: 0, fqdn: "db-0" }

export const freeze = (...argv: ReadonlyArray<string>): QuiesceCommand => ({
  _tag: "QuiesceCommand",
  argv: argv.length === 0 ? ["freeze"] : argv,
  container: null,
  deadline: 10_000,
  input: null
})

/** What the commands did, and when, in milliseconds since the pod was ready: `0 freeze`, `300 thaw`. */
export type Log = Array<string>

const commands = (log: Log, since: () => number) => {
  const note = (what: string) => Effect.sync(() => void log.push(`${since()} ${what}`))
  return (_: Host, { argv, stdin, stdout, stderr }: Command): Effect.Effect<number | null> => {
    const [name, argument = ""] = argv
    const until = (end: Effect.Effect<unknown>, code: number) =>
      Effect.gen(function* () {
        yield* note("freeze")
        yield* stdout("held\n")
        yield* end
        yield* note("thaw")
        return code
      }).pipe(Effect.onInterrupt(() => note("killed")))
    const input = Stream.runDrain(stdin)
    switch (name) {
      case "freeze":
        return until(input, Number(argument))
      case "slow":
        return Effect.sleep(Number(argument)).pipe(
          Effect.raceFirst(Effect.onExit(input, () => note("thaw"))),
          Effect.andThen(Effect.as(Effect.andThen(stdout("held\n"), input), 0))
        )
      case "deaf":
        return until(Effect.never, 0)
      case "brief":
        return until(Effect.sleep(2000), 0)
      case "says":
        return Effect.andThen(stdout(argument), until(input, 0))
      case "mutters":
        return Effect.as(Effect.andThen(stdout(argument), input), 0)
      case "fails":
        return Effect.as(stderr("no such\nlock \u001b[31mtable\n"), 3)
      case "session":
        return stdin.pipe(
          Stream.decodeText(),
          Stream.splitLines,
          Stream.runForEach((line) =>
            Effect.andThen(note(line), line === "hold" ? stdout("held\n") : Effect.void)
          ),
          Effect.as(0)
        )
      case undefined:
      default:
        return Effect.succeed(null)
    }
  }
}

export const running = Effect.gen(function* () {
  const log: Log = []
  const times = { ready: 0, now: () => 0 }
  const run = commands(log, () => times.now() - times.ready)
  const sandbox = yield* make({
    programs: () => ({
      onExec: (host, command) => (isHeld(command.argv) ? heldExec(host, command, run) : run(host, command))
    })
  })
  sandbox.create(pod("db-0"))
  yield* TestClock.adjust("5 seconds")
  times.now = () => sandbox.registry.now()
  times.ready = times.now()
  return { sandbox, log, since: () => times.now() - times.ready }
})

/** A way to the cluster that a test has in its hands. */
export const wire = (cluster: Cluster["Service"]) => {
  const asked: Array<ExecRequest> = []
  const written: Array<string> = []
  const open: Array<Scope.Closeable> = []
  const state = { isSilent: false }
  const through: Cluster["Service"] = {
    ...cluster,
    exec: (request) =>
      Effect.gen(function* () {
        asked.push(request)
        const scope = yield* Scope.fork(yield* Effect.scope)
        open.push(scope)
        const session = yield* Scope.provide(cluster.exec(request), scope)
        return {
          ...session,
          stdout: session.stdout.pipe(
            Stream.filter(() => !state.isSilent),
            Stream.concat(Stream.suspend(() => (state.isSilent ? Stream.never : Stream.empty)))
          ),
          write: (chunk) =>
            Effect.suspend(() => {
              written.push(new TextDecoder().decode(chunk))
              return state.isSilent ? Effect.never : session.write(chunk)
            })
        }
      })
  }
  return {
    cluster: through,
    asked,
    written,
    isOpen: () => open.some(({ state: { _tag } }) => _tag === "Open"),
    /** From now on nothing comes and nothing goes, and the connection stands. */
    silence: Effect.sync(() => void (state.isSilent = true)),
    cut: Effect.suspend(() =>
      Effect.forEach(open, (scope) => Scope.close(scope, Exit.void), { discard: true })
    )
  }
}

/** Lets virtual time pass until it ends; dies when that takes more than a minute. */
export const drive = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    yield* TestClock.adjust(0)
    for (let waited = 0; waited < 60_000 && fiber.pollUnsafe() === undefined; waited += 50) {
      yield* TestClock.adjust(50)
    }
    if (fiber.pollUnsafe() === undefined) return yield* Effect.die("it did not end in a minute")
    return yield* Fiber.join(fiber)
  })
