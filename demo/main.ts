/**
 * `npm run demo`: a sandbox in this process, and the real binary driven through the story.
 */
import type { Shape } from "@kubectl-stateful/sandbox"
import { scenarios, start } from "@kubectl-stateful/sandbox/Scenario"
import { kubeconfig, kubeconfigFile } from "@kubectl-stateful/sandbox/Kubeconfig"
import { serve } from "@kubectl-stateful/sandbox/Server"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { options } from "./Bank.ts"
import { apart, intro, outro, story } from "./Story.ts"

const { namespace } = scenarios.ledger

/** The plugin as a user starts it. */
const binary = join(import.meta.dirname, "..", "packages", "kubectl-stateful", "bin", "kubectl-stateful")

const { stdout } = process
const isTerminal = stdout.isTTY
const say = (...lines: ReadonlyArray<string>) => stdout.write(`${lines.join("\n")}\n`)
const strong = (text: string) => (isTerminal ? `\u001b[1m${text}\u001b[0m` : text)

const isOnPath = (name: string): boolean =>
  (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return folder !== ""
    } catch {
      return false
    }
  })

/** Runs a program on this terminal; its exit code. */
const execute = (program: string, args: ReadonlyArray<string>, environment: NodeJS.ProcessEnv) =>
  Effect.callback<number>((resume) => {
    const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"], env: environment })
    child.once("error", (error) => {
      process.stderr.write(`error: ${program}: ${error.message}\n`)
      resume(Effect.succeed(1))
    })
    child.once("exit", (code) => resume(Effect.succeed(code ?? 1)))
    return Effect.sync(() => child.kill())
  })

/** Where there is no kubectl, what `kubectl exec POD -- COMMAND` would do. */
const exec = (sandbox: Shape, pod: string, command: ReadonlyArray<string>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const session = yield* sandbox.cluster.exec({ namespace, pod, command })
      yield* Stream.runForEach(session.stdout, (bytes) => Effect.sync(() => stdout.write(bytes)))
      const exit = yield* session.exit
      return exit._tag === "Exited" ? exit.code : 1
    })
  )

const hasKubectl = isOnPath("kubectl")

const run = (sandbox: Shape, command: string, environment: NodeJS.ProcessEnv) => {
  const [, verb, ...words] = command.split(" ")
  if (verb === "stateful") return execute(binary, words, environment)
  if (hasKubectl) return execute("kubectl", [verb ?? "", ...words], environment)
  const [pod = "", , ...argv] = words
  return exec(sandbox, pod, argv)
}

const demo = Effect.gen(function* () {
  const began = performance.now()
  say(...intro, "")
  if (!hasKubectl) say("There is no kubectl on this machine: the demo does what it would do.", "")
  const sandbox = yield* start("ledger", options(apart.name, apart.last))
  const served = yield* serve(sandbox)
  const file = yield* kubeconfigFile(yield* kubeconfig(served, namespace))
  // Compiled once, for all the commands, in the folder that goes with the kubeconfig.
  const environment = { ...process.env, KUBECONFIG: file, NODE_COMPILE_CACHE: join(dirname(file), "code") }
  for (const [index, { says, before, command, code: expected = 0, after }] of story.entries()) {
    yield* before?.(sandbox) ?? Effect.void
    const number = `${index + 1}. `
    say(strong(`${number}${says.join(`\n${" ".repeat(number.length)}`)}`), "", `$ ${command}`)
    const code = yield* run(sandbox, command, environment)
    if (code !== expected) {
      process.stderr.write(`error: step ${index + 1} ended with exit code ${code}\n`)
      process.exitCode = 1
      return
    }
    say("", ...(after === undefined ? [] : [...after(sandbox), ""]))
  }
  say(`That took ${((performance.now() - began) / 1000).toFixed(1)} seconds.`, ...outro)
})

const abort = new AbortController()
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    process.exitCode = 130
    abort.abort()
  })
}
await Effect.runPromiseExit(Effect.scoped(demo), { signal: abort.signal }).then((exit) => {
  if (exit._tag === "Failure" && !abort.signal.aborted) {
    process.stderr.write(`error: ${String(exit.cause)}\n`)
    process.exitCode = 1
  }
})
