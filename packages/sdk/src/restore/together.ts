/**
 * Several restores as one: every volume is filled before anything stops, all workloads stop before any volume
 * moves, and none starts before all volumes are in place. Pure over their plans.
 */
import type { AppRef } from "../App.ts"
import { digest } from "../Digest.ts"
import { keyOf, type Refusal } from "../operation/Plan.ts"
import { AssertClaims, AttachVolume } from "../step/attachVolume.ts"
import { MoveVolume } from "../step/moveVolume.ts"
import { stepsOf } from "../operation/Step.ts"
import { SetReplicas } from "../step/replicas.ts"
import { ScaleDeployment } from "../step/scaleDeployment.ts"
import { type RestorePlan, type RestoreStep, restoreVerb } from "./verb.ts"

/**
 * The phases of a plan: before it stops anything, until everything is stopped, and after everything is
 * started.
 */
interface Phases {
  readonly before: ReadonlyArray<RestoreStep>
  readonly down: ReadonlyArray<RestoreStep>
  readonly swap: ReadonlyArray<RestoreStep>
  readonly up: ReadonlyArray<RestoreStep>
  readonly after: ReadonlyArray<RestoreStep>
}

const counting: ReadonlyArray<string> = [SetReplicas.tag, ScaleDeployment.tag]
const isCount = ({ _tag }: RestoreStep): boolean => counting.includes(_tag)

/** Counts before the first volume moves stop members, those behind the last check start them. */
const phasesOf = (steps: ReadonlyArray<RestoreStep>): Phases => {
  // One that is stopped with another, and whose volumes stay.
  if (steps.every(isCount)) {
    const down = steps.filter((step) => stepsOf(ScaleDeployment, [step]).some(({ from, to }) => to < from))
    return { before: [], down, swap: [], up: steps.filter((step) => !down.includes(step)), after: [] }
  }
  const moves = steps.findIndex(({ _tag }) => _tag === MoveVolume.tag || _tag === AttachVolume.tag)
  const checked = steps.findLastIndex(({ _tag }) => _tag === AssertClaims.tag)
  const firstDown = steps.findIndex((step, index) => isCount(step) && index < moves)
  const lastDown = steps.findLastIndex((step, index) => isCount(step) && index < moves)
  const firstUp = steps.findIndex((step, index) => isCount(step) && index > checked)
  const lastUp = steps.findLastIndex((step, index) => isCount(step) && index > checked)
  const stop = firstDown < 0 ? moves : firstDown
  const swap = lastDown < 0 ? moves : lastDown + 1
  const start = firstUp < 0 ? checked + 1 : firstUp
  const end = lastUp < 0 ? start : lastUp + 1
  return {
    before: steps.slice(0, stop),
    down: steps.slice(stop, swap),
    swap: steps.slice(swap, start),
    up: steps.slice(start, end),
    after: steps.slice(end)
  }
}

const once = <A>(all: ReadonlyArray<A>): ReadonlyArray<A> => [
  ...new Map(all.map((one) => [JSON.stringify(one), one])).values()
]

/** An operation on a StatefulSet by its name owns that one first. */
const ownFirst = (ref: AppRef, guards: RestorePlan["guards"]): RestorePlan["guards"] => {
  const isOwn = (guard: RestorePlan["guards"][0]): boolean =>
    ref._tag === "StatefulSet" && guard.kind === "StatefulSet" && guard.name === ref.name
  const [first, ...rest] = [...guards.filter(isOwn), ...guards.filter((guard) => !isOwn(guard))]
  return first === undefined ? guards : [first, ...rest]
}

/** One plan out of several of the same operation, in the order in which their applications start. */
export const together = (
  ref: AppRef,
  plans: readonly [RestorePlan, ...ReadonlyArray<RestorePlan>],
  more: { readonly effects: ReadonlyArray<string>; readonly refusals: ReadonlyArray<Refusal> }
): RestorePlan => {
  const [first, ...others] = plans
  const phases = plans.map(({ guards, steps }) => {
    const on = keyOf(guards[0])
    return phasesOf(steps.map((step) => ({ ...step, on })))
  })
  const withoutAccess: Omit<RestorePlan, "access"> = {
    ...first,
    app: ref,
    guards: ownFirst(ref, [first.guards[0], ...others.map(({ guards }) => guards[0])]),
    facts: digest(plans.map(({ facts }) => facts)),
    effects: [...more.effects, ...once(plans.flatMap(({ effects }) => effects))],
    warnings: once(plans.flatMap(({ warnings }) => warnings)),
    refusals: [...more.refusals, ...once(plans.flatMap(({ refusals }) => refusals))],
    unchecked: once(plans.flatMap(({ unchecked }) => unchecked)),
    settings: {
      set: first.settings.set,
      undoes: first.settings.undoes,
      allowEmpty: first.settings.allowEmpty,
      kept: plans.flatMap(({ settings }) => settings.kept),
      factsOn: Object.fromEntries(
        plans.flatMap(({ guards, settings: { facts } }) =>
          facts === undefined ? [] : [[keyOf(guards[0]), facts]]
        )
      )
    },
    steps: [
      ...phases.flatMap(({ before }) => before),
      ...phases.toReversed().flatMap(({ down }) => down),
      ...phases.flatMap(({ swap }) => swap),
      ...phases.flatMap(({ up }) => up),
      ...phases.flatMap(({ after }) => after)
    ]
  }
  return { ...withoutAccess, access: restoreVerb.rules({ ...withoutAccess, access: [] }, {}) }
}
