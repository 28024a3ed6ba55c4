/**
 * A claim that is filled from a volume snapshot: its manifest, and the check that its volume snapshot is
 * still the same.
 *
 * A claim is filled from a VolumeSnapshot only while that and its content refer to each other, and it is the
 * recorded volume snapshot of the claim that it replaces: a record could have been written by anyone who can
 * write Secrets.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { PersistentVolumeClaim } from "../kind/Storage.ts"
import type { VolumeSnapshot } from "../kind/Snapshot.ts"
import * as Fence from "../operation/Fence.ts"
import { because } from "../operation/OperationError.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { operationOf } from "../operation/Token.ts"
import { longestName } from "../ObjectName.ts"
import * as Resource from "../Resource.ts"
import { manifest } from "./claims.ts"
import { notTheCut } from "./cutSource.ts"
import type { ErrandSettings } from "./errands.ts"
import type * as Holder from "./holder.ts"
import { isFilledHere } from "./removeFilled.ts"
import { readContent, readSnapshot } from "./snapshots.ts"
import { asNow, claimTarget, readClaim } from "./volume.ts"
import { madeByAnnotation, notUsedYetAnnotation, setAsideLabel } from "../Labels.ts"

/** The name of a claim while it is filled beside the one whose place it takes. */
export const filledName = (claim: string, id: string): string => `${claim}-new-${id}`

/** The most characters of a claim's name beside which one can be filled: an id has eight. */
export const longestRestored = longestName - filledName("", "00000000").length

/** A claim to fill, and its volume snapshot. */
export const FilledClaim = Schema.Struct({
  /** Its name until it takes the place of `claim`. */
  as: Schema.String,
  /** The claim whose place it takes: of a template and an ordinal, or one that a pod template names. */
  claim: Schema.String,
  /** The claim that was snapshotted, if it is another one. */
  cutOf: Schema.optionalKey(Schema.String),
  /** The template, or the volume in the pod template. */
  template: Schema.String,
  /** Zero where members have no claims of their own. */
  ordinal: Schema.Natural,
  snapshot: Schema.String,
  /** The handle of the volume snapshot in its storage; `null` if the record has none. */
  handle: Schema.NullOr(Schema.String),
  /** The handle of the source volume in its storage; `null` if the record has none. */
  volumeHandle: Schema.NullOr(Schema.String),
  driver: Schema.String,
  /** `null` for the cluster's default StorageClass. */
  storageClass: Schema.NullOr(Schema.String),
  size: Schema.String
})
export type FilledClaim = typeof FilledClaim.Type

export interface FillSettings extends ErrandSettings {
  /** Milliseconds without progress after which the step stops. Default 10 minutes. */
  readonly stepTimeout?: number
  /** True if a volume without any file is accepted. Default false. */
  readonly allowEmpty?: boolean
  /** True if an undo also deletes data that pods have written since. Default false. */
  readonly discards?: boolean
  /** True if the check pods run further tasks. Default false. */
  readonly runs?: boolean
}

export type At = StepContext<FillSettings>
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const contentOf = (found: VolumeSnapshot | null) => {
  const name = found?.status?.boundVolumeSnapshotContentName
  return name ? readContent(name) : Effect.succeed(null)
}

/** Answers with which VolumeSnapshot that is. */
export const assertCut = (at: At, claim: FilledClaim): Work<string | null> =>
  Effect.gen(function* () {
    const found = yield* readSnapshot(at.fence.namespace, claim.snapshot)
    const cut = { ...claim, claim: claim.cutOf ?? claim.claim }
    const why = notTheCut(cut, found, yield* contentOf(found))
    if (why !== null) {
      return yield* because(
        "Changed",
        `${why}: ${claim.claim} is not restored from it`,
        "abort, and plan again"
      )
    }
    return found?.metadata.uid ?? null
  })

/**
 * Fills claims, and then checks that their volume snapshots are still the same: a claim names its
 * VolumeSnapshot, which could have been replaced until the claim was filled.
 */
export const whileCut = (at: At, claims: ReadonlyArray<FilledClaim>, fill: Work): Work =>
  Effect.gen(function* () {
    const look = Effect.forEach(claims, (claim) => assertCut(at, claim), { concurrency: 16 })
    const before = yield* look
    yield* fill
    const after = yield* look
    const place = before.findIndex((uid, index) => uid !== after[index])
    const other = claims[place]
    if (other !== undefined) {
      return yield* because(
        "Changed",
        `volumesnapshot "${other.snapshot}" was replaced while ${other.claim} was filled from it`,
        "abort, and plan again"
      )
    }
  })

/** The current claim of a pod template; `null` if it was deleted. */
const likeNow = (at: At, claim: FilledClaim): Effect.Effect<object | null, ClusterError, Cluster> =>
  Effect.map(readClaim(at.fence.namespace, claim.claim), (now) =>
    now === null
      ? null
      : {
          metadata: {
            name: claim.as,
            namespace: at.fence.namespace,
            annotations: { [madeByAnnotation]: operationOf(at.fence.token) }
          },
          spec: asNow(now)
        }
  )

/** As in its template, or as the existing claim, except its name, size, StorageClass and data source. */
export const valueOf = (
  at: At,
  set: Holder.Holder,
  claim: FilledClaim
): Effect.Effect<object | null, ClusterError, Cluster> => {
  const slot = { name: claim.as, template: claim.template, ordinal: claim.ordinal }
  const made =
    at.fence.kind === "Deployment"
      ? likeNow(at, claim)
      : Effect.succeed(manifest(set, slot, operationOf(at.fence.token)))
  return Effect.map(made, (value) => (value === null ? null : fromCut(at, claim, value)))
}

const fromCut = (at: At, claim: FilledClaim, made: object): object => {
  const metadata: object = Reflect.get(made, "metadata")
  const spec: object = Reflect.get(made, "spec") ?? {}
  return {
    metadata: {
      ...metadata,
      // Those of the set would make it its own: it is the application's once it has its final name.
      labels: { [setAsideLabel]: at.fence.name },
      annotations: {
        ...Reflect.get(metadata, "annotations"),
        [notUsedYetAnnotation]: operationOf(at.fence.token)
      },
      ownerReferences: []
    },
    spec: {
      ...spec,
      // What is filled from a cut is made for it: no volume that is there already will do.
      selector: undefined,
      volumeName: undefined,
      resources: { requests: { storage: claim.size } },
      ...(claim.storageClass === null ? {} : { storageClassName: claim.storageClass }),
      dataSource: { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: claim.snapshot }
    }
  }
}

export const create = (at: At, set: Holder.Holder, claim: FilledClaim): Work =>
  Effect.asVoid(
    Fence.beside<PersistentVolumeClaim | null>(at.standing, {
      look: readClaim(at.fence.namespace, claim.as),
      done: (found) => isFilledHere(at, found),
      stop: (found) =>
        found === null || isFilledHere(at, found)
          ? null
          : because(
              "Changed",
              `claim ${claim.as} already exists and does not belong to this operation`,
              "check it and remove it; then resume"
            ),
      write: () =>
        Effect.flatMap(valueOf(at, set, claim), (value) => {
          if (value === null) return Effect.succeed(null)
          const api = { api: kinds.persistentvolumeclaims, namespace: at.fence.namespace }
          return Effect.flatMap(Resource.create(api, value), (object) =>
            Resource.accept(kinds.persistentvolumeclaims, object)
          )
        }),
      takeBack: (made, why) =>
        why === null || made === null || made.metadata.uid == null
          ? Effect.succeed(null)
          : Effect.as(
              Resource.remove(claimTarget(at.fence.namespace, claim.as), { uid: made.metadata.uid }),
              null
            )
    })
  )
