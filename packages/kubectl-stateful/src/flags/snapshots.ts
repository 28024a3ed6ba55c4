/** What `snapshots` can be asked for. */
import { boolean, integer, string } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import { ageFlag } from "./duration.ts"
import { dryRunFlag, runFlags, yesFlag } from "./run.ts"
import { sealFlags } from "./seal.ts"

export const setFlags = {
  ...runFlags,
  keep: integer({ summary: "Of each application keep so many complete ones.", min: 1, helpValue: "N" }),
  expire: ageFlag({ summary: "Delete complete ones that are older, e.g. 30d.", helpValue: "AGE" }),
  last: boolean({ summary: "Delete it also where it is the newest complete one." }),
  ...sealFlags,
  file: string({
    char: "f",
    summary: "Where an export is written; default: NAME.age here.",
    helpValue: "FILE"
  }),
  "trust-handles": boolean({
    summary: "Import cuts that nothing in this cluster knows, by what the file says of them."
  }),
  ...dryRunFlag,
  ...yesFlag
}

export type SetFlags = InferredFlags<typeof setFlags>
