/** What `snapshots` is asked to do, by its first word. */
import type { Cluster, ClusterError } from "@kubectl-stateful/sdk/Cluster"
import type { OperationError } from "@kubectl-stateful/sdk/operation/OperationError"
import type { AppNotFound } from "@kubectl-stateful/sdk/State"
import { boolean, custom, integer, option, string } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import type * as Effect from "effect/Effect"
import { age } from "../../flags/duration.ts"
import { runFlags, timeouts } from "../../command/operation.ts"
import type { Screen } from "../../command/screen.ts"
import { Usage } from "../../command/usage.ts"
import { pruneSets } from "./prune.ts"
import { describeSet, diffSets, listSets } from "./show.ts"
import { exportSet, importSet } from "./transfer.ts"

const ageFlag = custom<number>({ parse: async (text) => age(text) })

export const setFlags = {
  ...runFlags,
  keep: integer({ summary: "Of each application keep so many complete ones.", min: 1, helpValue: "N" }),
  expire: ageFlag({ summary: "Delete complete ones that are older, e.g. 30d.", helpValue: "AGE" }),
  last: boolean({ summary: "Delete it also where it is the newest complete one." }),
  recipient: string({
    summary: "Encrypt for this key of age; may be repeated.",
    helpValue: "KEY",
    multiple: true,
    multipleNonGreedy: true
  }),
  "passphrase-file": string({
    summary: "Encrypt or decrypt with the passphrase in this file.",
    helpValue: "FILE"
  }),
  "identity-file": string({ summary: "Decrypt with the keys of age in this file.", helpValue: "FILE" }),
  file: string({
    char: "f",
    summary: "Where an export is written; default: NAME.age here.",
    helpValue: "FILE"
  }),
  "trust-handles": boolean({
    summary: "Import cuts that nothing in this cluster knows, by what the file says of them."
  }),
  "dry-run": option({
    summary: "Print the plan; `server` asks the API server as well.",
    options: ["none", "client", "server"] as const,
    default: "none"
  })(),
  yes: boolean({ char: "y", summary: "Do not ask." })
}

type Flags = InferredFlags<typeof setFlags>
type Action = Effect.Effect<void, ClusterError | OperationError | AppNotFound | Usage, Cluster>

const pruned = (screen: Screen, names: ReadonlyArray<string>, flags: Flags): Action => {
  const { keep, expire, last, yes, output, "dry-run": dryRun } = flags
  if ((names.length === 0) === (keep === undefined && expire === undefined)) {
    throw new Usage("which snapshots?", "name them, or give --keep N or --expire AGE")
  }
  const rule = { ...(keep === undefined ? {} : { keep }), ...(expire === undefined ? {} : { expire }) }
  return pruneSets(screen, { ...timeouts(flags), ...rule, names, last, yes, dryRun, output })
}

/** Throws a Usage where it is nothing that can be done. */
export const actionOf = (screen: Screen, words: ReadonlyArray<string>, flags: Flags): Action => {
  const [action = "list", ...names] = words
  const [first, second = "live", ...more] = names
  const { output } = flags
  if (action === "list" && first === undefined) return listSets(screen, output)
  if (action === "prune") return pruned(screen, names, flags)
  if (first !== undefined && more.length === 0) {
    if (action === "diff") return diffSets(screen, output, first, second)
    if (names.length === 1 && action === "describe") return describeSet(screen, output, first)
    if (names.length === 1 && action === "export") return exportSet(screen, first, flags)
    if (names.length === 1 && action === "import") {
      const { yes, "trust-handles": trustHandles, "dry-run": dryRun } = flags
      const keys = {
        "identity-file": flags["identity-file"],
        "passphrase-file": flags["passphrase-file"]
      }
      return importSet(screen, first, { ...timeouts(flags), ...keys, trustHandles, yes, dryRun, output })
    }
  }
  throw new Usage(
    `"${words.join(" ")}" is nothing that snapshots does`,
    "use list, describe NAME, diff NAME [NAME|live], prune NAME..., export NAME, or import FILE"
  )
}
