/**
 * What `scale` can be asked for, as flags and as the SDK's options.
 */
import { parse as quorumOf, type Quorum } from "@kubectl-stateful/sdk/Quorum"
import type { ScaleOptions } from "@kubectl-stateful/sdk/Scale"
import { boolean, custom, integer, option, string } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import { durationFlag } from "./duration.ts"
import { given } from "./given.ts"
import { dryRunFlag } from "./run.ts"
import { Usage } from "../command/usage.ts"

const whenScaled = option({
  summary: "Keep or delete claims, for this operation.",
  options: ["Retain", "Delete"] as const
})

const quorumFlag = custom<Quorum>({
  helpValue: "majority|N|none",
  parse: async (text) => {
    const quorum = quorumOf(text)
    if (quorum === null)
      throw new Usage(`invalid --quorum "${text}"`, "use majority, a number from 1, or none")
    return quorum
  }
})

/** What an operation that goes below quorum, or deletes data, must be asked for again. */
export const consentFlags = {
  quorum: quorumFlag({
    summary: "To take up an operation that was begun with a lower quorum: the same again."
  }),
  "when-scaled": whenScaled({ summary: "To take up an operation that deletes claims: Delete." }),
  purge: boolean({ summary: "To take up an operation that deletes what was set aside." })
}

/** As the SDK is told of them. */
export const consentOptions = (flags: InferredFlags<typeof consentFlags>) => ({
  purge: flags.purge,
  ...given({ quorum: flags.quorum, whenScaled: flags["when-scaled"] })
})

export const scaleFlags = {
  replicas: string({
    summary: "How many; `last`: as many as before it was scaled to 0.",
    helpValue: "COUNT"
  }),
  "current-replicas": integer({ summary: "Refuse unless there are so many now.", helpValue: "COUNT" }),
  "resource-version": string({ summary: "Refuse unless it is at this version.", helpValue: "VERSION" }),
  ...dryRunFlag,
  quorum: quorumFlag({
    summary: "How many must stay healthy: majority, a number, or none.",
    default: "majority"
  }),
  step: integer({ summary: "At most so many replicas with one change.", min: 1, helpValue: "COUNT" }),
  "drain-wait": durationFlag({
    summary: "Mark members that leave, for routers, and wait so long before they are removed.",
    helpValue: "DURATION"
  }),
  "leftover-claims": option({
    summary: "Claims of an earlier scale-down.",
    options: ["keep", "refuse", "set-aside"] as const,
    default: "keep"
  })(),
  purge: boolean({
    summary:
      "Delete for good what --leftover-claims set-aside has set aside before; --replicas may be left out."
  }),
  "when-scaled": whenScaled(),
  "force-conflicts": boolean({ summary: "Scale although something else writes replicas." })
}

/** Throws a Usage where a value means nothing. */
export const scaleOptions = (flags: InferredFlags<typeof scaleFlags>): ScaleOptions => {
  if (flags.replicas === undefined && !flags.purge) {
    throw new Usage("how many is not said", "give --replicas COUNT, or --replicas last")
  }
  const count =
    flags.replicas !== undefined && /^\d{1,10}$/.test(flags.replicas) ? Number(flags.replicas) : null
  if (count === null && flags.replicas !== undefined && flags.replicas !== "last") {
    throw new Usage(`invalid --replicas "${flags.replicas}"`, "give a whole number from 0, or last")
  }
  return {
    ...(flags.replicas === undefined ? {} : { replicas: count ?? "last" }),
    purge: flags.purge,
    quorum: flags.quorum,
    leftoverClaims: flags["leftover-claims"],
    forceConflicts: flags["force-conflicts"],
    ...given({
      step: flags.step,
      drainWait: flags["drain-wait"],
      currentReplicas: flags["current-replicas"],
      resourceVersion: flags["resource-version"],
      whenScaled: flags["when-scaled"]
    })
  }
}
