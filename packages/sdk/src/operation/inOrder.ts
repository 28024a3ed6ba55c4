/** Several plans, one after another: nothing is begun while one of them would be refused. */
import * as Effect from "effect/Effect"
import { preflight } from "../Access.ts"
import type { Cluster } from "../Cluster.ts"
import { inTheWay } from "./InTheWay.ts"
import type { AnyPlan } from "./Plan.ts"
import type { Failure } from "./StepContext.ts"
import { allowed } from "./way.ts"

/** Fails as the plan's run would before it changes anything. */
const startable = (plan: AnyPlan): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    yield* preflight(plan.access, plan.guards)
    const other = yield* inTheWay(plan)
    if (other !== null) return yield* other
  })

/**
 * Runs plans one after another, each once the previous one is done: nothing is started if one of them is
 * refused, lacks a permission or has another operation in the way, and nothing more once one of them fails.
 */
export const inOrder = <One extends { readonly plan: AnyPlan }, A, E, R>(
  planned: ReadonlyArray<One>,
  runOne: (one: One) => Effect.Effect<A, E, R>
): Effect.Effect<ReadonlyArray<A>, E | Failure, R | Cluster> =>
  Effect.gen(function* () {
    yield* Effect.forEach(planned, ({ plan }) => allowed(plan), { discard: true })
    // The first one's own run asks the same before it begins.
    yield* Effect.forEach(planned.slice(1), ({ plan }) => startable(plan), { discard: true })
    return yield* Effect.forEach(planned, runOne)
  })
