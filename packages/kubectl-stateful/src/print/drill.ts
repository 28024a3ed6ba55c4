/** The result of a drill. */
import * as Quantity from "@kubectl-stateful/sdk/Quantity"
import type { DrillResult } from "@kubectl-stateful/sdk/RestoreDrill"
import * as Effect from "effect/Effect"
import { documentText } from "./document.ts"
import { ended, type Printable, visible } from "./terminal.ts"
import { counted } from "@kubectl-stateful/sdk/Plural"

const seconds = (millis: number | null): string =>
  millis === null ? "<none>" : `${(millis / 1000).toFixed(1)}s`

/** `snapshot/nightly drill passed: …`, with its times below. */
export const drillText = (result: DrillResult, output: string | undefined): Effect.Effect<Printable> => {
  if (output === "json" || output === "yaml") return documentText(result, output)
  const { snapshot, source, passed, toVolumes, toReady, check, bytes, volumes, replicas, fenced, verified } =
    result
  if (output === "name") return Effect.succeed(ended([visible(`snapshot/${snapshot}`)]))
  const size = Quantity.parse(bytes)
  return Effect.succeed(
    ended(
      [
        `snapshot/${snapshot} of ${source.name}: drill ${passed ? "passed" : "failed"}`,
        `Volumes:   ${volumes} (${size === null ? "<unknown>" : Quantity.format(size)}), ready after ${seconds(toVolumes)}`,
        `Content:   ${verified === null ? "not verified" : `verified by ${verified}`}`,
        `Ready:     ${counted(replicas, "replica")} after ${seconds(toReady)}`,
        `Check:     ${check === null ? "not run" : `${passed ? "passed" : "failed"} in ${seconds(check)}`}`,
        `Isolation: ${fenced ? "verified: the copy could not reach its source" : "none"}`
      ].map(visible)
    )
  )
}
