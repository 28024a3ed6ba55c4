/** Reasons that a restore must not run, from the snapshot, the application or its claims. Pure. */
import { type Claim, trouble } from "../Claim.ts"
import { longestName } from "../ObjectName.ts"
import type { Refusal } from "../operation/Plan.ts"
import { after, claimName, range } from "../Ordinal.ts"
import type { AppState } from "../state/AppState.ts"
import { releaseOf } from "../state/Writer.ts"
import { type FilledClaim, longestRestored } from "../step/filledClaim.ts"
import { listOf } from "../step/recordList.ts"
import type { Workload } from "../Topology.ts"
import { beingRead } from "../wait/holders.ts"
import type { Stopped } from "./deployments.ts"
import type { FoundCut, Source } from "./source.ts"
import { slotOf, type Target } from "./target.ts"
import { shellWord } from "../ShellWord.ts"
import { titleOf } from "../operation/Guarded.ts"
import { isAskedFor, type StorageClass } from "../Protection.ts"

export interface RefusalOptions {
  /** Restore although something else writes `spec.replicas`. Default false. */
  readonly forceConflicts?: boolean
  /** True if this process can set reclaim policies. Default true. */
  readonly mayPatchVolumes?: boolean
  /** The pods of the namespace that have each claim mounted. Default: not read. */
  readonly mountedBy?: Readonly<Record<string, ReadonlyArray<string>>>
  /** The workloads that are stopped with it. Default: only the StatefulSet. */
  readonly stopped?: Stopped
}

const twice = (names: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set(names.filter((name, place) => names.indexOf(name) < place))
]

const nothing = (namespace: string, set: string | null): Refusal =>
  set === null
    ? {
        reason: "no volumesnapshot found for the requested claims",
        remedy: `\`kubectl get volumesnapshots -n ${shellWord(namespace)}\` lists them; name one with --volume-snapshot`
      }
    : { reason: "the snapshot has no volumes", remedy: "its record has only manifests" }

/** Why no StorageClass fills a new volume of a claim, and what does. */
const noClass = (claim: string, storageClass: string | null, driver: string): Refusal => {
  // A claim that asks for no class is bound by hand, to a volume that nothing provisions.
  if (storageClass === "") {
    return {
      reason: `${claim} has no StorageClass, so nothing fills a new volume for it from its snapshot`,
      remedy: `create a claim from its VolumeSnapshot by hand, with a StorageClass of driver ${driver}, and copy the data from there`
    }
  }
  return storageClass === null
    ? {
        reason: `${claim}: there is no default StorageClass`,
        remedy: `make one of driver ${driver} the default, and restore then`
      }
    : {
        reason: `${claim}: StorageClass ${storageClass} not found`,
        remedy: `create it with provisioner ${driver}, and restore then`
      }
}

/** Claims whose StorageClass has another driver than their volume snapshot; none if classes could not be read. */
export const driverRefusals = (
  claims: ReadonlyArray<Pick<FilledClaim, "claim" | "storageClass" | "driver">>,
  classes: ReadonlyArray<Pick<StorageClass, "name" | "provisioner" | "isDefault">> | null
): ReadonlyArray<Refusal> =>
  claims.flatMap(({ claim, storageClass, driver }) => {
    const found = classes?.find((one) => isAskedFor(storageClass, one))
    if (classes === null || found?.provisioner === driver) return []
    if (found === undefined) return [noClass(claim, storageClass, driver)]
    return [
      {
        reason: `${claim}: its StorageClass ${found.name} uses driver ${found.provisioner}, and its snapshot driver ${driver}`,
        remedy: "a volume snapshot can only be restored by the driver that took it"
      }
    ]
  })

/** The parts of the snapshot that cannot be restored into this application. */
export const cutRefusals = (
  state: AppState,
  workload: Target,
  set: string | null,
  cuts: ReadonlyArray<FoundCut>,
  claims: ReadonlyArray<FilledClaim>
): ReadonlyArray<Refusal> => {
  return [
    ...(cuts.length === 0 ? [nothing(state.namespace, set)] : []),
    ...twice(cuts.map(({ claim }) => claim)).map((claim) => ({
      reason: `${claim} is in the snapshot twice`,
      remedy: "the record was changed: choose another snapshot"
    })),
    ...cuts.flatMap(({ claim, why }) => {
      if (workload.named?.has(claim) === true && slotOf(workload, claim) === null) {
        return [
          {
            reason: `claim ${claim}, which the pods of ${workload.name} refer to, no longer exists`,
            remedy: "recreate it, with its VolumeSnapshot as dataSource: nothing has to be stopped for that"
          }
        ]
      }
      if (slotOf(workload, claim) === null) {
        return [
          {
            reason: `${claim} does not belong to a volume claim template of ${workload.name}: only those are restored in place`,
            remedy: `restore it manually: a claim with its VolumeSnapshot as dataSource`
          }
        ]
      }
      return why === null
        ? []
        : [
            {
              reason: `${claim} cannot be restored: ${why}`,
              remedy:
                set === null
                  ? `\`kubectl get volumesnapshots -n ${shellWord(state.namespace)}\` shows which are ready; name one with --volume-snapshot`
                  : `${listOf(state.namespace)} shows which snapshots are ready; choose another one`
            }
          ]
    }),
    ...driverRefusals(claims, state.protection.storageClasses)
  ]
}

export const setRefusals = (
  workload: Workload,
  { forceConflicts }: RefusalOptions
): ReadonlyArray<Refusal> => [
  ...(workload.deleted === null
    ? []
    : [
        {
          reason: `${titleOf(workload)} is being deleted since ${workload.deleted}`,
          remedy: "wait until it is gone, and apply it again"
        }
      ]),
  ...(forceConflicts === true
    ? []
    : workload.writers.filter((writer) => writer.replicas && releaseOf(writer) === null)
  ).map(({ name, by }) => ({
    reason: `${name} also writes the replicas of ${titleOf(workload)} (${by}), and would start it while its volumes are swapped`,
    remedy: "pause it there, and use --force-conflicts"
  }))
]

/**
 * The remedy for a claim without a volume: as long as there is a pod of its ordinal, the controller recreates
 * it.
 */
const withoutEmpty = (namespace: string, app: string, claim: Claim): string => {
  const gone = `kubectl delete pvc ${shellWord(claim.name)} -n ${shellWord(namespace)}`
  return claim.usedBy.length === 0
    ? `delete it: ${gone}; then restore`
    : `its pod would cause it to be recreated, so: kubectl stateful scale ${shellWord(app)} --replicas 0 -n ${shellWord(namespace)} && ${gone}; then restore`
}

/** Reasons that the current volumes cannot be kept under another name. */
export const claimRefusals = (
  namespace: string,
  claims: ReadonlyArray<Claim>,
  { name, named }: Target,
  { mountedBy = {}, mayPatchVolumes, stopped }: RefusalOptions
): ReadonlyArray<Refusal> => [
  ...claims.flatMap((claim) => {
    const why = trouble(claim)
    if (why === null) return []
    return claim.volume === null && claim.deleted === null
      ? [
          {
            reason: `${why}: it has no data to set aside`,
            remedy:
              named === undefined
                ? withoutEmpty(namespace, name, claim)
                : "delete it and recreate it, with its VolumeSnapshot as dataSource: nothing has to be stopped for that"
          }
        ]
      : [
          {
            reason: `${why}: it cannot be set aside`,
            remedy: `check it: kubectl describe pvc ${shellWord(claim.name)} -n ${shellWord(namespace)}`
          }
        ]
  }),
  ...claims.flatMap(({ name: claim, finalizers }) => {
    const what = beingRead(finalizers)
    return what === null
      ? []
      : [
          {
            reason: `claim ${claim} is in use by ${what}: it cannot be set aside`,
            remedy: `wait until that is finished, or delete it; to find it: kubectl get volumesnapshots,pvc -n ${shellWord(namespace)}`
          }
        ]
  }),
  ...claims.flatMap((claim) => {
    const isOwn = (pod: string) =>
      named === undefined ? after(`${name}-`, pod) !== null : stopped?.pods.has(pod) === true
    const others = (mountedBy[claim.name] ?? []).filter((pod) => !isOwn(pod) || stopped?.ended.has(pod))
    const [first] = others
    if (first === undefined) return []
    return [
      {
        reason: `claim ${claim.name} is mounted by ${others.join(", ")}, which is not stopped with ${name}`,
        remedy: `check it: kubectl describe pod ${shellWord(first)} -n ${shellWord(namespace)}; then delete it, or wait until it is gone`
      }
    ]
  }),
  ...(mayPatchVolumes === false
    ? [
        {
          reason: "no permission to patch persistentvolumes: the previous volumes could not be kept",
          remedy: "ask for: get, patch persistentvolumes"
        }
      ]
    : [])
]

/** True if the API would accept it: a record may contain any number. */
export const isCount = (replicas: number): boolean =>
  Number.isSafeInteger(replicas) && replicas >= 0 && replicas <= 0x7fff_ffff

export const countRefusals = ({ replicas }: Source): ReadonlyArray<Refusal> =>
  replicas === null || isCount(replicas)
    ? []
    : [
        {
          reason: `its record says ${replicas} replicas, which is not a valid number`,
          remedy: "the record was changed: choose another snapshot"
        }
      ]

/** Claims that no volume of the snapshot is for: their pods would start empty. */
export const lackingRefusals = (claims: ReadonlyArray<string>): ReadonlyArray<Refusal> =>
  claims.length === 0
    ? []
    : [
        {
          reason: `there is no volume for ${claims.join(", ")}: ${claims.length === 1 ? "its pod" : "their pods"} would start empty`,
          remedy: "choose a snapshot that has all of them"
        }
      ]

/** Ordinals that are asked for and that the snapshot has no volume for would start empty. */
export const missing = (
  workload: Workload,
  attach: ReadonlyArray<{ readonly to: string }>,
  to: number,
  asked?: ReadonlyArray<number>
): ReadonlyArray<Refusal> => {
  const has = new Set(attach.map(({ to: claim }) => claim))
  // With as many volumes not more ordinals than that can have one: what a record asks for may be absurd.
  const length = Math.min(to, has.size + 1)
  const ordinals = asked ?? range(workload.firstOrdinal, length)
  const lacking = ordinals.flatMap((ordinal) =>
    workload.claimTemplates.flatMap((template) => {
      const claim = claimName(template.name, workload.name, ordinal)
      return has.has(claim) ? [] : [claim]
    })
  )
  return lackingRefusals(lacking)
}

/** Reasons that these ordinals cannot be restored by themselves. */
export const ordinalRefusals = (
  { name, firstOrdinal, replicas, claimTemplates }: Workload,
  source: Source,
  ordinals: ReadonlyArray<number> | undefined
): ReadonlyArray<Refusal> => {
  if (ordinals === undefined) return []
  const strangers = ordinals.filter(
    (ordinal) => !isCount(ordinal) || ordinal < firstOrdinal || ordinal >= firstOrdinal + replicas
  )
  return [
    ...(ordinals.length === 0
      ? [{ reason: "no ordinal is given", remedy: "name at least one, or none to restore all" }]
      : []),
    ...strangers.map((ordinal) => ({
      reason: `${name} has no member of ordinal ${ordinal}: ${replicas === 0 ? "it has 0 replicas" : `it has ${firstOrdinal} to ${firstOrdinal + replicas - 1}`}`,
      remedy: "scale it first, or restore all ordinals"
    })),
    ...(claimTemplates.length === 0
      ? [
          {
            reason: `${name} has no claim templates: its members have no volumes`,
            remedy: "nothing can be restored"
          }
        ]
      : []),
    ...(source._tag === "Snapshot" && source.guarantee === "one-member"
      ? [
          {
            reason: `snapshot ${source.set ?? "<unknown>"} is of an application whose members must not be restored separately (one-member): a member that has lost what it acknowledged breaks what the others rely on`,
            remedy:
              "let it rejoin with an empty volume, as the application's manual describes, or restore all members from a group or offline snapshot"
          }
        ]
      : [])
  ]
}

/** Claims that cannot be filled beside those whose place they take: their names would be too long. */
export const nameRefusals = (
  claims: ReadonlyArray<{ readonly claim: string; readonly as: string }>
): ReadonlyArray<Refusal> =>
  claims.flatMap(({ claim, as }) =>
    as.length <= longestName
      ? []
      : [
          {
            reason: `claim ${claim} has a name of ${claim.length} characters: the one that is filled beside it would have ${as.length}, and at most ${longestName} are allowed`,
            remedy: `move its data to a claim with a name of at most ${longestRestored} characters, by hand from its VolumeSnapshot`
          }
        ]
  )
