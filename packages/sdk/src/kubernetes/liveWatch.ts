/**
 * A watch of the live cluster: one connection, one JSON object a line.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ClusterError, type Request, type WatchEvent } from "../Cluster.ts"
import { fromStatus } from "../resource/Status.ts"
import type { Connection } from "./connection.ts"
import { bodyOf, endless, send } from "./liveRequest.ts"

/** The server's timeout for a watch without `timeoutSeconds`; as kube-rs does. */
const defaultSeconds = 290

/** The server closes a watch at its timeout; this much later the connection is considered broken. */
const marginMillis = 15_000

/**
 * etcd stores objects of up to 1.5 MiB, which may take six times as much in JSON; a much longer line is not
 * an event.
 */
const maxLine = 32 * 1024 * 1024

const types: ReadonlyArray<string> = ["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]

const isEvent = (value: unknown): value is WatchEvent =>
  Predicate.hasProperty(value, "type") &&
  typeof value.type === "string" &&
  types.includes(value.type) &&
  Predicate.hasProperty(value, "object")

const broken = (request: Request, what: string, reason: ClusterError["reason"]): ClusterError =>
  new ClusterError({
    reason,
    message: `watch of ${request.path}: ${what}`,
    action: "list again and watch from there"
  })

/**
 * Complete lines of a byte stream. A rest without its newline was truncated, and is an error, not an event.
 */
export const lines = (
  bytes: Stream.Stream<Uint8Array, ClusterError>,
  request: Request
): Stream.Stream<string, ClusterError> =>
  Stream.suspend(() => {
    const decoder = new TextDecoder()
    // Pieces, not one text: joining them again for every chunk of a long line takes quadratic time.
    let rest: Array<string> = []
    let length = 0
    const split = (chunk: Uint8Array): ReadonlyArray<string> => {
      const [first = "", ...more] = decoder.decode(chunk, { stream: true }).split("\n")
      rest.push(first)
      length += first.length
      if (more.length === 0) return []
      const last = more.pop() ?? ""
      const whole = [rest.join(""), ...more]
      rest = [last]
      length = last.length
      return whole
    }
    return bytes.pipe(
      Stream.mapEffect((chunk) => {
        const whole = split(chunk)
        return length > maxLine
          ? Effect.fail(broken(request, "a line has more than 32 MiB", { _tag: "Unreadable" }))
          : Effect.succeed(whole)
      }),
      Stream.flattenIterable,
      Stream.concat(
        Stream.suspend(() =>
          // The decoder keeps a character of which only the first bytes have come.
          length + decoder.decode().length === 0
            ? Stream.empty
            : Stream.fail(broken(request, "the connection broke within an event", { _tag: "Unavailable" }))
        )
      )
    )
  })

const parse = (line: string): WatchEvent | null => {
  try {
    const value: unknown = JSON.parse(line)
    return isEvent(value) ? value : null
  } catch {
    return null
  }
}

/** The events of lines that came together stay together, so that their consumer can take them as one change. */
export const events = (
  whole: Stream.Stream<string, ClusterError>,
  request: Request
): Stream.Stream<WatchEvent, ClusterError> =>
  whole.pipe(
    Stream.mapArrayEffect((batch) =>
      Effect.sync(() => {
        const parsed = batch.filter((line) => line.trim() !== "").map(parse)
        const bad = parsed.indexOf(null)
        const good = (bad === -1 ? parsed : parsed.slice(0, bad)).filter((event) => event !== null)
        return [{ good, junk: bad !== -1 }] as const
      })
    ),
    Stream.flatMap(({ good, junk }) =>
      junk
        ? Stream.concat(
            Stream.fromIterable(good),
            Stream.fail(broken(request, "a line is not an event", { _tag: "Unreadable" }))
          )
        : Stream.fromIterable(good)
    )
  )

const readJson = (bytes: Stream.Stream<Uint8Array, ClusterError>): Effect.Effect<unknown> =>
  Stream.mkUint8Array(Stream.limitBytes(bytes, 256 * 1024, () => Stream.empty)).pipe(
    Effect.map((all): unknown => JSON.parse(new TextDecoder().decode(all))),
    Effect.catchCause(() => Effect.succeed(null))
  )

/** The error of an answer other than the one hoped for, its Status read from the body. */
export const refusal = Effect.fnUntraced(function* (
  request: Request,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Stream.Stream<Uint8Array, ClusterError>
): Effect.fn.Return<never, ClusterError> {
  return yield* Effect.fail(fromStatus(request, status, headers, yield* readJson(body)))
})

/** `Cluster.watch`. Adds `watch=true` and a `timeoutSeconds` if the request has none. */
export const liveWatch =
  (connection: Connection) =>
  (request: Request): Stream.Stream<WatchEvent, ClusterError> => {
    const given = new Map(request.query ?? [])
    const seconds = Number(given.get("timeoutSeconds") ?? defaultSeconds)
    const asked: Request = {
      ...request,
      query: [
        ...(request.query ?? []),
        ...(given.has("watch") ? [] : [["watch", "true"] as const]),
        ...(given.has("timeoutSeconds") ? [] : [["timeoutSeconds", String(seconds)] as const])
      ]
    }
    const idle = seconds * 1000 + marginMillis
    const open: Effect.Effect<
      Stream.Stream<WatchEvent, ClusterError>,
      ClusterError,
      Scope.Scope
    > = Effect.gen(function* () {
      const answer = yield* send(connection, asked, endless)
      if (answer.status !== 200) {
        const body = bodyOf(connection, asked, answer)
        return yield* refusal(asked, answer.status, answer.headers, body)
      }
      // A watch outlives --request-timeout, which bounds its first answer alone: kubectl's ends with it,
      // but ours would only be asked for again.
      const bytes = bodyOf(connection, asked, { ...answer, deadline: null })
      return events(lines(bytes, asked), asked).pipe(Stream.takeUntil((event) => event.type === "ERROR"))
    })
    return Stream.unwrap(open).pipe(
      Stream.timeoutOrElse({
        duration: idle,
        orElse: () => Stream.fail(broken(asked, "silent beyond its timeout", { _tag: "Unavailable" }))
      })
    )
  }
