/** Progress and result of one run. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import { nameOf } from "../App.ts"
import { make, type Outage } from "./outage.ts"
import type { AnyPlan } from "./Plan.ts"
import { type OperationResult, type Progress, timesOf } from "./Progress.ts"
import type { StepContext } from "./StepContext.ts"
import { millisSince } from "../Elapsed.ts"

export interface RunLog {
  readonly report: StepContext["report"]
  readonly fallShort: StepContext["fallShort"]
  /** The parts of the plan that did not come true. */
  readonly unmet: Effect.Effect<ReadonlyArray<string>>
  readonly outage: Outage
  /** True once the operation has started: from then on it can be resumed. */
  readonly isBegun: Effect.Effect<boolean>
  readonly result: (
    outcome: OperationResult["outcome"],
    id: string | null,
    end?: { readonly aborted?: boolean; readonly result?: unknown }
  ) => Effect.Effect<OperationResult>
}

export const runLog = (
  plan: Pick<AnyPlan, "app" | "verb">,
  options: { readonly report?: StepContext["report"] }
): Effect.Effect<RunLog> =>
  Effect.gen(function* () {
    const began = yield* Clock.monotonicTimeNanos
    const told = yield* Ref.make<ReadonlyArray<Progress>>([])
    const short = yield* Ref.make<ReadonlyArray<string>>([])
    const elapsed = Effect.map(millisSince(began), Math.round)
    const report: StepContext["report"] = (event) =>
      Effect.andThen(
        event._tag === "Started" || event._tag === "Stage" || event._tag === "Note"
          ? Ref.update(told, (before) => [...before, event])
          : Effect.void,
        options.report?.(event) ?? Effect.void
      )
    return {
      report,
      fallShort: (message) =>
        Effect.flatMap(
          Ref.modify(short, (known) => [!known.includes(message), [...new Set([...known, message])]]),
          (isNew) => (isNew ? report({ _tag: "Note", message }) : Effect.void)
        ),
      unmet: Ref.get(short),
      outage: yield* make(nameOf(plan.app), report),
      isBegun: Effect.map(Ref.get(told), (events) => events.some((event) => event._tag === "Started")),
      result: Effect.fnUntraced(function* (outcome, id, end = {}) {
        const millis = yield* elapsed
        const events = yield* Ref.get(told)
        if (id !== null) yield* report({ _tag: "Ended", id, outcome, millis })
        return {
          apiVersion: "kubectl-stateful.dev/v1" as const,
          kind: "OperationResult" as const,
          id,
          verb: plan.verb,
          app: plan.app,
          outcome,
          aborted: end.aborted ?? outcome === "Aborted",
          unmet: yield* Ref.get(short),
          millis,
          stages: timesOf(events),
          notes: events.flatMap((event) => (event._tag === "Note" ? [event.message] : [])),
          result: end.result ?? null
        }
      })
    }
  })
