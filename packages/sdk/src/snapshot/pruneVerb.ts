/** Deleting snapshots as a verb: one set with each operation. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { keyOf, type Plan } from "../operation/Plan.ts"
import { because } from "../operation/OperationError.ts"
import { rules, type StepOf, stepsOf } from "../operation/Step.ts"
import { isBegunWith } from "../operation/Token.ts"
import { type InMillis, inMillis, type StepOptions, verb } from "../operation/Verb.ts"
import { DeleteRecord, DeleteSet } from "../step/deleteSet.ts"
import { recordName } from "../RecordName.ts"
import { listReadable } from "../step/recordList.ts"
import { isLast } from "./whole.ts"
import { usesOf } from "./use.ts"

const steps = [DeleteSet, DeleteRecord] as const

export type PruneStep = StepOf<(typeof steps)[number]>

/** The settings in a plan in addition to its steps. */
export const PruneSettings = Schema.Struct({
  set: Schema.String,
  /** True if it is deleted although it is the newest complete one of its application. */
  last: Schema.optionalKey(Schema.Literal(true))
})
export type PruneSettings = typeof PruneSettings.Type

export interface PrunePlan extends Plan<PruneStep, PruneSettings> {}

export type PruneRun = StepOptions

/** The result of the operation. */
export const PruneResult = Schema.Struct({ set: Schema.String, cuts: Schema.Natural })

export const pruneVerb = verb<
  PruneStep,
  PruneSettings,
  PruneRun,
  PruneSettings & InMillis<PruneRun>,
  typeof PruneResult.Type
>({
  name: "prune",
  steps,
  settings: PruneSettings,
  result: PruneResult,
  misfit: ({ guards, home, settings }) => {
    const [guard] = guards
    const isRecord =
      guard.kind === "Secret" && guard.namespace === home && guard.name === recordName(settings.set)
    return isRecord && guards.length === 1 ? null : "it owns something other than the record of its snapshot"
  },
  going: (plan, options) => ({ ...plan.settings, ...inMillis(options) }),
  hooks: () => [],
  check: (plan, objects, _, resumed) =>
    Effect.gen(function* () {
      const object = objects.get(keyOf(plan.guards[0]))
      // Anyone who may write ConfigMaps could have written its journal, without permissions on the record.
      if (resumed && object !== undefined && !isBegunWith(plan, object)) {
        return yield* because(
          "Mismatch",
          `the record of snapshot ${plan.settings.set} is not marked as being deleted`,
          "abort; to delete it, run prune again"
        )
      }
      const names = stepsOf(DeleteSet, plan.steps).flatMap(({ snapshots }) =>
        snapshots.map(({ name }) => name)
      )
      const { set } = plan.settings
      const record = plan.guards[0].uid || null
      // Since the plan, the newer ones may have been deleted.
      const { snapshots } = yield* listReadable(plan.home)
      const now = snapshots.find(({ summary }) => summary.name === set)
      const isAsked = !resumed && plan.settings.last !== true && now !== undefined
      if (isAsked && (yield* isLast(plan.home, snapshots, now))) {
        return yield* because(
          "Changed",
          `snapshot ${set} is the newest complete one of its application now`,
          "take a new one first, or use --last"
        )
      }
      const uses = yield* usesOf({ namespace: plan.home, name: set, record }, names, plan.id)
      if (uses.length > 0) {
        return yield* because(
          "Changed",
          `snapshot ${set} is in use: ${uses.join(", ")}`,
          "wait until that has finished"
        )
      }
    }),
  // A claim that is being filled from it is a use.
  access: ({ home }) => rules("", "persistentvolumeclaims", ["list"], home),
  consent: () => null,
  preflight: () => Effect.void,
  conclude: (plan) => {
    const cuts = stepsOf(DeleteSet, plan.steps).flatMap(({ snapshots }) => snapshots)
    return Effect.succeed({ set: plan.settings.set, cuts: cuts.length })
  },
  concludeBack: () => Effect.void,
  capture: () => ({})
})
