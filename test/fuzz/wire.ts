/** What an API server sends: the lines of a watch, the frames of an exec. */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ClusterError, type WatchEvent } from "../../packages/sdk/src/Cluster.ts"
import { exitOf } from "../../packages/sdk/src/kubernetes/execFrames.ts"
import { events, lines } from "../../packages/sdk/src/kubernetes/liveWatch.ts"
import { bytesOf, cuts, hostile, mutations } from "./mutation.ts"
import { target, type Verdict } from "./target.ts"

const request = { method: "GET", path: "/api/v1/pods" } as const

const event = (type: string, name: string) =>
  JSON.stringify({ type, object: { kind: "Pod", metadata: { name, resourceVersion: "7" }, note: hostile } })

const streams: ReadonlyArray<string> = [
  `${event("ADDED", "db-0")}\n${event("MODIFIED", "db-0")}\r\n\n${event("DELETED", "数据-0")}\n`,
  `${event("BOOKMARK", "")}\n${JSON.stringify({ type: "ERROR", object: { kind: "Status", code: 410 } })}\n`,
  `${JSON.stringify({ type: "ADDED", object: { note: "x".repeat(3000) } })}\n`,
  ""
]

/** The same bytes, as a network may cut them. */
const pieces = (bytes: Buffer, places: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const marks = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b
  )
  return marks.slice(1).map((mark, index) => bytes.subarray(marks[index], mark))
}

/** The events that came, and how it ended. */
const read = (chunks: ReadonlyArray<Uint8Array>) =>
  Effect.gen(function* () {
    const seen: Array<WatchEvent> = []
    const end = yield* Effect.result(
      Stream.runForEach(events(lines(Stream.fromIterable(chunks), request), request), (one) =>
        Effect.sync(() => seen.push(one))
      )
    )
    return { seen, end: end._tag === "Success" ? null : end.failure }
  })

export const watch = target(
  "watch",
  "lines of a watch",
  Arbitrary.all({ mutation: mutations, places: cuts }),
  ({ mutation, places }): Effect.Effect<Verdict> =>
    Effect.gen(function* () {
      const bytes = bytesOf(streams, mutation)
      const whole = yield* read([bytes])
      const cut = yield* read(pieces(bytes, places))
      if (JSON.stringify(whole) !== JSON.stringify(cut))
        return "the events depend on how the network cut them"
      if (whole.end !== null && !(whole.end instanceof ClusterError)) return "another error"
      // A mark of byte order is none of its text.
      const text = bytes.toString("utf8").replace(/^\ufeff/, "")
      if (whole.end === null && text !== "" && !text.endsWith("\n")) return "a truncated rest is no error"
      const types = ["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]
      return whole.seen.every(({ type }) => types.includes(type)) ? null : "an event of no type"
    }),
  4
)

const success = JSON.stringify({ kind: "Status", status: "Success", metadata: {} })
const statuses: ReadonlyArray<string> = [
  success,
  JSON.stringify({
    status: "Failure",
    message: `command terminated with exit code 3 ${hostile}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: "3" }] }
  }),
  JSON.stringify({ status: "Failure", reason: "InternalError", message: "x".repeat(3000), code: 500 })
]

/** That a command succeeded is what is said of it, and nothing less. */
const isSuccess = (bytes: Buffer): boolean => {
  try {
    return JSON.parse(bytes.toString("utf8").replace(/^\ufeff/, "")).status === "Success"
  } catch {
    return false
  }
}

export const execStatus = target(
  "exec-status",
  "the exit status of an exec",
  mutations,
  (mutation): Verdict => {
    const bytes = bytesOf(statuses, mutation)
    const exit = exitOf(bytes)
    if (exit._tag === "Unknown") return exit.message.length <= 4096 ? null : "a message without end"
    if (!Number.isFinite(exit.code)) return `exit code ${exit.code}`
    return exit.code === 0 && !isSuccess(bytes) ? "a success that nobody said" : null
  }
)
