/**
 * A volume moves from one claim to another of a new name, and back.
 *
 * The volume is set to Retain first, and its claimRef points to the new claim before the old one is deleted:
 * at no moment is it free for another claim, or for its reclaim policy. The volume moves only while it and
 * the planned claim are Bound to each other, and only to a claim that this operation created.
 */
import * as Effect from "effect/Effect"
import { describeCommand } from "../App.ts"
import type { Cluster } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { PersistentVolume, PersistentVolumeClaim } from "../kind/Storage.ts"
import * as Fence from "../operation/Fence.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { operationOf } from "../operation/Token.ts"
import {
  endedAnnotation,
  keptByAnnotation,
  madeByAnnotation,
  setAsideByAnnotation,
  setAsideLabel
} from "../Labels.ts"
import * as Resource from "../Resource.ts"
import { untilBound } from "../wait/bound.ts"
import { noReason } from "../wait/condition.ts"
import { untilGone } from "../wait/gone.ts"
import { beingRead } from "../wait/holders.ts"
import { polled, until } from "../wait/until.ts"
import { podsUsing } from "./users.ts"
import {
  asNow,
  claimTarget,
  isRetained,
  readClaim,
  readVolume,
  retainVolume,
  touchClaim,
  writeVolume
} from "./volume.ts"
import type { Bound } from "./volumeOwner.ts"
import * as Holder from "./holder.ts"

type At = StepContext

/** Time that an old claim may take to be deleted, in milliseconds. */
const patience = 60_000

const read = (at: At, name: string) => readClaim(at.fence.namespace, name)

const subjectOf = (name: string) => ({ kind: "PersistentVolumeClaim", name })

/** Reason that a claim is not moved: pods that mount it would lose their volume. `null` if none mounts it. */
const usedBy = (claim: string, users: ReadonlyArray<string>): OperationError | null =>
  users.length === 0
    ? null
    : because(
        "Changed",
        `claim ${claim} is mounted by ${users.join(", ")}: it was not moved`,
        "delete that pod, or leave the claim where it is"
      )

/**
 * Waits until the claim's volume is no longer being copied: a claim in use is not deleted, and its name stays
 * taken.
 */
const untilFree = (at: At, claim: string): Effect.Effect<void, Failure, Cluster> => {
  const holders = Effect.map(read(at, claim), (found) => found?.metadata.finalizers ?? [])
  return Effect.asVoid(
    until(at, {
      views: polled(Effect.map(holders, beingRead)),
      until: noReason(subjectOf(claim)),
      limit: patience,
      overall: true,
      late: (unmet) =>
        Effect.succeed(
          because(
            "TimedOut",
            `claim ${claim} is in use by ${unmet[0]?.for ?? "something"}: it was not moved`,
            "wait for it to finish, or delete it"
          )
        )
    })
  )
}

/** Annotations that storage controllers keep about one claim and its volume, and ours. */
const isOfOneClaim = (name: string): boolean =>
  /^(pv|volume)\.kubernetes\.io\//.test(name) ||
  name === "volume.beta.kubernetes.io/storage-provisioner" ||
  name === "control-plane.alpha.kubernetes.io/leader" ||
  name === madeByAnnotation ||
  name === endedAnnotation ||
  name === keptByAnnotation

/** The claim that takes a volume over: with the labels and annotations of the one that had it. */
const successor = (
  source: PersistentVolumeClaim,
  move: Move,
  operation: string
): Readonly<Record<string, unknown>> => {
  const { labels, annotations } = source.metadata
  const kept = Object.entries({ ...move.annotations, ...annotations }).filter(([name]) => !isOfOneClaim(name))
  return {
    metadata: {
      name: move.to,
      labels: move.labels(labels ?? {}),
      annotations: {
        ...Object.fromEntries(kept),
        ...(move.aside === true && annotations?.[setAsideByAnnotation] === undefined
          ? { [setAsideByAnnotation]: operation }
          : {}),
        [madeByAnnotation]: operation
      }
    },
    spec: { ...asNow(source), volumeName: move.volume }
  }
}

export interface Move {
  readonly volume: string
  readonly from: string
  /** The uid of the claim `from`: another one of its name is not changed. */
  readonly uid: string
  readonly to: string
  /** True if the new claim is one that was set aside. Default false. */
  readonly aside?: boolean
  /**
   * True if the name of the old claim is not needed, so that its deletion is not waited for. Default false.
   */
  readonly lingers?: boolean
  /** The labels of the new claim, by those of the old one. */
  readonly labels: (before: Readonly<Record<string, string>>) => Readonly<Record<string, string>>
  /** Annotations of the new claim in addition to those of the old one. Default: none. */
  readonly annotations?: Readonly<Record<string, string>>
}

/**
 * True if this operation created the claim for this volume, and not another client a claim of the same
 * name.
 */
export const isOurs = (at: At, volume: string, claim: PersistentVolumeClaim | null): boolean =>
  claim !== null &&
  claim.metadata.annotations?.[madeByAnnotation] === operationOf(at.fence.token) &&
  claim.spec.volumeName === volume

const notPossible = ({ plan }: At, move: Move, reason: string) =>
  because(
    "Changed",
    `${reason}: its data was not moved to ${move.to}`,
    `check it: ${describeCommand(plan.app)} shows claims and volumes; then plan again`
  )

export const isHeldBy = (volume: PersistentVolume | null, claim: PersistentVolumeClaim | null): boolean =>
  claim !== null && volume?.spec.claimRef?.uid === claim.metadata.uid

/** The new claim, created by this operation, now or before. */
const made = (
  at: At,
  move: Move,
  source: PersistentVolumeClaim | null,
  /** The recent state, if ownership was checked after that was read. */
  known?: PersistentVolumeClaim | null
): Effect.Effect<PersistentVolumeClaim, Failure, Cluster> =>
  Effect.flatMap(
    Fence.beside<PersistentVolumeClaim | null>(at.standing, {
      look: read(at, move.to),
      ...(known === undefined ? {} : { known }),
      done: (found) => isOurs(at, move.volume, found),
      stop: (found) => {
        if (found !== null && !isOurs(at, move.volume, found)) {
          return notPossible(
            at,
            move,
            `claim ${move.to} already exists and does not belong to this operation`
          )
        }
        return found === null && source === null
          ? notPossible(at, move, `claim ${move.from} no longer has volume ${move.volume}`)
          : null
      },
      write: () =>
        source === null
          ? Effect.succeed(null)
          : Effect.flatMap(
              Resource.create(
                { api: kinds.persistentvolumeclaims, namespace: at.fence.namespace },
                successor(source, move, operationOf(at.fence.token))
              ),
              (object) => Resource.accept(kinds.persistentvolumeclaims, object)
            )
    }),
    (claim) =>
      claim === null
        ? Effect.fail(notPossible(at, move, `claim ${move.to} was deleted at once`))
        : Effect.succeed(claim)
  )

/** Points the volume to the new claim; `known`: the volume as it was seen under Retain, which it must still be. */
const rebind = (
  at: At,
  move: Move,
  own: Bound,
  to: PersistentVolumeClaim,
  known: PersistentVolume | null = null
) => {
  const { namespace } = at.fence
  const ref = (name: string, uid: string | null | undefined) => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    namespace,
    name,
    uid
  })
  const isThere = Effect.map(read(at, move.to), (found) =>
    found?.metadata.uid === to.metadata.uid && !found?.metadata.deletionTimestamp
      ? null
      : `claim ${move.to} was deleted`
  )
  // A pod may have come since it was looked at: its volume is not taken from under it.
  const isFree = Effect.map(podsUsing(namespace, own.claim), (users) =>
    users.length === 0 ? null : `claim ${own.claim} is mounted by ${users.join(", ")}`
  )
  const beside = Effect.map(
    Effect.all([isThere, isFree], { concurrency: 2 }),
    ([absent, used]) => absent ?? used
  )
  return Effect.flatMap(
    writeVolume(at, {
      own,
      done: (volume) => isHeldBy(volume, to),
      change: () => [{ op: "replace", path: "/spec/claimRef", value: ref(move.to, to.metadata.uid) }],
      undo: () => [
        { op: "test", path: "/spec/claimRef/uid", value: to.metadata.uid },
        { op: "replace", path: "/spec/claimRef", value: ref(own.claim, own.uid) }
      ],
      beside,
      moves: true,
      ...(known === null
        ? {}
        : {
            known,
            unfit: (volume: PersistentVolume) =>
              isRetained(at, volume) ? null : `volume ${own.volume} no longer has reclaim policy Retain`
          })
    }),
    ({ volume, reason }) =>
      reason === null || isHeldBy(volume, to) ? Effect.void : Effect.fail(notPossible(at, move, reason))
  )
}

/** Moves a volume from one claim to another of a new name; done already, it finds that out. */
export const moveVolume = (at: At, move: Move): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const [, old, volume, target] = yield* Effect.all(
      [Holder.assertHeld(at.fence), read(at, move.from), readVolume(move.volume), read(at, move.to)],
      { concurrency: 4 }
    )
    const source = old?.metadata.uid === move.uid ? old : null
    const own: Bound = { claim: move.from, uid: move.uid, volume: move.volume }
    const isMoved = isOurs(at, move.volume, target) && isHeldBy(volume, target)
    const taker = isMoved ? null : yield* handOver(at, move, own, { source, volume, target })
    const ends = source === null ? Effect.void : removeSource(at, move, source)
    // Its controller looks at a claim when that changes, and else only with its next round.
    const touches = taker === null ? Effect.void : touchClaim(at, move.to, taker.metadata.uid ?? "", taker)
    yield* Effect.all([touches, ends], { concurrency: 2, discard: true })
  })

/** The state before a move. */
interface Seen {
  readonly source: PersistentVolumeClaim | null
  readonly volume: PersistentVolume | null
  readonly target: PersistentVolumeClaim | null
}

/** Gives the volume to the claim that it moves to, which is created for it; returns that. */
const handOver = (
  at: At,
  move: Move,
  own: Bound,
  { source, volume, target }: Seen
): Effect.Effect<PersistentVolumeClaim, Failure, Cluster> =>
  Effect.gen(function* () {
    const [reason, users] = yield* Effect.all(
      [untilBound(at, own), podsUsing(at.fence.namespace, move.from)],
      { concurrency: 2 }
    )
    if (reason !== null) return yield* Effect.fail(notPossible(at, move, reason))
    const used = usedBy(move.from, users)
    if (used !== null) yield* used
    if (beingRead(source?.metadata.finalizers ?? []) !== null) yield* untilFree(at, move.from)
    const isGoing = Boolean(target?.metadata.deletionTimestamp)
    // What is made of a name before its holder is gone would go with it.
    if (isGoing) {
      yield* untilGone(at, {
        subject: subjectOf(move.to),
        look: Effect.map(read(at, move.to), (found) => (found?.metadata.deletionTimestamp ? found : null)),
        limit: patience,
        stuck: because(
          "TimedOut",
          `claim ${move.to} is stuck terminating`,
          "delete the pod that still mounts it"
        )
      })
    }
    const kept =
      volume !== null && isRetained(at, volume) ? { volume, reason: null } : yield* retainVolume(at, own)
    if (kept.reason !== null) return yield* Effect.fail(notPossible(at, move, kept.reason))
    const taker = yield* made(at, move, source, isGoing ? undefined : target)
    yield* rebind(at, move, own, taker, kept.volume)
    return taker
  })

/** A claim, and the pods that mount it. */
interface Mounted {
  readonly claim: PersistentVolumeClaim | null
  readonly users: ReadonlyArray<string>
}

/** Deletes the claim whose volume has moved on, and waits until it is gone, unless it lingers. */
const removeSource = (
  at: At,
  move: Move,
  source: PersistentVolumeClaim
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const gone = (found: PersistentVolumeClaim | null) => found?.metadata.uid !== source.metadata.uid
    yield* Fence.beside<Mounted>(at.standing, {
      look: Effect.map(
        Effect.all([read(at, move.from), podsUsing(at.fence.namespace, move.from)], { concurrency: 2 }),
        ([claim, users]) => ({ claim, users })
      ),
      // A pod that came since the volume began to move holds the claim: an abort gives it its volume back.
      stop: ({ users }) => usedBy(move.from, users),
      done: ({ claim }) => gone(claim) || Boolean(claim?.metadata.deletionTimestamp),
      // By its version: an abort that keeps it touches it first.
      write: ({ claim }) =>
        Effect.as(
          Resource.remove(claimTarget(at.fence.namespace, move.from), {
            uid: move.uid,
            ...(claim?.metadata.resourceVersion ? { resourceVersion: claim.metadata.resourceVersion } : {})
          }),
          { claim: null, users: [] }
        )
    })
    if (move.lingers === true) return
    yield* untilGone(at, {
      subject: subjectOf(move.from),
      look: Effect.map(read(at, move.from), (found) => (gone(found) ? null : found)),
      limit: patience,
      stuck: because(
        "TimedOut",
        `claim ${move.from} is stuck terminating`,
        "check whether a pod still mounts it"
      )
    })
  })

/** The annotations of a claim without those of a claim that was set aside. */
export const withoutAside = (annotations: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(annotations).filter(([name]) => name !== setAsideByAnnotation))

export const withoutMark = (labels: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => name !== setAsideLabel))

/** A move that is taken back. */
export interface Return {
  readonly from: string
  readonly to: string
  readonly volume: string
  /** The previous uid of the claim `from`; `null` if the operation created it. */
  readonly uid: string | null
  readonly labels: Move["labels"]
}

/** Returns the volume to the claim that it came from. False if another client's claim has that name. */
export const giveBack = (
  at: At,
  { from, uid, to, volume, labels }: Return
): Effect.Effect<boolean, Failure, Cluster> =>
  Effect.gen(function* () {
    const taker = yield* read(at, to)
    if (taker === null || !isOurs(at, volume, taker)) return true
    const present = yield* read(at, from)
    const isGoing = Boolean(present?.metadata.deletionTimestamp)
    const own: Bound = { claim: to, uid: taker.metadata.uid ?? "", volume }
    const move: Move = { volume, from: to, uid: own.uid, to: from, labels }
    if ((present === null || isGoing) && !isHeldBy(yield* readVolume(volume), taker)) {
      // Its claim went before the volume had moved on: what was to take it holds nothing.
      yield* removeSource(at, move, taker)
      return true
    }
    if (present === null || isGoing || isOurs(at, volume, present)) {
      yield* moveVolume(at, move)
      return true
    }
    if (uid === null || present.metadata.uid !== uid) return false
    // It is there still, whether its volume has moved on or not. Who was about to delete it may sleep.
    yield* touchClaim(at, from, uid)
    if (isHeldBy(yield* readVolume(volume), taker)) {
      yield* untilBound(at, own)
      yield* rebind(at, move, own, present)
      yield* touchClaim(at, from, uid)
    }
    yield* removeSource(at, move, taker)
    return true
  })
