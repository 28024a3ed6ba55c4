/**
 * Setting a leftover claim aside: its volume moves to a claim of another name, so that a new pod
 * starts empty and nothing is lost.
 *
 * The volume is set to Retain first, and its claimRef points to the new claim before the old one
 * goes: at no moment is it free for another claim, or for its reclaim policy.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Cluster, ClusterError } from "../Cluster.ts"
import { ensure, orNull } from "../operation/Ensure.ts"
import * as Fences from "../operation/Fence.ts"
import { kinds } from "../Kind.ts"
import type { PersistentVolume, PersistentVolumeClaim } from "../kind/Storage.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import type { At, Failure } from "../operation/Performer.ts"
import * as Resource from "../Resource.ts"
import { patchVolume, readVolume, whyNot } from "./ScaleVolumes.ts"

/** The StatefulSet that a claim was set aside from. */
export const asideLabel = "kubectl-stateful.dev/set-aside"

const accepted = <A>(result: Result.Result<A, ReadonlyArray<string>>, what: string) =>
  Result.isSuccess(result)
    ? Effect.succeed(result.success)
    : Effect.fail(
        new ClusterError({ reason: { _tag: "Unreadable" }, message: `${what}: ${result.failure.join("; ")}` })
      )

export const claimTarget = (at: At, name: string): Resource.Target => ({
  api: Resource.persistentVolumeClaims,
  namespace: at.fence.namespace,
  name
})
/** Null: there is none of this name. */
export const readClaim = (
  at: At,
  name: string
): Effect.Effect<PersistentVolumeClaim | null, ClusterError, Cluster> =>
  orNull(
    Effect.flatMap(Resource.get(claimTarget(at, name)), (object) =>
      accepted(kinds.persistentvolumeclaims.accept(object), `persistentvolumeclaim "${name}"`)
    )
  )

/** Pods that mount the claim, by name. */
export const usersOf = (at: At, claim: string): Effect.Effect<ReadonlyArray<string>, ClusterError, Cluster> =>
  Effect.map(Resource.list(Resource.pods, { namespace: at.fence.namespace }), ({ items }) =>
    items.flatMap((item) => {
      const accepted = kinds.pods.accept(item)
      const mounts = Result.isSuccess(accepted)
        ? (accepted.success.spec.volumes ?? []).some(
            ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === claim
          )
        : true
      return mounts ? [item.metadata.name] : []
    })
  )

const keep = (volume: string): Effect.Effect<unknown, Failure, Cluster> =>
  ensure<PersistentVolume>({
    look: readVolume(volume),
    done: (found) => found.spec.persistentVolumeReclaimPolicy === "Retain",
    write: () =>
      patchVolume(volume, [{ op: "replace", path: "/spec/persistentVolumeReclaimPolicy", value: "Retain" }])
  })

/** How long an old claim may take to go, in milliseconds. */
const patience = 60_000

/** Waits until a claim that is being deleted is gone: what is made of its name before that would go with it. */
const untilNotGoing = (at: At, name: string): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const isGoing = Effect.map(readClaim(at, name), (found) => Boolean(found?.metadata.deletionTimestamp))
    for (let waited = 0; yield* isGoing; waited += 250) {
      if (waited >= patience) {
        yield* Effect.fail(
          because(
            "TimedOut",
            `claim ${name} is being deleted and does not go`,
            "end the pod that still mounts it"
          )
        )
      }
      yield* Effect.sleep(250)
    }
  })

/** Fails where a pod mounts the claim: its volume would be taken from under it. */
const unused = (at: At, claim: string): Effect.Effect<void, Failure, Cluster> =>
  Effect.flatMap(usersOf(at, claim), (users) =>
    users.length === 0
      ? Effect.void
      : Effect.fail(
          because(
            "Changed",
            `claim ${claim} is mounted by ${users.join(", ")}: it was not moved`,
            "end that pod, or leave the claim where it is"
          )
        )
  )

/** Moves a volume from one claim to another of a new name; done already, it finds that out. */
export const moveVolume = (
  at: At,
  move: {
    readonly volume: string
    readonly from: string
    /** Of the claim `from`, where it was planned: another of its name is left alone. */
    readonly uid: string | null
    readonly to: string
    readonly labels: Readonly<Record<string, string>>
  }
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    yield* Fences.check(at.fence)
    const old = yield* readClaim(at, move.from)
    const isPlanned = move.uid === null || old?.metadata.uid === move.uid
    const source = old !== null && old.spec.volumeName === move.volume && isPlanned ? old : null
    if (source !== null && !source.metadata.deletionTimestamp) yield* unused(at, move.from)
    yield* untilNotGoing(at, move.to)
    yield* keep(move.volume)
    const made = yield* ensure<PersistentVolumeClaim | null>({
      look: readClaim(at, move.to),
      done: (found) => found !== null,
      stop: () =>
        source === null ? because("Changed", `claim ${move.from} no longer has volume ${move.volume}`) : null,
      write: () =>
        Effect.flatMap(
          Resource.create(
            { api: Resource.persistentVolumeClaims, namespace: at.fence.namespace },
            {
              metadata: { name: move.to, labels: move.labels },
              spec: {
                accessModes: source?.spec.accessModes,
                storageClassName: source?.spec.storageClassName,
                volumeMode: source?.spec.volumeMode,
                resources: { requests: source?.spec.resources?.requests },
                volumeName: move.volume
              }
            }
          ),
          (object) => accepted(kinds.persistentvolumeclaims.accept(object), move.to)
        )
    })
    const uid = made?.metadata.uid
    // The fence is asked after the volume was read, whose version the write tests.
    const look = Effect.flatMap(readVolume(move.volume), (found) =>
      Effect.map(whyNot(at), (why) => ({ found, why }))
    )
    yield* ensure<{ readonly found: PersistentVolume; readonly why: OperationError | null }>({
      look,
      done: ({ found }) => found.spec.claimRef?.uid === uid,
      stop: ({ why }) => why,
      write: ({ found }) =>
        Effect.map(
          patchVolume(move.volume, [
            { op: "test", path: "/metadata/resourceVersion", value: found.metadata.resourceVersion },
            { op: "test", path: "/spec/claimRef/uid", value: found.spec.claimRef?.uid },
            {
              op: "replace",
              path: "/spec/claimRef",
              value: {
                apiVersion: "v1",
                kind: "PersistentVolumeClaim",
                namespace: at.fence.namespace,
                name: move.to,
                uid
              }
            }
          ]),
          (changed) => ({ found: changed, why: null })
        )
    })
    if (source === null) return
    const gone = (found: PersistentVolumeClaim | null) =>
      found === null || found.metadata.uid !== source.metadata.uid
    yield* ensure<PersistentVolumeClaim | null>({
      look: readClaim(at, move.from),
      done: (found) => gone(found) || Boolean(found?.metadata.deletionTimestamp),
      write: () =>
        Effect.as(
          Resource.remove(
            claimTarget(at, move.from),
            source.metadata.uid ? { uid: source.metadata.uid } : {}
          ),
          null
        )
    })
    for (let waited = 0; !gone(yield* readClaim(at, move.from)); waited += 250) {
      if (waited >= patience) {
        yield* Effect.fail(
          because("TimedOut", `claim ${move.from} does not go`, "look for a pod that still mounts it")
        )
      }
      yield* Effect.sleep(250)
    }
  })

/** The reclaim policy from before, once the claim from before has the volume again. */
const putBackPolicy = (
  at: At,
  volume: string,
  claim: string,
  was: string
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const uid = (yield* readClaim(at, claim))?.metadata.uid
    if (uid === undefined) return
    yield* ensure<PersistentVolume>({
      look: readVolume(volume),
      done: ({ spec }) => spec.claimRef?.uid !== uid || spec.persistentVolumeReclaimPolicy === was,
      write: () =>
        patchVolume(volume, [
          { op: "test", path: "/spec/claimRef/uid", value: uid },
          { op: "replace", path: "/spec/persistentVolumeReclaimPolicy", value: was }
        ])
    })
  })

/** Gives the volume back to the claim it came from, unless a new claim has its place. */
export const bringBack = (
  at: At,
  step: {
    readonly claim: string
    readonly volume: string
    readonly as: string
    readonly was: string | null
  },
  labels: Readonly<Record<string, string>>
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const aside = yield* readClaim(at, step.as)
    if (aside === null) return
    const present = yield* readClaim(at, step.claim)
    if (present !== null && present.spec.volumeName !== step.volume) {
      const message = `${step.claim} is in use anew: the data from before stays in ${step.as}`
      yield* at.report({ _tag: "Note", message })
      return
    }
    yield* moveVolume(at, { volume: step.volume, from: step.as, uid: null, to: step.claim, labels })
    if (step.was !== null && step.was !== "Retain")
      yield* putBackPolicy(at, step.volume, step.claim, step.was)
  })
