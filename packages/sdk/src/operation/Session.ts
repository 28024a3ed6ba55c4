/** What one run tells while it lasts, and sums up at its end. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { At, RunOptions } from "./Performer.ts"
import type { Plan } from "./Plan.ts"
import { make, type Outage } from "./Outage.ts"
import { type OperationResult, type Report, timesOf } from "./Report.ts"

export interface Session {
  readonly report: At["report"]
  readonly outage: Outage
  /** Whether the operation has begun: from then on it can be resumed. */
  readonly isBegun: Effect.Effect<boolean>
  readonly result: (outcome: OperationResult["outcome"], id: string | null) => Effect.Effect<OperationResult>
}

export const session = (plan: Plan<unknown>, options: RunOptions): Effect.Effect<Session> =>
  Effect.gen(function* () {
    const began = yield* Clock.monotonicTimeNanos
    const told = yield* Ref.make<ReadonlyArray<Report>>([])
    const elapsed = Effect.map(Clock.monotonicTimeNanos, (now) => Math.round(Number(now - began) / 1e6))
    const report: At["report"] = (event) =>
      Effect.andThen(
        event._tag === "Started" || event._tag === "Replica" || event._tag === "Note"
          ? Ref.update(told, (before) => [...before, event])
          : Effect.void,
        options.report?.(event) ?? Effect.void
      )
    return {
      report,
      outage: yield* make(plan.app.name, report),
      isBegun: Effect.map(Ref.get(told), (events) => events.some((event) => event._tag === "Started")),
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
