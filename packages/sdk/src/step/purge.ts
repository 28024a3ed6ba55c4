/**
 * Deletes claims that earlier operations set aside: the claim, and its volume with the data.
 *
 * Only claims that were planned by name and uid, and a volume only while it is that claim's. Its reclaim
 * policy, Retain since it was set aside, becomes Delete before the claim is deleted, so that its driver
 * deletes it. A process that crashes in between leaves a claim that still has its data.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { ObjectMeta } from "../kind/Meta.ts"
import type { PersistentVolume, PersistentVolumeClaim } from "../kind/Storage.ts"
import * as Fence from "../operation/Fence.ts"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import {
  annotationPath,
  keptByAnnotation,
  madeByAnnotation,
  setAsideByAnnotation,
  setAsideLabel
} from "../Labels.ts"
import * as Resource from "../Resource.ts"
import { shellWord } from "../ShellWord.ts"
import { untilGone } from "../wait/gone.ts"
import { deleteWithClaim } from "./deleteWithClaim.ts"
import { podsUsing } from "./users.ts"
import {
  claimTarget,
  policyOf,
  readClaim,
  readVolume,
  outlivesAgain,
  touchClaim,
  writeVolume,
  policyPath
} from "./volume.ts"
import { asideIn, isAsideOf } from "./volumeOwner.ts"
import * as Workload from "./workload.ts"

type At = StepContext

/** A claim that was set aside, by name and uid, and its volume. */
export const PurgedClaim = Schema.Struct({
  claim: Schema.String,
  uid: Schema.String,
  volume: Schema.NullOr(Schema.String),
  size: Schema.String
})
export type PurgedClaim = typeof PurgedClaim.Type

/** The claims that earlier operations set aside from this StatefulSet, oldest first. */
export const listAside = (ref: {
  readonly namespace: string
  readonly name: string
}): Effect.Effect<ReadonlyArray<PurgedClaim>, ClusterError, Cluster> =>
  Effect.map(
    Resource.list(kinds.persistentvolumeclaims, {
      namespace: ref.namespace,
      labelSelector: `${setAsideLabel}=${ref.name}`,
      which: (metadata) => isAside(ref.name, metadata)
    }),
    (claims) =>
      claims
        .toSorted((left, right) => (created(left) < created(right) ? -1 : 1))
        .map(({ metadata, spec, status }) => ({
          claim: metadata.name,
          uid: metadata.uid ?? "",
          volume: spec.volumeName ?? null,
          size: `${status?.capacity?.["storage"] ?? spec.resources?.requests?.["storage"] ?? "of an unknown size"}`
        }))
  )

/**
 * Anyone can set a label, or copy it with a manifest: a claim was set aside only if it also has the name of
 * one that an operation set aside, and the annotation of that operation.
 */
const isAside = (app: string, { name, annotations }: ObjectMeta): boolean => {
  const operation = asideIn(app, name)
  const { [madeByAnnotation]: maker, [setAsideByAnnotation]: first } = annotations ?? {}
  return operation !== null && (maker === operation || first === operation)
}

const created = (claim: PersistentVolumeClaim): string => claim.metadata.creationTimestamp ?? ""

const is = (step: PurgedClaim, found: PersistentVolumeClaim | null): found is PersistentVolumeClaim =>
  found !== null && found.metadata.uid === step.uid

/** The volume, if it still belongs to the planned claim. */
const isOf = (step: PurgedClaim, found: PersistentVolume | null): found is PersistentVolume =>
  found !== null && found.spec.claimRef?.uid === step.uid

/** Fails if the volume's driver is not to delete it with the claim. */
const letGo = (at: At, { claim, uid }: PurgedClaim, volume: string): Effect.Effect<void, Failure, Cluster> =>
  Effect.flatMap(deleteWithClaim(at, { claim, uid, volume }), (reason) =>
    reason === null
      ? Effect.void
      : Effect.fail(
          because("Changed", `${reason}: ${claim} was not deleted`, "check it, then run the command again")
        )
  )

/**
 * An abort deletes nothing, and stops any process that was about to delete: what still exists is touched,
 * so that a process that was suspended after its check is refused, and its volume is under Retain again.
 */
const keepAside = (at: At, step: PurgedClaim): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const { claim, volume, uid } = step
    const found = yield* readClaim(at.fence.namespace, claim)
    if (!is(step, found) || found.metadata.deletionTimestamp) {
      yield* at.report({ _tag: "Note", message: `${claim} was purged: nothing brings it back` })
      return
    }
    const { token } = at.fence
    yield* touchClaim(at, claim, uid)
    if (volume === null) return
    const { reason } = yield* writeVolume(at, {
      own: { claim, uid, volume },
      done: (now) => now.metadata.annotations?.[keptByAnnotation] === token,
      change: (now) => [
        { op: "replace", path: policyPath, value: "Retain" },
        now.metadata.annotations == null
          ? { op: "add", path: "/metadata/annotations", value: { [keptByAnnotation]: token } }
          : { op: "add", path: annotationPath(keptByAnnotation), value: token }
      ],
      // Retain is never taken back here: it is what a claim that was set aside has.
      undo: () => null
    })
    if (reason !== null) yield* at.fallShort(`${reason}: not set to Retain`)
  })

/** Reason that it is not deleted: its mark is gone; `null` if it has it. */
const unmarked = (at: At, step: PurgedClaim, found: PersistentVolumeClaim | null) =>
  is(step, found) && !isAsideOf(at.fence.name, found)
    ? because(
        "Changed",
        `claim ${step.claim} is not marked as set aside from ${at.fence.name}: it was not deleted`,
        "run the command again"
      )
    : null

const deleteClaim = (at: At, step: PurgedClaim): Effect.Effect<void, Failure, Cluster> =>
  Fence.beside<PersistentVolumeClaim | null>(at.standing, {
    look: readClaim(at.fence.namespace, step.claim),
    done: (found) => !is(step, found) || Boolean(found.metadata.deletionTimestamp),
    stop: (found) => unmarked(at, step, found),
    write: (found) => {
      const version = found?.metadata.resourceVersion
      return Effect.as(
        Resource.remove(claimTarget(at.fence.namespace, step.claim), {
          uid: step.uid,
          ...(version ? { resourceVersion: version } : {})
        }),
        null
      )
    }
  }).pipe(
    Effect.asVoid,
    // The mark was taken off since it was looked for: the claim is as it was, and so is its volume.
    Effect.tapError((error) =>
      error._tag === "OperationError" && error.reason._tag === "Changed"
        ? outlivesAgain(step.uid, step.volume)
        : Effect.void
    )
  )

/** Time that a claim or a volume may take to be deleted, in milliseconds. */
const patience = 120_000

const mounted = ({ claim }: PurgedClaim, users: ReadonlyArray<string>) =>
  Effect.fail(
    because(
      "Changed",
      `claim ${claim} is mounted by ${users.join(", ")}: it was not deleted`,
      "delete that pod, or leave out --purge"
    )
  )

/** Deletes one claim and its volume; succeeds if they are already deleted. */
const purge = (at: At, step: PurgedClaim): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    yield* Workload.assertHeld(at.fence)
    const found = yield* readClaim(at.fence.namespace, step.claim)
    if (is(step, found)) {
      const users = yield* podsUsing(at.fence.namespace, step.claim)
      if (users.length > 0) yield* mounted(step, users)
      const why = unmarked(at, step, found)
      if (why !== null) return yield* why
    }
    // Once the claim is going its volume is decided: a resume has only to wait.
    if (step.volume !== null && is(step, found) && !found.metadata.deletionTimestamp) {
      yield* letGo(at, step, step.volume)
      // A pod may have come since: it gets its claim as it was.
      const late = yield* podsUsing(at.fence.namespace, step.claim)
      if (late.length > 0) {
        yield* keepAside(at, step)
        yield* mounted(step, late)
      }
    }
    yield* deleteClaim(at, step)
    yield* untilGone(at, {
      subject: { kind: "PersistentVolumeClaim", name: step.claim },
      look: Effect.map(readClaim(at.fence.namespace, step.claim), (now) => (is(step, now) ? now : null)),
      limit: patience,
      stuck: because(
        "TimedOut",
        `claim ${step.claim} is stuck terminating`,
        "check its finalizers, and whether a pod still mounts it; then resume"
      )
    })
    const { volume, size } = step
    const left = volume === null ? null : yield* readVolume(volume)
    if (volume !== null && isOf(step, left) && policyOf(left) !== "Delete") {
      // Somebody else has deleted the claim: a volume that is not Bound to it is not ours to delete.
      yield* at.fallShort(
        `claim ${step.claim} was deleted by another client; volume ${volume} (${size}) stays, reclaim policy ${policyOf(left)}`
      )
      return
    }
    if (volume !== null) {
      yield* untilGone(at, {
        subject: { kind: "PersistentVolume", name: volume },
        look: Effect.map(readVolume(volume), (now) => (isOf(step, now) ? now : null)),
        limit: patience,
        stuck: because(
          "TimedOut",
          `claim ${step.claim} is gone, its volume ${volume} is not yet`,
          `check it: kubectl describe pv ${shellWord(volume)}; then resume`
        )
      })
    }
    const message = `purged ${step.claim}${volume === null ? "" : ` and volume ${volume} (${size})`}`
    yield* at.report({ _tag: "Note", message })
  })

const PurgeSchema = Schema.TaggedStruct("Purge", { on, ...PurgedClaim.fields })

/** Deletes a claim that was set aside, with its volume and data. Nothing brings it back. */
export const Purge: StepKind<typeof PurgeSchema.Type, object> = {
  tag: "Purge",
  schema: PurgeSchema,
  describe: ({ claim, volume, size }) =>
    `delete claim ${claim}${volume === null ? "" : ` with volume ${volume} (${size})`}`,
  access: (_, { namespace }) => [
    ...rules("", "persistentvolumeclaims", ["get", "patch", "delete"], namespace),
    ...rules("", "pods", ["list"], namespace),
    ...rules("", "persistentvolumes", ["get", "patch"], null)
  ],
  rehearse: ({ claim, uid }, at) =>
    Effect.as(Resource.remove(claimTarget(at.fence.namespace, claim), { uid, dryRun: true }), []),
  perform: (step, at) => purge(at, step),
  undo: (step, at) => keepAside(at, step),
  undoAlone: (step, at) => keepAside(at, step)
}
