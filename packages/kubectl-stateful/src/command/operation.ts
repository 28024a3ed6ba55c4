/**
 * What running an operation needs beside its plan: who runs it, where its progress goes, and what is
 * said when it is interrupted.
 */
import { hostname, userInfo } from "node:os"
import { nameOf } from "@kubectl-stateful/sdk/App"
import type { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { wayOn } from "@kubectl-stateful/sdk/operation/OperationId"
import type { OperationResult, Progress as Report } from "@kubectl-stateful/sdk/operation/Progress"
import { string, boolean, option } from "@oclif/core/flags"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { milliseconds } from "../flags/duration.ts"
import { outputFlag } from "../flags/cluster.ts"
import { resultText } from "../print/operation.ts"
import { progress } from "../print/progress.ts"
import { type Printable, printed, visible } from "../print/terminal.ts"
import type { Screen } from "./screen.ts"
import { Usage } from "./usage.ts"

export const runFlags = {
  ...outputFlag,
  timeout: string({
    summary: "How long the whole may take; default: as long as it makes progress.",
    helpValue: "DURATION"
  }),
  "step-timeout": string({
    summary: "How long a step may take without progress. Default 10m.",
    helpValue: "DURATION"
  })
}

export const takeUpFlags = {
  "take-over": boolean({ summary: "Do not wait for the holder to fall silent: it can change nothing more." }),
  "hook-outcome": option({
    summary: "What became of a hook whose outcome nobody knows: it had its effect, or run it again.",
    options: ["succeeded", "failed"] as const
  })()
}

/** `ann@laptop`. */
export const identity = (): string => {
  try {
    return `${userInfo().username}@${hostname()}`
  } catch {
    // A user without an entry, as in containers.
    return hostname()
  }
}

export const timeouts = (flags: {
  readonly timeout?: string | undefined
  readonly "step-timeout"?: string | undefined
}) => ({
  ...(flags.timeout === undefined ? {} : { timeout: milliseconds(flags.timeout) }),
  ...(flags["step-timeout"] === undefined ? {} : { stepTimeout: milliseconds(flags["step-timeout"]) })
})

/** How often a terminal shows the time that has passed, in milliseconds. */
const tickEvery = 200

const unmet = (name: string, messages: ReadonlyArray<string>): Usage =>
  new Usage(messages.join("; "), `\`kubectl stateful describe ${name}\` shows claims and kept volumes`)

/** Progress to stderr, the result to stdout; an interruption says how to go on. */
export const shown = <E>(
  screen: Screen,
  output: string | undefined,
  run: (report: (report: Report) => Effect.Effect<void>) => Effect.Effect<OperationResult, E, Cluster>
): Effect.Effect<void, E | Usage, Cluster> => {
  let id: string | null = null
  const lines = progress(screen.live ?? null)
  const write = (text: (now: number) => Printable) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const written = text(now)
      if (written !== "") screen.err(written)
    })
  const report = (event: Report) => {
    if (event._tag === "Started") ({ id } = event)
    return write((now) => lines.event(event, now))
  }
  const ticking = Effect.forever(
    Effect.andThen(
      Effect.sleep(tickEvery),
      write((now) => lines.tick(now))
    )
  )
  const end = write((now) => lines.end(now))
  return (screen.live ? Effect.raceFirst(run(report), ticking) : run(report)).pipe(
    Effect.ensuring(end),
    Effect.flatMap((result) =>
      Effect.gen(function* () {
        screen.out(yield* resultText(result, output))
        // Over, but no success: what was promised and is not so is the error.
        const [first] = result.unmet
        if (first !== undefined) yield* Effect.fail(unmet(nameOf(result.app), result.unmet))
      })
    ),
    Effect.onInterrupt(() =>
      Effect.sync(() =>
        screen.err(
          id === null
            ? printed`Stopped before anything was changed.\n`
            : printed`Stopped. ${visible(wayOn(id))}.\n`
        )
      )
    )
  )
}
