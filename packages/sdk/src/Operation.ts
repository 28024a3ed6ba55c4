/**
 * The engine: runs a plan of any verb, so that it can be killed at any moment and taken up again by
 * anyone.
 *
 * In order: permissions, Lease, journal, fence, steps, end. Steps are idempotent and are always run
 * from the first; what is done already is found done. The engine knows no verb: a verb gives it a
 * Performer.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import { preflight } from "./Access.ts"
import type { Cluster, ClusterError } from "./Cluster.ts"
import type { StatefulSet } from "./kind/Workload.ts"
import { digest } from "./operation/Digest.ts"
import * as Fences from "./operation/Fence.ts"
import type { Fence } from "./operation/Fence.ts"
import * as Journal from "./operation/Journal.ts"
import type * as Lease from "./operation/Lease.ts"
import { because, OperationError, refusedBecause } from "./operation/OperationError.ts"
import type { Failure, Performer, RunOptions } from "./operation/Performer.ts"
import type { AnyPlan, Plan } from "./operation/Plan.ts"
import type { OperationResult, Report } from "./operation/Report.ts"
import { type Session, session } from "./operation/Session.ts"
import { Patience } from "./resource/Patience.ts"
import * as Turn from "./operation/Turn.ts"
import { type Direction, walk } from "./operation/Walk.ts"

export type { At, Failure, Performer, RunOptions } from "./operation/Performer.ts"

const runToken = (id: string): Effect.Effect<string> =>
  Effect.map(
    Random.nextIntBetween(0, 0xffff_ffff),
    (number) => `${id}.${number.toString(16).padStart(8, "0")}`
  )

const refused = (plan: Plan<unknown>): OperationError => {
  const [first] = plan.refusals
  const more = plan.refusals.length > 1 ? ` (and ${plan.refusals.length - 1} more)` : ""
  return new OperationError({
    reason: { _tag: "Refused", refusals: plan.refusals },
    message: `${first?.reason ?? "the plan may not run"}${more}`,
    ...(first === undefined ? {} : { action: first.remedy })
  })
}

/** Fails with every refusal of the plan. */
export const allowed = (plan: Plan<unknown>): Effect.Effect<void, OperationError> =>
  plan.refusals.length > 0 ? Effect.fail(refused(plan)) : Effect.void

const readSet = (plan: Plan<unknown>): Effect.Effect<StatefulSet, Failure, Cluster> =>
  Fences.read(plan.app).pipe(
    Effect.flatMap((set) =>
      set.metadata.uid === plan.basis.uid
        ? Effect.succeed(set)
        : Effect.fail(because("Changed", `statefulset "${plan.app.name}" was deleted and made anew since`))
    )
  )

const sameHooks = <Step>(plan: Plan<Step>, performer: Performer<Step>): OperationError | null =>
  digest(plan.hooks) === digest(performer.hooks)
    ? null
    : because(
        "Mismatch",
        `the hooks given now are not those of operation ${plan.id} (${plan.hooks.map((hook) => hook.name).join(", ") || "none"})`,
        "give the same --profile and hook flags as when it was begun"
      )

/** One turn on an operation that has a journal: takes it over, walks, closes. */
const turnOn = <Step>(
  entry: Journal.Entry,
  plan: Plan<Step>,
  performer: Performer<Step>,
  direction: Direction,
  how: {
    readonly claimant: Lease.Claimant
    readonly fresh: boolean
    readonly session: Session
  }
): Effect.Effect<OperationResult, Failure, Cluster> =>
  Effect.gen(function* () {
    const { report, result, outage } = how.session
    const fence: Fence = { ...plan.app, uid: plan.basis.uid, token: how.claimant.token }
    const ref = yield* Ref.make(entry)
    const begun = yield* Ref.make(!how.fresh)
    const turn = Turn.make(fence, ref)
    const back = direction === "back"
    const work = Effect.gen(function* () {
      // The fence first: from here on the caller before changes nothing, so what is read now stays so.
      const mine = Journal.notMine(plan.app.namespace, plan.id, entry.run)
      const set = yield* Fences.raise(fence, mine)
      if (!how.fresh) {
        const found = back && !entry.progress.aborting ? performer.find(plan, set) : entry.progress.found
        const taken: Journal.Entry = {
          ...entry,
          run: how.claimant.token,
          progress: {
            ...entry.progress,
            phase: back ? "Aborting" : "Running",
            aborting: back,
            holder: how.claimant.identity,
            message: null,
            ended: null,
            found
          }
        }
        yield* Journal.write(taken, entry.run)
        yield* Ref.set(ref, taken)
      } else {
        // Whoever took over between the look and the fence has written into the journal.
        const why = yield* mine
        if (why !== null) yield* Effect.fail(why)
      }
      if (how.fresh && set.metadata.generation !== plan.basis.generation) {
        yield* Effect.fail(
          because("Changed", `statefulset "${plan.app.name}" was changed by somebody just now`, "plan again")
        )
      }
      // Going back, whatever stands there now is what is left.
      if (!how.fresh && !back) yield* performer.check(plan, set, true)
      yield* Ref.set(begun, true)
      yield* report({
        _tag: "Started",
        id: plan.id,
        verb: plan.verb,
        app: plan.app.name,
        effects: plan.effects
      })
      yield* walk(plan, performer, turn, direction, { report, elapsed: outage.elapsed })
    })
    const outcome = back ? "Aborted" : "Succeeded"
    yield* Turn.closing(turn, outcome, begun, how.claimant, work)
    return yield* result(outcome, plan.id)
  })

/** Whoever acts waits for a server that does not answer; who only asks whether it may, does not. */
const patient = <A, E, R>({ outage }: Session, turn: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(turn, Patience, outage.patience)

/** Runs a plan to its end. The same plan again, by its id, has the same end and does nothing twice. */
export const execute = <Step>(
  plan: Plan<Step>,
  performer: Performer<Step>,
  options: RunOptions
): Effect.Effect<OperationResult, Failure, Cluster> =>
  Effect.gen(function* () {
    if (plan.refusals.length > 0) return yield* Effect.fail(refused(plan))
    const here = yield* session(plan, options)
    if (plan.steps.length === 0) return yield* here.result("Unchanged", null)
    const size = Journal.tooLarge(plan)
    if (size !== null) {
      return yield* Effect.fail(
        refusedBecause(
          `the plan has ${plan.steps.length} steps, more than one journal holds`,
          "go there in parts"
        )
      )
    }
    const mismatch = sameHooks(plan, performer)
    if (mismatch !== null) return yield* Effect.fail(mismatch)
    // All of them before anything else, so that the answer names every one that is missing.
    yield* preflight(plan.access)
    yield* performer.preflight(plan, yield* readSet(plan))
    const token = yield* runToken(plan.id)
    const claimant = { namespace: plan.app.namespace, app: plan.app.name, token, identity: options.identity }
    const body = Effect.gen(function* () {
      const known = yield* Journal.read(plan.app.namespace, plan.id)
      if (known !== null) return yield* goOn(known, performer, "forward", claimant, here)
      const others = yield* Journal.list(plan.app.namespace, plan.app.name)
      const open = others.find(
        (other) => other.plan.basis.uid === plan.basis.uid && Journal.isOpen(other.progress)
      )
      if (open !== undefined) return yield* Effect.fail(Turn.unfinished(open))
      yield* performer.check(plan, yield* readSet(plan), false)
      const entry = yield* Journal.create({
        plan,
        run: token,
        progress: {
          phase: "Running",
          aborting: false,
          holder: options.identity,
          started: yield* Turn.timestamp,
          ended: null,
          marks: {},
          found: {},
          message: null
        }
      })
      const how = { claimant, fresh: entry.run === token, session: here }
      return yield* turnOn(entry, plan, performer, "forward", how)
    })
    const turn = Turn.holding(claimant, { takeOver: options.takeOver ?? false }, body)
    return yield* Turn.within(options.timeout ?? null, plan.id, here.isBegun, patient(here, turn))
  })

/** Whether the StatefulSet of the plan is not there any more; a namesake is another one. */
const isGone = (plan: typeof AnyPlan.Type): Effect.Effect<boolean, ClusterError, Cluster> =>
  Fences.read(plan.app).pipe(
    Effect.map((set) => set.metadata.uid !== plan.basis.uid),
    Effect.catchIf(
      (error) => error.reason._tag === "NotFound",
      () => Effect.succeed(true)
    )
  )

/** Takes up an operation that this caller holds the Lease for. */
const goOn = <Step>(
  entry: Journal.Entry,
  performer: Performer<Step>,
  direction: Direction,
  claimant: Lease.Claimant,
  here: Session
): Effect.Effect<OperationResult, Failure, Cluster> =>
  Effect.gen(function* () {
    const { progress } = entry
    if (progress.phase === "Succeeded" || progress.phase === "Aborted") {
      return yield* here.result(progress.phase, entry.plan.id)
    }
    const decoded = performer.decode(entry.plan)
    if (decoded._tag === "Failure") {
      return yield* Effect.fail(
        because(
          "Mismatch",
          `operation ${entry.plan.id} has a plan that this version does not read: ${decoded.failure}`,
          "use the version of kubectl-stateful that began it"
        )
      )
    }
    const mismatch = sameHooks(decoded.success, performer)
    if (mismatch !== null) return yield* Effect.fail(mismatch)
    const back = direction === "back" || progress.aborting
    if (back && (yield* isGone(entry.plan))) {
      yield* here.report({
        _tag: "Note",
        message: `statefulset "${entry.plan.app.name}" is gone: nothing to go back to`
      })
      const ended = yield* Turn.timestamp
      const closed = { ...entry.progress, phase: "Aborted" as const, aborting: true, ended }
      yield* Journal.write({ ...entry, progress: closed }, entry.run)
      return yield* here.result("Aborted", entry.plan.id)
    }
    return yield* turnOn(entry, decoded.success, performer, back ? "back" : "forward", {
      claimant,
      fresh: false,
      session: here
    })
  })

const takeUp = <Step>(
  at: { readonly namespace: string; readonly id: string },
  performer: Performer<Step>,
  direction: Direction,
  options: RunOptions
): Effect.Effect<OperationResult, Failure, Cluster> =>
  Effect.gen(function* () {
    const { plan } = yield* Journal.find(at.namespace, at.id)
    const here = yield* session(plan, options)
    const token = yield* runToken(plan.id)
    const claimant = { namespace: plan.app.namespace, app: plan.app.name, token, identity: options.identity }
    const body = Effect.flatMap(Journal.find(at.namespace, at.id), (entry) =>
      goOn(entry, performer, direction, claimant, here)
    )
    const before = preflight(plan.access)
    const turn = Turn.holding(claimant, { takeOver: options.takeOver ?? false, before }, body)
    return yield* Turn.within(options.timeout ?? null, plan.id, Effect.succeed(true), patient(here, turn))
  })

/** Goes on with an interrupted operation, from any machine; an abort that was begun is gone on with as an abort. */
export const resume = <Step>(
  at: { readonly namespace: string; readonly id: string },
  performer: Performer<Step>,
  options: RunOptions
): Effect.Effect<OperationResult, Failure, Cluster> => takeUp(at, performer, "forward", options)

/** Undoes what an operation has done, from any machine. */
export const abort = <Step>(
  at: { readonly namespace: string; readonly id: string },
  performer: Performer<Step>,
  options: RunOptions
): Effect.Effect<OperationResult, Failure, Cluster> => takeUp(at, performer, "back", options)

/** A plan as it runs, event by event; ends with the operation, fails as it does. */
export const run = <Step>(
  plan: Plan<Step>,
  performer: Performer<Step>,
  options: Omit<RunOptions, "report">
): Stream.Stream<Report, Failure, Cluster> =>
  Stream.callback((queue) =>
    Effect.andThen(
      execute(plan, performer, {
        ...options,
        report: (event) => Effect.asVoid(Queue.offer(queue, event))
      }),
      Queue.end(queue)
    )
  )
