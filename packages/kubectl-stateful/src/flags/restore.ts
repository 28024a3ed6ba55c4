/** The flags of `restore`, and the SDK's options. */
import type { Cluster } from "@kubectl-stateful/sdk/Cluster"
import * as Restore from "@kubectl-stateful/sdk/Restore"
import { boolean, integer, option, string } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import type * as Effect from "effect/Effect"
import { given } from "./given.ts"
import { profileFlag, restoreWay } from "./profile.ts"
import { operationId } from "../command/operationId.ts"
import { setName } from "../command/target.ts"
import { Usage } from "../command/usage.ts"

export const restoreFlags = {
  undo: string({
    summary: "Undo this restore: switch back to the previous volumes.",
    helpValue: "OPERATION"
  }),
  "from-volume-snapshots": string({
    summary:
      "Restore this StatefulSet from VolumeSnapshots that this plugin did not take; uses the newest ready one per PVC.",
    helpValue: "APP"
  }),
  "volume-snapshot": string({
    summary: "VolumeSnapshot to use for a PVC, with --from-volume-snapshots; may be repeated.",
    helpValue: "PVC=NAME",
    multiple: true
  }),
  ordinal: integer({
    summary: "Restore only the member with this ordinal; may be repeated.",
    multiple: true,
    min: 0
  }),
  order: string({
    summary:
      "Start order of the StatefulSets in a snapshot taken with -l; they stop in reverse (default: dependencies first).",
    helpValue: "NAME,..."
  }),
  "with-config": boolean({
    summary: "Also restore the pod template, ConfigMaps and Secrets."
  }),
  only: option({
    summary:
      "Restore only the pod template, ConfigMaps and Secrets, and no volumes; pods are replaced one at a time.",
    options: ["config"] as const
  })(),
  "allow-privileged": boolean({
    summary: "Allow restoring a pod template with more privileges than the current one, e.g. hostPath."
  }),
  ...profileFlag,
  seed: integer({
    summary:
      "Rebuild every member from the data of this ordinal, as required by Raft-based systems such as etcd; requires --profile.",
    min: 0,
    helpValue: "ORDINAL"
  }),
  "allow-empty": boolean({ summary: "Allow restoring empty volumes." }),
  "force-conflicts": boolean({
    summary:
      "Restore even if another controller manages the replicas or the configuration; pause that controller first."
  })
}
type Flags = InferredFlags<typeof restoreFlags>

/** Throws a Usage if a profile cannot be read, or lacks a required section. */
export const restoreOptions = async (flags: Flags): Promise<Restore.RestoreOptions> => ({
  ...(await restoreWay(flags.profile, flags.seed)),
  allowEmpty: flags["allow-empty"],
  allowPrivileged: flags["allow-privileged"],
  forceConflicts: flags["force-conflicts"],
  withConfig: flags["with-config"],
  ...given({
    only: flags.only,
    order: flags.order?.split(",").map((one) => one.trim()),
    ordinals: flags.ordinal === undefined ? undefined : [...new Set(flags.ordinal)]
  })
})

/** The source of the volumes. */
export type Restored =
  | { readonly _tag: "Snapshot"; readonly name: string }
  | { readonly _tag: "Undo"; readonly id: string }
  | {
      readonly _tag: "VolumeSnapshots"
      readonly app: string
      readonly named: Readonly<Record<string, string>>
    }

/** `CLAIM=NAME`, one for each claim. */
const chosen = (words: ReadonlyArray<string>): Readonly<Record<string, string>> => {
  const pairs = words.map((one) => /^([^=]+)=([^=]+)$/.exec(one) ?? [one])
  const bad = pairs.find(({ length }) => length === 1)
  if (bad !== undefined)
    throw new Usage(
      `invalid --volume-snapshot "${bad[0]}"`,
      "use CLAIM=NAME, e.g. --volume-snapshot data-db-0=NAME"
    )
  const names = pairs.map(([, claim = ""]) => claim)
  const twice = names.find((one, place) => names.indexOf(one) < place)
  if (twice !== undefined)
    throw new Usage(`--volume-snapshot names claim ${twice} twice`, "use one VolumeSnapshot per claim")
  return Object.fromEntries(pairs.map(([, claim = "", name = ""]) => [claim, name]))
}

/** The object to restore from; throws a Usage if none or more than one is given. */
export const restored = (snapshot: string | undefined, flags: Flags): Restored => {
  const { undo: id, "from-volume-snapshots": app, "volume-snapshot": named } = flags
  if ([snapshot, id, app].filter((one) => one !== undefined).length !== 1)
    throw new Usage(
      "exactly one source is required",
      "name a snapshot, or use --from-volume-snapshots APP or --undo OPERATION"
    )
  if (app === undefined && named !== undefined)
    throw new Usage("--volume-snapshot requires --from-volume-snapshots", "name the StatefulSet there")
  if (id !== undefined && (flags.seed !== undefined || flags.profile !== undefined))
    throw new Usage("--undo cannot be combined with --profile or --seed", "leave them out")
  if (app !== undefined && (flags["with-config"] || flags.only !== undefined))
    throw new Usage(
      "VolumeSnapshots contain no configuration",
      "leave out --with-config and --only, or name a snapshot taken by this plugin"
    )
  if (app !== undefined)
    return {
      _tag: "VolumeSnapshots",
      app: setName([app], "restore --from-volume-snapshots db"),
      named: chosen(named ?? [])
    }
  return id === undefined ? { _tag: "Snapshot", name: snapshot ?? "" } : { _tag: "Undo", id: operationId(id) }
}

export const prepared = (
  namespace: string,
  what: Restored,
  options: Restore.RestoreOptions
): Effect.Effect<Restore.RestorePlan, Restore.RestoreError, Cluster> => {
  if (what._tag === "Undo") return Restore.prepareUndo({ namespace, id: what.id }, options)
  if (what._tag === "Snapshot") return Restore.prepare({ namespace, name: what.name }, options)
  const { app, named } = what
  return Restore.prepareFromVolumeSnapshots({ namespace, name: app }, { ...options, volumeSnapshots: named })
}
