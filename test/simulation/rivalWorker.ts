/** One of the threads of `npm run prove -- rival`: runs what it is told, and tells what was wrong. */
import * as Effect from "effect/Effect"
import { type Failure, serve } from "./pool.ts"
import { actsOf, attempt, scenarios } from "./rival.ts"
import { virtualTime } from "./world.ts"

/** A point by names, as it passes between threads. */
export interface Task {
  readonly scenario: string
  readonly act: string
  readonly index: number
  readonly pause: number
}

/** Runs one, in virtual time of its own; null: nothing was wrong. */
export const runTask = async (task: Task): Promise<Failure<Task> | null> => {
  const scenario = scenarios[task.scenario]
  const act = scenario === undefined ? undefined : actsOf(scenario).find(({ name }) => name === task.act)
  if (scenario === undefined || act === undefined) {
    return { task, faults: [`no act "${task.act}" in "${task.scenario}"`], story: [] }
  }
  const run = attempt(scenario, act, task.index, task.pause).pipe(
    Effect.provide(virtualTime),
    Effect.map(({ faults, story }) => ({ faults, story })),
    Effect.catchCause((cause) => Effect.succeed({ faults: [`crashed: ${String(cause)}`], story: [] }))
  )
  const { faults, story } = await Effect.runPromise(run)
  return faults.length === 0 ? null : { task, faults, story }
}

serve(runTask)
