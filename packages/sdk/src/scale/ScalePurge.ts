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
import * as Fences from "../operation/Fence.ts"
import { because } from "../operation/OperationError.ts"
import type { At, Failure } from "../operation/Performer.ts"
import * as Resource from "../Resource.ts"
import { asideLabel, claimTarget, readClaim, usersOf } from "./ScaleAside.ts"
import type { PurgedClaim } from "./ScaleStep.ts"
import { patchVolume, readVolume } from "./ScaleVolumes.ts"

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

const deleteWithClaim = (step: PurgedClaim, volume: string): Effect.Effect<void, Failure, Cluster> =>
  Effect.asVoid(
    ensure<PersistentVolume | null>({
      look: orNull(readVolume(volume)),
      done: (found) => !isOf(step, found) || found.spec.persistentVolumeReclaimPolicy === "Delete",
      write: () =>
        patchVolume(volume, [
          { op: "test", path: "/spec/claimRef/uid", value: step.uid },
          { op: "replace", path: "/spec/persistentVolumeReclaimPolicy", value: "Delete" }
        ])
    })
  )

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
    if (step.volume !== null) yield* deleteWithClaim(step, step.volume)
    yield* ensure<PersistentVolumeClaim | null>({
      look: readClaim(at, step.claim),
      done: (now) => !is(step, now) || Boolean(now.metadata.deletionTimestamp),
      write: () => Effect.as(Resource.remove(claimTarget(at, step.claim), { uid: step.uid }), null)
    })
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
