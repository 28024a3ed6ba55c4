/**
 * Exec over WebSocket, `v5.channel.k8s.io` and `v4.channel.k8s.io`: the first byte of a frame names
 * its channel. Source: KEP-4006 and k8s.io/apimachinery/pkg/util/remotecommand.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { WebSocket } from "ws"
import type { ClusterError, ExecExit, ExecRequest, ExecSession } from "@kubectl-stateful/sdk/Cluster"
import { badRequest } from "../apimachinery/Status.ts"

export const subprotocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"] as const

const channel = { stdin: 0, stdout: 1, stderr: 2, status: 3, close: 255 } as const

/** The API server copies in pieces of this size. */
const largest = 32 * 1024

/** The query parameters of an exec. */
export interface Asked {
  readonly request: ExecRequest
  readonly stdout: boolean
  readonly stderr: boolean
  /** The command has a terminal: one output, lines ended as terminals want them. */
  readonly tty: boolean
}

const isTrue = (value: string | null): boolean => value === "true" || value === "1"

export const asked = (namespace: string, pod: string, query: URLSearchParams): Asked => {
  const command = query.getAll("command")
  if (command.length === 0) throw badRequest("you must specify at least 1 command for the container")
  const container = query.get("container")
  const stdout = isTrue(query.get("stdout"))
  const stderr = isTrue(query.get("stderr"))
  const stdin = isTrue(query.get("stdin"))
  if (!stdin && !stdout && !stderr) throw badRequest("you must specify at least 1 of stdin, stdout, stderr")
  return {
    request: { namespace, pod, command, stdin, ...(container === null ? {} : { container }) },
    stdout,
    stderr,
    tty: isTrue(query.get("tty"))
  }
}

/** The final message of channel 3; empty if the exit code is unknown. */
const statusOf = (exit: ExecExit): unknown => {
  if (exit._tag === "Unknown") {
    // A command that could not be started is an error that the server says; a cut connection says nothing.
    const { message } = exit
    return message.startsWith("Internal error occurred")
      ? { metadata: {}, status: "Failure", message, reason: "InternalError", code: 500 }
      : undefined
  }
  const status = { metadata: {}, status: exit.code === 0 ? "Success" : "Failure" }
  return exit.code === 0
    ? status
    : {
        ...status,
        message: `command terminated with non-zero exit code: exit status ${exit.code}`,
        reason: "NonZeroExitCode",
        details: { causes: [{ reason: "ExitCode", message: String(exit.code) }] }
      }
}

const sent = (socket: WebSocket, to: number, bytes: Uint8Array): Effect.Effect<void> =>
  Effect.callback((resume) => {
    // Called when the bytes left for the network, so a slow reader slows its command.
    socket.send(Buffer.concat([Uint8Array.of(to), bytes]), { binary: true }, () => resume(Effect.void))
  })

/** Ends a session that has no command, with the reason on channel 3. */
export const refuseOn = (socket: WebSocket, why: string): Effect.Effect<void> => {
  const message = `Internal error occurred: ${why}`
  const status = { metadata: {}, status: "Failure", message, reason: "InternalError", code: 500 }
  return Effect.map(sent(socket, channel.status, Buffer.from(JSON.stringify(status))), () =>
    socket.close(1000)
  )
}

const copy = (
  socket: WebSocket,
  to: number,
  output: Stream.Stream<Uint8Array, ClusterError>
): Effect.Effect<void, ClusterError> =>
  Stream.runForEach(output, (bytes) =>
    Effect.forEach(
      Array.from({ length: Math.ceil(bytes.length / largest) }, (_, i) =>
        bytes.subarray(i * largest, (i + 1) * largest)
      ),
      (piece) => sent(socket, to, piece),
      { discard: true }
    )
  )

const terminalLines = (output: Stream.Stream<Uint8Array, ClusterError>) =>
  output.pipe(
    Stream.decodeText(),
    Stream.map((text) => text.replaceAll("\n", "\r\n")),
    Stream.encodeText
  )

const bytesOf = (data: unknown): Uint8Array =>
  Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.alloc(0)

/** Carries a session over an open socket, until the command's end. */
export const carry = (
  socket: WebSocket,
  session: ExecSession,
  wants: Asked
): Effect.Effect<void, ClusterError> =>
  Effect.gen(function* () {
    const services = yield* Effect.context()
    const run = Effect.runForkWith(services)
    socket.on("message", (data: unknown) => {
      const frame = bytesOf(data)
      if (frame[0] === channel.stdin && frame.length > 1) run(Effect.ignore(session.write(frame.subarray(1))))
      // Only v5 can say that standard input is over.
      if (frame[0] === channel.close && frame[1] === channel.stdin) run(session.closeStdin)
    })
    if (!wants.request.stdin) yield* session.closeStdin
    const outputs = wants.tty
      ? [copy(socket, channel.stdout, terminalLines(Stream.merge(session.stdout, session.stderr)))]
      : [
          wants.stdout ? copy(socket, channel.stdout, session.stdout) : Effect.void,
          wants.stderr ? copy(socket, channel.stderr, session.stderr) : Effect.void
        ]
    yield* Effect.all(outputs, { concurrency: "unbounded", discard: true })
    const status = statusOf(yield* session.exit)
    if (status === undefined) {
      socket.terminate()
    } else {
      yield* sent(socket, channel.status, Buffer.from(JSON.stringify(status)))
      socket.close(1000)
    }
  })
