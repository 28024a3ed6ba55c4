/** What `restore` can be asked for, as flags and as the SDK's options. */
import type { Cluster } from "@kubectl-stateful/sdk/Cluster"
import * as Restore from "@kubectl-stateful/sdk/Restore"
import { boolean, integer, option, string } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import type * as Effect from "effect/Effect"
import { given } from "./given.ts"
import { profileFlag, restoreWay } from "./profile.ts"
import { target } from "../command/target.ts"
import { Usage } from "../command/usage.ts"

export const restoreFlags = {
  undo: string({
    summary: "Undo this restore: the volumes from before it come back.",
    helpValue: "OPERATION"
  }),
  "from-volume-snapshots": string({
    summary:
      "Restore this StatefulSet from VolumeSnapshots that others made: of each claim the newest ready.",
    helpValue: "APP"
  }),
  "volume-snapshot": string({
    summary: "Of this claim this VolumeSnapshot, with --from-volume-snapshots; may be given again.",
    helpValue: "CLAIM=NAME",
    multiple: true
  }),
  ordinal: integer({
    summary: "Put back the member of this ordinal alone; may be given again.",
    multiple: true,
    min: 0
  }),
  order: string({
    summary:
      "The StatefulSets of a selector's snapshot as they start; they stop the other way round. Default: first those that others name.",
    helpValue: "NAME,…"
  }),
  "with-config": boolean({
    summary: "Put the pod template, ConfigMaps and Secrets back as well."
  }),
  only: option({
    summary: "Put those alone back, and no volumes; pods are replaced one after another.",
    options: ["config"] as const
  })(),
  "allow-privileged": boolean({
    summary: "Put back also a pod template that gives its pods more than they have, e.g. a host path."
  }),
  ...profileFlag,
  seed: integer({
    summary: "Make every member from this one's data, as members of a raft system need it; with --profile.",
    min: 0,
    helpValue: "ORDINAL"
  }),
  "allow-empty": boolean({ summary: "Restore volumes without any file as well." }),
  "force-conflicts": boolean({
    summary: "Restore although something else writes the replicas or the configuration, and is paused."
  })
}
type Flags = InferredFlags<typeof restoreFlags>

/** Throws a Usage where a profile cannot be read, or does not say what is needed of it. */
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

/** Where the volumes come from. */
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
    throw new Usage(`--volume-snapshot ${bad[0]} is not CLAIM=NAME`, "write --volume-snapshot data-db-0=NAME")
  const names = pairs.map(([, claim = ""]) => claim)
  const twice = names.find((one, place) => names.indexOf(one) < place)
  if (twice !== undefined)
    throw new Usage(`--volume-snapshot names claim ${twice} twice`, "give one VolumeSnapshot for each claim")
  return Object.fromEntries(pairs.map(([, claim = "", name = ""]) => [claim, name]))
}

/** A StatefulSet's name, as `db` or `sts/db`. */
const setName = (typed: string): string => {
  const found = target({ first: typed, allNamespaces: false })
  if (found._tag !== "Named") throw new Usage("which application?", "name a StatefulSet")
  return found.name
}

/** What is to be restored; throws a Usage where nothing or too much is said. */
export const restored = (snapshot: string | undefined, flags: Flags): Restored => {
  const { undo: id, "from-volume-snapshots": app, "volume-snapshot": named } = flags
  if ([snapshot, id, app].filter((one) => one !== undefined).length !== 1)
    throw new Usage(
      "restore what?",
      "name a snapshot, or give --from-volume-snapshots APP or --undo OPERATION"
    )
  if (app === undefined && named !== undefined)
    throw new Usage("--volume-snapshot needs --from-volume-snapshots", "give the StatefulSet there")
  if (id !== undefined && (flags.seed !== undefined || flags.profile !== undefined))
    throw new Usage("an undo brings volumes back as they were", "leave out --profile and --seed")
  if (app !== undefined && (flags["with-config"] || flags.only !== undefined))
    throw new Usage(
      "VolumeSnapshots hold no configuration",
      "leave out --with-config and --only, or name a snapshot of ours"
    )
  if (app !== undefined) return { _tag: "VolumeSnapshots", app: setName(app), named: chosen(named ?? []) }
  return id === undefined ? { _tag: "Snapshot", name: snapshot ?? "" } : { _tag: "Undo", id }
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
