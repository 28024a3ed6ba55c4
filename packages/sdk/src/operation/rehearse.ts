/**
 * Tries a plan on the server without storing anything: the response of admission to each write, for targets
 * that already exist.
 */
import * as Effect from "effect/Effect"
import { preflight } from "../Access.ts"
import { type Cluster, ClusterError } from "../Cluster.ts"
import { find, titleOf } from "./Guarded.ts"
import { inTheWay, readPlanned } from "./InTheWay.ts"
import * as Journal from "./Journal.ts"
import * as Lease from "./lease.ts"
import { type AnyPlan, inKeyOrder, type Plan } from "./Plan.ts"
import { type AnyStep, detached, type Failure } from "./StepContext.ts"
import { timestamp } from "./Run.ts"
import { guardOf, type Verb } from "./Verb.ts"

/** Names the write in the server's error. */
const named = <A>(
  what: string,
  tried: Effect.Effect<A, Failure, Cluster>
): Effect.Effect<A, Failure, Cluster> =>
  Effect.mapError(tried, (error) => {
    if (error._tag !== "ClusterError" || error.status === undefined) return error
    const { reason, message, action, status } = error
    return new ClusterError({
      reason,
      status,
      message: `${what} would be refused: ${message}`,
      ...(action === undefined ? {} : { action })
    })
  })

const identity = "a dry run"

/** The journal of a plan that nothing was done of yet. */
export const firstEntry = (plan: AnyPlan, run: string, holder: string, started: string): Journal.Entry => ({
  plan,
  run,
  status: {
    phase: "Running",
    aborting: false,
    holder,
    started,
    ended: null,
    marks: {},
    times: {},
    captured: {},
    message: null
  }
})

/** The plan, with unsendable writes listed as unchecked. Fails with the first refusal, as the run would. */
export const rehearse = <Step extends AnyStep, Settings, Options, Going, Outcome>(
  plan: Plan<Step, Settings>,
  verb: Verb<Step, Settings, Options, Going, Outcome>,
  options: Options
): Effect.Effect<Plan<Step, Settings>, Failure, Cluster> =>
  Effect.gen(function* () {
    if (plan.refusals.length > 0 || plan.steps.length === 0) return plan
    yield* preflight(plan.access, plan.guards)
    // Who the dry run says it is: it holds nothing.
    const token = `${plan.id}.00000000`
    for (const { kind, namespace, name } of inKeyOrder(plan.guards)) {
      const candidate = { kind, namespace, name, token, identity }
      yield* named(`lease ${Lease.nameOf(candidate)}`, Lease.tryOut(candidate))
    }
    const entry = firstEntry(plan, token, identity, yield* timestamp)
    yield* named(`journal ${Journal.nameOf(plan.id)}`, Journal.create(entry, { dryRun: true }))
    yield* verb.preflight(plan, yield* readPlanned(plan), options)
    const settings = verb.going(plan, options, false)
    const unchecked: Array<string> = []
    for (const step of plan.steps) {
      const guard = guardOf(plan, step)
      const standing = Effect.map(find(guard), (object) => ({ why: null, object }))
      const fence = { ...guard, token }
      const what = verb.describe(plan, step)
      const rehearsed = verb
        .kindOf(step)
        .rehearse(step, detached({ plan, settings, fence, standing }))
        .pipe(
          // What the operation makes itself is not there to be tried on.
          Effect.catchIf(
            (error) => guard.uid === null && error.reason._tag === "NotFound",
            () => Effect.succeed([`${what}: ${titleOf(guard, plan.home)} does not exist yet`])
          )
        )
      unchecked.push(...(yield* named(`"${what}"`, rehearsed)))
    }
    return { ...plan, unchecked: [...plan.unchecked, ...unchecked] }
  })

/**
 * The result of a run without changing anything: an operation that is in the way is a refusal of the plan.
 * With `server`, each write is also sent with `dryRun=All`.
 */
export const dryRun = <Step extends AnyStep, Settings, Options, Going, Outcome>(
  plan: Plan<Step, Settings>,
  verb: Verb<Step, Settings, Options, Going, Outcome>,
  mode: "client" | "server",
  options: Options
): Effect.Effect<Plan<Step, Settings>, Failure, Cluster> =>
  Effect.gen(function* () {
    // A plan that may not run says why itself, whatever its guards have become.
    const other = yield* Effect.catchIf(
      inTheWay(plan),
      ({ reason }) => reason._tag === "Changed" && plan.refusals.length > 0,
      () => Effect.succeed(null)
    )
    if (other !== null) {
      const refusal = { reason: other.message, remedy: other.action ?? "check it, and finish it first" }
      return { ...plan, refusals: [...plan.refusals, refusal] }
    }
    return mode === "server" && plan.steps.length > 0 ? yield* rehearse(plan, verb, options) : plan
  })
