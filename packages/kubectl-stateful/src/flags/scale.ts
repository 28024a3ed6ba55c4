/** The flags of `scale`, and the SDK's options. */
import { parse as quorumOf, type Quorum } from "@kubectl-stateful/sdk/Quorum"
import type { ScaleOptions } from "@kubectl-stateful/sdk/Scale"
import { boolean, custom, integer, option, string } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import { durationFlag } from "./duration.ts"
import { given } from "./given.ts"
import { dryRunFlag } from "./run.ts"
import { Usage } from "../command/usage.ts"

const whenScaled = option({
  summary: "PVC retention policy for this operation (overrides whenScaled).",
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

/** The flags that must be repeated for an operation that goes below quorum or deletes data. */
export const consentFlags = {
  quorum: quorumFlag({
    summary: "Required if the operation was started with a lower quorum: the same value again."
  }),
  "when-scaled": whenScaled({ summary: "Required if the operation deletes PVCs: Delete." }),
  purge: boolean({ summary: "Required if the operation deletes PVCs that were set aside." })
}

/** The SDK's options for these flags. */
export const consentOptions = (flags: InferredFlags<typeof consentFlags>) => ({
  purge: flags.purge,
  ...given({ quorum: flags.quorum, whenScaled: flags["when-scaled"] })
})

export const scaleFlags = {
  replicas: string({
    summary: "Number of replicas, or `last` for the number before the StatefulSet was scaled to 0.",
    helpValue: "COUNT"
  }),
  "current-replicas": integer({
    summary: "Precondition for the current number of replicas.",
    helpValue: "COUNT"
  }),
  "resource-version": string({
    summary: "Precondition for the current resourceVersion.",
    helpValue: "VERSION"
  }),
  ...dryRunFlag,
  quorum: quorumFlag({
    summary: "Number of members that must stay healthy: majority, a number, or none.",
    default: "majority"
  }),
  step: integer({
    summary: "Maximum number of replicas to add or remove at a time.",
    min: 1,
    helpValue: "COUNT"
  }),
  "drain-wait": durationFlag({
    summary: "Annotate leaving members as draining, for routers, and wait this long before removing them.",
    helpValue: "DURATION"
  }),
  "leftover-claims": option({
    summary: "How to treat PVCs left over from an earlier scale-down.",
    options: ["keep", "refuse", "set-aside"] as const,
    default: "keep"
  })(),
  purge: boolean({
    summary: "Permanently delete PVCs that were set aside earlier; --replicas is then optional."
  }),
  "when-scaled": whenScaled(),
  "force-conflicts": boolean({ summary: "Scale even if another controller manages spec.replicas." })
}

/** Throws a Usage if a value is invalid. */
export const scaleOptions = (flags: InferredFlags<typeof scaleFlags>): ScaleOptions => {
  if (flags.replicas === undefined && !flags.purge) {
    throw new Usage(`required flag(s) "replicas" not set`, "use --replicas COUNT, or --replicas last")
  }
  const count =
    flags.replicas !== undefined && /^\d{1,10}$/.test(flags.replicas) ? Number(flags.replicas) : null
  if (count === null && flags.replicas !== undefined && flags.replicas !== "last") {
    throw new Usage(`invalid --replicas "${flags.replicas}"`, "use a whole number from 0, or last")
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
