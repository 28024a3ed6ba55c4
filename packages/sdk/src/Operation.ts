/**
 * The engine: runs a plan of any verb, so that it can be killed at any moment and taken up again by
 * anyone.
 *
 * In order: permissions, Lease, journal, fence, steps, end. Steps are idempotent and are always run
 * from the first; what is done already is found done. The engine knows no verb: a verb gives it a
 * Performer.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import type * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { preflight } from "./Access.ts"
import type { Cluster, ClusterError } from "./Cluster.ts"
import { digest } from "./operation/Digest.ts"
import { patiently } from "./operation/Ensure.ts"
import * as Fences from "./operation/Fence.ts"
import type { Fence } from "./operation/Fence.ts"
import * as Journal from "./operation/Journal.ts"
import type * as Lease from "./operation/Lease.ts"
import type { StatefulSet } from "./kind/Workload.ts"
import { because, OperationError, refusedBecause } from "./operation/OperationError.ts"
import type { AnyPlan, Plan } from "./operation/Plan.ts"
import { type OperationResult, type Report, timesOf } from "./operation/Report.ts"
import * as Turn from "./operation/Turn.ts"

export type Failure = OperationError | ClusterError

/** What a step may use while it is performed or undone. */
export interface At {
  readonly fence: Fence
  /** What the journal says of this step, and of the step itself while it is undone. */
  readonly mark: Journal.Mark | null
  readonly forward: Journal.Mark | null
  /** What an abort found when it began. */
  readonly found: Readonly<Record<string, number>>
  /** Writes the intent of an effect that cannot be looked up afterwards, before it happens. */
  readonly intend: (pod: string | null) => Effect.Effect<void, Failure, Cluster>
  /** Its outcome; written together with what is written next. */
  readonly conclude: (state: Journal.Mark["state"]) => Effect.Effect<void>
  readonly report: (report: Report) => Effect.Effect<void>
}

/** What a verb gives to the engine. */
export interface Performer<Step> {
  readonly verb: string
  readonly decode: (plan: typeof AnyPlan.Type) => Result.Result<Plan<Step>, string>
  /** The hooks at hand now, to be compared with those that were planned with. */
  readonly hooks: Plan<Step>["hooks"]
  /** Whether the facts of the plan still hold; `resumed`: some of its own steps may be done. */
  readonly check: (
    plan: Plan<Step>,
    set: StatefulSet,
    resumed: boolean
  ) => Effect.Effect<void, Failure, Cluster>
  /** What else must be so before the first effect, e.g. that a hook can run. */
  readonly preflight: (plan: Plan<Step>, set: StatefulSet) => Effect.Effect<void, Failure, Cluster>
  readonly describe: (plan: Plan<Step>, step: Step) => string
  readonly perform: (step: Step, at: At, plan: Plan<Step>) => Effect.Effect<void, Failure, Cluster>
  readonly undo: (step: Step, at: At, plan: Plan<Step>) => Effect.Effect<void, Failure, Cluster>
  /** Facts that an abort must know, and could not find out once it has begun. */
  readonly find: (plan: Plan<Step>, set: StatefulSet) => Readonly<Record<string, number>>
}

export interface RunOptions {
  /** Who runs it, in words: `ann@laptop`. */
  readonly identity: string
  /** Do not wait for a holder's silence. Default false. */
  readonly takeOver?: boolean
  /** Milliseconds for the whole; null or absent: no limit. */
  readonly timeout?: number | null
  readonly report?: (report: Report) => Effect.Effect<void>
}

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

const readSet = (plan: Plan<unknown>): Effect.Effect<StatefulSet, Failure, Cluster> =>
  patiently(Fences.read(plan.app)).pipe(
    Effect.flatMap((set) =>
      set.metadata.uid === plan.basis.uid
        ? Effect.succeed(set)
        : Effect.fail(because("Changed", `statefulset "${plan.app.name}" was deleted and made anew since`))
    )
  )

type Direction = "forward" | "back"

/** The steps in their order, or undone in the reverse; steps that are done already find that out. */
const walk = <Step>(
  plan: Plan<Step>,
  performer: Performer<Step>,
  turn: Turn.Turn,
  direction: Direction,
  report: At["report"]
) =>
  Effect.gen(function* () {
    const numbered = plan.steps.map((step, index) => ({ step, index }))
    const ordered = direction === "forward" ? numbered : numbered.toReversed()
    for (const { step, index } of ordered) {
      const key = direction === "forward" ? `${index}` : `undo ${index}`
      const { progress } = yield* Ref.get(turn.entry)
      const set = (mark: Journal.Mark) => (progress: Journal.Progress) => ({
        ...progress,
        marks: { ...progress.marks, [key]: mark }
      })
      const pod = yield* Ref.make(progress.marks[key]?.pod ?? null)
      const at: At = {
        fence: turn.fence,
        mark: progress.marks[key] ?? null,
        forward: progress.marks[`${index}`] ?? null,
        found: progress.found,
        intend: (uid) => Effect.andThen(Ref.set(pod, uid), turn.write(set({ state: "Begun", pod: uid }))),
        conclude: (state) => Effect.flatMap(Ref.get(pod), (uid) => turn.note(set({ state, pod: uid }))),
        report
      }
      const what = performer.describe(plan, step)
      yield* report({
        _tag: "Step",
        index,
        of: plan.steps.length,
        what: direction === "forward" ? what : `undo: ${what}`
      })
      yield* direction === "forward" ? performer.perform(step, at, plan) : performer.undo(step, at, plan)
    }
  })

interface Session {
  readonly report: At["report"]
  readonly result: (outcome: OperationResult["outcome"], id: string | null) => Effect.Effect<OperationResult>
}

const session = (plan: Plan<unknown>, options: RunOptions): Effect.Effect<Session> =>
  Effect.gen(function* () {
    const began = yield* Clock.monotonicTimeNanos
    const told = yield* Ref.make<ReadonlyArray<Report>>([])
    const elapsed = Effect.map(Clock.monotonicTimeNanos, (now) => Number(now - began) / 1e6)
    const report: At["report"] = (event) =>
      Effect.andThen(
        event._tag === "Replica" || event._tag === "Note"
          ? Ref.update(told, (before) => [...before, event])
          : Effect.void,
        options.report?.(event) ?? Effect.void
      )
    return {
      report,
      result: Effect.fnUntraced(function* (outcome, id) {
        const millis = yield* elapsed
        const reports = yield* Ref.get(told)
        if (id !== null) yield* report({ _tag: "Ended", id, outcome, millis })
        return {
          apiVersion: "kubectl-stateful.dev/v1" as const,
          kind: "OperationResult" as const,
          id,
          verb: plan.verb,
          app: plan.app,
          outcome,
          millis,
          replicas: timesOf(reports),
          notes: reports.flatMap((event) => (event._tag === "Note" ? [event.message] : []))
        }
      })
    }
  })

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
    const { report, result } = how.session
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
        const why = yield* patiently(mine)
        if (why !== null) yield* Effect.fail(why)
      }
      if (how.fresh && set.metadata.generation !== plan.basis.generation) {
        yield* Effect.fail(
          because("Changed", `statefulset "${plan.app.name}" was changed by somebody just now`, "plan again")
        )
      }
      if (!how.fresh) yield* performer.check(plan, set, true)
      yield* Ref.set(begun, true)
      yield* report({
        _tag: "Started",
        id: plan.id,
        verb: plan.verb,
        app: plan.app.name,
        effects: plan.effects
      })
      yield* walk(plan, performer, turn, direction, report)
    })
    const outcome = back ? "Aborted" : "Succeeded"
    yield* Turn.closing(turn, outcome, begun, how.claimant, work)
    return yield* result(outcome, plan.id)
  })

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
      const known = yield* patiently(Journal.read(plan.app.namespace, plan.id))
      if (known !== null) return yield* goOn(known, performer, "forward", claimant, here)
      const others = yield* patiently(Journal.list(plan.app.namespace, plan.app.name))
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
    return yield* Turn.within(options.timeout ?? null, `operation ${plan.id}`, turn)
  })

/** Whether the StatefulSet of the plan is not there any more; a namesake is another one. */
const isGone = (plan: typeof AnyPlan.Type): Effect.Effect<boolean, ClusterError, Cluster> =>
  patiently(Fences.read(plan.app)).pipe(
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
    yield* preflight(plan.access)
    const token = yield* runToken(plan.id)
    const claimant = { namespace: plan.app.namespace, app: plan.app.name, token, identity: options.identity }
    const body = Effect.flatMap(Journal.find(at.namespace, at.id), (entry) =>
      goOn(entry, performer, direction, claimant, here)
    )
    const turn = Turn.holding(claimant, { takeOver: options.takeOver ?? false }, body)
    return yield* Turn.within(options.timeout ?? null, `operation ${plan.id}`, turn)
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
