/**
 * What `scale` can be asked for, as flags and as the SDK's options.
 */
import { parse as quorumOf, type Quorum } from "@kubectl-stateful/sdk/Quorum"
import type { ScaleOptions } from "@kubectl-stateful/sdk/Scale"
import { boolean, integer, option, string } from "@oclif/core/flags"
import { milliseconds } from "./duration.ts"
import { Usage } from "../command/usage.ts"

const whenScaled = option({
  summary: "Keep or delete claims, for this operation.",
  options: ["Retain", "Delete"] as const
})

/** What an operation that goes below quorum, or deletes data, must be asked for again. */
export const consentFlags = {
  quorum: string({
    summary: "To take up an operation that was begun with a lower quorum: the same again.",
    helpValue: "majority|N|none"
  }),
  "when-scaled": whenScaled({ summary: "To take up an operation that deletes claims: Delete." }),
  purge: boolean({ summary: "To take up an operation that deletes what was set aside." })
}

const quorumIn = (text: string): Quorum => {
  const quorum = quorumOf(text)
  if (quorum === null) throw new Usage(`invalid --quorum "${text}"`, "use majority, a number from 1, or none")
  return quorum
}

/** As the SDK is told of them. */
export const consentOptions = (flags: {
  readonly quorum?: string | undefined
  readonly "when-scaled"?: "Retain" | "Delete" | undefined
  readonly purge: boolean
}) => ({
  purge: flags.purge,
  ...(flags.quorum === undefined ? {} : { quorum: quorumIn(flags.quorum) }),
  ...(flags["when-scaled"] === undefined ? {} : { whenScaled: flags["when-scaled"] })
})

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
  "drain-wait": string({
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

interface ScaleFlags {
  readonly replicas?: string | undefined
  readonly purge: boolean
  readonly quorum: string
  readonly "leftover-claims": "keep" | "refuse" | "set-aside"
  readonly "force-conflicts": boolean
  readonly step?: number | undefined
  readonly "drain-wait"?: string | undefined
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
  const quorum = quorumIn(flags.quorum)
  return {
    ...(flags.replicas === undefined ? {} : { replicas: count ?? "last" }),
    purge: flags.purge,
    quorum,
    leftoverClaims: flags["leftover-claims"],
    forceConflicts: flags["force-conflicts"],
    ...(flags.step === undefined ? {} : { step: flags.step }),
    ...(flags["drain-wait"] === undefined ? {} : { drainWait: milliseconds(flags["drain-wait"]) }),
    ...(flags["current-replicas"] === undefined ? {} : { currentReplicas: flags["current-replicas"] }),
    ...(flags["resource-version"] === undefined ? {} : { resourceVersion: flags["resource-version"] }),
    ...(flags["when-scaled"] === undefined ? {} : { whenScaled: flags["when-scaled"] })
  }
}
