/**
 * A claim that is filled from a cut: what it is made with, and that its cut is the very one still.
 *
 * A claim is filled from a VolumeSnapshot only while that and its content name each other, and the cut is
 * the recorded one, of the claim whose place it will take: a record is what somebody wrote into a Secret.
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
import * as Resource from "../Resource.ts"
import { manifest } from "./claims.ts"
import { notTheCut } from "./cutSource.ts"
import type { ErrandSettings } from "./errands.ts"
import type * as Holder from "./holder.ts"
import { isFilledHere } from "./removeFilled.ts"
import { readContent, readSnapshot } from "./snapshots.ts"
import { asNow, claimTarget, readClaim } from "./volume.ts"
import { madeByAnnotation, notUsedYetAnnotation, setAsideLabel } from "../Labels.ts"

/** A claim to be filled, and the cut that it is filled from. */
export const FilledClaim = Schema.Struct({
  /** Its name until it takes the place of `claim`. */
  as: Schema.String,
  /** The claim whose place it takes: of a template and an ordinal, or one that a pod template names. */
  claim: Schema.String,
  /** The claim that was cut, where that is another one. */
  cutOf: Schema.optionalKey(Schema.String),
  /** The template, or the volume in the pod template. */
  template: Schema.String,
  /** Zero where members have no claims of their own. */
  ordinal: Schema.Natural,
  snapshot: Schema.String,
  /** The cut in the storage's own words; null: the record does not say. */
  handle: Schema.NullOr(Schema.String),
  /** The volume that was cut, in the storage's own words; null: the record does not say. */
  volumeHandle: Schema.NullOr(Schema.String),
  driver: Schema.String,
  /** Null: the cluster's default. */
  storageClass: Schema.NullOr(Schema.String),
  size: Schema.String
})
export type FilledClaim = typeof FilledClaim.Type

export interface FillSettings extends ErrandSettings {
  /** Milliseconds without progress after which the step stops. Default 10 minutes. */
  readonly stepTimeout?: number
  /** Whether a cut without any file is one. Default false. */
  readonly allowEmpty?: boolean
  /** Whether what pods have written to them since goes as well where it is undone. Default false. */
  readonly discards?: boolean
  /** Whether its provers have more to do than to look. Default false. */
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
 * Does what fills claims, and looks behind it whether their cuts are the very ones still: a claim names its
 * VolumeSnapshot, and whoever may make those could have put another in its place until it was filled.
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

/** What a claim that a pod template names is now; null: it is gone. */
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

/** As its template has it, or the claim that is there, but for its name, size, class and where its data comes from. */
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
