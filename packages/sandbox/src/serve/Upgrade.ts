/** Requests that leave HTTP: exec over WebSocket is taken, all others are refused in HTTP's own words. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type IncomingMessage, STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import { type WebSocket, WebSocketServer } from "ws"
import type { ClusterError } from "@kubectl-stateful/sdk/Cluster"
import type { User } from "../apiserver/Access.ts"
import { type Answer, json, refused } from "../apiserver/Answer.ts"
import type { Shape } from "../Sandbox.ts"
import { pods } from "../registry/kinds/core.ts"
import { badRequest, notImplemented, Refusal } from "../apimachinery/Status.ts"
import { broken, refusable } from "./Exchange.ts"
import { asked, carry, refuseOn, subprotocols } from "./ExecSocket.ts"

const execPath = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/exec$/

/** The pod of an exec's path. */
export const execOf = (path: string): { readonly namespace: string; readonly pod: string } | undefined => {
  const found = execPath.exec(path)
  return found === null
    ? undefined
    : { namespace: decodeURIComponent(found[1] ?? ""), pod: decodeURIComponent(found[2] ?? "") }
}

const refuse = (socket: Duplex, { status, headers, body }: Answer): void => {
  const bytes = Buffer.from(body)
  const lines = Object.entries({ ...headers, "content-length": bytes.length, connection: "close" })
  socket.end(
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`
      ),
      bytes
    ])
  )
}

/** The Status of a ClusterError. */
const answerOf = (error: ClusterError): Answer => {
  const code = error.status ?? 500
  return json(
    {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: error.message,
      reason: error.reason._tag,
      code
    },
    code
  )
}

const opened = (
  sockets: WebSocketServer,
  message: IncomingMessage,
  socket: Duplex,
  head: Buffer
): Effect.Effect<WebSocket> =>
  Effect.callback((resume) =>
    sockets.handleUpgrade(message, socket, head, (open) => resume(Effect.succeed(open)))
  )

export const newSockets = (): WebSocketServer =>
  new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: (offered) => subprotocols.find((each) => offered.has(each)) ?? false
  })

/** Node's arguments when a client upgrades from HTTP. */
export interface Upgrading {
  readonly message: IncomingMessage
  readonly url: URL
  readonly socket: Duplex
  readonly head: Buffer
}

/** Throws the refusal of the upgrade. */
const wanted = (message: IncomingMessage, url: URL, sandbox: Shape, user: User) => {
  const { method, headers } = message
  const pod = execOf(url.pathname)
  if (pod === undefined) {
    throw notImplemented(`${headers.upgrade ?? "an upgrade"} of ${url.pathname}`)
  }
  // Who may not exec, and a pod that is not there, come before the protocol, as they do in the server.
  sandbox.api.authorizeExec(user, pod.namespace, pod.pod)
  if (sandbox.registry.find(pods, pod.namespace, pod.pod).spec.nodeName === undefined) {
    throw badRequest(`pod ${pod.pod} does not have a host assigned`)
  }
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((each) => each.trim())
  const speaks = subprotocols.some((each) => offered.includes(each))
  if (method !== "GET" || headers.upgrade?.toLowerCase() !== "websocket" || !speaks) {
    throw notImplemented(`exec over anything but WebSocket with ${subprotocols.join(" or ")}`)
  }
  return asked(pod.namespace, pod.pod, url.searchParams)
}

/** One upgrade from its request until the connection closes. */
export const upgrade = (
  sandbox: Shape,
  sockets: WebSocketServer,
  identify: () => User,
  { message, url, socket, head }: Upgrading
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const user = yield* refusable(identify)
    const wants = yield* refusable(() => wanted(message, url, sandbox, user))
    const started = yield* Effect.result(sandbox.as(user).exec(wants.request))
    if (Result.isFailure(started) && (started.failure.status ?? 500) < 500) return yield* started.failure
    const open = yield* opened(sockets, message, socket, head)
    open.on("error", () => {})
    // What the kubelet refuses, the API server tells on the socket that it has opened by then.
    if (Result.isFailure(started)) return yield* refuseOn(open, started.failure.message)
    // A session that breaks has no status: the client learns that the outcome is unknown.
    return yield* carry(open, started.success, wants).pipe(
      Effect.catch(() => Effect.sync(() => open.terminate()))
    )
  }).pipe(
    Effect.scoped,
    Effect.match({
      onFailure: (error) => refuse(socket, error instanceof Refusal ? refused(error) : answerOf(error)),
      onSuccess: () => {}
    }),
    Effect.catchDefect((defect) => Effect.sync(() => refuse(socket, broken(defect))))
  )
