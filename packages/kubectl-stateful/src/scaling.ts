/**
 * What `scale` can be asked for, as flags and as the SDK's options.
 */
import { parse as quorumOf } from "@kubectl-stateful/sdk/Quorum"
import type { ScaleOptions } from "@kubectl-stateful/sdk/Scale"
import { boolean, integer, option, string } from "@oclif/core/flags"
import { Usage } from "./Usage.ts"

export const scaleFlags = {
  replicas: string({
    summary: "How many; `last`: as many as before it was scaled to 0.",
    helpValue: "COUNT"
  }),
  "current-replicas": integer({ summary: "Refuse unless there are so many now.", helpValue: "COUNT" }),
  "resource-version": string({ summary: "Refuse unless it is at this version.", helpValue: "VERSION" }),
  "dry-run": option({
    summary: "Print the plan; `server` asks the API server as well.",
    options: ["none", "client", "server"] as const,
    default: "none"
  })(),
  quorum: string({
    summary: "How many must stay healthy: majority, a number, or none.",
    default: "majority",
    helpValue: "majority|N|none"
  }),
  step: integer({ summary: "At most so many replicas with one change.", min: 1, helpValue: "COUNT" }),
  "leftover-claims": option({
    summary: "Claims of an earlier scale-down.",
    options: ["keep", "refuse", "set-aside"] as const,
    default: "keep"
  })(),
  purge: boolean({
    summary:
      "Delete for good what --leftover-claims set-aside has set aside before; --replicas may be left out."
  }),
  "when-scaled": option({
    summary: "Keep or delete claims, for this operation.",
    options: ["Retain", "Delete"] as const
  })(),
  "force-conflicts": boolean({ summary: "Scale although something else writes replicas." })
}

interface ScaleFlags {
  readonly replicas?: string | undefined
  readonly purge: boolean
  readonly quorum: string
  readonly "leftover-claims": "keep" | "refuse" | "set-aside"
  readonly "force-conflicts": boolean
  readonly step?: number | undefined
  readonly "current-replicas"?: number | undefined
  readonly "resource-version"?: string | undefined
  readonly "when-scaled"?: "Retain" | "Delete" | undefined
}

/** Throws a Usage where a value means nothing. */
export const scaleOptions = (flags: ScaleFlags): ScaleOptions => {
  if (flags.replicas === undefined && !flags.purge) {
    throw new Usage("how many is not said", "give --replicas COUNT, or --replicas last")
  }
  const count =
    flags.replicas !== undefined && /^\d{1,10}$/.test(flags.replicas) ? Number(flags.replicas) : null
  if (count === null && flags.replicas !== undefined && flags.replicas !== "last") {
    throw new Usage(`invalid --replicas "${flags.replicas}"`, "give a whole number from 0, or last")
  }
  const quorum = quorumOf(flags.quorum)
  if (quorum === null)
    throw new Usage(`invalid --quorum "${flags.quorum}"`, "use majority, a number from 1, or none")
  return {
    ...(flags.replicas === undefined ? {} : { replicas: count ?? "last" }),
    purge: flags.purge,
    quorum,
    leftoverClaims: flags["leftover-claims"],
    forceConflicts: flags["force-conflicts"],
    ...(flags.step === undefined ? {} : { step: flags.step }),
    ...(flags["current-replicas"] === undefined ? {} : { currentReplicas: flags["current-replicas"] }),
    ...(flags["resource-version"] === undefined ? {} : { resourceVersion: flags["resource-version"] }),
    ...(flags["when-scaled"] === undefined ? {} : { whenScaled: flags["when-scaled"] })
  }
}
