/**
 * Writes to PersistentVolumes: the only place for them.
 *
 * A volume may be written to only while it and a claim of this application are Bound to each other: a claim's
 * `volumeName` is a request that anyone who creates claims can make; `claimRef` with its uid is the fact.
 * Fields of the volume are tested by the write itself. Other objects (the claim, the fence) are read before
 * and after, and the write is reverted if they changed.
 *
 * The previous policy is kept as an annotation on the volume, by the patch that changes it, and restored from
 * there: a lost or damaged journal loses no policy.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fence from "../operation/Fence.ts"
import * as Resource from "../Resource.ts"
import * as Holder from "./holder.ts"
import type { Claim } from "../Claim.ts"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import { classOf, type PersistentVolume, type PersistentVolumeClaim } from "../kind/Storage.ts"
import {
  appLabel,
  operationLabel,
  annotationPath,
  reclaimPolicyBeforeAnnotation,
  keptByAnnotation
} from "../Labels.ts"
import type { Outliving } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { operationOf } from "../operation/Token.ts"
import { type Bound, foreign, isMarkedBy, lost, going, markOf, ownerOf } from "./volumeOwner.ts"

/** A claim by name and uid, its volume, and the volume's reclaim policy; `null` if unknown. */
export const KeptClaim = Schema.Struct({
  claim: Schema.String,
  uid: Schema.String,
  volume: Schema.NullOr(Schema.String),
  reclaimPolicy: Schema.NullOr(Schema.String)
})
export type KeptClaim = typeof KeptClaim.Type

/** A claim of a state, to be kept as it is there. */
export const keptClaim = ({ name, uid, volume }: Claim): KeptClaim => ({
  claim: name,
  uid,
  volume: volume?.name ?? null,
  reclaimPolicy: volume?.reclaimPolicy ?? null
})

type At = StepContext

export const claimTarget = (namespace: string, name: string): Resource.Target => ({
  api: kinds.persistentvolumeclaims,
  namespace,
  name
})

/** The spec of a claim, for another one that is to be like it. */
export const asNow = ({ metadata, spec }: PersistentVolumeClaim): Readonly<Record<string, unknown>> => ({
  accessModes: spec.accessModes,
  storageClassName: classOf({ metadata, spec }) ?? undefined,
  volumeMode: spec.volumeMode,
  // Another class than the volume's, or none, is never Bound to it.
  ...(spec.volumeAttributesClassName ? { volumeAttributesClassName: spec.volumeAttributesClassName } : {}),
  resources: { requests: spec.resources?.requests }
})

/** True if this user can set reclaim policies. */
export const mayPatchVolumes = Resource.mayAll(["get", "patch"], {
  group: "",
  plural: "persistentvolumes"
})

const volumeTarget = (name: string): Resource.Target => ({ api: kinds.persistentvolumes, name })

/** `null` if there is none of this name. */
export const readClaim = (
  namespace: string,
  name: string
): Effect.Effect<PersistentVolumeClaim | null, ClusterError, Cluster> =>
  Resource.find(kinds.persistentvolumeclaims, { namespace, name })

/**
 * Touches a claim that is kept, so that a process that was suspended after its check, and would delete it,
 * is refused. `known` is its recent state, if ownership was checked after that was read.
 */
export const touchClaim = (
  at: At,
  name: string,
  uid: string,
  known?: PersistentVolumeClaim
): Effect.Effect<void, Failure, Cluster> => {
  const { namespace, token } = at.fence
  const metadata = { uid, annotations: { [keptByAnnotation]: token } }
  return Effect.asVoid(
    Fence.beside<PersistentVolumeClaim | null>(at.standing, {
      look: readClaim(namespace, name),
      ...(known === undefined ? {} : { known }),
      done: (now) =>
        now === null || now.metadata.uid !== uid || now.metadata.annotations?.[keptByAnnotation] === token,
      write: () =>
        Effect.flatMap(
          Resource.patch(claimTarget(namespace, name), { _tag: "Merge", value: { metadata } }),
          (object) => Resource.accept(kinds.persistentvolumeclaims, object)
        )
    })
  )
}

/** `null` if there is none of this name. */
export const readVolume = (name: string): Effect.Effect<PersistentVolume | null, ClusterError, Cluster> =>
  Resource.find(kinds.persistentvolumes, { name })

export const policyOf = (volume: PersistentVolume) => volume.spec.persistentVolumeReclaimPolicy ?? "Retain"

/** Changes while a volume was written. */
export interface Changed {
  /** The volume after the write. */
  readonly written: PersistentVolume
  /** Another process has taken over. */
  readonly isFenced: boolean
  /** What happened to the claim. */
  readonly reason: string | null
}

export interface VolumeWrite {
  readonly own: Bound
  readonly done: (volume: PersistentVolume) => boolean
  readonly change: (volume: PersistentVolume) => ReadonlyArray<Resource.JsonPatchOperation>
  /**
   * The patch that reverts the change, with tests of its own so that it reverts no other change; `null` if
   * it stays.
   */
  readonly undo: (changed: Changed) => ReadonlyArray<Resource.JsonPatchOperation> | null
  /** A further condition, checked before and after. */
  readonly beside?: Effect.Effect<string | null, ClusterError, Cluster>
  /**
   * Reason that the volume, as it was read, must not be changed; `null` if it may be. Its version is
   * tested.
   */
  readonly unfit?: (volume: PersistentVolume) => string | null
  /** The recent state of the volume: if it has changed since, its version differs, and it is read again. */
  readonly known?: PersistentVolume | null
  /** The change gives the volume to another claim. Default false. */
  readonly moves?: boolean
  /** The change protects the data, also of a claim that is deleted with its pod. Default false. */
  readonly protects?: boolean
  readonly dryRun?: boolean
}

export interface Written {
  readonly volume: PersistentVolume | null
  /** Reason that it was left as it was; `null` if it was changed as requested. */
  readonly reason: string | null
}

const patch = (name: string, operations: ReadonlyArray<Resource.JsonPatchOperation>, dryRun = false) =>
  Effect.flatMap(
    Resource.patch(volumeTarget(name), { _tag: "Json", operations }, dryRun ? { dryRun } : {}),
    (object) => Resource.accept(kinds.persistentvolumes, object)
  )

/** A volume, and the other objects. */
interface Look {
  readonly volume: PersistentVolume | null
  /** Reason that the volume must not be written to. */
  readonly reason: string | null
  /** Confirmed by a write: a read alone may come from a server that lags behind. */
  readonly isProven: boolean
}

/** Changes a volume, or returns the reason that it must not: see the head of this file. */
export const writeVolume = (at: At, write: VolumeWrite): Effect.Effect<Written, Failure, Cluster> => {
  const { own } = write
  const beside = write.beside ?? Effect.succeed(null)
  const around = Effect.all([readClaim(at.fence.namespace, own.claim), beside], { concurrency: 2 })
  const isDone = (volume: PersistentVolume | null) => volume !== null && write.done(volume)
  let known = write.known ?? null
  // The claim is asked after the volume was read, whose version the write tests.
  const look = Effect.gen(function* () {
    const volume = known ?? (yield* readVolume(own.volume))
    known = null
    const [{ set }, [claim, other]] = yield* Effect.all([Holder.standing(at), around], { concurrency: 2 })
    const why = foreign(ownerOf(at, set), own, claim, volume, write.protects) ?? other
    const reason = why ?? (volume === null || isDone(volume) ? null : (write.unfit?.(volume) ?? null))
    return { volume, reason, isProven: false } satisfies Look
  })
  const tests = (volume: PersistentVolume | null): ReadonlyArray<Resource.JsonPatchOperation> => [
    { op: "test", path: "/metadata/resourceVersion", value: volume?.metadata.resourceVersion },
    { op: "test", path: "/spec/claimRef/namespace", value: at.fence.namespace },
    { op: "test", path: "/spec/claimRef/name", value: own.claim },
    { op: "test", path: "/spec/claimRef/uid", value: own.uid }
  ]
  return Effect.map(
    Fence.beside<Look & { readonly isChanged?: boolean }>(at.standing, {
      look,
      done: ({ volume, reason, isProven }) => reason !== null || (isProven && isDone(volume)),
      write: ({ volume }): Effect.Effect<Look & { readonly isChanged?: boolean }, ClusterError, Cluster> =>
        Effect.gen(function* () {
          // Tests alone change nothing, and prove what was read.
          const operations = isDone(volume) || volume === null ? [] : write.change(volume)
          const written = yield* patch(own.volume, [...tests(volume), ...operations], write.dryRun)
          const isChanged = !isDone(volume) && write.dryRun !== true
          return { volume: written, reason: null, isProven: true, isChanged }
        }),
      behind: (written) =>
        written.isChanged !== true
          ? Effect.succeed(written)
          : Effect.map(around, ([claim, other]) => ({
              ...written,
              // A claim whose volume was just given to another is Lost as soon as its controller sees it.
              reason: (write.moves === true ? going(own, claim) : lost(own, claim, write.protects)) ?? other
            })),
      takeBack: ({ volume: written, reason, isChanged = false }, why) =>
        Effect.gen(function* () {
          const isWrong = isChanged && written !== null && (why !== null || reason !== null)
          const undo = isWrong ? write.undo({ written, isFenced: why !== null, reason }) : null
          if (undo === null) return null
          return { volume: (yield* takeBack(own.volume, undo)) ?? written, reason, isProven: true }
        })
    }),
    ({ volume, reason }) => ({ volume, reason })
  )
}

/** Reverts a change. If its own tests fail, another client has changed the volume since. */
const takeBack = (volume: string, operations: ReadonlyArray<Resource.JsonPatchOperation>) =>
  patch(volume, operations).pipe(
    Effect.retry({ times: 3, while: ({ reason }) => reason._tag === "Conflict" }),
    Effect.catchIf(
      ({ reason }) => ["Invalid", "NotFound"].includes(reason._tag),
      () => Effect.succeed(null)
    )
  )

/** Takes back the policy by which it would go with its claim, whoever the claim belongs to now. */
export const outlivesAgain = (
  uid: string,
  volume: string | null | undefined
): Effect.Effect<void, ClusterError, Cluster> =>
  volume == null
    ? Effect.void
    : Effect.asVoid(
        takeBack(volume, [
          { op: "test", path: "/spec/claimRef/uid", value: uid },
          { op: "test", path: policyPath, value: "Delete" },
          { op: "replace", path: policyPath, value: "Retain" }
        ])
      )

/** The reclaim policy in a JSON patch of a volume. */
export const policyPath = "/spec/persistentVolumeReclaimPolicy"

/**
 * The annotations of an operation on a volume whose policy it sets to Retain: the process, and the
 * application.
 */
const marks = (at: At, volume: PersistentVolume): ReadonlyArray<Resource.JsonPatchOperation> => {
  const annotations: Readonly<Record<string, string>> = {
    [reclaimPolicyBeforeAnnotation]:
      volume.metadata.annotations?.[reclaimPolicyBeforeAnnotation] ?? policyOf(volume),
    [operationLabel]: at.fence.token,
    [appLabel]: at.fence.name
  }
  return volume.metadata.annotations == null
    ? [{ op: "add", path: "/metadata/annotations", value: annotations }]
    : Object.entries(annotations).map(([name, value]) => ({
        op: "add",
        path: annotationPath(name),
        value
      }))
}

/** Removes those of them that somebody else has not removed. */
const unmarked = ({ metadata }: PersistentVolume): ReadonlyArray<Resource.JsonPatchOperation> =>
  [reclaimPolicyBeforeAnnotation, operationLabel, appLabel]
    .filter((name) => metadata.annotations?.[name] !== undefined)
    .map((name) => ({ op: "remove", path: annotationPath(name) }))

/**
 * True if a volume is under Retain, and its annotation stays: one of an earlier run of this operation
 * becomes this run's, so that its process, if it resumes, reverts nothing.
 */
export const isRetained = (at: At, volume: PersistentVolume): boolean =>
  policyOf(volume) === "Retain" &&
  (!isMarkedBy(operationOf(at.fence.token), volume) || markOf(volume) === at.fence.token)

/** Sets Retain, and keeps the policy before on the volume. */
export const retainVolume = (
  at: At,
  own: Bound,
  options: { readonly dryRun?: boolean } = {}
): Effect.Effect<Written, Failure, Cluster> => {
  return writeVolume(at, {
    own,
    protects: true,
    done: (volume) => isRetained(at, volume),
    change: (volume) => [
      { op: "test", path: policyPath, value: policyOf(volume) },
      { op: "replace", path: policyPath, value: "Retain" },
      ...marks(at, volume)
    ],
    // A caller that was replaced leaves no policy that nobody puts back. A claim that goes keeps Retain.
    undo: ({ written, isFenced, reason }) =>
      isFenced && reason === null && before(written) !== null
        ? [
            { op: "test", path: "/spec/claimRef/uid", value: own.uid },
            { op: "test", path: annotationPath(operationLabel), value: at.fence.token },
            { op: "replace", path: policyPath, value: before(written) },
            ...unmarked(written)
          ]
        : null,
    ...options
  })
}

/** The policies there are: an annotation says nothing else. */
export const before = (volume: PersistentVolume): string | null =>
  ["Delete", "Recycle", "Retain"].find(
    (policy) => policy === volume.metadata.annotations?.[reclaimPolicyBeforeAnnotation]
  ) ?? null

/** Its claim went while this was written: Retain again, at once, and marked again. */
const retainAgain =
  (at: At, own: Bound): VolumeWrite["undo"] =>
  ({ written, reason }) =>
    reason === null
      ? null
      : [
          { op: "test", path: "/spec/claimRef/uid", value: own.uid },
          { op: "replace", path: policyPath, value: "Retain" },
          ...marks(at, written)
        ]

/**
 * Restores the previous policy, if this operation changed it, on a volume that is still Bound to its claim.
 * Any other keeps reclaim policy Retain, with its annotations, and the reason is returned.
 */
export const releaseVolume = (
  at: At,
  own: Bound,
  operation = operationOf(at.fence.token)
): Effect.Effect<Written, Failure, Cluster> =>
  writeVolume(at, {
    own,
    // One that is being deleted goes with its claim: under Retain what is stored outlives it.
    done: (volume) => !isMarkedBy(operation, volume) || Boolean(volume.metadata.deletionTimestamp),
    change: (volume) => [
      { op: "test", path: annotationPath(operationLabel), value: markOf(volume) },
      { op: "test", path: policyPath, value: policyOf(volume) },
      // A policy that somebody else has set meanwhile is left.
      ...(policyOf(volume) === "Retain" && before(volume) !== null
        ? [{ op: "replace" as const, path: policyPath, value: before(volume) }]
        : []),
      ...unmarked(volume)
    ],
    undo: retainAgain(at, own)
  })

/**
 * Removes the annotation from a volume that has taken its place, whichever operation kept it until then. It
 * gets the policy of the volume that it replaced; `null` if that was set to Retain.
 */
export const handOverVolume = (
  at: At,
  own: Bound,
  policy: string | null
): Effect.Effect<Written, Failure, Cluster> => {
  return writeVolume(at, {
    own,
    done: (volume) => markOf(volume) === null || Boolean(volume.metadata.deletionTimestamp),
    change: (volume) => {
      const wanted = policy ?? before(volume)
      return [
        { op: "test", path: annotationPath(operationLabel), value: markOf(volume) },
        { op: "test", path: policyPath, value: policyOf(volume) },
        ...(policyOf(volume) === "Retain" && wanted !== null && wanted !== "Retain"
          ? [{ op: "replace" as const, path: policyPath, value: wanted }]
          : []),
        ...unmarked(volume)
      ]
    },
    undo: retainAgain(at, own)
  })
}

/** Number of volumes that are written to at a time. */
const breadth = 8

/** Each claim with the state of its volume. */
export const eachVolume = <A extends KeptClaim>(
  claims: ReadonlyArray<A>,
  write: (own: Bound, claim: A) => Effect.Effect<Written, Failure, Cluster>
): Effect.Effect<ReadonlyArray<Written & { readonly claim: A }>, Failure, Cluster> =>
  Effect.forEach(
    claims.flatMap((claim) =>
      claim.volume === null
        ? []
        : [{ claim, own: { claim: claim.claim, uid: claim.uid, volume: claim.volume } }]
    ),
    ({ claim, own }) => Effect.map(write(own, claim), (written) => ({ ...written, claim })),
    { concurrency: breadth }
  )

/** The volumes that an operation has set to Retain, which stay where their namespace is deleted. */
export const keptVolumes = ({
  namespace,
  plan
}: Outliving): Effect.Effect<ReadonlyArray<string>, ClusterError, Cluster> =>
  Effect.map(
    Resource.list(kinds.persistentvolumes, { which: (metadata) => isMarkedBy(plan.id, { metadata }) }),
    (marked) =>
      marked.flatMap((volume) => {
        return policyOf(volume) === "Retain" && volume.spec.claimRef?.namespace === namespace
          ? [`persistentvolume ${volume.metadata.name} (${volume.spec.claimRef.name ?? ""})`]
          : []
      })
  )
