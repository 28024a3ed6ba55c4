/**
 * The retention policy of a StatefulSet during an operation: set before its pods are removed, and restored
 * afterwards. The previous policy is kept on the StatefulSet itself.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fence from "../operation/Fence.ts"
import * as Workload from "./workload.ts"
import type { Cluster } from "../Cluster.ts"
import { type StatefulSet, retentionOf } from "../kind/Workload.ts"
import type { SpecWrite } from "../operation/Author.ts"
import { because } from "../operation/OperationError.ts"
import { on, type StepKind, stepsOf } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { annotationPath, retentionBeforeAnnotation } from "../Labels.ts"
import { Retention } from "../Topology.ts"
import { untilSettled } from "../wait/pods.ts"

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Retention))

/** The previous policy, from the StatefulSet itself; `null` if it has none that can be parsed. */
export const rememberedRetention = (set: StatefulSet): typeof Retention.Type | null => {
  const found = decode(set.metadata.annotations?.[retentionBeforeAnnotation])
  return found._tag === "Some" ? found.value : null
}

const isSame = (left: typeof Retention.Type, right: typeof Retention.Type): boolean =>
  left.whenScaled === right.whenScaled && left.whenDeleted === right.whenDeleted

const path = "/spec/persistentVolumeClaimRetentionPolicy"

/** With another whenScaled: no step moves whenDeleted, whatever a journal or an annotation says of it. */
const scaledBy = (set: StatefulSet, { whenScaled }: typeof Retention.Type): typeof Retention.Type => ({
  ...retentionOf(set),
  whenScaled
})

/**
 * Sets the retention policy, and saves the previous one on the StatefulSet, in one patch. The current value
 * is the previous one, even if a manifest brought an annotation.
 */
export const setRetention = (
  at: StepContext,
  to: typeof Retention.Type
): Effect.Effect<void, Failure, Cluster> =>
  Effect.asVoid(
    Workload.change(at.fence, {
      done: (set) => isSame(retentionOf(set), scaledBy(set, to)),
      operations: (set) => [
        { op: "test", path: "/metadata/generation", value: set.metadata.generation },
        { op: "add", path, value: scaledBy(set, to) },
        {
          op: "add",
          path: annotationPath(retentionBeforeAnnotation),
          value: JSON.stringify(retentionOf(set))
        }
      ]
    })
  )

const inWords = ({ whenScaled, whenDeleted }: typeof Retention.Type): string =>
  `whenScaled ${whenScaled}, whenDeleted ${whenDeleted}`

/**
 * Restores the retention policy from the StatefulSet's own annotation; a policy that another client has set
 * since is left, and reported. `was` is the planned one, by which a policy that cannot be restored is
 * reported.
 */
export const putBackRetention = (
  at: StepContext,
  during: typeof Retention.Type | null,
  was: typeof Retention.Type | null,
  stepTimeout?: number
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const first = yield* Workload.assertHeld(at.fence)
    const isPut = (set: StatefulSet) => set.metadata.annotations?.[retentionBeforeAnnotation] === undefined
    // A pod that somebody else's change of the count takes would take its claim along.
    const now = isPut(first) ? first : yield* untilSettled(at, first, stepTimeout)
    const isAsSet = (set: StatefulSet) => during === null || isSame(retentionOf(set), during)
    const end = yield* Workload.change(at.fence, {
      done: isPut,
      operations: (set) => {
        const before = rememberedRetention(set)
        return [
          { op: "test", path: "/metadata/generation", value: set.metadata.generation },
          ...(before !== null && isAsSet(set)
            ? [{ op: "add" as const, path, value: scaledBy(set, before) }]
            : []),
          { op: "remove", path: annotationPath(retentionBeforeAnnotation) }
        ]
      },
      stop: (set) =>
        set.metadata.generation === now.metadata.generation || isPut(set)
          ? null
          : because(
              "Changed",
              `another client changed ${at.fence.name} just now: no policy was restored yet`
            ),
      known: now
    })
    // By the result of the write: a mark may be removed between the read and the write.
    const before = rememberedRetention(now) ?? was
    const left = retentionOf(end)
    if (rememberedRetention(now) !== null && !isAsSet(now)) {
      // Also if it is unchanged now: it may have been different in between, which may be why claims were deleted.
      yield* at.report({
        _tag: "Note",
        message: `${inWords(left)}: set by another client in the meantime, and left as it is`
      })
    } else if (before !== null && !isSame(left, before)) {
      yield* at.fallShort(
        `${inWords(left)} on ${at.fence.name} instead of ${inWords(before)}: the annotation to restore it was removed, so it was left as it is`
      )
    }
  })

/** The settings of the verb that a kind that sets policies needs. */
export interface RetentionSettings {
  /** Milliseconds. */
  readonly stepTimeout?: number
}

const write = (from: typeof Retention.Type, to: typeof Retention.Type): SpecWrite => [
  { ...Workload.whenScaledField, from: from.whenScaled, to: to.whenScaled },
  { ...Workload.whenDeletedField, from: from.whenDeleted, to: to.whenDeleted }
]

const tryPolicy = (at: StepContext, to: typeof Retention.Type) =>
  Effect.as(
    Effect.flatMap(Workload.assertThere(at), (set) =>
      Fence.tryOut(at.fence, set, [{ op: "add", path, value: to }])
    ),
    []
  )

const SetSchema = Schema.TaggedStruct("SetRetention", { on, from: Retention, to: Retention })
type SetRetention = typeof SetSchema.Type

/** Sets the retention policy for the time of the operation, and reads it back. */
export const SetRetention: StepKind<SetRetention, RetentionSettings> = {
  tag: "SetRetention",
  schema: SetSchema,
  describe: ({ to }) => `set ${inWords(to)}`,
  access: () => [],
  specWrites: ({ from, to }) => [write(from, to)],
  rehearse: ({ to }, at) => tryPolicy(at, to),
  perform: ({ to }, at) => setRetention(at, to),
  undo: ({ from, to }, at) => putBackRetention(at, to, from, at.settings.stepTimeout)
}

/** The policy during a plan; `null` if it sets none. */
export const retentionDuring = (plan: Pick<StepContext["plan"], "steps">): typeof Retention.Type | null =>
  stepsOf<SetRetention>(SetRetention, plan.steps)[0]?.to ?? null

const RestoreSchema = Schema.TaggedStruct("RestoreRetention", {
  on,
  from: Retention,
  to: Retention,
  /** True if the plan adds pods, so that an abort removes them under the operation's own policy. */
  again: Schema.Boolean
})
type RestoreRetention = typeof RestoreSchema.Type

/** Puts the retention policy back. */
export const RestoreRetention: StepKind<RestoreRetention, RetentionSettings> = {
  tag: "RestoreRetention",
  schema: RestoreSchema,
  describe: ({ to }) => `restore ${inWords(to)}`,
  access: () => [],
  specWrites: ({ from, to }) => [write(from, to)],
  rehearse: ({ to }, at) => tryPolicy(at, to),
  perform: ({ from, to }, at) => putBackRetention(at, from, to, at.settings.stepTimeout),
  // A journal alone has no policy set under which an abort deletes claims.
  undo: ({ from, again }, at) =>
    again && from.whenScaled === "Retain" ? setRetention(at, from) : Effect.void
}
