/**
 * A volume takes the place of another: it moves to the claim of a template and an ordinal, by the name
 * under which a StatefulSet's controller looks for it.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { PersistentVolumeClaim } from "../kind/Storage.ts"
import * as Fence from "../operation/Fence.ts"
import * as Resource from "../Resource.ts"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind, stepsOf } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { after } from "../Ordinal.ts"
import { operationOf } from "../operation/Token.ts"
import { untilBound } from "../wait/bound.ts"
import { untilGone } from "../wait/gone.ts"
import { movedBy, MoveVolume } from "./moveVolume.ts"
import { giveBack, isOurs, type Move, moveVolume, withoutAside, withoutMark } from "./rebind.ts"
import { whereabouts } from "./reclaimPolicy.ts"
import { claimTarget, handOverVolume, readClaim, readVolume, retainVolume } from "./volume.ts"
import { madeByAnnotation, notUsedYetAnnotation, setAsideLabel } from "../Labels.ts"
import { anothers, type Bound, lost } from "./volumeOwner.ts"
import * as Holder from "./holder.ts"
import { counted } from "../Plural.ts"

type At = StepContext
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const AttachSchema = Schema.TaggedStruct("AttachVolume", {
  on,
  from: Schema.String,
  /**
   * The uid of the claim `from`, and its volume; `null` if the operation creates it itself, and finds it by
   * its annotation.
   */
  uid: Schema.NullOr(Schema.String),
  volume: Schema.NullOr(Schema.String),
  to: Schema.String
})
export type AttachVolume = typeof AttachSchema.Type

/** The labels and annotations of a claim of this name, in addition to those of its source. */
type Notes = Pick<Move, "labels" | "annotations">

/** The labels and annotations of the template of this claim; `null` if no template names it. */
const notesOfTemplate = (set: Holder.Holder, claim: string): Notes | null => {
  const template = (set.spec.volumeClaimTemplates ?? []).find(
    ({ metadata }) => after(`${metadata.name}-${set.metadata.name}-`, claim) !== null
  )
  return template === undefined
    ? null
    : {
        labels: (before) => ({
          ...template.metadata.labels,
          ...withoutMark(before),
          ...set.spec.selector.matchLabels
        })
      }
}

/** As the claim had them whose place is taken, and which was set aside: by those its tools know it. */
const notesOfOld = (claim: string, at: At): Work<Notes> =>
  Effect.gen(function* () {
    const moved = stepsOf(MoveVolume, at.plan.steps).find(({ from }) => from === claim)
    const old = moved === undefined ? null : yield* readClaim(at.fence.namespace, moved.to)
    return {
      labels: (before) => ({ ...withoutMark(before), ...withoutMark(old?.metadata.labels ?? {}) }),
      annotations: withoutAside(old?.metadata.annotations ?? {})
    }
  })

const notesOf = (set: Holder.Holder, claim: string, at: At): Work<Notes | null> => {
  if (at.fence.kind !== "Deployment") return Effect.succeed(notesOfTemplate(set, claim))
  return Holder.namedBy(set).has(claim) ? notesOfOld(claim, at) : Effect.succeed(null)
}

/** The volume that is to be attached, and whose it is until then. */
const sourceOf = (
  step: AttachVolume,
  at: At,
  source: PersistentVolumeClaim | null
): Work<{ readonly volume: string; readonly uid: string }> =>
  Effect.gen(function* () {
    const isSource =
      step.uid === null
        ? source?.metadata.annotations?.[madeByAnnotation] === operationOf(at.fence.token) &&
          source.metadata.labels?.[setAsideLabel] === at.fence.name
        : source?.metadata.uid === step.uid
    if (source !== null && isSource && source.spec.volumeName) {
      return { volume: source.spec.volumeName, uid: source.metadata.uid ?? "" }
    }
    // It has moved on already.
    const target = yield* readClaim(at.fence.namespace, step.to)
    const volume = step.volume ?? target?.spec.volumeName ?? ""
    if (isOurs(at, volume, target)) return { volume, uid: step.uid ?? "" }
    return yield* because(
      "Changed",
      `claim ${step.from} no longer exists: nothing can replace ${step.to}`,
      "abort: it restores the previous state"
    )
  })

/**
 * Written before its volume has the name that pods are started with: whatever starts them, even while this
 * process is dead, an abort keeps their data.
 */
const markUsed = (at: At, { claim, uid }: Bound, known: PersistentVolumeClaim | null): Work =>
  Effect.asVoid(
    Fence.beside<PersistentVolumeClaim | null>(at.standing, {
      look: readClaim(at.fence.namespace, claim),
      known,
      done: (found) =>
        found?.metadata.uid !== uid || found.metadata.annotations?.[notUsedYetAnnotation] === undefined,
      write: () =>
        Effect.flatMap(
          Resource.patch(claimTarget(at.fence.namespace, claim), {
            _tag: "Merge",
            value: { metadata: { uid, annotations: { [notUsedYetAnnotation]: null } } }
          }),
          (object) => Resource.accept(kinds.persistentvolumeclaims, object)
        )
    })
  )

const perform = (step: AttachVolume, at: At): Work =>
  Effect.gen(function* () {
    const source = yield* readClaim(at.fence.namespace, step.from)
    // Asked after the claim was read, which is written to next.
    const set = yield* Holder.assertHeld(at.fence)
    const notes =
      (yield* notesOf(set, step.to, at)) ??
      (yield* because(
        "Changed",
        `${step.to} is not a claim of ${at.fence.name}'s templates`,
        "abort, and plan again"
      ))
    const { volume, uid } = yield* sourceOf(step, at, source)
    yield* markUsed(at, { claim: step.from, uid, volume }, source)
    yield* moveVolume(at, {
      volume,
      from: step.from,
      uid,
      to: step.to,
      lingers: true,
      ...notes
    })
  })

/** Returns the volume to the claim it came from, unless it never left it. */
const undo = (step: AttachVolume, at: At): Work =>
  Effect.gen(function* () {
    yield* Holder.assertHeld(at.fence)
    const target = yield* readClaim(at.fence.namespace, step.to)
    const volume = step.volume ?? target?.spec.volumeName ?? ""
    // An abort that was stopped has brought the volume from before back already.
    if (movedBy(at.plan).includes(volume)) return
    const isBack = yield* giveBack(at, {
      ...step,
      volume,
      labels: (before) => ({ ...before, [setAsideLabel]: at.fence.name })
    })
    if (!isBack)
      yield* at.fallShort(`claim ${step.from} is not the one it was: its volume stays in ${step.to}`)
  })

/** Moves a volume to the claim of a template and an ordinal. */
export const AttachVolume: StepKind<AttachVolume, object> = {
  tag: "AttachVolume",
  together: true,
  schema: AttachSchema,
  describe: ({ from, to }) => `bind ${to} to the volume of ${from}`,
  access: (_, { namespace }) => [
    ...rules("", "persistentvolumeclaims", ["list", "get", "create", "patch", "delete"], namespace),
    ...rules("", "pods", ["list"], namespace),
    ...rules("", "persistentvolumes", ["get", "patch"], null)
  ],
  rehearse: ({ from, to }) => Effect.succeed([`bind ${to} to the volume of ${from}: it does not exist yet`]),
  perform,
  undo,
  undoAlone: ({ from, to }, at) =>
    at.report({
      _tag: "Note",
      message: `the volume of ${from} stays where it is: with ${to}, if that exists`
    })
}

/** The claims that a plan attaches volumes to. */
export const attachedBy = (plan: Pick<StepContext["plan"], "steps">): ReadonlyArray<string> =>
  stepsOf<AttachVolume>(AttachVolume, plan.steps).map(({ to }) => to)

/**
 * `null` if the final claim was created by this operation and it and its volume are bound to each other;
 * otherwise the reason.
 */
const attached = (at: At, name: string) =>
  Effect.gen(function* () {
    const claim = yield* readClaim(at.fence.namespace, name)
    const volume = claim?.spec.volumeName ?? ""
    if (claim?.metadata.uid == null || !isOurs(at, volume, claim)) {
      const why = claim === null ? `claim ${name} is gone` : `claim ${name} is not the one that was restored`
      return { own: null, why }
    }
    const own = { claim: name, uid: claim.metadata.uid, volume }
    const found = yield* readVolume(volume)
    const why =
      lost(own, claim) ??
      (found === null ? whereabouts(volume, null) : anothers(at.fence.namespace, own, found))
    return { own, why }
  })

const AssertSchema = Schema.TaggedStruct("AssertClaims", { on, claims: Schema.Array(Schema.String) })

/**
 * Fails unless each final claim was created by this operation, and has the checked volume: before any pod
 * starts on it.
 */
export const AssertClaims: StepKind<typeof AssertSchema.Type, object> = {
  tag: "AssertClaims",
  schema: AssertSchema,
  describe: ({ claims }) =>
    `check that ${claims.length === 1 ? (claims[0] ?? "") : `${claims.length} claims`} ${claims.length === 1 ? "has its" : "have their"} restored volume${claims.length === 1 ? "" : "s"}`,
  access: (_, { namespace }) => [
    ...rules("", "persistentvolumeclaims", ["get"], namespace),
    ...rules("", "persistentvolumes", ["get"], null)
  ],
  rehearse: () => Effect.succeed([]),
  perform: ({ claims }, at) =>
    Effect.forEach(
      claims,
      (name) =>
        Effect.gen(function* () {
          const { own, why } = yield* attached(at, name)
          const reason = own === null ? why : yield* untilBound(at, own)
          if (reason !== null || own === null) {
            return yield* because(
              "Changed",
              `${reason}: no pod was started on it`,
              "abort: it restores the previous state"
            )
          }
        }),
      { concurrency: 8, discard: true }
    ),
  undo: () => Effect.void
}

const HandOverSchema = Schema.TaggedStruct("HandOverPolicies", {
  on,
  claims: Schema.Array(
    Schema.Struct({
      claim: Schema.String,
      /** The reclaim policy of the replaced volume; `null` if there was none, or it is unknown. */
      reclaimPolicy: Schema.NullOr(Schema.String)
    })
  )
})

/** The volumes that took the place of others get their reclaim policies. */
export const HandOverPolicies: StepKind<typeof HandOverSchema.Type, object> = {
  tag: "HandOverPolicies",
  schema: HandOverSchema,
  describe: ({ claims }) =>
    `restore the reclaim polic${claims.length === 1 ? "y" : "ies"} of ${counted(claims.length, "restored volume")}`,
  access: (_, { namespace }) => [
    ...rules("", "persistentvolumeclaims", ["get"], namespace),
    ...rules("", "persistentvolumes", ["get", "patch"], null)
  ],
  rehearse: () => Effect.succeed([]),
  perform: ({ claims }, at) =>
    Effect.forEach(
      claims,
      ({ claim, reclaimPolicy }) =>
        Effect.gen(function* () {
          const { own, why } = yield* attached(at, claim)
          const reason =
            own === null || why !== null ? why : (yield* handOverVolume(at, own, reclaimPolicy)).reason
          if (reason !== null) yield* at.fallShort(`${reason}; its volume keeps reclaim policy Retain`)
        }),
      { concurrency: 8, discard: true }
    ),
  // Going back a volume leaves its place, which it does under Retain.
  undo: ({ claims }, at) =>
    Effect.forEach(
      claims,
      ({ claim }) =>
        Effect.flatMap(attached(at, claim), ({ own, why }) =>
          own === null || why !== null ? Effect.void : Effect.asVoid(retainVolume(at, own))
        ),
      { concurrency: 8, discard: true }
    )
}

/** Time that a claim may still take to be deleted after its volume was moved, in milliseconds. */
const patience = 60_000

/** Waits for the end of a claim that was left behind: no pod had to wait for that. */
const untilLeft = (at: At, { from }: AttachVolume): Work =>
  untilGone(at, {
    subject: { kind: "PersistentVolumeClaim", name: from },
    look: Effect.map(readClaim(at.fence.namespace, from), (found) =>
      found?.metadata.deletionTimestamp ? found : null
    ),
    limit: patience,
    stuck: because("TimedOut", `claim ${from} is stuck terminating`, "check whether a pod still mounts it")
  }).pipe(Effect.catchReason("OperationError", "TimedOut", (_, { message }) => at.fallShort(message)))

/** Names each final claim that does not have its volume any more, and what it came from that does not go. */
export const checkAttached = (at: At): Work =>
  Effect.forEach(
    stepsOf<AttachVolume>(AttachVolume, at.plan.steps),
    (step) =>
      Effect.gen(function* () {
        const { why } = yield* attached(at, step.to)
        if (why !== null) yield* at.fallShort(why)
        yield* untilLeft(at, step)
      }),
    { concurrency: 8, discard: true }
  )
