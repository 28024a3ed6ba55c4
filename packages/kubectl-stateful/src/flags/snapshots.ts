/** The flags of `snapshots`. */
import { boolean, integer, string } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import { allNamespacesFlag } from "./application.ts"
import { ageFlag } from "./duration.ts"
import { dryRunFlag, runFlags, yesFlag } from "./run.ts"
import { sealFlags } from "./seal.ts"

export const setFlags = {
  ...runFlags,
  ...allNamespacesFlag,
  keep: integer({ summary: "Number of complete snapshots to keep per application.", min: 1, helpValue: "N" }),
  expire: ageFlag({ summary: "Delete complete snapshots older than this, e.g. 30d.", helpValue: "AGE" }),
  last: boolean({ summary: "Allow deleting the newest complete snapshot of an application." }),
  ...sealFlags,
  file: string({
    char: "f",
    summary: "File to export to (default: NAME.age in the current directory).",
    helpValue: "FILE"
  }),
  "trust-handles": boolean({
    summary:
      "Import volume snapshots even if this cluster does not know their storage handles. Use only with files that you trust."
  }),
  ...dryRunFlag,
  ...yesFlag
}

export type SetFlags = InferredFlags<typeof setFlags>
