/** The flags for running and resuming an operation. */
import { boolean, option } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import { durationFlag } from "./duration.ts"
import { given } from "./given.ts"
import { outputFlag } from "./output.ts"

export const runFlags = {
  ...outputFlag,
  timeout: durationFlag({
    summary: "Overall timeout (default: none).",
    helpValue: "DURATION"
  }),
  "step-timeout": durationFlag({
    summary: "Timeout for a step that makes no progress (default 10m).",
    helpValue: "DURATION"
  })
}

export const timeouts = (flags: InferredFlags<typeof runFlags>) =>
  given({ timeout: flags.timeout, stepTimeout: flags["step-timeout"] })

export const dryRunFlag = {
  "dry-run": option({
    summary: "client: only print the plan; server: also validate it with server-side dry-run requests.",
    options: ["none", "client", "server"] as const,
    default: "none"
  })()
}

/** Where a plan is tried. */
export type DryRun = Exclude<InferredFlags<typeof dryRunFlag>["dry-run"], "none">

export const yesFlag = { yes: boolean({ char: "y", summary: "Do not prompt for confirmation." }) }

export const takeUpFlags = {
  "take-over": boolean({
    summary:
      "Take over now, instead of waiting for the current holder's Lease to expire; the previous holder can no longer change anything."
  }),
  "hook-outcome": option({
    summary: "Outcome to assume for a hook whose outcome is unknown: succeeded, or failed to run it again.",
    options: ["succeeded", "failed"] as const
  })()
}
