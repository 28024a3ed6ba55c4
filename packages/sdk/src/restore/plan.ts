/** The plan to put volumes in the place of those that an application has, or its configuration: pure over its state. */
import type { AppRef } from "../App.ts"
import { digest } from "../Digest.ts"
import type { Refusal } from "../operation/Plan.ts"
import { make } from "../operation/Step.ts"
import { needed } from "../Quorum.ts"
import type { AppState } from "../state/AppState.ts"
import { FillClaims } from "../step/fillClaims.ts"
import { beforeSet } from "../step/record.ts"
import { recordName } from "../RecordName.ts"
import { errandsBy, writesBy } from "../step/errands.ts"
import { factsOf } from "../step/workload.ts"
import type { Restoring } from "../Verify.ts"
import type { Config } from "./config.ts"
import { type Ground, groundRefusals } from "./ground.ts"
import {
  claimRefusals,
  countRefusals,
  cutRefusals,
  missing,
  nameRefusals,
  ordinalRefusals,
  type RefusalOptions,
  setRefusals
} from "./refusal.ts"
import { apartRefusals } from "./seed.ts"
import { wavesEffects, wavesRefusals } from "./waves.ts"
import type { Source } from "./source.ts"
import { policiesBefore, stops, type Swap, swapSteps } from "./swap.ts"
import type { Target } from "./target.ts"
import { type RestorePlan, type RestoreSettings, restoreVerb } from "./verb.ts"
import { type AskedMembers, type Volumes, volumesOf } from "./volumes.ts"
import { keptClaim } from "../step/volume.ts"
import { endedRollout } from "../step/partition.ts"
import { counted } from "../Plural.ts"

export interface RestoreOptions extends RefusalOptions, Ground, AskedMembers, Omit<Restoring, "beforeStart"> {
  /** True if a volume without any file is accepted. Default false. */
  readonly allowEmpty?: boolean
  /**
   * The profile with the guarantee `one-member`: members that were snapshotted separately are not restored
   * together.
   */
  readonly oneMember?: string
}

/**
 * How to remove or restore what is kept. Without a command: nothing of it exists yet, and a plan may never be
 * run.
 */
const afterwards = ({ named }: Target): string =>
  named === undefined
    ? "restore --undo restores them, and scale --purge deletes them"
    : "restore --undo restores them; they are kept until those claims and their volumes are deleted"

/** The effects of the plan, in words. */
const effectsOf = (workload: Target, source: Source, swap: Swap, id: string): ReadonlyArray<string> => {
  const { before, attach } = swap
  if (attach.length === 0) return [stops(workload, swap)]
  return [
    source._tag === "Snapshot"
      ? `restore ${workload.name} from ${source.set === null ? "volumesnapshots" : `snapshot ${source.set}`} of ${source.created} (${source.level}): ${counted(attach.length, "volume")}`
      : `undo restore ${source.operation} of ${workload.name}: its previous ${counted(attach.length, "volume")} ${attach.length === 1 ? "is" : "are"} restored`,
    ...(source._tag === "Snapshot" ? (source.mapped ?? []) : []),
    stops(workload, swap),
    ...(before.length === 0
      ? []
      : [
          source._tag === "Snapshot"
            ? `data written since the snapshot is not in the restored volumes; the current volumes are kept as ${before.map(({ name }) => `${name}-${id}`).join(", ")}`
            : `data written since the restore is not in the previous volumes; the current volumes are kept as ${before.map(({ name }) => `${name}-${id}`).join(", ")}`
        ]),
    afterwards(workload)
  ]
}

/** A given profile counts like one in the record. */
const asKept = (source: Source, { oneMember }: RestoreOptions): Source =>
  source._tag === "Snapshot" && oneMember !== undefined ? { ...source, guarantee: "one-member" } : source

/** Warnings about members that are restored separately, and about the others. */
const partWarnings = ({ from, low }: Swap, { ordinals }: RestoreOptions) => {
  if (ordinals === undefined) return []
  const need = needed("majority", from)
  return [
    "members that are restored separately have to catch up with the others: that is up to the application",
    ...(low > 0 && low < need && from > low
      ? [`${low} of ${from} members keep running: a quorum needs ${need}, and is lost during the restore`]
      : [])
  ]
}

/** The tasks of a profile on new volumes: those for copies do not apply to a restore in place. */
const errandsOf = ({ verify, writes }: RestoreOptions, source: Source) => {
  const pinned = source._tag === "Snapshot" ? (source.waves?.record ?? null) : null
  return {
    ...errandsBy(verify === undefined ? {} : { verify }),
    ...(pinned === null || writes === undefined ? {} : writesBy({ writes }, pinned))
  }
}

/** The fields that every plan of this verb has for its StatefulSet. */
const headOf = (state: AppState, workload: Target, ref: AppRef, id: string) => {
  const head = {
    apiVersion: "kubectl-stateful.dev/v1",
    kind: "Plan",
    id,
    verb: "restore",
    app: ref,
    home: state.namespace,
    guards: [
      {
        kind: workload.named === undefined ? "StatefulSet" : "Deployment",
        namespace: state.namespace,
        name: workload.name,
        uid: workload.uid,
        generation: workload.generation
      }
    ],
    hooks: []
  } as const
  return head
}

const withAccess = (made: Omit<RestorePlan, "access">): RestorePlan => ({
  ...made,
  access: restoreVerb.rules({ ...made, access: [] }, {})
})

/** The source of a plan: a snapshot, or a restore that is undone. */
type From = Pick<RestoreSettings, "set" | "undoes">

const configSettings = (config: Config | null, id: string): Pick<RestoreSettings, "config"> =>
  config === null || config.before.length === 0
    ? {}
    : { config: { names: config.names, before: recordName(beforeSet(id)) } }

/** The plan of a restore of the configuration only. */
export const configPlan = (
  state: AppState,
  workload: Target,
  ref: AppRef,
  id: string,
  from: From,
  config: Config
): RestorePlan =>
  withAccess({
    ...headOf(state, workload, ref, id),
    facts: digest([config.before, config.put]),
    effects: [
      from.set === null
        ? `undo restore ${from.undoes} of ${workload.name}: its previous configuration is restored`
        : `restore the configuration of ${workload.name} from snapshot ${from.set}`,
      ...(config.put.length === 0 ? ["nothing of it differs"] : config.effects)
    ],
    warnings: config.warnings,
    refusals: config.refusals,
    unchecked: [],
    settings: { ...from, kept: [], allowEmpty: false, ...configSettings(config, id) },
    steps: [...config.before, ...config.put]
  })

const warningsOf = (
  source: Source,
  options: RestoreOptions,
  { seeds, swap }: Volumes,
  config: Config | null
): ReadonlyArray<string> => [
  ...(source._tag === "Snapshot" && source.level === "crash" && swap.attach.length > 1 && seeds === null
    ? [
        "volumes were snapshotted separately: what one member has sent to another may be in one volume and not in the other"
      ]
    : []),
  ...partWarnings(swap, options),
  ...(source._tag === "Snapshot" ? source.differs : []),
  ...(config?.warnings ?? [])
]

/** Refusals of these volume snapshots, and of the claims that they fill. */
const sourceRefusals = (
  state: AppState,
  workload: Target,
  source: Source,
  options: RestoreOptions,
  { claims, cuts, seeds, swap: { attach } }: Volumes
): ReadonlyArray<Refusal> => {
  const apart = seeds?.refusals ?? apartRefusals(state.namespace, source, attach.length, options)
  if (source._tag === "Aside") return apart
  const { set, waves } = source
  const ordinals = claims.map(({ ordinal }) => ordinal)
  // Stopped with another one, whose claim it names as well.
  const isAlong = workload.named !== undefined && attach.length === 0
  return [
    ...apart,
    ...wavesRefusals(set ?? "", waves, options, ordinals),
    ...(seeds?.steps.length === 0 || isAlong ? [] : cutRefusals(state, workload, set, cuts, claims))
  ]
}

const refusalsOf = (
  state: AppState,
  workload: Target,
  source: Source,
  options: RestoreOptions,
  volumes: Volumes
): ReadonlyArray<Refusal> => {
  const { claims, cuts, seeds, swap } = volumes
  const { attach, before, bystanders, to } = swap
  return [
    ...setRefusals(workload, options),
    ...countRefusals(source),
    ...nameRefusals(claims),
    ...sourceRefusals(state, workload, source, options, volumes),
    ...groundRefusals(state, workload, cuts, claims, { ...options, moved: attach.map((one) => one.to) }),
    ...ordinalRefusals(workload, asKept(source, options), options.ordinals),
    ...claimRefusals(state.namespace, [...before, ...bystanders], workload, options),
    ...(seeds?.steps.length === 0 || workload.named !== undefined
      ? []
      : missing(workload, attach, to, options.ordinals))
  ]
}

const uncheckedOf = ({ verify }: RestoreOptions, { claims, seeds }: Volumes): ReadonlyArray<string> => [
  "whether the driver can fill a volume from its snapshot is known only once it tries",
  ...(claims.length > 0 && verify === undefined
    ? ["new volumes are mounted and read, but their content is not verified: no profile is given"]
    : []),
  ...(seeds !== null && verify !== undefined
    ? ["members that are rebuilt from one are not verified separately"]
    : [])
]

const settingsOf = (
  workload: Target,
  id: string,
  source: Source,
  { allowEmpty, ordinals }: RestoreOptions,
  { before }: Swap,
  config: Config | null
): RestoreSettings => ({
  set: source._tag === "Snapshot" ? source.set : null,
  undoes: source._tag === "Aside" ? source.operation : null,
  kept: before.map(({ name }) => ({ claim: name, as: `${name}-${id}` })),
  allowEmpty: allowEmpty === true,
  ...(ordinals === undefined ? {} : { ordinals }),
  ...configSettings(config, id),
  ...(workload.named === undefined ? { facts: factsOf(workload, "Retain") } : {})
})

/** The plan of a restore. `id` names the operation. */
export const plan = (
  state: AppState,
  workload: Target,
  ref: AppRef,
  id: string,
  source: Source,
  options: RestoreOptions,
  config: Config | null = null
): RestorePlan => {
  const volumes = volumesOf(state, workload, id, source, options)
  const { seeds, claims, swap } = volumes
  const fill = claims.length === 0 ? [] : [make(FillClaims, { claims, ...errandsOf(options, source) })]
  const steps = [
    ...(seeds?.steps ?? fill),
    ...(config?.before ?? []),
    ...swapSteps(workload, id, swap, policiesBefore(source, swap), config?.put ?? [])
  ]
  return withAccess({
    ...headOf(state, workload, ref, id),
    facts: digest([[...swap.before, ...swap.bystanders].map(keptClaim), claims, swap.attach]),
    effects: [
      ...effectsOf(workload, source, swap, id),
      ...wavesEffects(source._tag === "Snapshot" ? source.waves : undefined, options),
      ...(seeds?.effects ?? []),
      ...(config?.effects ?? [])
    ],
    warnings: [...warningsOf(source, options, volumes, config), ...endedRollout(workload, steps)],
    refusals: [...refusalsOf(state, workload, source, options, volumes), ...(config?.refusals ?? [])],
    unchecked: uncheckedOf(options, volumes),
    settings: settingsOf(workload, id, source, options, swap, config),
    steps
  })
}
