/**
 * Deletes what earlier operations set aside: the claim, and its volume with the data.
 *
 * Only claims that were planned by name and uid, and a volume only while it is that claim's. Its
 * reclaim policy, Retain since it was set aside, is Delete before the claim goes: so its driver
 * deletes it. A caller that dies in between leaves a claim that still holds its data.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { PersistentVolume, PersistentVolumeClaim } from "../kind/Storage.ts"
import { ensure, orNull } from "../operation/Ensure.ts"
import { annotationPath } from "../operation/Fence.ts"
import * as Fences from "../operation/Fence.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import type { At, Failure } from "../operation/Performer.ts"
import * as Resource from "../Resource.ts"
import { asideLabel, claimTarget, readClaim, usersOf } from "./ScaleAside.ts"
import type { PurgedClaim } from "./ScaleStep.ts"
import { patchVolume, readVolume, whyNot } from "./ScaleVolumes.ts"

/** What earlier operations set aside of this StatefulSet, oldest first. */
export const listAside = (ref: {
  readonly namespace: string
  readonly name: string
}): Effect.Effect<ReadonlyArray<PurgedClaim>, ClusterError, Cluster> =>
  Effect.map(
    Resource.list(Resource.persistentVolumeClaims, {
      namespace: ref.namespace,
      labelSelector: `${asideLabel}=${ref.name}`
    }),
    ({ items }) =>
      items
        .flatMap((item) => {
          const accepted = kinds.persistentvolumeclaims.accept(item)
          return Result.isSuccess(accepted) ? [accepted.success] : []
        })
        .toSorted((left, right) => (created(left) < created(right) ? -1 : 1))
        .map(({ metadata, spec, status }) => ({
          claim: metadata.name,
          uid: metadata.uid ?? "",
          volume: spec.volumeName ?? null,
          size: `${status?.capacity?.["storage"] ?? spec.resources?.requests?.["storage"] ?? "of an unknown size"}`
        }))
  )

const created = (claim: PersistentVolumeClaim): string => claim.metadata.creationTimestamp ?? ""

const is = (step: PurgedClaim, found: PersistentVolumeClaim | null): found is PersistentVolumeClaim =>
  found !== null && found.metadata.uid === step.uid

/** Whether the volume is still that of the planned claim. */
const isOf = (step: PurgedClaim, found: PersistentVolume | null): found is PersistentVolume =>
  found !== null && found.spec.claimRef?.uid === step.uid

/** An object, and why this caller may not write any more: asked after the object was read, whose version the write tests. */
interface Look<A> {
  readonly found: A | null
  readonly why: OperationError | null
}

const looked = <A>(
  at: At,
  read: Effect.Effect<A | null, ClusterError, Cluster>
): Effect.Effect<Look<A>, ClusterError, Cluster> =>
  Effect.flatMap(read, (found) => Effect.map(whyNot(at), (why) => ({ found, why })))

const deleteWithClaim = (at: At, step: PurgedClaim, volume: string): Effect.Effect<void, Failure, Cluster> =>
  Effect.asVoid(
    ensure<Look<PersistentVolume>>({
      look: looked(at, orNull(readVolume(volume))),
      done: ({ found }) => !isOf(step, found) || found.spec.persistentVolumeReclaimPolicy === "Delete",
      stop: ({ why }) => why,
      write: ({ found }) =>
        Effect.map(
          patchVolume(volume, [
            { op: "test", path: "/spec/claimRef/uid", value: step.uid },
            { op: "test", path: "/metadata/resourceVersion", value: found?.metadata.resourceVersion },
            { op: "replace", path: "/spec/persistentVolumeReclaimPolicy", value: "Delete" }
          ]),
          (changed) => ({ found: changed, why: null })
        )
    })
  )

const deleteClaim = (at: At, step: PurgedClaim): Effect.Effect<void, Failure, Cluster> =>
  Effect.asVoid(
    ensure<Look<PersistentVolumeClaim>>({
      look: looked(at, readClaim(at, step.claim)),
      done: ({ found }) => !is(step, found) || Boolean(found.metadata.deletionTimestamp),
      stop: ({ why }) => why,
      write: ({ found }) => {
        const version = found?.metadata.resourceVersion
        return Effect.as(
          Resource.remove(claimTarget(at, step.claim), {
            uid: step.uid,
            ...(version ? { resourceVersion: version } : {})
          }),
          { found: null, why: null }
        )
      }
    })
  )

/** When it was last kept by an abort: moves the version that a caller from before would delete by. */
const keptAnnotation = "kubectl-stateful.dev/kept-by"

/**
 * An abort deletes nothing, and lets nobody delete who was about to: what is there still is touched,
 * so that a caller that slept since its look is refused, and its volume is under Retain again.
 */
export const keepAside = (at: At, step: PurgedClaim): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const { claim, volume, uid } = step
    const found = yield* readClaim(at, claim)
    if (!is(step, found) || found.metadata.deletionTimestamp) {
      yield* at.report({ _tag: "Note", message: `${claim} was purged: nothing brings it back` })
      return
    }
    const { token } = at.fence
    const metadata = { uid, annotations: { [keptAnnotation]: token } }
    yield* ensure<PersistentVolumeClaim | null>({
      look: readClaim(at, claim),
      done: (now) => !is(step, now) || now.metadata.annotations?.[keptAnnotation] === token,
      write: () =>
        Effect.andThen(
          Resource.patch(claimTarget(at, claim), { _tag: "Merge", value: { metadata } }),
          readClaim(at, claim)
        )
    })
    if (volume === null) return
    yield* ensure<PersistentVolume | null>({
      look: orNull(readVolume(volume)),
      done: (now) => !isOf(step, now) || now.metadata.annotations?.[keptAnnotation] === token,
      write: (now) =>
        patchVolume(volume, [
          { op: "test", path: "/spec/claimRef/uid", value: uid },
          { op: "replace", path: "/spec/persistentVolumeReclaimPolicy", value: "Retain" },
          now?.metadata.annotations == null
            ? { op: "add", path: "/metadata/annotations", value: metadata.annotations }
            : { op: "add", path: annotationPath(keptAnnotation), value: token }
        ])
    })
  })

/** How long a claim or a volume may take to go, in milliseconds. */
const patience = 120_000

const wait = (
  gone: Effect.Effect<boolean, ClusterError, Cluster>,
  message: string,
  action: string
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    for (let waited = 0; !(yield* gone); waited += 250) {
      if (waited >= patience) yield* Effect.fail(because("TimedOut", message, action))
      yield* Effect.sleep(250)
    }
  })

/** Deletes one claim and its volume; what is gone already is found gone. */
export const purge = (at: At, step: PurgedClaim): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    yield* Fences.check(at.fence)
    const found = yield* readClaim(at, step.claim)
    if (is(step, found)) {
      const users = yield* usersOf(at, step.claim)
      if (users.length > 0) {
        yield* Effect.fail(
          because(
            "Changed",
            `claim ${step.claim} is mounted by ${users.join(", ")}: nothing of it was deleted`,
            "end that pod, or leave out --purge"
          )
        )
      }
      if (found.metadata.labels?.[asideLabel] !== at.fence.name) {
        yield* Effect.fail(
          because(
            "Changed",
            `claim ${step.claim} is no longer marked as set aside: nothing of it was deleted`,
            "plan again"
          )
        )
      }
    }
    if (step.volume !== null) yield* deleteWithClaim(at, step, step.volume)
    yield* deleteClaim(at, step)
    yield* wait(
      Effect.map(readClaim(at, step.claim), (now) => !is(step, now)),
      `claim ${step.claim} does not go`,
      "look at its finalizers, and for a pod that mounts it; then resume"
    )
    const { volume, size } = step
    if (volume !== null) {
      yield* wait(
        Effect.map(orNull(readVolume(volume)), (now) => !isOf(step, now)),
        `claim ${step.claim} is gone, its volume ${volume} is not yet`,
        `look at it: kubectl describe pv ${volume}; then resume`
      )
    }
    const message = `purged ${step.claim}${volume === null ? "" : ` and volume ${volume} (${size})`}`
    yield* at.report({ _tag: "Note", message })
  })
