/**
 * Serves a sandbox as a real API server does: HTTPS on the loopback interface, a token, streaming watches,
 * exec over WebSocket. It ends with its scope, and so does every connection.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer, type Server } from "node:https"
import type { Socket } from "node:net"
import { admin, type User } from "../apiserver/Access.ts"
import { refused, text } from "../apiserver/Answer.ts"
import { fieldNames } from "../apiserver/FieldNames.ts"
import { Router } from "../apiserver/Route.ts"
import type { Shape } from "../Sandbox.ts"
import { badRequest, methodNotAllowed } from "../apimachinery/Status.ts"
import { Watch } from "../apiserver/Watch.ts"
import * as Certificate from "./Certificate.ts"
import { broken, readBody, refusable, requestOf, send, withBody } from "./Exchange.ts"
import { identify, type Login } from "./Identity.ts"
import { execOf, newSockets, upgrade } from "./Upgrade.ts"
import * as WatchResponse from "./WatchResponse.ts"

export interface ServeOptions {
  /** Default: one that is free. */
  readonly port?: number
  /** Users in addition to the administrator, each with its own token. */
  readonly users?: ReadonlyArray<User>
}

export interface Served {
  /** `https://127.0.0.1:PORT` */
  readonly url: string
  /** The certificate that a client has to trust, as PEM. */
  readonly certificate: string
  /** The administrator first. */
  readonly logins: readonly [Login, ...ReadonlyArray<Login>]
}

/** The port cannot be had. */
export class ServeError extends Schema.TaggedError<ServeError>()("ServeError", {
  message: Schema.String,
  action: Schema.String
}) {}

const host = "127.0.0.1"

const listening = (server: Server, port: number): Effect.Effect<number, ServeError> =>
  Effect.callback((resume) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      resume(
        Effect.fail(
          error.code === "EADDRINUSE"
            ? new ServeError({
                message: `port ${port} of ${host} is in use`,
                action: "choose another, or leave it out for one that is free"
              })
            : new ServeError({
                message: `port ${port} of ${host}: ${error.message}`,
                action: "choose another between 1024 and 65535"
              })
        )
      )
    )
    server.listen({ port, host }, () => {
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : port))
    })
  })

/** The URL of a request; undefined for one that no server would read. */
const urlOf = (message: IncomingMessage): URL | undefined => {
  try {
    const url = new URL(message.url ?? "/", `https://${host}`)
    decodeURIComponent(url.pathname)
    return url
  } catch {
    return undefined
  }
}

const notARequest = text("400 Bad Request\n", 400)

/** One request to its answer. */
const answer = (
  sandbox: Shape,
  router: Router,
  logins: ReadonlyArray<Login>,
  message: IncomingMessage,
  response: ServerResponse
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const url = urlOf(message)
    if (url === undefined) return yield* send(message, response, notARequest)
    const user = yield* refusable(() => identify(message.headers, url.pathname, logins))
    const head = requestOf(message, url)
    if (head === undefined) return yield* Effect.fail(methodNotAllowed())
    if (execOf(url.pathname) !== undefined) {
      return yield* Effect.fail(badRequest("Upgrade request required"))
    }
    const body = yield* readBody(message)
    const { api } = sandbox
    const route = yield* refusable(() => router.route(url.pathname))
    const request = yield* withBody(head, route, body)
    if (!api.isWatch(request) || route._tag !== "Resource") {
      return yield* send(message, response, api.handle(request, user))
    }
    const started = api.watch(request, user)
    if (!(started instanceof Watch)) return yield* send(message, response, started)
    return yield* WatchResponse.stream(response, sandbox.as(user).watch(request)).pipe(
      Effect.catch(() => Effect.sync(() => response.destroy()))
    )
  }).pipe(
    Effect.catch((refusal) => send(message, response, refused(refusal))),
    Effect.catchDefect((defect) => send(message, response, broken(defect)))
  )

/** Begins to serve; ready when this returns. */
export const serve = (
  sandbox: Shape,
  options: ServeOptions = {}
): Effect.Effect<Served, ServeError, Scope.Scope> =>
  Effect.gen(function* () {
    sandbox.api.learn(yield* fieldNames)
    const certificate = Certificate.make(yield* Clock.currentTimeMillis)
    const newLogin = (user: User): Login => ({ user, token: randomBytes(32).toString("base64url") })
    const logins = [newLogin(admin), ...(options.users ?? []).map(newLogin)] as const
    const router = new Router(sandbox.api.types)
    const sockets = newSockets()
    const connections = new Set<Socket>()
    const server = yield* Effect.acquireRelease(
      Effect.sync(() =>
        createServer({
          key: certificate.key,
          cert: certificate.cert,
          minVersion: "TLSv1.2",
          // An exec's whole command stands in its request line.
          maxHeaderSize: 1024 * 1024,
          // Longer than clients keep theirs, so that none writes into a connection that closes.
          keepAliveTimeout: 120_000
        })
      ),
      (closing) =>
        Effect.callback<void>((resume) => {
          for (const connection of connections) connection.destroy()
          closing.close(() => resume(Effect.void))
        })
    )
    const run = yield* FiberSet.makeRuntime()
    server.on("connection", (connection: Socket) => {
      connections.add(connection)
      connection.once("close", () => connections.delete(connection))
    })
    server.on("tlsClientError", () => {})
    server.on("request", (message, response) => {
      const fiber = run(answer(sandbox, router, logins, message, response))
      // Also after a whole answer, when there is nothing left to interrupt.
      response.once("close", () => fiber.interruptUnsafe())
    })
    server.on("upgrade", (message, socket, head) => {
      socket.on("error", () => {})
      const url = urlOf(message)
      if (url === undefined) {
        socket.destroy()
        return
      }
      const fiber = run(
        upgrade(sandbox, sockets, () => identify(message.headers, url.pathname, logins), {
          message,
          url,
          socket,
          head
        })
      )
      socket.once("close", () => fiber.interruptUnsafe())
    })
    const port = yield* listening(server, options.port ?? 0)
    return { url: `https://${host}:${port}`, certificate: certificate.cert, logins }
  })
