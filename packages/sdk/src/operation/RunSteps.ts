/** Runs a plan's steps, forward or back, and marks each one in the journal. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { Cluster } from "../Cluster.ts"
import { isOurs as isOursAlone } from "./Author.ts"
import * as Fence from "./Fence.ts"
import type { Guarded } from "./Guarded.ts"
import * as Journal from "./Journal.ts"
import { keyOf, type Plan } from "./Plan.ts"
import type { StepKind } from "./Step.ts"
import type { AnyStep, Failure, StepContext } from "./StepContext.ts"
import { timestamp, type Run } from "./Run.ts"
import { guardOf, type Verb } from "./Verb.ts"

export type Direction = "forward" | "back"

export interface Given<Going> extends Pick<
  StepContext<Going>,
  "report" | "elapsed" | "fallShort" | "settings" | "isTakenUp"
> {
  readonly direction: Direction
  /**
   * Keys of the guarded objects that were deleted, or were never this operation's: only what needs none is
   * undone.
   */
  readonly absent: ReadonlySet<string>
  /** Those among them of which nothing at all is undone. */
  readonly beyond: ReadonlySet<string>
}

/** Each subject's outcome for the journal. */
const concluded = (
  mark: Journal.Mark,
  state: Journal.MarkState,
  subject: Parameters<StepContext["conclude"]>[1]
) => {
  const [first, ...rest] = mark
  const change = (one: Journal.Mark[number]) =>
    subject === undefined || (one.kind === subject.kind && one.name === subject.name)
      ? { ...one, state }
      : one
  return [change(first), ...rest.map(change)] as const
}

/**
 * Checks whether this process may still write. If the guarded object was deleted nothing has a token, and a
 * new one may have been created by a process that was replaced: the journal says who owns the operation.
 */
const standingOf = (run: Run, fence: Fence.Fence, isAbsent: boolean): StepContext["standing"] => {
  const byJournal = Effect.map(Journal.notMine(run.plan, fence.token), (why) => ({
    why,
    object: null
  }))
  if (isAbsent) return byJournal
  return Effect.flatMap(Fence.standing(fence), (found) =>
    fence.uid === null && found.why === null
      ? Effect.map(byJournal, ({ why }) => ({ ...found, why }))
      : Effect.succeed(found)
  )
}

/** The context of one step; `key` is its key in the journal. */
const contextOf = <Going>(
  plan: Plan<AnyStep>,
  isOurs: StepContext["isOurs"],
  run: Run,
  fence: Fence.Fence,
  place: { readonly key: string; readonly forward: string },
  given: Given<Going>
): Effect.Effect<StepContext<Going>> =>
  Effect.gen(function* () {
    const { status } = yield* Ref.get(run.entry)
    const { key } = place
    const mark = yield* Ref.make<Journal.Mark | null>(status.marks[key] ?? null)
    const noted = (now: Journal.Mark) => (before: Journal.Status) => ({
      ...before,
      marks: { ...before.marks, [key]: now }
    })
    const { report, elapsed, fallShort, settings, isTakenUp } = given
    return {
      plan,
      settings,
      report,
      elapsed,
      fallShort,
      fence,
      fences: new Map(run.fences.map((one) => [keyOf(one), one])),
      assumes: [],
      isTakenUp,
      isOurs,
      mark: status.marks[key] ?? null,
      forward: status.marks[place.forward] ?? null,
      isBegun: (step) => status.marks[`${plan.steps.indexOf(step)}`] !== undefined,
      captured: status.captured,
      standing: standingOf(run, fence, given.absent.has(keyOf(fence))),
      intend: (subjects) => {
        const [first, ...rest] = subjects.map((subject) => ({ ...subject, state: "Begun" as const }))
        if (first === undefined) return Effect.void
        const now: Journal.Mark = [first, ...rest]
        return Effect.andThen(Ref.set(mark, now), run.write(noted(now)))
      },
      conclude: (state, subject) =>
        Effect.gen(function* () {
          const before = yield* Ref.get(mark)
          if (before === null) return
          const now = concluded(before, state, subject)
          yield* Ref.set(mark, now)
          yield* run.note(noted(now))
        })
    }
  })

/** For people who look at the operation later; written with whatever is written next. */
const timed = (run: Run, key: string, what: "started" | "ended"): Effect.Effect<void> =>
  Effect.flatMap(timestamp, (now) =>
    run.note(({ times = {}, ...status }) => {
      const started = times[key]?.started ?? now
      return { ...status, times: { ...times, [key]: { started, ended: what === "ended" ? now : null } } }
    })
  )

interface Numbered<Step> {
  readonly step: Step
  readonly index: number
}

/** The maximum number of concurrent steps. */
export const atOneTime = 8

/** Consecutive steps that may run concurrently; every other one by itself. */
const grouped = <Step extends AnyStep>(
  steps: ReadonlyArray<Numbered<Step>>,
  kindOf: (step: Step) => Pick<StepKind, "together">
): ReadonlyArray<ReadonlyArray<Numbered<Step>>> => {
  const groups: Array<Array<Numbered<Step>>> = []
  for (const one of steps) {
    const before = groups.at(-1)
    const [first] = before ?? []
    const kind = kindOf(one.step)
    const joins = first !== undefined && kindOf(first.step) === kind && kind.together === true
    if (joins) before?.push(one)
    else groups.push([one])
  }
  return groups
}

/** The steps in their order, or undone in the reverse; steps that are done already find that out. */
export const runSteps = <Step extends AnyStep, Settings, Options, Going, Outcome>(
  plan: Plan<Step, Settings>,
  verb: Verb<Step, Settings, Options, Going, Outcome>,
  run: Run,
  given: Given<Going>
): Effect.Effect<Outcome | null, Failure, Cluster> =>
  Effect.gen(function* () {
    const isBack = given.direction === "back"
    const fenceOf = (step: AnyStep): Fence.Fence => {
      const guard = guardOf(plan, step)
      const fence = run.fences.find((one) => keyOf(one) === keyOf(guard))
      if (fence === undefined) throw new Error(`no fence for ${keyOf(guard)}`)
      return fence
    }
    const numbered = plan.steps.map((step, index) => ({ step, index }))
    const one = ({ step, index }: Numbered<Step>) =>
      Effect.gen(function* () {
        const kind = verb.kindOf(step)
        const fence = fenceOf(step)
        const guard = guardOf(plan, step)
        const isOurs = (object: Guarded) => isOursAlone(verb.writes(plan, guard), guard.generation, object)
        const place = { key: isBack ? `undo ${index}` : `${index}`, forward: `${index}` }
        const context = yield* contextOf(plan, isOurs, run, fence, place, given)
        const described = verb.describe(plan, step)
        const what = isBack ? `undo: ${described}` : described
        yield* Ref.set(run.doing, what)
        yield* given.report({ _tag: "Step", index, of: plan.steps.length, what })
        yield* timed(run, place.key, "started")
        const isAlone = given.absent.has(keyOf(fence))
        const assumes = isAlone ? [] : (kind.assumes?.(step, given.settings, isBack) ?? [])
        if (!isBack) yield* kind.perform(step, { ...context, assumes })
        else if (!isAlone) yield* kind.undo(step, { ...context, assumes })
        else if (!given.beyond.has(keyOf(fence))) yield* kind.undoAlone?.(step, context) ?? Effect.void
        yield* timed(run, place.key, "ended")
      }).pipe(Effect.withSpan(isBack ? `undo ${step._tag}` : step._tag, { attributes: { index } }))
    const ordered = isBack ? numbered.toReversed() : numbered
    for (const group of grouped(ordered, verb.kindOf)) {
      yield* Effect.forEach(group, one, { concurrency: atOneTime, discard: true })
    }
    const [first] = plan.guards
    const last = yield* contextOf(
      plan,
      () => false,
      run,
      fenceOf({ _tag: "", on: keyOf(first) }),
      { key: "end", forward: "end" },
      given
    )
    if (!isBack) return yield* verb.conclude(plan, last)
    // What a verb looks at in the end stands on its guards; of those but the first it finds out itself.
    if (!given.absent.has(keyOf(first))) yield* verb.concludeBack(plan, last)
    return null
  })
