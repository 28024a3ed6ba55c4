/** The walk over a plan's steps, forward or back, with each step's mark in the journal. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type * as Journal from "./Journal.ts"
import type { At, Performer } from "./Performer.ts"
import type { Plan } from "./Plan.ts"
import type * as Turn from "./Turn.ts"

export type Direction = "forward" | "back"

/** The steps in their order, or undone in the reverse; steps that are done already find that out. */
export const walk = <Step>(
  plan: Plan<Step>,
  performer: Performer<Step>,
  turn: Turn.Turn,
  direction: Direction,
  { report, elapsed }: Pick<At, "report" | "elapsed">
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
        report,
        elapsed
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
