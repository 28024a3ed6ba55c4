/** The source of a restore's volumes, as it is now in the cluster. */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import { groupOf, type VolumeSnapshot } from "../kind/Snapshot.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import { type Guard, keyOf } from "../operation/Plan.ts"
import { stepsOf } from "../operation/Step.ts"
import type { Guarantee } from "../Quiesce.ts"
import * as Quantity from "../Quantity.ts"
import * as Resource from "../Resource.ts"
import { contentOf, type Contents, snapshotOf, whyNot } from "../step/cutSource.ts"
import { MoveVolume } from "../step/moveVolume.ts"
import { claimsByName, claimsIn } from "../step/reclaimPolicy.ts"
import type { Pinned } from "../step/content.ts"
import type { RecordedCut, Summary } from "../step/record.ts"
import { listOf, type ReadRecord } from "../step/recordList.ts"
import { readContent } from "../step/snapshots.ts"
import type { PersistentVolumeClaim } from "../kind/Storage.ts"
import { setAsideLabel } from "../Labels.ts"
import { isAsideOf, isAsideOfNamed } from "../step/volumeOwner.ts"
import { namingIn } from "./deployments.ts"
import { counts, type RestorePlan } from "./verb.ts"

/** One claim's volume snapshot, as recorded and as it is now. */
export interface FoundCut {
  readonly claim: string
  readonly snapshot: string
  readonly handle: string | null
  readonly volumeHandle: string | null
  readonly driver: string
  /** The minimum size of a claim, as a quantity; `null` if unknown. */
  readonly size: string | null
  /** `Filesystem` or `Block`, of the source volume; `null` or absent if unknown. */
  readonly mode?: string | null
  /** Reason that it cannot be restored; `null` if it can. */
  readonly why: string | null
}

/** A claim whose volume an earlier restore set aside. */
export interface AsideClaim {
  readonly claim: string
  readonly as: string
  readonly uid: string
  readonly volume: string
  /** The previous reclaim policy of its volume; `null` if unknown. */
  readonly reclaimPolicy: string | null
}

/** Requirements of a staged snapshot before anything starts on its volumes. */
export interface Waves {
  readonly profile: string
  readonly kept: ReadonlyArray<{ readonly ordinal: number; readonly name: string }>
  /** The record with the texts; `null` if it cannot be read, or is not immutable. */
  readonly record: Pinned | null
}

/** Of a set as a list or its record has it. */
export const wavesOf = (
  { name, quiesced }: Pick<Summary, "name" | "quiesced">,
  read: ReadRecord | null
): { readonly waves?: Waves } =>
  quiesced?.waves === undefined
    ? {}
    : {
        waves: {
          ...quiesced.waves,
          record: read?.sealed === true ? { set: name, parts: read.parts } : null
        }
      }

/** The source of the volumes. */
export type Source =
  | {
      readonly _tag: "Snapshot"
      /** Its name; `null` for VolumeSnapshots of other tools, which have no record. */
      readonly set: string | null
      readonly level: string
      /** The guarantee of the profile that quiesced its members; `null` if they were not quiesced. */
      readonly guarantee: Guarantee | null
      /** The profile whose members must not be combined as they were snapshotted; absent without one. */
      readonly seedOnly?: string
      /** The record's part about the stages of a staged snapshot; absent for other snapshots. */
      readonly waves?: Waves
      readonly created: string
      readonly replicas: number | null
      readonly cuts: ReadonlyArray<FoundCut>
      /** The volume snapshot that each claim is filled from, in words, if the user cannot know. */
      readonly mapped?: ReadonlyArray<string>
      /** Other differences from when it was taken, in words. */
      readonly differs: ReadonlyArray<string>
    }
  | {
      readonly _tag: "Aside"
      readonly operation: string
      /** The number of replicas before that restore; `null` if it did not change it. */
      readonly replicas: number | null
      readonly claims: ReadonlyArray<AsideClaim>
    }

type Look<A> = Effect.Effect<A, ClusterError, Cluster>

/** The contents of the VolumeSnapshots that may belong to these, by name. */
const contentsOf = (
  cuts: ReadonlyArray<RecordedCut>,
  snapshots: ReadonlyArray<VolumeSnapshot>
): Look<Contents> => {
  const names = snapshots.flatMap((one) => {
    const group = groupOf(one)
    const isOne = cuts.some((cut) =>
      cut.snapshot === null ? group !== null && group === cut.group : cut.snapshot === one.metadata.name
    )
    return (isOne && one.status?.boundVolumeSnapshotContentName) || []
  })
  return Effect.map(Effect.forEach(names, readContent, { concurrency: 16 }), (found) => {
    const there = found.flatMap((content) => content ?? [])
    return new Map(there.map((content) => [content.metadata.name, content]))
  })
}

/** The recorded volume snapshots, each with the reason that it cannot be restored. */
export const cutsNow = ({
  namespace,
  name,
  cuts
}: Pick<Summary, "namespace" | "name" | "cuts">): Look<ReadonlyArray<FoundCut>> =>
  Effect.gen(function* () {
    const snapshots = yield* Resource.list(kinds.volumesnapshots, { namespace })
    const contents = yield* contentsOf(cuts, snapshots)
    return cuts.map((cut) => {
      const found = snapshotOf(cut, snapshots, contents)
      const content = contentOf(found, contents)
      const { claim, snapshotHandle: handle, volumeHandle, driver } = cut
      const snapshot = found?.metadata.name ?? cut.snapshot ?? ""
      const bytes = content?.status?.restoreSize ?? cut.restoreSize
      return {
        claim,
        snapshot,
        handle,
        volumeHandle,
        driver,
        size: bytes ? Quantity.sized(bytes) : cut.size,
        mode: content?.spec.sourceVolumeMode ?? null,
        why: whyNot(name, cut, found, contents)
      } satisfies FoundCut
    })
  })

/** True if a claim was set aside from this workload, by the names of its claims. */
const isAsideFor = (
  kind: string,
  name: string,
  naming: Effect.Success<ReturnType<typeof namingIn>>
): ((claim: PersistentVolumeClaim) => boolean) => {
  if (kind !== "Deployment") return (claim) => isAsideOf(name, claim)
  const own = naming.find((one) => one.name === name)?.claims ?? new Set<string>()
  return (claim) => isAsideOfNamed(name, own, claim)
}

/** The current state of what an earlier restore kept; fails if some of it was deleted. */
export const asideOf = (
  namespace: string,
  done: RestorePlan,
  guard: Guard
): Effect.Effect<Source, ClusterError | OperationError, Cluster> =>
  Effect.gen(function* () {
    const key = keyOf(guard)
    const isOf = isAsideFor(guard.kind, guard.name, yield* namingIn(namespace))
    const moves = stepsOf(MoveVolume, done.steps).filter(({ on }) => on === undefined || on === key)
    const now = yield* claimsByName(
      namespace,
      moves.map(({ to }) => to)
    )
    const claims = yield* Effect.forEach(moves, ({ from, to, volume, reclaimPolicy }) => {
      const found = now.get(to)
      const isKept =
        found !== undefined &&
        isOf(found) &&
        found.spec.volumeName === volume &&
        !found.metadata.deletionTimestamp
      return isKept
        ? Effect.succeed({ claim: from, as: to, uid: found.metadata.uid ?? "", volume, reclaimPolicy })
        : Effect.fail(
            because(
              "NotFound",
              `claim ${to}, in which restore ${done.id} kept the data of ${from}, no longer exists`,
              `restore from a snapshot instead: ${listOf(namespace)} lists them`
            )
          )
    })
    // A Deployment may have been stopped for the sake of a claim that it shares with another one.
    if (claims.length === 0 && guard.kind !== "Deployment") {
      return yield* because(
        "NotFound",
        `restore ${done.id} kept nothing: ${guard.name} had no volumes before it`,
        "there is nothing to restore"
      )
    }
    return {
      _tag: "Aside",
      operation: done.id,
      replicas: counts(done, key)[0]?.from ?? null,
      claims
    }
  })

/** The claims that an earlier restore kept, and their StatefulSet or Deployment. */
export interface Found {
  readonly kind: "StatefulSet" | "Deployment"
  readonly app: string
  readonly source: Source
}

/**
 * The same for a restore whose journal was deleted, since only the last ones are kept: by the names and
 * labels of the claims themselves, for each StatefulSet. Empty if nothing that it kept still exists.
 */
export const asideByName = (namespace: string, operation: string): Look<ReadonlyArray<Found>> =>
  Effect.map(
    Effect.all([claimsIn(namespace, ({ name }) => name.endsWith(`-${operation}`)), namingIn(namespace)]),
    ([now, naming]) => {
      const kindOf = (app: string, one: PersistentVolumeClaim): Found["kind"] | null =>
        isAsideOf(app, one) ? "StatefulSet" : isAsideFor("Deployment", app, naming)(one) ? "Deployment" : null
      const found = now.flatMap((one) => {
        const { metadata, spec } = one
        const app = metadata.labels?.[setAsideLabel]
        const claim = metadata.name.slice(0, -operation.length - 1)
        const isKept =
          app !== undefined &&
          kindOf(app, one) !== null &&
          !/-(new|seed)$/.test(claim) &&
          !metadata.deletionTimestamp
        if (!isKept || !spec.volumeName) return []
        const own = { as: metadata.name, uid: metadata.uid ?? "", volume: spec.volumeName }
        const kind = kindOf(app, one) ?? "StatefulSet"
        return [{ kind, app, claim, ...own, reclaimPolicy: null }]
      })
      return [...Map.groupBy(found, ({ kind, app }) => `${kind}/${app}`).values()].flatMap((all) => {
        const [first] = all
        if (first === undefined) return []
        const { kind, app } = first
        const claims = all.map(({ claim, as, uid, volume, reclaimPolicy }) => ({
          claim,
          as,
          uid,
          volume,
          reclaimPolicy
        }))
        return [{ kind, app, source: { _tag: "Aside" as const, operation, replicas: null, claims } }]
      })
    }
  )
