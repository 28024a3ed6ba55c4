/**
 * Claims of a StatefulSet's templates, made before their pods and equal to what the controller would
 * make: so provisioning is in parallel while the order of pods stays the controller's.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { ensure } from "../operation/Ensure.ts"
import * as Fences from "../operation/Fence.ts"
import { kinds } from "../Kind.ts"
import type { PersistentVolumeClaim } from "../kind/Storage.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import type { At, Failure } from "../operation/Performer.ts"
import { after, wanted } from "../Ordinal.ts"
import * as Resource from "../Resource.ts"
import type { ClaimSlot } from "./ScaleStep.ts"

/** The operation that made a claim ahead of its pod: what an abort may remove it by. */
export const madeBy = "kubectl-stateful.dev/made-by"

/** The claims of this set's templates among some, by name. */
export const ofTemplates = (
  set: StatefulSet,
  items: Iterable<Resource.KubeObject>
): ReadonlyMap<string, PersistentVolumeClaim> => {
  const prefixes = (set.spec.volumeClaimTemplates ?? []).map(
    (template) => `${template.metadata.name}-${set.metadata.name}-`
  )
  const found = new Map<string, PersistentVolumeClaim>()
  for (const item of items) {
    if (!prefixes.some((prefix) => after(prefix, item.metadata.name) !== null)) continue
    const accepted = kinds.persistentvolumeclaims.accept(item)
    if (Result.isSuccess(accepted)) found.set(item.metadata.name, accepted.success)
  }
  return found
}

/** All claims of this set's templates, by name. */
export const claimsOf = (
  set: StatefulSet
): Effect.Effect<ReadonlyMap<string, PersistentVolumeClaim>, ClusterError, Cluster> =>
  (set.spec.volumeClaimTemplates ?? []).length === 0
    ? Effect.succeed(new Map())
    : Effect.map(
        Resource.list(Resource.persistentVolumeClaims, { namespace: set.metadata.namespace ?? "" }),
        ({ items }) => ofTemplates(set, items)
      )

/** What the controller would create for this slot (stateful_set_utils.go); null: there is no such template. */
export const manifest = (set: StatefulSet, slot: ClaimSlot, operation: string): object | null => {
  const template = set.spec.volumeClaimTemplates?.find((one) => one.metadata.name === slot.template)
  if (template === undefined) return null
  const deletedWithSet = set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === "Delete"
  return {
    metadata: {
      name: slot.name,
      namespace: set.metadata.namespace,
      labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
      annotations: { ...template.metadata.annotations, [madeBy]: operation },
      ...(deletedWithSet
        ? {
            ownerReferences: [
              {
                apiVersion: "apps/v1",
                kind: "StatefulSet",
                name: set.metadata.name,
                uid: set.metadata.uid,
                controller: true,
                blockOwnerDeletion: true
              }
            ]
          }
        : {})
    },
    // Fields that we do not name are kept: an accepted object is the very object that came.
    spec: template.spec
  }
}

const target = (set: StatefulSet, name: string): Resource.Target => ({
  api: Resource.persistentVolumeClaims,
  namespace: set.metadata.namespace ?? "",
  name
})

const lookUp = (
  set: StatefulSet,
  name: string
): Effect.Effect<Resource.KubeObject | null, ClusterError, Cluster> =>
  Resource.get(target(set, name)).pipe(
    Effect.catchIf(
      (error) => error.reason._tag === "NotFound",
      () => Effect.succeed(null)
    )
  )

/** How many claims are created at a time. */
const breadth = 16

/**
 * Takes back a claim that this caller made after another had taken over: a creation cannot carry the
 * token. It is seconds old; where its ordinal is asked for by now, it stays as the controller's.
 */
const takeBack = (
  at: At,
  claim: Resource.KubeObject,
  slot: ClaimSlot
): Effect.Effect<void, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const set = yield* Fences.read(at.fence)
    const { start, count } = wanted(set)
    if (slot.ordinal < start + count) return
    const now = yield* lookUp(set, slot.name)
    if (now === null || now.metadata.uid !== claim.metadata.uid || now.metadata.uid === undefined) return
    yield* Resource.remove(target(set, slot.name), {
      uid: now.metadata.uid,
      ...(now.metadata.resourceVersion === undefined ? {} : { resourceVersion: now.metadata.resourceVersion })
    })
  })

/** Creates those that are not there; what is there is left as it is. */
export const createAhead = (
  slots: ReadonlyArray<ClaimSlot>,
  at: At,
  operation: string
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const set = yield* Fences.check(at.fence)
    const present = yield* claimsOf(set)
    const missing = slots.filter((slot) => !present.has(slot.name))
    const api = { api: Resource.persistentVolumeClaims, namespace: set.metadata.namespace ?? "" }
    yield* Effect.forEach(
      missing,
      (slot): Effect.Effect<void, Failure, Cluster> => {
        const value = manifest(set, slot, operation)
        if (value === null) return Effect.void
        return ensure<Resource.KubeObject | null>({
          look: lookUp(set, slot.name),
          done: (found) => found !== null,
          write: () =>
            Effect.tap(Resource.create(api, value), (made) =>
              Effect.flatMap(Fences.read(at.fence), (now) =>
                Fences.verdict(at.fence, now) === null ? Effect.void : takeBack(at, made, slot)
              )
            )
        })
      },
      { concurrency: breadth, discard: true }
    )
    yield* Fences.check(at.fence)
  })

/**
 * Removes the claims that this operation made ahead and no pod ever had: those of ordinals beyond
 * every count that was asked for. A claim that a pod may have written to stays, and is named.
 */
export const removeUnused = (
  slots: ReadonlyArray<ClaimSlot>,
  at: At,
  operation: string,
  /**
   * The first ordinal that was not asked for when the abort began, and the generation that the
   * StatefulSet has by now if nobody else has changed it: else any count may have been asked for.
   */
  { beyond = 0, generation }: { readonly beyond?: number; readonly generation?: number }
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const set = yield* Fences.check(at.fence)
    const present = yield* claimsOf(set)
    const ours = slots.filter((slot) => present.get(slot.name)?.metadata.annotations?.[madeBy] === operation)
    const isOursAlone = generation !== undefined && set.metadata.generation === generation
    const isUsed = (slot: ClaimSlot) => !isOursAlone || slot.ordinal < beyond
    const used = ours.filter(isUsed)
    if (used.length > 0) {
      const why = isOursAlone ? "" : `somebody else changed ${at.fence.name} meanwhile, `
      yield* at.report({
        _tag: "Note",
        message: `${used.map((slot) => slot.name).join(", ")} kept: ${why}a pod may have written to ${used.length === 1 ? "it" : "them"}`
      })
    }
    yield* Effect.forEach(
      ours.filter((slot) => !isUsed(slot)),
      (slot) => {
        const uid = present.get(slot.name)?.metadata.uid
        return ensure<Resource.KubeObject | null>({
          look: lookUp(set, slot.name),
          // A namesake made since is not ours.
          done: (found) =>
            found === null || found.metadata.uid !== uid || found.metadata["deletionTimestamp"] !== undefined,
          write: (found) =>
            Resource.remove(target(set, slot.name), {
              ...(uid === undefined || uid === null ? {} : { uid }),
              ...(found?.metadata.resourceVersion === undefined
                ? {}
                : { resourceVersion: found.metadata.resourceVersion })
            })
        })
      },
      { concurrency: breadth, discard: true }
    )
  })
