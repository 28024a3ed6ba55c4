/** The order in which every operation runs: permissions, Leases, journal, fences, steps, end. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import { preflight } from "../Access.ts"
import { nameOf } from "../App.ts"
import type { Cluster } from "../Cluster.ts"
import * as Fence from "./Fence.ts"
import { type Guarded, raisedBy, titleOf } from "./Guarded.ts"
import { inTheWay, isSwept, ownedBy, reachOf, readPlanned, reopened } from "./InTheWay.ts"
import { Holder } from "./Holder.ts"
import * as Journal from "./Journal.ts"
import type * as Lease from "./lease.ts"
import { orNamespaceGone } from "./NamespaceGone.ts"
import { because, type OperationError } from "./OperationError.ts"
import { type AnyPlan, type Guard, inKeyOrder, keyOf } from "./Plan.ts"
import type { OperationResult } from "./Progress.ts"
import { firstEntry } from "./rehearse.ts"
import { sealedSteps, sealSteps } from "./seal.ts"
import { type RunLog, runLog } from "./RunLog.ts"
import type { AnyStep, Failure } from "./StepContext.ts"
import { isOtherPlan, newToken } from "./Token.ts"
import * as Run from "./Run.ts"
import type { Objects, RunOptions, Verb } from "./Verb.ts"
import { Patience } from "../resource/Patience.ts"
import { runSteps } from "./RunSteps.ts"
import { allowed, endOf, everything, notRunnable, type Start, type Way, wayOf } from "./way.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const edited = ({ id }: AnyPlan): OperationError =>
  because(
    "Mismatch",
    `the journal of operation ${id} was changed after the operation started`,
    "find out who did: only an abort ends it"
  )

/** Reason that this run must not write its token on a guarded object; `null` if it may. */
const notMine =
  (plan: AnyPlan, token: string) =>
  (guard: Guard) =>
  (object: Guarded): Work<OperationError | null> =>
    Effect.gen(function* () {
      const why = yield* Journal.notMine(plan, token)
      return why ?? (yield* ownedBy(plan, guard, object))
    })

/** Acquires the fences in key order, and answers with the guards as they are then. */
const acquireAll = (run: Run.Run, token: string, absent: ReadonlySet<string>): Work<Objects> =>
  Effect.gen(function* () {
    const objects = new Map<string, Guarded>()
    const mine = notMine(run.plan, token)
    for (const guard of inKeyOrder(run.plan.guards)) {
      const key = keyOf(guard)
      const fence = run.fences.find((one) => keyOf(one) === key)
      if (fence === undefined || absent.has(key)) continue
      const object = yield* Fence.acquire(fence, mine(guard))
      if (object !== null) objects.set(key, object)
    }
    return objects
  })

/** Fails if a guarded object was changed between the plan and the fence. */
const unchanged = ({ guards, home }: AnyPlan, objects: Objects): Effect.Effect<void, OperationError> => {
  const changed = guards.find(
    (guard) =>
      guard.generation !== null &&
      objects.get(keyOf(guard))?.metadata.generation !== guard.generation + raisedBy(guard)
  )
  return changed === undefined
    ? Effect.void
    : Effect.fail(
        because(
          "Changed",
          `${titleOf(changed, home)} was changed by another client just now`,
          "run the command again"
        )
      )
}

/**
 * Waits for a server that does not answer while the operation acts, but not while it only checks whether it
 * may.
 */
const patient = <A, E, R>({ outage }: RunLog, work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(work, Patience, outage.patience)

/** The request of a run: its options, its identity, and its reports. */
interface Request<Step extends AnyStep, Settings, Options, Going, Outcome> {
  readonly start: Start<Step, Settings>
  readonly verb: Verb<Step, Settings, Options, Going, Outcome>
  readonly options: Options & RunOptions
  readonly asked: AnyPlan
  readonly log: RunLog
  readonly token: string
  readonly identity: string
}

/** The Leases of the guards that this run may hold, in key order. */
const candidatesOf = ({ guards }: AnyPlan, beyond: ReadonlySet<string>, token: string, identity: string) =>
  inKeyOrder(guards)
    // None for a guard that only the journal claims: it would stop the process that acts there.
    .filter((guard) => !beyond.has(keyOf(guard)))
    .map(({ kind, namespace, name }): Lease.Candidate => ({ kind, namespace, name, token, identity }))

/** The existing journal, or a new one if nothing is in the way. */
const entryOf = <Step extends AnyStep, Settings, Options, Going, Outcome>({
  start,
  verb,
  options,
  asked,
  token,
  identity
}: Request<Step, Settings, Options, Going, Outcome>) =>
  Effect.gen(function* () {
    const known =
      start._tag === "Fresh"
        ? yield* Journal.read(asked.home, asked.id)
        : yield* Journal.find(asked.home, asked.id)
    if (known !== null) return { entry: known, isNew: false }
    const other = yield* inTheWay(asked)
    if (other !== null) return yield* other
    if (start._tag === "Fresh") yield* verb.check(start.plan, yield* readPlanned(asked), options, false)
    const first = firstEntry(asked, token, identity, yield* Run.timestamp)
    const entry = yield* Journal.create(first)
    return { entry, isNew: entry.run === token }
  })

/** Steps 6 to 8, with the fences written; returns the verb's result. */
const behindFences = <Step extends AnyStep, Settings, Options, Going, Outcome>(
  { verb, options, log, token, identity }: Request<Step, Settings, Options, Going, Outcome>,
  run: Run.Run,
  { plan, direction, reach }: Way<Step, Settings>,
  entry: Journal.Entry,
  isNew: boolean
) =>
  Effect.gen(function* () {
    const isBack = direction === "back"
    const { absent } = reach

    // 6. The fences first: from here on the previous run changes nothing, so what is read now stays valid.
    const objects = yield* acquireAll(run, entry.run, absent)

    // 7. The journal says which run owns the operation; what an abort must know is captured with it.
    if (isNew) {
      // A process that took over between the read and the fence has changed the journal.
      const why = yield* Journal.notMine(plan, token)
      if (why !== null) return yield* why
      yield* unchanged(plan, objects)
    } else {
      const isEdited = [...objects.values()].some((one) => isOtherPlan(plan, one))
      if (isEdited && !isBack) return yield* edited(plan)
      // Its steps are undone, and nobody knows whether they were all.
      if (isEdited)
        yield* log.fallShort(
          `${edited(plan).message}: what its own steps changed may not be undone; compare replicas and claims with the state before it`
        )
      const captures = isBack && !entry.status.aborting && absent.size === 0
      const writes = verb.writes(plan, plan.guards[0])
      yield* run.takeOver({
        phase: isBack ? "Aborting" : "Running",
        aborting: isBack,
        holder: identity,
        ...(captures ? { captured: verb.capture(plan, objects, writes) } : {})
      })
      // For an abort, whatever exists now is what is left.
      if (!isBack) yield* verb.check(plan, objects, options, true)
    }
    yield* Ref.set(run.begun, true)
    yield* log.report({
      _tag: "Started",
      id: plan.id,
      home: plan.home,
      verb: plan.verb,
      app: nameOf(plan.app),
      // For a resumed operation this is derived from its steps, not read from the journal's text.
      effects: isNew ? plan.effects : plan.steps.map((step) => verb.describe(plan, step))
    })

    // 8. The steps, in their order or undone in the reverse, and a last look.
    const { report, fallShort, outage } = log
    const settings = verb.going(plan, options, isBack)
    const { elapsed } = outage
    const given = { direction, ...reach, report, fallShort, elapsed, settings, isTakenUp: !isNew }
    return yield* runSteps(plan, verb, run, given)
  })

/** Steps 4 to 9, while the Leases are held. */
const underLeases = <Step extends AnyStep, Settings, Options, Going, Outcome>(
  request: Request<Step, Settings, Options, Going, Outcome>,
  candidates: ReadonlyArray<Lease.Candidate>
) =>
  Effect.gen(function* () {
    const { start, verb, options, log, token } = request

    // 4. The journal: the one there is, or a new one where nothing is in the way.
    const { entry, isNew } = yield* entryOf(request)
    const end = isNew ? null : yield* endOf(entry, log)
    if (end !== null) return end
    const over = isNew ? null : yield* reopened(entry.plan)
    if (over !== null) return yield* over

    // 5. Forward or back, and whether this caller may do that.
    const way: Way<Step, Settings> =
      isNew && start._tag === "Fresh"
        ? { plan: start.plan, direction: "forward", reach: everything }
        : yield* wayOf(entry, start, verb, options, log)
    const { plan, direction } = way
    const sealed = isNew ? null : yield* sealedSteps(plan, verb)
    if (sealed !== null) return yield* sealed
    const isBack = direction === "back"
    const run = yield* Run.make(entry, token, !isNew)
    const outcome = yield* Ref.make<Outcome | null>(null)
    const work = Effect.flatMap(behindFences(request, run, way, entry, isNew), (result) =>
      Ref.set(outcome, result)
    )

    // 9. The end: fences, Leases, journal. If it is interrupted, the operation can be resumed.
    const ending = Effect.map(log.unmet, (short): Run.Ending => {
      if (short.length > 0) return { phase: "Incomplete", message: short.join("; ") }
      return { phase: isBack ? "Aborted" : "Succeeded", message: null }
    })
    yield* Run.closing(run, candidates, ending, work)
    if (!isBack) yield* sealSteps(plan, verb)
    const { phase } = yield* ending
    return yield* log.result(phase, plan.id, { aborted: isBack, result: yield* Ref.get(outcome) })
  })

/**
 * The protocol: one order for a start, a resume and an abort.
 *
 * Whenever the process crashes, what it leaves is found through its journal, or through the token on a
 * guarded object; a resume walks the same steps, which detect what is done.
 */
export const run = <Step extends AnyStep, Settings, Options, Going, Outcome>(
  start: Start<Step, Settings>,
  verb: Verb<Step, Settings, Options, Going, Outcome>,
  options: Options & RunOptions
): Work<OperationResult> =>
  Effect.gen(function* () {
    const isFresh = start._tag === "Fresh"

    // 1. The plan, and whether it may run at all.
    const asked = isFresh ? start.plan : (yield* Journal.find(start.at.namespace, start.at.id)).plan
    const log = yield* runLog(asked, options)
    if (isFresh) {
      yield* allowed(asked)
      if (asked.steps.length === 0) {
        // What is as asked now is about to change if another operation is at work.
        const other = yield* inTheWay(asked)
        if (other !== null) return yield* other
        return yield* log.result("Unchanged", null)
      }
      const why = notRunnable(start.plan, verb, options)
      if (why !== null) return yield* why
    }

    // 2. Permissions, all at once, so that the answer names every one that is missing. A journal whose
    // plan cannot be read fails later, with the reason.
    const readable = isFresh ? Result.succeed(start.plan) : verb.decode(asked)
    const permitted = Result.isSuccess(readable)
      ? preflight(verb.rules(readable.success, options), readable.success.guards)
      : Effect.void
    if (isFresh) {
      yield* permitted
      yield* verb.preflight(start.plan, yield* readPlanned(start.plan), options)
    }

    // 3. The Leases, for as long as all that follows.
    const token = yield* newToken(asked)
    const identity = options.identity ?? (yield* Holder).identity
    const { beyond } = isFresh ? everything : yield* reachOf(asked, options.namespaces ?? [])
    const candidates = candidatesOf(asked, beyond, token, identity)
    const acting = underLeases({ start, verb, options, asked, log, token, identity }, candidates)
    const before = isFresh ? {} : { before: permitted }
    const held = Run.holding(candidates, { takeOver: options.takeOver ?? false, ...before }, acting)
    const isOpen = isFresh ? log.isBegun : Effect.succeed(true)
    return yield* Effect.catch(
      Run.within(options.timeout ?? null, asked, isOpen, patient(log, held)),
      (error) =>
        orNamespaceGone(
          asked,
          verb,
          error,
          Effect.flatMap(isOpen, (begun) =>
            begun ? Effect.orElseSucceed(isSwept(asked), () => false) : Effect.succeed(false)
          )
        )
    )
  }).pipe(
    Effect.withSpan(verb.name, {
      attributes:
        start._tag === "Fresh" ? { operation: start.plan.id } : { operation: start.at.id, start: start._tag }
    })
  )
