/**
 * One request and its decoded answer, repeated only where repeating is safe.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { Cluster, ClusterError, type Request } from "../Cluster.ts"
import { patiently } from "./Patience.ts"
import { describeRequest, fromStatus, isWrite, outcomeUnknown } from "./Status.ts"

/** A longer wait that the server asks for is left to the caller. */
const maxRetryAfterMillis = 60_000

/**
 * The longest answer that is read, as it is after decompression: a page of 2500 pods of 100 kB each,
 * which is far more than they have. Beyond it, an answer without end would fill the memory.
 */
const maxBody = 256 * 1024 * 1024

/**
 * Reads are repeated when the server was not reached, throttled us or failed.
 * Writes only when provably nothing was done: throttled, or never sent. An
 * unknown outcome is never repeated blindly.
 */
const mayRepeat = ({ reason, status }: ClusterError, write: boolean): boolean => {
  if (reason._tag === "TooManyRequests") {
    // No Retry-After: a disruption budget's answer, or an unknown throttle; a write waits for its caller.
    return reason.retryAfterMillis === null ? !write : reason.retryAfterMillis <= maxRetryAfterMillis
  }
  if (reason._tag === "Unavailable") return true
  // Said by the server, that is; our own patience is not stretched by trying again.
  return !write && status !== undefined && (reason._tag === "InternalError" || reason._tag === "Timeout")
}

/** Five attempts over about three seconds, or as long as Retry-After says. */
const repetition = (write: boolean) =>
  Schedule.exponential("200 millis").pipe(
    Schedule.jittered,
    Schedule.upTo({ times: 4 }),
    Schedule.setInputType<ClusterError>(),
    Schedule.while(({ input }) => mayRepeat(input, write)),
    Schedule.modifyDelay(({ input, duration }) => {
      const asked = input.reason._tag === "TooManyRequests" ? input.reason.retryAfterMillis : null
      return Effect.succeed(asked === null ? duration : Duration.max(duration, Duration.millis(asked)))
    })
  )

const unreadable = (request: Request): ClusterError =>
  isWrite(request)
    ? outcomeUnknown(request, "the answer is unreadable")
    : new ClusterError({
        reason: { _tag: "Unreadable" },
        message: `${describeRequest(request)}: the answer is not JSON`,
        action: "check that the server's address is that of a Kubernetes API server"
      })

const tooLong = (request: Request): ClusterError =>
  isWrite(request)
    ? outcomeUnknown(request, "the answer has more than 256 MiB")
    : new ClusterError({
        reason: { _tag: "Unreadable" },
        message: `${describeRequest(request)}: the answer has more than 256 MiB`,
        action: "ask for less: one namespace, or fewer objects by a selector"
      })

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const once = (request: Request): Effect.Effect<unknown, ClusterError, Cluster> =>
  Effect.scoped(
    Effect.gen(function* () {
      const cluster = yield* Cluster
      const response = yield* cluster.request(request)
      const bytes = Stream.limitBytes(response.body, maxBody, () => Stream.fail(tooLong(request)))
      const body = parse(new TextDecoder().decode(yield* Stream.mkUint8Array(bytes)))
      if (response.status >= 200 && response.status < 300) {
        return body === undefined ? yield* Effect.fail(unreadable(request)) : body
      }
      return yield* Effect.fail(fromStatus(request, response.status, response.headers, body ?? null))
    })
  )

/**
 * True if a part of the path is no name. A server, or a proxy before it, would read past it: the deletion of an
 * object without a name would be that of its whole collection, and the list of `..` that of all namespaces.
 */
const isMisnamed = ({ path }: Request): boolean =>
  path
    .split("/")
    .slice(1)
    .some((part) => part === "" || part === "." || part === "..")

const misnamed = (request: Request): ClusterError =>
  new ClusterError({
    reason: { _tag: "BadRequest" },
    message: `${describeRequest(request)}: a name or namespace is empty, "." or ".."`,
    action: "give a valid name"
  })

/** The decoded JSON of a 2xx answer; anything else is a ClusterError. */
export const roundTrip = (request: Request): Effect.Effect<unknown, ClusterError, Cluster> => {
  if (isMisnamed(request)) return Effect.fail(misnamed(request))
  const write = isWrite(request)
  const attempts = Effect.retry(once(request), repetition(write))
  return write ? attempts : patiently(attempts)
}
