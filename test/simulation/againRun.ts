/** Two deaths of one operation, as they pass between threads: a task is a first death, with all second ones. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type Deaths, isChosen, linesOf, lineOf, plansOf } from "./again.ts"
import type { Done, Failure } from "./pool.ts"
import * as Scaling from "./scaleAgain.ts"
import { attempt as attemptSet, scenarios, type Way } from "./sets.ts"
import { inWorld, scenarioOf, wordsOf } from "./setRun.ts"

export const ways: ReadonlyArray<Way> = ["abort", "resume"]

export interface Task {
  readonly verb: "snapshot" | "restore" | "scale"
  readonly scenario: string
  readonly members: number
  /** `7 Kill after`, or of a failure `7 Kill after; 3 Kill before`. */
  readonly line: string
  readonly way: Way
  readonly end: Way
  /** One second death of so many. */
  readonly every: number
  /** Before and behind each call, and not only where another state is found. */
  readonly all: boolean
}

export const scenariosOf = (verb: Task["verb"], members: number): ReadonlyArray<string> =>
  verb === "scale"
    ? Scaling.scenarios
    : Object.entries(scenarios(members)).flatMap(([key, each]) =>
        (each.verb === "restore" || each.verb === "undo") === (verb === "restore") ? [key] : []
      )

interface Met {
  readonly deaths: Deaths
  readonly deathsAgain: Deaths
  readonly outcome: string
}

/** One run by its line; without a second death it is watched for where there may be one. */
export const runLine = ({ verb, scenario, members, line, way, end }: Omit<Task, "every" | "all">) => {
  const means = { again: () => () => undefined, ...plansOf(line), way, end }
  const set = verb === "scale" ? null : scenarioOf(scenario, members)
  const run: Effect.Effect<Met, unknown> | null =
    verb === "scale" ? Scaling.attempt(scenario, means) : set === null ? null : attemptSet(set, means)
  return inWorld(run ?? Effect.die(new Error(`no scenario "${scenario}"`)))
}

/** All second deaths behind one first, each ended in both ways. */
export const runTask = async (task: Task): Promise<Done<Task>> => {
  const failures: Array<Failure<Task>> = []
  const failed = (at: Task, exit: Exit.Failure<unknown, unknown>) =>
    failures.push({ task: at, faults: [wordsOf(exit)], story: [] })
  const single = await runLine(task)
  if (Exit.isFailure(single)) {
    failed(task, single)
    return { runs: 1, failures }
  }
  let runs = 0
  for (const again of linesOf(single.value.deathsAgain, task.all))
    for (const end of ways) {
      const now = { ...task, line: lineOf(task.line, again), end }
      if (!isChosen(`${now.line} ${now.way} ${end}`, task.every)) continue
      const exit = await runLine(now)
      runs += 1
      if (Exit.isFailure(exit)) failed(now, exit)
    }
  return { runs, failures }
}
