/** The containers that run right now, as the kubelets keep them, and the commands within. */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ExecExit, ExecSession } from "@kubectl-stateful/sdk/Cluster"
import { type Host, plainExec, type Program } from "./Program.ts"

export interface Process {
  readonly host: Host
  readonly program: Program
  /** Closed when the container ends; all that runs in it ends with it. */
  readonly scope: Scope.Closeable
  /** True if the node is reachable from the API server. */
  readonly isReachable: () => boolean
}

/** Keyed by the pod's uid and the container's name. */
const keyOf = (uid: string, container: string): string => `${uid}/${container}`

export class Processes {
  readonly #running = new Map<string, Process>()

  get(uid: string, container: string): Process | undefined {
    return this.#running.get(keyOf(uid, container))
  }

  /** All of one pod, and of one name: a pod's peers are found by it. */
  byPod(namespace: string, pod: string): Process | undefined {
    for (const process of this.#running.values()) {
      const { metadata } = process.host.pod
      if (metadata.namespace === namespace && metadata.name === pod) return process
    }
    return undefined
  }

  add(process: Process): void {
    this.#running.set(keyOf(process.host.pod.metadata.uid, process.host.container.name), process)
  }

  remove(uid: string, container: string): Process | undefined {
    const process = this.get(uid, container)
    this.#running.delete(keyOf(uid, container))
    return process
  }

  /** Ends all of them, as when the machines are switched off. */
  readonly end: Effect.Effect<void> = Effect.suspend(() => {
    const all = [...this.#running.values()]
    this.#running.clear()
    return Effect.forEach(all, ({ scope }) => Scope.close(scope, Exit.void), { discard: true })
  })
}

const encoder = new TextEncoder()
const bytes = (text: Uint8Array | string): Uint8Array =>
  typeof text === "string" ? encoder.encode(text) : text

/** A container's runtime names each exec by chance; what it could not start is an error of the server's. */
const notStarted = (command: string): Effect.Effect<ExecExit> =>
  Effect.map(Effect.all(Array.from({ length: 8 }, () => Random.nextIntBetween(0, 0xffff_ffff))), (words) => {
    const id = words.map((word) => word.toString(16).padStart(8, "0")).join("")
    const why = command.includes("/")
      ? `stat ${command}: no such file or directory`
      : "executable file not found in $PATH"
    return {
      _tag: "Unknown",
      message: `Internal error occurred: Internal error occurred: error executing command in container: failed to exec in container: failed to start exec "${id}": OCI runtime exec failed: exec failed: unable to start container process: exec: ${JSON.stringify(command)}: ${why}`
    }
  })

const cut: ExecExit = { _tag: "Unknown", message: "the connection closed before the exit status came" }

/**
 * Starts a command. It belongs to the container, not to the connection: closing the
 * session's scope ends its stdin and drops its output, and the command lives on.
 */
export const exec = (
  process: Process,
  argv: ReadonlyArray<string>
): Effect.Effect<ExecSession, never, Scope.Scope> =>
  Effect.gen(function* () {
    const stdin = yield* Queue.unbounded<Uint8Array, Cause.Done>()
    const stdout = yield* Queue.unbounded<Uint8Array, Cause.Done>()
    const stderr = yield* Queue.unbounded<Uint8Array, Cause.Done>()
    const exit = yield* Deferred.make<ExecExit>()
    const finish = (how: ExecExit): Effect.Effect<void> =>
      Effect.sync(() => {
        Queue.endUnsafe(stdout)
        Queue.endUnsafe(stderr)
        Deferred.doneUnsafe(exit, Effect.succeed(how))
      })
    const run = process.program.onExec ?? plainExec
    yield* Effect.forkIn(
      Effect.scoped(
        run(process.host, {
          argv,
          stdin: Stream.fromQueue(stdin),
          stdout: (text) => Effect.asVoid(Queue.offer(stdout, bytes(text))),
          stderr: (text) => Effect.asVoid(Queue.offer(stderr, bytes(text)))
        })
      ).pipe(
        Effect.flatMap((code) =>
          code === null
            ? Effect.flatMap(notStarted(argv[0] ?? ""), finish)
            : finish(process.isReachable() ? { _tag: "Exited", code } : cut)
        ),
        // The container was killed under it: SIGKILL's code, if anyone still hears it.
        Effect.onInterrupt(() => finish(process.isReachable() ? { _tag: "Exited", code: 137 } : cut))
      ),
      process.scope
    )
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        // Standard input last: who reads it goes on at once, and nobody hears what that says.
        Queue.endUnsafe(stdout)
        Queue.endUnsafe(stderr)
        Queue.endUnsafe(stdin)
        Deferred.doneUnsafe(exit, Effect.succeed(cut))
      })
    )
    return {
      stdout: Stream.fromQueue(stdout),
      stderr: Stream.fromQueue(stderr),
      write: (chunk) => Effect.asVoid(Queue.offer(stdin, chunk)),
      closeStdin: Effect.sync(() => {
        Queue.endUnsafe(stdin)
      }),
      exit: Deferred.await(exit)
    } satisfies ExecSession
  })
