/** One run of a set met by an act of somebody else, as it passes between threads. */
import * as Effect from "effect/Effect"
import * as Restores from "../sdk/restore/rival.ts"
import type { Act } from "./acts.ts"
import type { Failure } from "./pool.ts"
import { acts } from "./setActs.ts"
import * as SetRival from "./setRival.ts"
import { scenarioOf } from "./setRun.ts"
import { virtualTime } from "./world.ts"

/** A point by names, as it passes between threads. */
export interface Task {
  readonly scenario: string
  readonly members: number
  readonly act: string
  readonly index: number
  readonly pause: number
}

/** Of an undo, and of a restore, there are three members. */
export const actsOf = (scenario: string): ReadonlyArray<Act> =>
  scenario === "restore" || scenario === "undo" ? Restores.acts : acts

/** One run met by one act; `index` 0: by none. */
export const run = ({ scenario: key, members, act: name, index, pause }: Task) => {
  const act = actsOf(key).find((one) => one.name === name)
  const scenario = scenarioOf(key, members)
  if (act === undefined || scenario === null) return Effect.die(new Error(`no act "${name}" in "${key}"`))
  return Effect.scoped(
    scenario.verb === "restore" || scenario.verb === "undo"
      ? Restores.attempt(scenario.verb, act, index, pause)
      : SetRival.attempt(scenario, act, index, pause)
  )
}

/** null: nothing was wrong. */
export const runTask = async (task: Task): Promise<Failure<Task> | null> => {
  const { faults, story } = await Effect.runPromise(
    run(task).pipe(
      Effect.provide(virtualTime),
      Effect.map(({ faults, story }) => ({ faults, story })),
      Effect.catchCause((cause) => Effect.succeed({ faults: [`crashed: ${String(cause)}`], story: [] }))
    )
  )
  return faults.length === 0 ? null : { task, faults, story }
}
