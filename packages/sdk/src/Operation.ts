/**
 * The engine that runs every verb's plan: journalled, fenced, resumable and abortable.
 *
 * It knows no verb. A verb is assembled from its kinds of steps (`verb`), and the engine runs them in the
 * order of `operation/protocol.ts`, for a start, a resume and an abort.
 */
import type * as Effect from "effect/Effect"
import type { Cluster } from "./Cluster.ts"
import type { Plan } from "./operation/Plan.ts"
import type { OperationResult } from "./operation/Progress.ts"
import { run } from "./operation/protocol.ts"
import type { AnyStep, Failure } from "./operation/StepContext.ts"
import type { RunOptions, Verb } from "./operation/Verb.ts"
import type { OperationAt } from "./operation/way.ts"

export { inOrder } from "./operation/inOrder.ts"
export { inTheWay } from "./operation/InTheWay.ts"
export type { AnyStep, Failure, StepContext } from "./operation/StepContext.ts"
export { dryRun, rehearse } from "./operation/rehearse.ts"
export { allowed, type OperationAt } from "./operation/way.ts"
export { type RunOptions, type StepOptions, type Verb, verb } from "./operation/Verb.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/**
 * Runs a plan to its end. Running the same plan again, by its id, has the same result and does nothing twice.
 *
 * **Errors**: `Refused`, `Access`, `Changed` or `Mismatch` with nothing changed; `Held` or `Unfinished` if
 * another operation is in the way. After any other error the operation can be resumed or aborted.
 */
export const execute = <Step extends AnyStep, Settings, Options, Going, Outcome>(
  plan: Plan<Step, Settings>,
  verb: Verb<Step, Settings, Options, Going, Outcome>,
  options: Options & RunOptions
): Work<OperationResult> => run({ _tag: "Fresh", plan }, verb, options)

/** Resumes an interrupted operation, from any machine; a started abort continues as an abort. */
export const resume = <Step extends AnyStep, Settings, Options, Going, Outcome>(
  at: OperationAt,
  verb: Verb<Step, Settings, Options, Going, Outcome>,
  options: Options & RunOptions
): Work<OperationResult> => run({ _tag: "Resumed", at }, verb, options)

/** Rolls back an operation, from any machine. */
export const abort = <Step extends AnyStep, Settings, Options, Going, Outcome>(
  at: OperationAt,
  verb: Verb<Step, Settings, Options, Going, Outcome>,
  options: Options & RunOptions
): Work<OperationResult> => run({ _tag: "Undoing", at }, verb, options)
