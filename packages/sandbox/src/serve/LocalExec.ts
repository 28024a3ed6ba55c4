/**
 * Commands in pods, answered by a shell command on this machine instead of their image, so that hooks can
 * be tried, and fail, although no image runs.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Cause from "effect/Cause"
import { type ChildProcess, spawn } from "node:child_process"
import { constants } from "node:os"
import type { Readable } from "node:stream"
import { heldExec, isHeld } from "../node/HeldExec.ts"
import { hookExec, isHook } from "../node/HookExec.ts"
import { type Command, type Host, plainIn, type Programs } from "../node/Program.ts"

/** The pods and containers (`*` matches any characters), and the command to run for them. */
export interface LocalAnswer {
  readonly pod: string
  readonly container: string
  readonly shell: string
}

/** Parses `POD[/CONTAINER]=COMMAND`; undefined if it is invalid. */
export const localAnswer = (text: string): LocalAnswer | undefined => {
  const [, pod, container = "*", shell] = /^([a-z0-9.*-]+)(?:\/([a-z0-9*-]+))?=([^]*)$/.exec(text) ?? []
  return pod === undefined || shell === undefined || shell.trim() === ""
    ? undefined
    : { pod, container, shell }
}

/** One command that was answered, as it ended. */
export interface Answered {
  readonly pod: string
  readonly container: string
  readonly argv: ReadonlyArray<string>
  readonly code: number
}

const matches = (pattern: string, name: string): boolean =>
  new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll(/\*+/g, ".*")}$`).test(name)

/** The time that a command may take to end after it was asked to, in milliseconds. */
const patience = 1000

/** Ends the group: also what the shell has left behind, as long as that holds its output open. */
const endOf = (child: ChildProcess): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const { pid, stdout, stderr } = child
    const isOver = [stdout, stderr].every((stream) => stream === null || stream.closed)
    if (pid === undefined || isOver) {
      resume(Effect.void)
      return
    }
    const send = (signal: "SIGTERM" | "SIGKILL") => {
      try {
        process.kill(-pid, signal)
      } catch {
        // It ended in this very moment.
      }
    }
    // What is left in the pipes is nobody's any more.
    stdout?.removeAllListeners("data").resume()
    stderr?.removeAllListeners("data").resume()
    const late = setTimeout(() => {
      send("SIGKILL")
      resume(Effect.void)
    }, patience)
    child.once("close", () => {
      clearTimeout(late)
      resume(Effect.void)
    })
    send("SIGTERM")
  })

const run = (
  shell: string,
  { pod, container }: Host,
  { argv, stdin, stdout, stderr }: Command
): Effect.Effect<number, never, Scope.Scope> =>
  Effect.gen(function* () {
    const [out, err] = [
      yield* Queue.unbounded<Uint8Array, Cause.Done>(),
      yield* Queue.unbounded<Uint8Array, Cause.Done>()
    ]
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn("sh", ["-c", shell, "sh", ...argv], {
          // A group of its own, so that what the shell has started ends with it.
          detached: true,
          env: {
            ...process.env,
            NAMESPACE: pod.metadata.namespace,
            POD: pod.metadata.name,
            CONTAINER: container.name
          }
        })
      ),
      (child) => endOf(child)
    )
    child.stdin.on("error", () => {})
    // One piece at a time: what nobody takes as fast as it is printed would fill the memory.
    const piecesOf = (stream: Readable, into: typeof out) =>
      stream.on("data", (bytes: Buffer) => {
        stream.pause()
        Queue.offerUnsafe(into, bytes)
      })
    piecesOf(child.stdout, out)
    piecesOf(child.stderr, err)
    const taken = (stream: Readable, write: Command["stdout"]) => (bytes: Uint8Array) =>
      Effect.tap(write(bytes), () => Effect.sync(() => void stream.resume()))
    const ended = Effect.callback<number>((resume) => {
      child.once("error", ({ message }) => {
        Queue.offerUnsafe(err, Buffer.from(`${message}\n`))
        resume(Effect.succeed(127))
      })
      child.once("close", (code, signal) =>
        resume(Effect.succeed(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
      )
    }).pipe(
      Effect.tap(() =>
        Effect.sync(() => {
          Queue.endUnsafe(out)
          Queue.endUnsafe(err)
        })
      )
    )
    yield* stdin.pipe(
      Stream.runForEach((bytes) => Effect.sync(() => void child.stdin.write(bytes))),
      Effect.andThen(Effect.sync(() => void child.stdin.end())),
      Effect.forkScoped
    )
    const [code] = yield* Effect.all(
      [
        ended,
        Stream.runForEach(Stream.fromQueue(out), taken(child.stdout, stdout)),
        Stream.runForEach(Stream.fromQueue(err), taken(child.stderr, stderr))
      ],
      { concurrency: "unbounded" }
    )
    return code
  })

/**
 * The programs with their commands answered. The first answer that fits counts; its shell gets the
 * command as `"$@"`, and NAMESPACE, POD and CONTAINER in its environment.
 */
export const answeredHere =
  (
    answers: ReadonlyArray<LocalAnswer>,
    programs: Programs,
    told: (answered: Answered) => void = () => {}
  ): Programs =>
  (pod, container) => {
    const program = programs(pod, container)
    const answer = answers.find(
      (each) => matches(each.pod, pod.metadata.name) && matches(each.container, container.name)
    )
    if (answer === undefined) return program
    const once = (host: Host, command: Command) =>
      Effect.tap(run(answer.shell, host, command), (code) =>
        Effect.sync(() =>
          told({ pod: pod.metadata.name, container: container.name, argv: command.argv, code })
        )
      )
    return {
      ...(program ?? plainIn(pod, container)),
      onExec: (host, command) =>
        isHook(command.argv)
          ? hookExec(host, command, once)
          : isHeld(command.argv)
            ? heldExec(host, command, once)
            : once(host, command)
    }
  }
