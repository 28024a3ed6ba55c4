/** Where a restore's volumes come from, as the cluster has it now. */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import { groupOf, type VolumeSnapshot } from "../kind/Snapshot.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import { type Guard, keyOf } from "../operation/Plan.ts"
import { stepsOf } from "../operation/Step.ts"
import type { Guarantee } from "../Quiesce.ts"
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

/** One claim's cut, as a record has it and as the cluster has it now. */
export interface FoundCut {
  readonly claim: string
  readonly snapshot: string
  readonly handle: string | null
  readonly volumeHandle: string | null
  readonly driver: string
  /** What a claim needs at least, as a quantity; null: not known. */
  readonly size: string | null
  /** `Filesystem` or `Block`, of the volume that was cut; null or absent: not known. */
  readonly mode?: string | null
  /** Why it cannot be restored from; null: it can. */
  readonly why: string | null
}

/** A claim whose volume an earlier restore set aside. */
export interface AsideClaim {
  readonly claim: string
  readonly as: string
  readonly uid: string
  readonly volume: string
  /** The reclaim policy of its volume before; null: not known. */
  readonly reclaimPolicy: string | null
}

/** What a set that was cut in waves needs before anything starts on its volumes. */
export interface Waves {
  readonly profile: string
  readonly kept: ReadonlyArray<{ readonly ordinal: number; readonly name: string }>
  /** The record that holds the texts; null: it may not be read, or anybody may have changed it. */
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

/** Where the volumes come from. */
export type Source =
  | {
      readonly _tag: "Snapshot"
      /** Its name; null: others made these cuts, and there is no record of them. */
      readonly set: string | null
      readonly level: string
      /** What its profile promises of members that were held for it; null: they were not. */
      readonly guarantee: Guarantee | null
      /** The profile whose members are unsafe together as they were cut; absent: none says so. */
      readonly seedOnly?: string
      /** That it was cut in waves, and what of that stands in its record; absent: it was not. */
      readonly waves?: Waves
      readonly created: string
      readonly replicas: number | null
      readonly cuts: ReadonlyArray<FoundCut>
      /** Which cut each claim is filled from, in words, where its caller cannot know. */
      readonly mapped?: ReadonlyArray<string>
      /** What else differs from when it was taken, in words. */
      readonly differs: ReadonlyArray<string>
    }
  | {
      readonly _tag: "Aside"
      readonly operation: string
      /** Before that restore; null: it left the count as it was. */
      readonly replicas: number | null
      readonly claims: ReadonlyArray<AsideClaim>
    }

type Look<A> = Effect.Effect<A, ClusterError, Cluster>

/** The contents of those VolumeSnapshots that these cuts may be, by name. */
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

/** The recorded cuts, each with why it cannot be restored from. */
export const cutsNow = (namespace: string, cuts: ReadonlyArray<RecordedCut>): Look<ReadonlyArray<FoundCut>> =>
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
        size: bytes ? `${bytes}` : cut.size,
        mode: content?.spec.sourceVolumeMode ?? null,
        why: whyNot(cut, found, contents)
      } satisfies FoundCut
    })
  })

/** Whether a claim was set aside from this workload, whose names for claims tell. */
const isAsideFor = (
  kind: string,
  name: string,
  naming: Effect.Success<ReturnType<typeof namingIn>>
): ((claim: PersistentVolumeClaim) => boolean) => {
  if (kind !== "Deployment") return (claim) => isAsideOf(name, claim)
  const own = naming.find((one) => one.name === name)?.claims ?? new Set<string>()
  return (claim) => isAsideOfNamed(name, own, claim)
}

/** What an earlier restore set aside, as it is now; fails where some of it is gone. */
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
              `claim ${to}, in which restore ${done.id} kept the data of ${from}, is not there any more`,
              `restore from a snapshot instead: ${listOf(namespace)} lists them`
            )
          )
    })
    // A Deployment may have been stopped for the sake of a claim that it shares with another one.
    if (claims.length === 0 && guard.kind !== "Deployment") {
      return yield* because(
        "NotFound",
        `restore ${done.id} kept nothing: ${guard.name} had no volumes before it`,
        "there is nothing to go back to"
      )
    }
    return {
      _tag: "Aside",
      operation: done.id,
      replicas: counts(done, key)[0]?.from ?? null,
      claims
    }
  })

/** What an earlier restore set aside, and of which StatefulSet or Deployment. */
export interface Found {
  readonly kind: "StatefulSet" | "Deployment"
  readonly app: string
  readonly source: Source
}

/**
 * The same of a restore whose journal is gone, since only the last ones are kept: by the names and labels of
 * the claims themselves, of each StatefulSet. None: it set nothing aside that is there still.
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
