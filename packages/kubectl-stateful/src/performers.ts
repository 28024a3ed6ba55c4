/**
 * How an operation is taken up again, by the verb that its journal names: `resume` and `abort` are
 * the same for every verb.
 */
import type { Cluster } from "@kubectl-stateful/sdk/Cluster"
import type { Failure, RunOptions } from "@kubectl-stateful/sdk/Operation"
import type { OperationResult } from "@kubectl-stateful/sdk/operation/Report"
import * as Scale from "@kubectl-stateful/sdk/Scale"
import * as Effect from "effect/Effect"
import type { FoundOperation } from "./findOperation.ts"
import { Usage } from "./Usage.ts"

type TakeUp = (
  at: { readonly namespace: string; readonly id: string },
  options: Scale.Manner & RunOptions
) => Effect.Effect<OperationResult, Failure, Cluster>

interface Verb {
  readonly resume: TakeUp
  readonly abort: TakeUp
}

const verbs: Readonly<Record<string, Verb>> = { scale: Scale }

/** Goes on with, or undoes, what the journal says; a verb that this version does not know is left alone. */
export const takeUp = (
  way: keyof Verb,
  found: FoundOperation,
  options: Scale.Manner & RunOptions
): Effect.Effect<OperationResult, Failure | Usage, Cluster> => {
  const verb = Object.hasOwn(verbs, found.verb) ? verbs[found.verb] : undefined
  return verb === undefined
    ? Effect.fail(
        new Usage(
          `operation ${found.id} is a ${found.verb}, which this version does not know`,
          "use the version of kubectl-stateful that began it"
        )
      )
    : verb[way](found, options)
}
