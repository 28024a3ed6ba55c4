/** What `snapshot` can be asked for, as flags and as the SDK's options. */
import { boolean, integer, option, string } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import { given } from "./given.ts"
import { profileFlag, snapshotWay } from "./profile.ts"

export const snapshotFlags = {
  name: string({
    summary: "The snapshot's name; default: the application's, with the time.",
    helpValue: "NAME"
  }),
  consistency: option({
    summary:
      "How consistent: held still, one group, each volume alone (crash), or with the application stopped.",
    options: ["auto", "quiesced", "group", "crash", "offline"] as const,
    default: "auto"
  })(),
  "allow-lower": boolean({ summary: "Take a lower level where the asked one is not possible." }),
  ...profileFlag,
  "allow-unbounded-freeze": boolean({
    summary: "Let requests quiesce members: if this process dies, nothing in the pods ends that."
  }),
  "snapshot-qps": integer({
    summary: "Requests a second that the snapshot controller may make. Default: by its last cuts, else 5.",
    min: 1,
    helpValue: "COUNT"
  }),
  class: string({ summary: "VolumeSnapshotClass; default: the driver's.", helpValue: "NAME" }),
  "group-class": string({ summary: "VolumeGroupSnapshotClass; default: the driver's.", helpValue: "NAME" })
}

/** Throws a Usage where a profile cannot be read. */
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
