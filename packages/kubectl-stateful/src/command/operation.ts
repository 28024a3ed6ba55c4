/**
 * Runs an operation for a command: dry run, confirmation, progress, result, and the message on
 * interruption.
 */
import { type AppRef, describeCommand } from "@kubectl-stateful/sdk/App"
import type { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { allowed, inOrder } from "@kubectl-stateful/sdk/Operation"
import { wayOn } from "@kubectl-stateful/sdk/operation/OperationId"
import type { AnyPlan } from "@kubectl-stateful/sdk/operation/Plan"
import type { OperationResult, Progress as Report } from "@kubectl-stateful/sdk/operation/Progress"
import type { InferredFlags } from "@oclif/core/interfaces"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { outputFlag } from "../flags/output.ts"
import type { DryRun, dryRunFlag, yesFlag } from "../flags/run.ts"
import { resultText } from "../print/operationResult.ts"
import { planText } from "../print/plan.ts"
import { progress } from "../print/progress.ts"
import { ended, type Printable, printed, visible } from "../print/terminal.ts"
import { confirmed } from "./confirm.ts"
import { fitting, type Screen } from "./screen.ts"
import { Usage } from "./usage.ts"

/** Interval at which a terminal updates the elapsed time, in milliseconds. */
const tickEvery = 200

/** A plan that was tried, and how it is to be printed. */
interface Tried {
  readonly plan: AnyPlan
  readonly mode: DryRun
  readonly output: string | undefined
}

/** Prints the result of a dry run. */
export const planned = (screen: Screen, { plan, mode, output }: Tried) =>
  Effect.map(planText(plan, output, mode, screen), screen.out)

/** The same, and fails as the run would. */
export const rehearsed = (screen: Screen, tried: Tried) =>
  Effect.andThen(planned(screen, tried), allowed(tried.plan))

/** Shows the plan and asks for confirmation; `what` was not done if the answer is no. */
export const agreed = (
  screen: Screen,
  {
    plans,
    yes,
    what
  }: { readonly plans: ReadonlyArray<AnyPlan>; readonly yes: boolean; readonly what: string }
) =>
  Effect.gen(function* () {
    // The question is asked on stderr, and so is what it is about.
    const room = screen.live ? fitting(screen.live().columns) : { columns: screen.columns }
    if (!yes) for (const plan of plans) screen.err(yield* planText(plan, undefined, "client", room))
    yield* confirmed(screen, { yes, what })
  })

const unmet = (app: AppRef, messages: ReadonlyArray<string>): Usage =>
  new Usage(messages.join("; "), `${describeCommand(app)} shows claims and kept volumes`)

/** An operation that reports its progress. */
export type Run<E> = (
  report: (report: Report) => Effect.Effect<void>
) => Effect.Effect<OperationResult, E, Cluster>

/** A row of a terminal is cut to its width, so its commands have their flags before. */
const carrying = ({ carry }: Screen, event: Report): Report =>
  event._tag === "Waiting" && event.for !== null && carry !== undefined
    ? { ...event, for: carry(visible(event.for)) }
    : event

/** Progress to stderr, the result to stdout; an interruption prints how to continue. */
export const shown = <E>(
  screen: Screen,
  output: string | undefined,
  run: Run<E>
): Effect.Effect<void, E | Usage, Cluster> => {
  let begun: { readonly id: string; readonly home: string } | null = null
  const lines = progress(screen.live ?? null)
  const write = (text: (now: number) => Printable) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const written = text(now)
      if (written !== "") screen.err(written)
    })
  const report = (event: Report) => {
    if (event._tag === "Started") begun = event
    return write((now) => lines.event(carrying(screen, event), now))
  }
  const ticking = Effect.forever(
    Effect.andThen(
      Effect.sleep(tickEvery),
      write((now) => lines.tick(now))
    )
  )
  const end = write((now) => lines.end(now))
  return (screen.live ? Effect.raceFirst(run(report), ticking) : run(report)).pipe(
    Effect.ensuring(end),
    Effect.flatMap((result) =>
      Effect.gen(function* () {
        screen.out(yield* resultText(result, output))
        // Over, but no success: what was promised and is not so is the error.
        const [first] = result.unmet
        if (first !== undefined) return yield* Effect.fail(unmet(result.app, result.unmet))
      })
    ),
    Effect.onInterrupt(() =>
      Effect.sync(() =>
        screen.err(
          begun === null
            ? printed`Interrupted before the operation began.\n`
            : printed`Interrupted. ${visible(wayOn(begun))}.\n`
        )
      )
    )
  )
}

/** Runs several, one after another; where one stops, names those that were not started. */
export const shownInOrder = <One extends { readonly plan: AnyPlan }, E>(
  screen: Screen,
  all: ReadonlyArray<One>,
  nameOf: (one: One) => string,
  runOne: (one: One) => Effect.Effect<void, E, Cluster>
) =>
  inOrder(all, (one) => {
    const rest = all.slice(all.indexOf(one) + 1).map(nameOf)
    // What continues this operation continues no other one.
    return Effect.onError(runOne(one), () =>
      Effect.sync(() => {
        if (rest.length > 0) screen.err(ended([visible(`Not started: ${rest.join(", ")}.`)]))
      })
    )
  })

/** A plan that may need confirmation. */
interface Asked<E1, E2> {
  readonly plan: AnyPlan
  readonly tried: (mode: DryRun) => Effect.Effect<AnyPlan, E1, Cluster>
  /** The message if the answer is no. */
  readonly what: string
  readonly run: Run<E2>
}

/** Runs a plan: a dry run, or the operation after confirmation. */
export const carriedOut = <E1, E2>(
  screen: Screen,
  { "dry-run": mode, output, yes }: InferredFlags<typeof dryRunFlag & typeof yesFlag & typeof outputFlag>,
  { plan, tried, what, run }: Asked<E1, E2>
) =>
  Effect.gen(function* () {
    if (mode !== "none") {
      yield* rehearsed(screen, { plan: yield* tried(mode), mode, output })
      return
    }
    yield* allowed(plan)
    const plans = yes ? [] : [yield* tried("client")]
    yield* agreed(screen, { plans, yes, what })
    yield* shown(screen, output, run)
  })
