/** The flags of `snapshot`, and the SDK's options. */
import { boolean, integer, option, string } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import { given } from "./given.ts"
import { profileFlag, snapshotWay } from "./profile.ts"

export const snapshotFlags = {
  name: string({
    summary: "Name of the snapshot (default: APP-TIMESTAMP).",
    helpValue: "NAME"
  }),
  consistency: option({
    summary:
      "Consistency level: quiesced (members frozen), group (one volume group snapshot), crash (each volume separately), or offline (application stopped).",
    options: ["auto", "quiesced", "group", "crash", "offline"] as const,
    default: "auto"
  })(),
  "allow-lower": boolean({ summary: "Fall back to a lower level if the requested one is not possible." }),
  ...profileFlag,
  "allow-unbounded-freeze": boolean({
    summary:
      "Allow quiescing by HTTP request: if this process crashes, members stay frozen until someone runs `thaw`."
  }),
  "snapshot-qps": integer({
    summary:
      "Requests per second of the snapshot controller, to predict the freeze (default: measured from recent snapshots, else 5).",
    min: 1,
    helpValue: "COUNT"
  }),
  class: string({ summary: "VolumeSnapshotClass (default: the driver's default).", helpValue: "NAME" }),
  "group-class": string({
    summary: "VolumeGroupSnapshotClass (default: the driver's default).",
    helpValue: "NAME"
  })
}

/** Throws a Usage if a profile cannot be read. */
export const snapshotOptions = async (flags: InferredFlags<typeof snapshotFlags>) => ({
  consistency: flags.consistency,
  allowLower: flags["allow-lower"],
  allowUnboundedFreeze: flags["allow-unbounded-freeze"],
  ...(flags.profile === undefined ? {} : await snapshotWay(flags.profile)),
  ...given({
    snapshotQps: flags["snapshot-qps"],
    name: flags.name,
    class: flags.class,
    groupClass: flags["group-class"]
  })
})
