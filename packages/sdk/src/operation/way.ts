/** Decides the direction of an operation, from its plan or its journal, and whether this run may take it. */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import { digest } from "../Digest.ts"
import { titleOf } from "./Guarded.ts"
import { type Reach, reachOf, tracesOf } from "./InTheWay.ts"
import * as Journal from "./Journal.ts"
import { because, OperationError, refusedBecause } from "./OperationError.ts"
import { lastWay, lookAtOperations } from "./OperationId.ts"
import { type AnyPlan, keyOf, type Plan } from "./Plan.ts"
import type { OperationResult } from "./Progress.ts"
import type { RunLog } from "./RunLog.ts"
import type { AnyStep, Failure } from "./StepContext.ts"
import type { RunOptions, Verb } from "./Verb.ts"
import { shellWord } from "../ShellWord.ts"
import type { Direction } from "./RunSteps.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** The location of an operation's journal, and its id. */
export interface OperationAt {
  readonly namespace: string
  readonly id: string
}

const refused = (plan: AnyPlan): OperationError => {
  const [first] = plan.refusals
  const more = plan.refusals.length > 1 ? ` (and ${plan.refusals.length - 1} more)` : ""
  return new OperationError({
    reason: { _tag: "Refused", refusals: plan.refusals },
    message: `${first?.reason ?? "the plan may not run"}${more}`,
    ...(first === undefined ? {} : { action: first.remedy })
  })
}

/** Fails with all refusals of the plan, if there are any. */
export const allowed = (plan: AnyPlan): Effect.Effect<void, OperationError> =>
  plan.refusals.length > 0 ? Effect.fail(refused(plan)) : Effect.void

const sameHooks = (plan: AnyPlan, hooks: AnyPlan["hooks"]): OperationError | null => {
  if (digest(plan.hooks) === digest(hooks)) return null
  const last = lastWay(plan)
  const without = `\`kubectl delete configmap ${Journal.nameOf(plan.id)} -n ${shellWord(plan.home)}\``
  return because(
    "Mismatch",
    `the hooks are not those of operation ${plan.id} (${plan.hooks.map((hook) => hook.name).join(", ") || "none"})`,
    `pass the same --profile and hook flags as at the start${last === null ? "" : `; if they are lost, ${without} and then ${last}`}`
  )
}

/** The start of a run. */
export type Start<Step extends AnyStep, Settings> =
  /** From the caller's own plan. */
  | { readonly _tag: "Fresh"; readonly plan: Plan<Step, Settings> }
  /** Determined by the journal: a started abort continues as an abort. */
  | { readonly _tag: "Resumed"; readonly at: OperationAt }
  | { readonly _tag: "Undoing"; readonly at: OperationAt }

/** Reason that the plan must not run at all, whatever the state of the cluster; `null` if it may. */
export const notRunnable = <Step extends AnyStep, Settings, Options, Going, Outcome>(
  plan: Plan<Step, Settings>,
  verb: Verb<Step, Settings, Options, Going, Outcome>,
  options: Options
): OperationError | null => {
  if (plan.refusals.length > 0) return refused(plan)
  if (Journal.isTooLarge(plan, verb.marks(plan))) {
    return refusedBecause(
      `the plan has ${plan.steps.length} steps, more than fit into one journal`,
      "go there in parts"
    )
  }
  return sameHooks(plan, verb.hooks(options))
}

/** The consent that the journal needs and this run lacks; `null` if none is missing. */
const notConsented = (plan: AnyPlan, options: RunOptions): OperationError | null => {
  const beyond = plan.guards.find(
    ({ namespace }) => namespace !== plan.home && !(options.namespaces ?? []).includes(namespace)
  )
  return beyond === undefined
    ? null
    : because(
        "Mismatch",
        `operation ${plan.id} changes objects in namespace ${beyond.namespace}, as its journal says`,
        `${lookAtOperations(plan.home)}; if that is intended, name that namespace again`
      )
}

/** True if each step of the plan has ended, or nothing says so of any: older journals have no times. */
const isWalked = ({ plan, status: { times } }: Journal.Entry): boolean =>
  times === undefined || plan.steps.every((_, index) => times[`${index}`]?.ended != null)

/**
 * The result of a finished operation; `null` if it is unfinished. Fails if its journal contradicts itself, or
 * is about other objects: what may have finished is never walked again.
 */
export const endOf = (entry: Journal.Entry, log: RunLog): Work<OperationResult | null> =>
  Effect.gen(function* () {
    const { plan, status } = entry
    const { phase, message, aborting } = status
    if (phase !== "Succeeded" && phase !== "Aborted" && phase !== "Incomplete") return null
    const { marked, gone } = yield* tracesOf(plan)
    if (marked) return null
    if (phase === "Succeeded" && !isWalked(entry)) {
      return yield* because(
        "Mismatch",
        `operation ${plan.id} has finished, according to its journal, which does not say that all of its steps have`,
        "find out who changed it; compare what is there with what the operation was to do"
      )
    }
    if (gone && phase === "Succeeded") {
      return yield* because(
        "Mismatch",
        `operation ${plan.id} has finished, according to its journal, and none of its objects is here`,
        "if they are in another cluster, ask there: a backup that copies ConfigMaps copies journals too"
      )
    }
    if (phase === "Incomplete" && message !== null) yield* log.fallShort(message)
    return yield* log.result(phase, plan.id, { aborted: aborting })
  })

/** The part of a plan that a run has to do. */
export interface Way<Step, Settings> {
  readonly plan: Plan<Step, Settings>
  readonly direction: Direction
  readonly reach: Reach
}

/** All guarded objects exist, or are created by the operation itself. */
export const everything: Reach = { absent: new Set(), beyond: new Set(), left: [] }

/** The direction of an operation that has a journal; fails if this run must not take it. */
export const wayOf = <Step extends AnyStep, Settings, Options, Going, Outcome>(
  { plan: asked, status }: Journal.Entry,
  start: Start<Step, Settings>,
  verb: Verb<Step, Settings, Options, Going, Outcome>,
  options: Options & RunOptions,
  log: RunLog
): Work<Way<Step, Settings>> =>
  Effect.gen(function* () {
    const decoded = verb.decode(asked)
    if (decoded._tag === "Failure") {
      return yield* because(
        "Mismatch",
        `operation ${asked.id} has a plan that this version cannot read: ${decoded.failure}`,
        "use the version of kubectl-stateful that started it"
      )
    }
    const plan = decoded.success
    const isBack = start._tag === "Undoing" || status.aborting
    // What the caller planned itself, it has asked for.
    const isKnown = start._tag === "Fresh" && digest(start.plan) === digest(asked)
    const isTrusted = isBack || isKnown
    const why =
      sameHooks(plan, verb.hooks(options)) ??
      (isTrusted ? null : (notConsented(plan, options) ?? verb.consent(plan, options)))
    if (why !== null) return yield* why
    if (!isBack) return { plan, direction: "forward", reach: everything }
    const reach = yield* reachOf(plan, options.namespaces ?? [])
    const { absent, beyond, left } = reach
    for (const guard of plan.guards) {
      if (!absent.has(keyOf(guard)) || beyond.has(keyOf(guard))) continue
      const message = `${titleOf(guard, plan.home)} was deleted: only what does not require the ${guard.kind} is restored`
      if (guard.uid !== null) yield* log.report({ _tag: "Note", message })
    }
    for (const title of left) {
      yield* log.fallShort(
        `${title} has no annotation of this operation, and its namespace was not named: nothing of it was restored`
      )
    }
    return { plan, direction: "back", reach }
  })
