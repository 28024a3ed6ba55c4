/** One run of a set met by faults, as it passes between threads. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import { parse } from "../../packages/sandbox/src/Fault.ts"
import type { Failure } from "./pool.ts"
import { attempt, type Scenario, scenarios } from "./sets.ts"
import { virtualTime } from "./world.ts"

/** A run by names, as it passes between threads. */
export interface Task {
  readonly scenario: string
  readonly replicas: number
  /** As faults are written in a line: `7 LoseReply, 9 Kill after`. */
  readonly faults: string
  readonly way: "abort" | "resume"
}

/** In a world of its own: virtual time from zero, and the randomness of the seed. */
export const inWorld = <A, E>(effect: Effect.Effect<A, E>, seed = 1): Promise<Exit.Exit<A, E>> =>
  Effect.runPromiseExit(effect.pipe(Random.withSeed(seed), Effect.provide(virtualTime)))

export const wordsOf = (exit: Exit.Failure<unknown, unknown>): string =>
  Cause.pretty(exit.cause).split("\n").slice(0, 14).join(" ")

/** With two members or fewer it stands alone: an older set beside it costs as much as the run itself. */
export const scenarioOf = (key: string, replicas: number): Scenario | null => {
  const all: Readonly<Record<string, Scenario>> = scenarios(replicas)
  const found = all[key]
  return found === undefined ? null : { ...found, older: replicas > 2 }
}

/** null: nothing was wrong. */
export const runTask = async (task: Task): Promise<Failure<Task> | null> => {
  const scenario = scenarioOf(task.scenario, task.replicas)
  if (scenario === null) return { task, faults: ["no such scenario"], story: [] }
  const exit = await inWorld(attempt(scenario, { faults: () => parse(task.faults), way: task.way }))
  return Exit.isSuccess(exit) ? null : { task, faults: [wordsOf(exit)], story: [] }
}
