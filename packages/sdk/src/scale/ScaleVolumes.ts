/**
 * Reclaim policies of volumes: set to Retain before the last pods go, and put back at the end, so that
 * no claim that is deleted meanwhile takes its data with it.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { PersistentVolume } from "../kind/Storage.ts"
import { ensure, orNull } from "../operation/Ensure.ts"
import * as Fences from "../operation/Fence.ts"
import type { OperationError } from "../operation/OperationError.ts"
import type { At, Failure } from "../operation/Performer.ts"
import * as Resource from "../Resource.ts"
import type { KeptVolume } from "./ScaleStep.ts"

const target = (name: string): Resource.Target => ({ api: Resource.persistentVolumes, name })

const accepted = (object: unknown, name: string): Effect.Effect<PersistentVolume, ClusterError> => {
  const result = kinds.persistentvolumes.accept(object)
  return Result.isSuccess(result)
    ? Effect.succeed(result.success)
    : Effect.fail(
        new ClusterError({
          reason: { _tag: "Unreadable" },
          message: `persistentvolume "${name}": ${result.failure.join("; ")}`
        })
      )
}

export const readVolume = (name: string): Effect.Effect<PersistentVolume, ClusterError, Cluster> =>
  Effect.flatMap(Resource.get(target(name)), (object) => accepted(object, name))

export const patchVolume = (
  name: string,
  operations: ReadonlyArray<Resource.JsonPatchOperation>
): Effect.Effect<PersistentVolume, ClusterError, Cluster> =>
  Effect.flatMap(Resource.patch(target(name), { _tag: "Json", operations }), (object) =>
    accepted(object, name)
  )

const path = "/spec/persistentVolumeReclaimPolicy"
const policyOf = (volume: PersistentVolume) => volume.spec.persistentVolumeReclaimPolicy ?? "Retain"

/** Null: there is no such volume any more, or another claim has it. */
const lookUp = (volume: KeptVolume): Effect.Effect<PersistentVolume | null, ClusterError, Cluster> =>
  Effect.map(orNull(readVolume(volume.name)), (found) =>
    found?.spec.claimRef?.uid === volume.claim ? found : null
  )

interface Look {
  readonly found: PersistentVolume | null
  /** Answered by a write: a read alone may be of a server that lags behind. */
  readonly proven: boolean
  /** Why this caller may not write any more: asked after the volume was read, whose version the write tests. */
  readonly why: OperationError | null
}

/** Why this caller may not write any more; null: it may. */
export const whyNot = (at: At) => Effect.map(Fences.read(at.fence), (set) => Fences.verdict(at.fence, set))

const setPolicy = (
  at: At,
  volume: KeptVolume,
  from: string,
  to: string
): Effect.Effect<void, Failure, Cluster> => {
  // Without a value it is tests alone, and changes nothing.
  const patch = (version: string | null | undefined, value?: string) =>
    patchVolume(volume.name, [
      { op: "test", path: "/spec/claimRef/uid", value: volume.claim },
      { op: "test", path: "/metadata/resourceVersion", value: version },
      ...(value === undefined ? [] : [{ op: "replace" as const, path, value }])
    ])
  return Effect.asVoid(
    ensure<Look>({
      look: Effect.flatMap(lookUp(volume), (found) =>
        Effect.map(whyNot(at), (why) => ({ found, proven: false, why }))
      ),
      // What somebody else has set meanwhile is left.
      done: ({ found, proven }) => found === null || (proven && policyOf(found) !== from),
      stop: ({ why }) => why,
      write: ({ found }) =>
        Effect.gen(function* () {
          const isSet = found !== null && policyOf(found) !== from
          const written = yield* patch(found?.metadata.resourceVersion, isSet ? undefined : to)
          if (isSet) return { found: written, proven: true, why: null }
          // Who slept since the look, and was replaced by one that found nothing to put back, does so.
          if (to === "Retain" && (yield* whyNot(at)) !== null) {
            yield* patch(written.metadata.resourceVersion, from)
          }
          return { found: written, proven: true, why: null }
        })
    })
  )
}

const each = (
  at: At,
  volumes: ReadonlyArray<KeptVolume>,
  to: (volume: KeptVolume) => readonly [string, string]
) =>
  Effect.gen(function* () {
    yield* Fences.check(at.fence)
    yield* Effect.forEach(volumes, (volume) => setPolicy(at, volume, ...to(volume)), {
      concurrency: 8,
      discard: true
    })
    yield* Fences.check(at.fence)
  })

/** Sets Retain, and reads it back. */
export const keepVolumes = (
  at: At,
  volumes: ReadonlyArray<KeptVolume>
): Effect.Effect<void, Failure, Cluster> => each(at, volumes, (volume) => [volume.was, "Retain"])

/** Puts back what was there before. */
export const releaseVolumes = (
  at: At,
  volumes: ReadonlyArray<KeptVolume>
): Effect.Effect<void, Failure, Cluster> => each(at, volumes, (volume) => ["Retain", volume.was])
