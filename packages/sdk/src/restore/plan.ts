/** The plan to put volumes in the place of those that an application has, or its configuration: pure over its state. */
import type { AppRef } from "../App.ts"
import { digest } from "../Digest.ts"
import { make } from "../operation/Step.ts"
import * as Quantity from "../Quantity.ts"
import { needed } from "../Quorum.ts"
import type { AppState } from "../state/AppState.ts"
import { FillClaims } from "../step/fillClaims.ts"
import type { FilledClaim } from "../step/filledClaim.ts"
import { beforeSet } from "../step/record.ts"
import { recordName } from "../RecordName.ts"
import { copyName } from "../step/seedClaims.ts"
import { errandsBy, writesBy } from "../step/errands.ts"
import type { Restoring } from "../Verify.ts"
import type { Config } from "./config.ts"
import { type Ground, groundRefusals } from "./ground.ts"
import {
  claimRefusals,
  countRefusals,
  cutRefusals,
  missing,
  ordinalRefusals,
  type RefusalOptions,
  setRefusals
} from "./refusal.ts"
import { apartRefusals, type SeedFrom, seedingOf } from "./seed.ts"
import { wavesEffects, wavesRefusals } from "./waves.ts"
import type { FoundCut, Source } from "./source.ts"
import { attachAside, attachFilled, countOf, kept, stops, type Swap, swapOf, swapSteps } from "./swap.ts"
import { slotOf, type Target } from "./target.ts"
import { type RestorePlan, type RestoreSettings, restoreVerb } from "./verb.ts"
import { shellWord } from "../ShellWord.ts"

export interface RestoreOptions extends RefusalOptions, Ground, Omit<Restoring, "beforeStart"> {
  /** Whether a cut without any file is one. Default false. */
  readonly allowEmpty?: boolean
  /** Put back these ordinals alone; the count stays as it is. Default: all, and the snapshot's count. */
  readonly ordinals?: ReadonlyArray<number>
  /** The profile that keeps one member's promise: members that were cut apart are not put back together. */
  readonly oneMember?: string
  /** Make every member from this one's data. Default: each has its own. */
  readonly seedFrom?: SeedFrom
}

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`

/** The larger of some quantities; those that cannot be read count as none. */
const largest = (quantities: ReadonlyArray<string | null | undefined>): string | null =>
  quantities.reduce<string | null>((most, one) => {
    if (one == null || Quantity.parse(one) === null) return most
    return most === null || Quantity.compare(one, most) === 1 ? one : most
  }, null)

const filled = (
  state: AppState,
  workload: Target,
  id: string,
  cuts: ReadonlyArray<FoundCut>
): ReadonlyArray<FilledClaim> =>
  cuts.flatMap(({ claim, snapshot, handle, volumeHandle, driver, size }) => {
    const slot = slotOf(workload, claim)
    if (slot === null) return []
    const now = state.claims.find(({ name }) => name === claim)
    return [
      {
        as: `${claim}-new-${id}`,
        claim,
        template: slot.template.name,
        ordinal: slot.ordinal,
        snapshot,
        handle,
        volumeHandle,
        driver,
        storageClass: now?.storageClass ?? slot.template.storageClass,
        size: largest([now?.capacity, now?.requested, slot.template.requested, size]) ?? "1Gi"
      }
    ]
  })

/** Every ordinal's claim, made from one member's cut, and the copy that they are made from; null: each has its own. */
const seeded = (
  state: AppState,
  workload: Target,
  id: string,
  source: Source,
  { seedFrom, ordinals }: RestoreOptions
) => {
  if (seedFrom === undefined || source._tag !== "Snapshot") return null
  const template = workload.claimTemplates[0]?.name ?? ""
  const claimOf = (one: number) => `${template}-${workload.name}-${one}`
  const cuts = source.cuts.filter(({ claim }) => claim === claimOf(seedFrom.ordinal))
  const as = copyName(claimOf(seedFrom.ordinal), id)
  const from = filled(state, workload, id, cuts).map((one) => ({ ...one, as }))[0]
  // What a record asks for may be absurd: as many as it has volumes for can be right.
  const length = Math.min(countOf(source, workload), source.cuts.length + 1)
  const others = cuts.flatMap((cut) =>
    Array.from({ length }, (_, index) => ({
      ...cut,
      claim: claimOf(workload.firstOrdinal + index),
      snapshot: as,
      handle: null,
      volumeHandle: null,
      size: from?.size ?? cut.size
    }))
  )
  const claims = filled(state, workload, id, others)
  return { cuts, claims, ...seedingOf(state, workload, seedFrom, from, claims, ordinals) }
}

/** How what is kept is deleted, in words. */
const deletedBy = (namespace: string, { name, named }: Target, { before }: Swap, id: string): string => {
  const [first] = before
  return named === undefined || first === undefined
    ? `\`kubectl stateful scale ${name} --purge -n ${shellWord(namespace)}\` deletes it`
    : `to delete it set its volume's persistentVolumeReclaimPolicy to Delete (kubectl edit pv ${first.volume?.name ?? ""}), and then: kubectl delete pvc ${first.name}-${id} -n ${shellWord(namespace)}`
}

/** What is said of it before anything is done. */
const effectsOf = (
  namespace: string,
  workload: Target,
  source: Source,
  swap: Swap,
  id: string
): ReadonlyArray<string> => {
  const { before, attach } = swap
  if (attach.length === 0) return [stops(workload, swap)]
  return [
    source._tag === "Snapshot"
      ? `restore ${workload.name} from ${source.set === null ? "volumesnapshots" : `snapshot ${source.set}`} of ${source.created} (${source.level}): ${plural(attach.length, "volume")}`
      : `undo restore ${source.operation} of ${workload.name}: its ${plural(attach.length, "volume")} from before come back`,
    ...(source._tag === "Snapshot" ? (source.mapped ?? []) : []),
    stops(workload, swap),
    ...(before.length === 0
      ? []
      : [
          source._tag === "Snapshot"
            ? `what was written since is not in it, and is kept: ${before.map(({ name }) => `${name}-${id}`).join(", ")}`
            : `what was written since the restore is taken back, and is kept: ${before.map(({ name }) => `${name}-${id}`).join(", ")}`
        ]),
    `\`kubectl stateful restore --undo ${id}\` brings that back; ${deletedBy(namespace, workload, swap, id)}`
  ]
}

/** Those of the ordinals that are asked for. */
const ofOrdinals = <A extends { readonly claim: string }>(
  workload: Target,
  { ordinals }: RestoreOptions,
  all: ReadonlyArray<A>
): ReadonlyArray<A> =>
  ordinals === undefined
    ? all
    : all.filter(({ claim }) => ordinals.includes(slotOf(workload, claim)?.ordinal ?? -1))

/** A caller who gives the profile knows as much of its members as a record does. */
const asKept = (source: Source, { oneMember }: RestoreOptions): Source =>
  source._tag === "Snapshot" && oneMember !== undefined ? { ...source, guarantee: "one-member" } : source

/** Members that go back alone, and what becomes of the others meanwhile. */
const partWarnings = ({ from, low }: Swap, { ordinals }: RestoreOptions) => {
  if (ordinals === undefined) return []
  const need = needed("majority", from)
  return [
    "members that go back alone have to catch up with the others: that is the application's own work",
    ...(low > 0 && low < need && from > low
      ? [`${low} of ${from} members go on: a quorum needs ${need}, and is lost meanwhile`]
      : [])
  ]
}

/** What a profile has done with new volumes: that of copies is not for an application's own. */
const errandsOf = ({ verify, writes }: RestoreOptions, source: Source) => {
  const pinned = source._tag === "Snapshot" ? (source.waves?.record ?? null) : null
  return {
    ...errandsBy(verify === undefined ? {} : { verify }),
    ...(pinned === null || writes === undefined ? {} : writesBy({ writes }, pinned))
  }
}

/** What every plan of this verb says of the StatefulSet that it is about. */
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

/** Where a plan comes from: a snapshot, or a restore that is undone. */
type From = Pick<RestoreSettings, "set" | "undoes">

const configSettings = (config: Config | null, id: string): Pick<RestoreSettings, "config"> =>
  config === null || config.before.length === 0
    ? {}
    : { config: { names: config.names, before: recordName(beforeSet(id)) } }

/** What putting back the configuration alone would do. */
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
        ? `undo restore ${from.undoes} of ${workload.name}: its configuration from before comes back`
        : `restore the configuration of ${workload.name} from snapshot ${from.set}`,
      ...(config.put.length === 0 ? ["nothing of it differs"] : config.effects)
    ],
    warnings: config.warnings,
    refusals: config.refusals,
    unchecked: [],
    settings: { ...from, kept: [], allowEmpty: false, ...configSettings(config, id) },
    steps: [...config.before, ...config.put]
  })

/** What a restore would do. `id` names the operation. */
export const plan = (
  state: AppState,
  workload: Target,
  ref: AppRef,
  id: string,
  source: Source,
  options: RestoreOptions,
  config: Config | null = null
): RestorePlan => {
  const seeds = seeded(state, workload, id, source, options)
  const cuts = seeds?.cuts ?? (source._tag === "Snapshot" ? ofOrdinals(workload, options, source.cuts) : [])
  const claims = seeds?.claims ?? filled(state, workload, id, cuts)
  const aside = source._tag === "Aside" ? ofOrdinals(workload, options, source.claims) : []
  const attach = source._tag === "Snapshot" ? attachFilled(claims) : attachAside(aside)
  const swap = swapOf(state, workload, source, attach, options.ordinals)
  const { before, bystanders } = swap
  const waves = source._tag === "Snapshot" ? source.waves : undefined
  // Stopped with another one, whose claim it names as well.
  const isAlong = workload.named !== undefined && attach.length === 0
  const policies = new Map<string, string | null>([
    ...(source._tag === "Aside"
      ? source.claims.map(({ claim, reclaimPolicy }) => [claim, reclaimPolicy] as const)
      : []),
    ...(source._tag === "Snapshot"
      ? before.map(({ name, volume }) => [name, volume?.reclaimPolicy ?? null] as const)
      : [])
  ])
  const settings: RestoreSettings = {
    set: source._tag === "Snapshot" ? source.set : null,
    undoes: source._tag === "Aside" ? source.operation : null,
    kept: before.map(({ name }) => ({ claim: name, as: `${name}-${id}` })),
    allowEmpty: options.allowEmpty === true,
    ...(options.ordinals === undefined ? {} : { ordinals: options.ordinals }),
    ...configSettings(config, id),
    ...(workload.named === undefined
      ? {
          facts: {
            whenScaled: "Retain",
            firstOrdinal: workload.firstOrdinal,
            podManagementPolicy: workload.podManagementPolicy ?? "OrderedReady",
            templates: workload.claimTemplates.map(({ name }) => name)
          }
        }
      : {})
  }
  return withAccess({
    ...headOf(state, workload, ref, id),
    facts: digest([[...before, ...bystanders].map(kept), claims, attach]),
    effects: [
      ...effectsOf(state.namespace, workload, source, swap, id),
      ...wavesEffects(waves, options),
      ...(seeds?.effects ?? []),
      ...(config?.effects ?? [])
    ],
    warnings: [
      ...(source._tag === "Snapshot" && source.level === "crash" && attach.length > 1 && seeds === null
        ? [
            "each volume was cut alone: what one member has sent to another may be in one volume and not in the other"
          ]
        : []),
      ...partWarnings(swap, options),
      ...(source._tag === "Snapshot" ? source.differs : []),
      ...(config?.warnings ?? [])
    ],
    refusals: [
      ...setRefusals(workload, options),
      ...countRefusals(source),
      ...(seeds?.refusals ?? apartRefusals(source, attach.length, options)),
      ...wavesRefusals(
        (source._tag === "Snapshot" ? source.set : null) ?? "",
        waves,
        options,
        claims.map(({ ordinal }) => ordinal)
      ),
      ...(source._tag === "Snapshot" && seeds?.steps.length !== 0 && !isAlong
        ? cutRefusals(state, workload, source.set, cuts, claims)
        : []),
      ...groundRefusals(state, workload, cuts, claims, { ...options, moved: attach.map(({ to }) => to) }),
      ...ordinalRefusals(workload, asKept(source, options), options.ordinals),
      ...claimRefusals(state.namespace, [...before, ...bystanders], workload, options),
      ...(seeds?.steps.length === 0 || workload.named !== undefined
        ? []
        : missing(workload, attach, swap.to, options.ordinals)),
      ...(config?.refusals ?? [])
    ],
    unchecked: [
      "whether the driver can fill a volume from its cut is known only when it is asked",
      ...(claims.length > 0 && options.verify === undefined
        ? ["new volumes are mounted and read, and their content is not verified: no profile says how"]
        : []),
      ...(seeds !== null && options.verify !== undefined
        ? ["members that are made from one are not verified beside that"]
        : [])
    ],
    settings,
    steps: [
      ...(seeds?.steps ??
        (claims.length === 0 ? [] : [make(FillClaims, { claims, ...errandsOf(options, source) })])),
      ...(config?.before ?? []),
      ...swapSteps(workload, id, swap, policies, config?.put ?? [])
    ]
  })
}
