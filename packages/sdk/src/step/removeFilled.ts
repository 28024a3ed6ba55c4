/** Deletes a claim that was filled for a restore, with its volume: only if it was never used. */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import type { PersistentVolume, PersistentVolumeClaim } from "../kind/Storage.ts"
import * as Fence from "../operation/Fence.ts"
import { because } from "../operation/OperationError.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { operationOf } from "../operation/Token.ts"
import * as Resource from "../Resource.ts"
import { untilGone } from "../wait/gone.ts"
import { deleteWithClaim } from "./deleteWithClaim.ts"
import { isMadeFor, strangers } from "./madeFor.ts"
import { podsUsing } from "./users.ts"
import { claimTarget, readClaim, readVolume, outlivesAgain } from "./volume.ts"
import { isMarkedBy } from "./volumeOwner.ts"
import { madeByAnnotation, notUsedYetAnnotation } from "../Labels.ts"
import { shellWord } from "../ShellWord.ts"

type At = StepContext
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** Time that a claim or a volume may take to be deleted, in milliseconds. */
const patience = 120_000

/** True if this operation created the claim. */
export const isFilledHere = (at: At, claim: PersistentVolumeClaim | null): boolean =>
  claim?.metadata.annotations?.[madeByAnnotation] === operationOf(at.fence.token)

/** By the volume itself, or proven before this claim took over from the one that it was made for. */
const isOwnCopy = (at: At, claim: PersistentVolumeClaim, volume: PersistentVolume): boolean => {
  const { name } = volume.metadata
  const before = (at.forward ?? []).filter((one) => one.kind === "PersistentVolume" && one.name === name)
  const uids = before.map(({ uid }) => uid)
  return isMadeFor(claim, volume, uids) || isMarkedBy(operationOf(at.fence.token), volume)
}

/** The claim is going, and a pod has it: only its volume can be kept. */
const keepGoing = (
  at: At,
  as: string,
  uid: string,
  volume: string | null | undefined,
  users: ReadonlyArray<string>
) =>
  Effect.andThen(
    outlivesAgain(uid, volume),
    at.fallShort(
      `claim ${as} is being deleted, and ${users.join(", ")} has it: volume ${volume ?? "<none>"} is kept, with what was written since`
    )
  )

/** Deletes it, and waits until it and its volume are gone. */
const removeWhole = (at: At, as: string, uid: string, volume: string | null | undefined): Work =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    yield* Fence.beside<PersistentVolumeClaim | null>(at.standing, {
      look: readClaim(namespace, as),
      done: (found) => found?.metadata.uid !== uid || Boolean(found.metadata.deletionTimestamp),
      write: (found) =>
        Effect.as(
          Resource.remove(claimTarget(namespace, as), {
            uid,
            ...(found?.metadata.resourceVersion ? { resourceVersion: found.metadata.resourceVersion } : {})
          }),
          null
        )
    })
    // No pod starts on a claim that is going: who has it now came just before.
    const last = yield* podsUsing(namespace, as)
    if (last.length > 0) return yield* keepGoing(at, as, uid, volume, last)
    const own = Effect.map(readClaim(namespace, as), (found) => (found?.metadata.uid === uid ? found : null))
    yield* untilGone(at, {
      subject: { kind: "PersistentVolumeClaim", name: as },
      look: own,
      limit: patience,
      stuck: because(
        "TimedOut",
        `claim ${as} is stuck terminating`,
        "check whether a pod still mounts it; then resume"
      )
    })
    if (!volume) return
    yield* untilGone(at, {
      subject: { kind: "PersistentVolume", name: volume },
      look: Effect.map(readVolume(volume), (found) => (found?.spec.claimRef?.uid === uid ? found : null)),
      limit: patience,
      stuck: because(
        "TimedOut",
        `volume ${volume} is not being deleted`,
        `check it: kubectl describe pv ${volume}`
      )
    })
  })

/**
 * Sets the policy by which the driver deletes a volume once its claim is deleted: only of a volume that was
 * never used, unless later writes may be deleted too.
 */
export const removeFilled = (at: At, as: string, discards = false): Work =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    const claim = yield* readClaim(namespace, as)
    const uid = claim?.metadata.uid
    if (claim === null || uid == null) return
    if (!isFilledHere(at, claim)) {
      const message = `${as} exists, and is not marked as created by this operation: it is kept`
      yield* at.report({ _tag: "Note", message })
      return
    }
    const volume = claim.spec.volumeName
    const found = volume ? yield* readVolume(volume) : null
    if (found !== null && !isOwnCopy(at, claim, found)) {
      yield* at.fallShort(`${strangers(as, found.metadata.name)}: both are kept; check what is on it`)
      return
    }
    const users = yield* podsUsing(namespace, as)
    const isUnused = claim.metadata.annotations?.[notUsedYetAnnotation] === operationOf(at.fence.token)
    if (users.length > 0 && claim.metadata.deletionTimestamp)
      return yield* keepGoing(at, as, uid, volume, users)
    if (!(isUnused || discards) || users.length > 0) {
      yield* users.length > 0 ? outlivesAgain(uid, volume) : Effect.void
      // Its volume is under Retain, and would outlast the claim alone. Somebody may have given it to another claim.
      const freed =
        volume && found?.spec.claimRef?.uid === uid
          ? `kubectl patch pv ${shellWord(volume)} -p '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}' && `
          : ""
      yield* at.report({
        _tag: "Note",
        message: `${as} is kept, with what was written since: delete it and its data with \`${freed}kubectl delete pvc ${shellWord(as)} -n ${shellWord(namespace)}\``
      })
      return
    }
    if (volume) {
      const reason = yield* deleteWithClaim(at, { claim: as, uid, volume })
      if (reason !== null) {
        yield* at.fallShort(`${reason}: the copy that was created for the restore is kept`)
        return
      }
      const late = yield* podsUsing(namespace, as)
      if (late.length > 0) {
        yield* outlivesAgain(uid, volume)
        yield* at.fallShort(
          `claim ${as} is mounted by ${late.join(", ")}: it is kept, with what was written since`
        )
        return
      }
    }
    yield* removeWhole(at, as, uid, volume)
  })
