/** The script around a hook, as a pod's shell would run it: when it begins, how long it may take, its proof. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { script } from "@kubectl-stateful/sdk/Hook"
import type { Command, Host, Program } from "./Program.ts"

/** Exit code of a command that was ended by TERM. */
const terminated = 143

/** True if the command is a hook's script. */
export const isHook = (argv: ReadonlyArray<string>): boolean =>
  argv[0] === "sh" && argv[1] === "-c" && argv[2] === script

/** True if the go signal arrives in time, as the first line of the input. */
const isTold = (token: string, stdin: Command["stdin"]) =>
  Effect.gen(function* () {
    const first = yield* Deferred.make<string>()
    // To its end: what comes behind the first line is nobody's.
    yield* stdin.pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.runForEach((line) => Deferred.succeed(first, line)),
      Effect.andThen(Deferred.succeed(first, "")),
      Effect.forkScoped
    )
    return yield* Deferred.await(first).pipe(
      Effect.map((line) => line === token),
      Effect.timeoutOrElse({ duration: "1 second", orElse: () => Effect.succeed(false) })
    )
  })

/** Runs the script around what `run` has. The hook's own input is empty. */
export const hookExec = (
  host: Host,
  { argv, stdin, stdout, stderr }: Command,
  run: NonNullable<Program["onExec"]>
): Effect.Effect<number, never, Scope.Scope> =>
  Effect.gen(function* () {
    const [, , , , token = "", limit = "", ...command] = argv
    if (limit.endsWith("+") && !(yield* isTold(token, stdin))) {
      return yield* Effect.as(stdout(`\n${token} -\n`), 1)
    }
    // The shell's own: it asks whether there is a shell.
    const ended =
      command[0] === ":"
        ? 0
        : yield* run(host, { argv: command, stdin: Stream.empty, stdout, stderr }).pipe(
            Effect.scoped,
            Effect.map((code) => code ?? 127),
            Effect.timeoutOrElse({
              duration: Number.parseInt(limit, 10) * 1000,
              orElse: () => Effect.succeed(terminated)
            })
          )
    return yield* Effect.as(stdout(`\n${token} ${ended}\n`), ended)
  })
