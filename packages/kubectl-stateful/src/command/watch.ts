/**
 * `-w`: print, and print again on each change.
 */
import { type Cluster, ClusterError } from "@kubectl-stateful/sdk/Cluster"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { failureLine } from "../print/failure.ts"
import type { Answered } from "../print/list.ts"
import { type Printable, printed } from "../print/terminal.ts"

/** Everything but when it was read. */
const fingerprint = (apps: ReadonlyArray<Answered>): string =>
  JSON.stringify(apps.map(({ state, checklist }) => [{ ...state, observed: "" }, checklist]))

/** Reasons that can be temporary during a watch. */
const passing = new Set(["Unavailable", "Timeout", "TooManyRequests", "InternalError"])
const tryAgainAfter = "5 seconds"

/**
 * Shows each change until it is interrupted. After the first output, an unavailable server is reported, and
 * retried.
 */
export const showChanges = <E>(
  readings: Stream.Stream<ReadonlyArray<Answered>, E, Cluster>,
  show: (apps: ReadonlyArray<Answered>) => Effect.Effect<void, never, Cluster>,
  warn: (line: Printable) => void
): Effect.Effect<void, E, Cluster> =>
  Effect.suspend(() => {
    let shown: string | null = null
    const mayPass = (error: E) =>
      shown !== null && error instanceof ClusterError && passing.has(error.reason._tag)
    return readings.pipe(
      Stream.runForEach((apps) => {
        const seen = fingerprint(apps)
        if (seen === shown) return Effect.void
        shown = seen
        return show(apps)
      }),
      Effect.tapError((error) =>
        Effect.sync(() => {
          if (mayPass(error)) warn(printed`${failureLine(error, "")}; trying again\n`)
        })
      ),
      Effect.retry({ while: mayPass, schedule: Schedule.spaced(tryAgainAfter) })
    )
  })
