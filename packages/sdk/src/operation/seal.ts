/**
 * Annotates the objects that an operation created as finished: anyone who can write ConfigMaps could reopen
 * its journal, and have it undone.
 */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import type { OperationError } from "./OperationError.ts"
import { isOverAlready } from "./InTheWay.ts"
import type { Plan } from "./Plan.ts"
import type { AnyStep, Failure } from "./StepContext.ts"
import { guardOf, type Verb } from "./Verb.ts"

const breadth = 8

/** Annotates as many objects as it can: a process that crashes before leaves a journal that says it. */
export const sealSteps = <Step extends AnyStep, Settings, Options, Going, Outcome>(
  plan: Plan<Step, Settings>,
  verb: Verb<Step, Settings, Options, Going, Outcome>
): Effect.Effect<void, never, Cluster> =>
  Effect.forEach(
    plan.steps,
    (step) => {
      const { namespace } = guardOf(plan, step)
      return Effect.ignore(verb.kindOf(step).seal?.(step, { namespace, plan }) ?? Effect.void)
    },
    { concurrency: breadth, discard: true }
  )

/**
 * Reason that a journal must not be resumed: the objects of its steps say that it has finished. `null` if
 * none does.
 */
export const sealedSteps = <Step extends AnyStep, Settings, Options, Going, Outcome>(
  plan: Plan<Step, Settings>,
  verb: Verb<Step, Settings, Options, Going, Outcome>
): Effect.Effect<OperationError | null, Failure, Cluster> =>
  Effect.map(
    Effect.forEach(
      plan.steps,
      (step) => {
        const { namespace } = guardOf(plan, step)
        return verb.kindOf(step).sealed?.(step, { namespace, plan }) ?? Effect.succeed(null)
      },
      { concurrency: breadth }
    ),
    (all) => {
      const title = all.find((one) => one !== null)
      return title == null ? null : isOverAlready(plan, title)
    }
  )
