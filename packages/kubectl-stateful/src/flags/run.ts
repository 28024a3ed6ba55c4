/** How an operation is run, and how one is taken up that somebody began. */
import { boolean, option } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import { durationFlag } from "./duration.ts"
import { given } from "./given.ts"
import { outputFlag } from "./output.ts"

export const runFlags = {
  ...outputFlag,
  timeout: durationFlag({
    summary: "How long the whole may take; default: as long as it makes progress.",
    helpValue: "DURATION"
  }),
  "step-timeout": durationFlag({
    summary: "How long a step may take without progress. Default 10m.",
    helpValue: "DURATION"
  })
}

export const timeouts = (flags: InferredFlags<typeof runFlags>) =>
  given({ timeout: flags.timeout, stepTimeout: flags["step-timeout"] })

export const dryRunFlag = {
  "dry-run": option({
    summary: "Print the plan; `server` asks the API server as well.",
    options: ["none", "client", "server"] as const,
    default: "none"
  })()
}

/** Where a plan is tried. */
export type DryRun = Exclude<InferredFlags<typeof dryRunFlag>["dry-run"], "none">

export const yesFlag = { yes: boolean({ char: "y", summary: "Do not ask." }) }

export const takeUpFlags = {
  "take-over": boolean({ summary: "Do not wait for the holder to fall silent: it can change nothing more." }),
  "hook-outcome": option({
    summary: "What became of a hook whose outcome nobody knows: it had its effect, or run it again.",
    options: ["succeeded", "failed"] as const
  })()
}
