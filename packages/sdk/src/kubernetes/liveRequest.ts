/**
 * A request to the live cluster: authentication, one renewal on 401, and the
 * honest name of each way to lose it.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ClusterError, type Request, type Response } from "../Cluster.ts"
import { isWrite, outcomeUnknown } from "../resource/Status.ts"
import type { Channel, Connection } from "./connection.ts"
import type { Headers } from "./credentials.ts"
import { type Answer, exchange, Late } from "./exchange.ts"
import { unreachable } from "./unreachable.ts"

/**
 * The API server ends an ordinary request after 60 s by default; silence beyond that is a broken connection.
 */
const idleMillis = 75_000

/** The idle time of a watch, which has its own measure of silence. */
export const endless = 0

/** Path and query as in the request line. */
export const target = (server: URL, request: Pick<Request, "path" | "query">): string => {
  const query = new URLSearchParams((request.query ?? []).map(([key, value]) => [key, value])).toString()
  const path = `${server.pathname.replace(/\/$/, "")}${request.path}`
  return query === "" ? path : `${path}?${query}`
}

const headersOf = (connection: Connection, channel: Channel, request: Request): Headers => ({
  "user-agent": connection.userAgent,
  accept: "application/json",
  ...(connection.compression ? { "accept-encoding": "gzip" } : {}),
  ...(request.body === undefined ? {} : { "content-type": "application/json" }),
  ...request.headers,
  ...channel.credential.headers
})

/** A response, and the deadline for all of it, in monotonic milliseconds; `null` for no deadline. */
export interface Timed extends Answer {
  readonly deadline: number | null
}

const monotonic = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

/** The deadline of a request that starts now. */
export const deadlineIn = (limit: number | null): Effect.Effect<number | null> =>
  limit === null ? Effect.succeed(null) : Effect.map(monotonic, (now) => now + limit)

const timedOut = (connection: Connection, request: Request, sent: boolean): ClusterError => {
  const seconds = (connection.requestTimeoutMillis ?? 0) / 1000
  if (sent && isWrite(request)) return outcomeUnknown(request, `no answer within ${seconds}s`)
  return new ClusterError({
    reason: { _tag: "Timeout" },
    message: `${request.method} ${request.path}: no answer from ${connection.server.host} within ${seconds}s`,
    action: "try again, or give it longer with --request-timeout"
  })
}

const once = (
  connection: Connection,
  channel: Channel,
  request: Request,
  idle: number,
  limitMillis: number | null
): Effect.Effect<Answer, ClusterError, Scope.Scope> => {
  const answer = exchange(idle === endless ? channel.watches : channel.agent, {
    origin: connection.server.origin,
    path: target(connection.server, request),
    method: request.method,
    headers: headersOf(connection, channel, request),
    body: request.body ?? null,
    idleMillis: idle,
    limitMillis
  })
  return Effect.mapError(answer, ({ cause, sent }) =>
    cause instanceof Late
      ? timedOut(connection, request, sent)
      : unreachable(cause, connection.server, request, sent)
  )
}

/**
 * One exchange, repeated once with a new credential when the first is refused: a 401 has no effect.
 * Both share one time limit, as they are one request.
 */
export const send = Effect.fnUntraced(function* (
  connection: Connection,
  request: Request,
  idle: number = idleMillis
): Effect.fn.Return<Timed, ClusterError, Scope.Scope> {
  const channel = yield* connection.channel
  const limit = connection.requestTimeoutMillis
  const deadline = yield* deadlineIn(limit)
  const answer = yield* once(connection, channel, request, idle, limit)
  if (answer.status !== 401 || !(yield* connection.refused(channel.credential)))
    return { ...answer, deadline }
  answer.body.destroy()
  const left = deadline === null ? null : Math.max(1, deadline - (yield* monotonic))
  return { ...(yield* once(connection, yield* connection.channel, request, idle, left)), deadline }
})

/**
 * The response's bytes; a broken connection is the same error as a lost response, and so is one that is too
 * slow.
 */
export const bodyOf = (
  connection: Connection,
  request: Request,
  { body, deadline }: Pick<Timed, "body" | "deadline">
): Stream.Stream<Uint8Array, ClusterError> => {
  const bytes = Stream.fromAsyncIterable<Uint8Array, ClusterError>(body, (cause) =>
    unreachable(cause, connection.server, request, true)
  )
  if (deadline === null) return bytes
  const late = Effect.gen(function* () {
    yield* Effect.sleep(Math.max(0, deadline - (yield* monotonic)))
    return yield* Effect.fail(timedOut(connection, request, true))
  })
  return Stream.interruptWhen(bytes, late)
}

/** `Cluster.request`. */
export const liveRequest =
  (connection: Connection) =>
  (request: Request): Effect.Effect<Response, ClusterError, Scope.Scope> =>
    Effect.gen(function* () {
      yield* connection.turn
      const answer = yield* send(connection, request)
      return { status: answer.status, headers: answer.headers, body: bodyOf(connection, request, answer) }
    })
