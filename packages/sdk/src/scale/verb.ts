/** The scale verb: its steps, and its own parts. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { kinds } from "../Kind.ts"
import { isOurs, type SpecWrite } from "../operation/Author.ts"
import { because } from "../operation/OperationError.ts"
import { type AnyPlan, keyOf } from "../operation/Plan.ts"
import { type Objects, verb } from "../operation/Verb.ts"
import { wanted } from "../Ordinal.ts"
import { names } from "../Profile.ts"
import * as Resource from "../Resource.ts"
import { countsOf } from "../step/replicas.ts"
import { replicasOf } from "../step/workload.ts"
import { check, conclude, concludeBack, preflight } from "./check.ts"
import { consent, type Going, going, type RunSettings } from "./settings.ts"
import { type ScalePlan, ScaleSettings, type ScaleStep, steps } from "./steps.ts"

/** The result of scaling. */
export const ScaleResult = Schema.Struct({
  /** The count that the StatefulSet has. */
  replicas: Schema.Natural
})

/** The StatefulSet that a plan is about, as the engine has read it. */
const setOf = (plan: AnyPlan, objects: Objects) => {
  const [guard] = plan.guards
  const object = objects.get(keyOf(guard))
  const lost = because("Changed", `statefulset "${guard.name}" was deleted since`)
  return Effect.flatMap(object === undefined ? Effect.fail(lost) : Effect.succeed(object), (found) =>
    Resource.accept(kinds.statefulsets, found)
  )
}

/**
 * The facts that an abort must know: the first ordinal that was not requested when it began, and the expected
 * generation once all changes of the number of replicas are undone, if no other client has written by then.
 */
const capture = (plan: ScalePlan, objects: Objects, writes: ReadonlyArray<SpecWrite>) => {
  const [guard] = plan.guards
  const object = objects.get(keyOf(guard))
  const accepted = kinds.statefulsets.accept(object)
  if (object === undefined || Result.isFailure(accepted)) return {}
  const set = accepted.success
  const beyond = wanted(set).start + replicasOf(set)
  if (!isOurs(writes, guard.generation, set)) return { beyond }
  const counts = countsOf(plan)
  const done =
    counts[0]?.from === replicasOf(set) ? 0 : counts.findIndex(({ to }) => to === replicasOf(set)) + 1
  return { beyond, generation: (set.metadata.generation ?? 0) + done }
}

export const scaleVerb = verb<ScaleStep, ScaleSettings, RunSettings, Going, typeof ScaleResult.Type>({
  name: "scale",
  steps,
  settings: ScaleSettings,
  result: ScaleResult,
  misfit: ({ guards }) => (guards.length === 1 ? null : "it scales more than one StatefulSet"),
  going,
  hooks: ({ profile }) => names(profile ?? {}),
  check: (plan, objects, { profile }, resumed) =>
    Effect.flatMap(setOf(plan, objects), (set) => check(plan, set, resumed, profile ?? {})),
  consent,
  preflight: (plan, objects, given) =>
    Effect.flatMap(setOf(plan, objects), (set) => preflight(plan, set, given)),
  conclude: (plan, at) => conclude(at, plan, at.settings),
  concludeBack: (plan, at) => concludeBack(at, plan, at.settings),
  capture
})
