/**
 * The process of a container: a small program in TypeScript. It reads and writes its volumes, answers
 * commands, and reports when it is ready. Its time is the Effect clock's.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Container, Pod } from "../registry/kinds/core.ts"
import type { Volume } from "../storage/Volume.ts"

/** A program's view of its container. */
export interface Host {
  readonly pod: Pod
  readonly container: Container
  /** The number of restarts of the container in this pod. */
  readonly restarts: number
  /** The volume mounted at a path, or undefined. */
  readonly volume: (mountPath: string) => Volume | undefined
  /** The host of another pod's running container, as a connection over the pod network would reach it. */
  readonly peer: (pod: string) => Host | undefined
  /** Kept for the container's life, shared between the program's parts. */
  readonly memory: Map<string, unknown>
}

/** One command in a running container. */
export interface Command {
  readonly argv: ReadonlyArray<string>
  readonly stdin: Stream.Stream<Uint8Array>
  readonly stdout: (text: Uint8Array | string) => Effect.Effect<void>
  readonly stderr: (text: Uint8Array | string) => Effect.Effect<void>
}

export interface Program {
  /**
   * The container's process. It runs until it returns its exit code; its scope closes when the container
   * ends, in any way. Default: it runs forever.
   */
  readonly onStart?: (host: Host) => Effect.Effect<number, never, Scope.Scope>
  /**
   * A command by exec; returns its exit code, or `null` if the image has no such command, and nothing was
   * started. Default: a few of the tools that every image has.
   */
  readonly onExec?: (host: Host, command: Command) => Effect.Effect<number | null, never, Scope.Scope>
  /** The result of the readiness probe. Default: ready. */
  readonly isReady?: (host: Host) => boolean
  /** Between SIGTERM and the end; the grace period bounds it. Default: it ends at once. */
  readonly onStop?: (host: Host) => Effect.Effect<void>
}

/** The program of a container, by its image or its labels. Undefined for the plain one. */
export type Programs = (pod: Pod, container: Container) => Program | undefined

/** The tools of a plain image. */
export const plainExec = (host: Host, { argv, stdin, stdout }: Command): Effect.Effect<number | null> => {
  const [name, ...rest] = argv
  if (name === "true" || name === "/bin/true") return Effect.succeed(0)
  if (name === "false" || name === "/bin/false") return Effect.succeed(1)
  if (name === "echo") return Effect.as(stdout(`${rest.join(" ")}\n`), 0)
  if (name === "hostname") {
    return Effect.as(stdout(`${host.pod.spec.hostname ?? host.pod.metadata.name}\n`), 0)
  }
  if (name === "sleep") return Effect.as(Effect.sleep(Number(rest[0] ?? 0) * 1000), 0)
  if (name === "cat" && rest.length === 0) return Effect.as(Stream.runForEach(stdin, stdout), 0)
  return Effect.succeed(null)
}

/** Does nothing, forever, and is ready. */
export const plain: Program = {}

/** A command that a pod runs once, in place of its image's own process: it ends at once, and well. */
const once: Program = { onStart: () => Effect.succeed(0) }

/** The program of a container without another one. */
export const plainIn = ({ spec }: Pod, { command }: Container): Program =>
  spec.restartPolicy === "Never" && command !== undefined ? once : plain
