/**
 * A command in a container of the live cluster, over WebSocket.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import type { WebSocket as Ws } from "ws"
import { ClusterError, type ExecExit, type ExecRequest, type ExecSession, type Request } from "../Cluster.ts"
import type { Channel, Connection } from "./connection.ts"
import { channel, closeStdinFrame, exitOf, stdinFrames, subprotocol } from "./execFrames.ts"
import { ExecOutput } from "./execOutput.ts"
import { bodyOf, deadlineIn, send, target } from "./liveRequest.ts"
import { refusal } from "./liveWatch.ts"
import { unreachable } from "./unreachable.ts"

const handshakeMillis = 30_000

/** Pings distinguish a silent command from a broken connection; client-go gives up after 60 s too. */
const pingMillis = 15_000
const deadMillis = 60_000

const defaultContainerAnnotation = "kubectl.kubernetes.io/default-container"

const podPath = (request: ExecRequest): string =>
  `/api/v1/namespaces/${encodeURIComponent(request.namespace)}/pods/${encodeURIComponent(request.pod)}`

const lookUp = (value: unknown, ...path: ReadonlyArray<string | number>): unknown =>
  path.reduce<unknown>(
    (inner, key) => (Predicate.hasProperty(inner, key) ? inner[key as never] : undefined),
    value
  )

/** As kubectl chooses: the annotated container, else the first. The server does not choose among several. */
const containerOf = Effect.fnUntraced(function* (
  connection: Connection,
  request: ExecRequest
): Effect.fn.Return<string, ClusterError> {
  if (request.container !== undefined) return request.container
  const get: Request = { method: "GET", path: podPath(request) }
  return yield* Effect.scoped(
    Effect.gen(function* () {
      yield* connection.turn
      const answer = yield* send(connection, get)
      const body = bodyOf(connection, get, answer)
      if (answer.status !== 200) return yield* refusal(get, answer.status, answer.headers, body)
      const text = new TextDecoder().decode(yield* Stream.mkUint8Array(body))
      let pod: unknown = null
      try {
        pod = JSON.parse(text)
      } catch {
        // Handled as a pod without containers.
      }
      const container =
        lookUp(pod, "metadata", "annotations", defaultContainerAnnotation) ??
        lookUp(pod, "spec", "containers", 0, "name")
      if (typeof container === "string") return container
      return yield* new ClusterError({
        reason: { _tag: "Unreadable" },
        message: `pod ${request.namespace}/${request.pod}: its containers cannot be read`
      })
    })
  )
})

/** Closes with the scope. Rejects as a refused upgrade (with its answer) or as a broken connection. */
type Opened =
  | { readonly _tag: "Open"; readonly socket: Ws }
  | { readonly _tag: "Refused"; readonly response: IncomingMessage }

const open = (
  connection: Connection,
  via: Channel,
  asked: Request
): Effect.Effect<Opened, ClusterError, Scope.Scope> =>
  Effect.gen(function* () {
    const fail = (cause: unknown, sent: boolean) => unreachable(cause, connection.server, asked, sent)
    const { WebSocket } = yield* Effect.promise(() => import("ws"))
    const raw: Socket = yield* Effect.acquireRelease(
      Effect.tryPromise({ try: (signal) => via.dial(signal), catch: (cause) => fail(cause, false) }),
      (raw) => Effect.sync(() => raw.destroy()),
      { interruptible: true }
    )
    const scheme = connection.server.protocol === "https:" ? "wss" : "ws"
    const headers: Record<string, string | Array<string>> = { "user-agent": connection.userAgent }
    for (const [name, value] of Object.entries(via.credential.headers)) {
      headers[name] = typeof value === "string" ? value : [...value]
    }
    return yield* Effect.acquireRelease(
      Effect.callback<Opened, ClusterError>((resume) => {
        const socket = new WebSocket(
          `${scheme}://${connection.server.host}${target(connection.server, asked)}`,
          subprotocol,
          {
            headers,
            createConnection: () => raw,
            perMessageDeflate: false,
            followRedirects: false,
            handshakeTimeout: connection.requestTimeoutMillis ?? handshakeMillis
          }
        )
        // Held back until somebody listens: the first frames may come with the handshake.
        socket.once("open", () => {
          socket.pause()
          resume(Effect.succeed({ _tag: "Open", socket }))
        })
        socket.once("unexpected-response", (_, response) =>
          resume(Effect.succeed({ _tag: "Refused", response }))
        )
        socket.on("error", (error) =>
          resume(
            Effect.fail(
              /subprotocol/.test(error.message)
                ? new ClusterError({
                    reason: { _tag: "Unsupported" },
                    message: `${connection.server.host} does not speak ${subprotocol} for exec`,
                    action: "exec needs Kubernetes 1.30 or newer"
                  })
                : fail(error, true)
            )
          )
        )
        return Effect.sync(() => socket.terminate())
      }),
      (opened) =>
        Effect.sync(() => {
          if (opened._tag === "Open") opened.socket.terminate()
          else opened.response.destroy()
        }),
      { interruptible: true }
    )
  })

const session = Effect.fnUntraced(function* (
  socket: Ws,
  name: string
): Effect.fn.Return<ExecSession, never, Scope.Scope> {
  const exit = yield* Deferred.make<ExecExit>()
  const resolve = (value: ExecExit) => Deferred.doneUnsafe(exit, Effect.succeed(value))
  const flow = (): void => {
    if (stdout.full || stderr.full) socket.pause()
    else socket.resume()
  }
  const stdout: ExecOutput = new ExecOutput(`${name}: stdout`, flow)
  const stderr: ExecOutput = new ExecOutput(`${name}: stderr`, flow)
  const clock = yield* Clock.Clock
  // Monotonic: a clock that is set right must not kill an exec.
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
  let heard = now()
  socket.on("pong", () => {
    heard = now()
  })
  socket.on("message", (data, isBinary) => {
    heard = now()
    const frame = Buffer.isBuffer(data) ? data : Buffer.alloc(0)
    if (!isBinary || frame.length === 0) return
    const payload = frame.subarray(1)
    if (frame[0] === channel.stdout && payload.length > 0) stdout.offer(payload)
    else if (frame[0] === channel.stderr && payload.length > 0) stderr.offer(payload)
    else if (frame[0] === channel.status) resolve(exitOf(payload))
  })
  socket.once("close", () => {
    // First come, first kept: after a status this changes nothing.
    resolve({ _tag: "Unknown", message: `${name}: the connection closed before the exit status came` })
    stdout.end()
    stderr.end()
  })
  socket.resume()

  const heartbeat = Effect.sync(() => {
    // A socket that we hold back ourselves hears nothing; that is not its death.
    if (socket.isPaused) heard = now()
    if (now() - heard > deadMillis) socket.terminate()
    else if (socket.readyState === socket.OPEN) socket.ping()
  })
  yield* Effect.forkScoped(Effect.forever(Effect.delay(heartbeat, pingMillis)))

  const sendFrame = (frame: Uint8Array): Effect.Effect<void, ClusterError> =>
    Effect.callback((resume) => {
      // The callback comes when the bytes went to the socket, so a slow pod slows its writer.
      socket.send(frame, { binary: true }, (error) =>
        resume(
          error === undefined || error === null
            ? Effect.void
            : Effect.fail(
                new ClusterError({
                  reason: { _tag: "OutcomeUnknown" },
                  message: `${name}: the connection closed before standard input was taken`,
                  action: "look at what the command did before trying again"
                })
              )
        )
      )
    })

  return {
    stdout: stdout.stream,
    stderr: stderr.stream,
    write: (chunk) => Effect.forEach(stdinFrames(chunk), sendFrame, { discard: true }),
    closeStdin: Effect.ignore(sendFrame(closeStdinFrame)),
    exit: Deferred.await(exit)
  }
})

/** `Cluster.exec`. Never repeated after the upgrade was asked, but for a 401: the command may have run. */
export const liveExec =
  (connection: Connection) =>
  (request: ExecRequest): Effect.Effect<ExecSession, ClusterError, Scope.Scope> =>
    Effect.gen(function* () {
      const container = yield* containerOf(connection, request)
      const asked: Request = {
        // The upgrade is a GET, but what it starts changes things: a lost answer is an unknown outcome.
        method: "POST",
        path: `${podPath(request)}/exec`,
        query: [
          ...request.command.map((word) => ["command", word] as const),
          ["container", container],
          ["stdout", "true"],
          ["stderr", "true"],
          ...(request.stdin === true ? [["stdin", "true"] as const] : [])
        ]
      }
      const via = yield* connection.channel
      let opened = yield* open(connection, via, asked)
      if (
        opened._tag === "Refused" &&
        opened.response.statusCode === 401 &&
        (yield* connection.refused(via.credential))
      ) {
        opened = yield* open(connection, yield* connection.channel, asked)
      }
      if (opened._tag === "Open") {
        return yield* session(opened.socket, `exec in pod ${request.namespace}/${request.pod}`)
      }
      const { response } = opened
      const deadline = yield* deadlineIn(connection.requestTimeoutMillis ?? handshakeMillis)
      const body = bodyOf(connection, asked, { body: response, deadline })
      const retryAfter = response.headers["retry-after"]
      return yield* refusal(
        { ...asked, method: "GET" },
        response.statusCode ?? 0,
        retryAfter === undefined ? {} : { "retry-after": retryAfter },
        body
      )
    })
