/** Every act of a rival at every point where it is another one, on all cores: `npm run prove -- rival`. */
import * as Effect from "effect/Effect"
import { type Limit, started } from "../limit.ts"
import { pointsOf } from "./points.ts"
import { batches, type Failure, onAllCores } from "./pool.ts"
import { scenarios } from "./rival.ts"
import { runTask, type Task } from "./rivalWorker.ts"
import { virtualTime } from "./world.ts"

export interface RivalAmount {
  readonly scenario: string | null
  /** Each Nth point. */
  readonly every: number
  /** All points, and not only those that are distinct. */
  readonly all: boolean
  /** After this time no more is begun. */
  readonly limit: Limit
  /** One point again: `delete data-db-2 @ 40 + 700`. */
  readonly replay: string | null
}

const say = (line: string) => process.stdout.write(`${line}\n`)

const placeOf = ({ act, index, pause }: Task): string => `${act} @ ${index} + ${pause}`

const tell = ({ task, faults, story }: Failure<Task>) => {
  say(
    `FAILED ${task.scenario}: ${task.act}, before request ${task.index} by ${task.pause} ms: ${faults.join("; ")}`
  )
  for (const line of story) say(`  ${line}`)
  say(`  npm run prove -- rival --scenario "${task.scenario}" --replay "${placeOf(task)}"`)
}

const replayed = async (scenario: string, line: string): Promise<number> => {
  const [, act = "", index, pause] = /^(.*) @ (\d+) \+ (\d+)$/.exec(line) ?? []
  const failure = await runTask({ scenario, act, index: Number(index), pause: Number(pause) })
  if (failure !== null) tell(failure)
  say(failure === null ? "1 act, 0 failed" : "1 act, 1 failed")
  return failure === null ? 0 : 1
}

interface Part {
  readonly name: string
  readonly tasks: ReadonlyArray<Task>
  readonly all: number
  readonly distinct: number
  done: number
  failed: number
}

const partsOf = async (amount: RivalAmount): Promise<ReadonlyArray<Part>> => {
  const parts: Array<Part> = []
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (amount.scenario !== null && amount.scenario !== name) continue
    const { all, distinct } = await Effect.runPromise(pointsOf(scenario).pipe(Effect.provide(virtualTime)))
    const tasks = (amount.all ? all : distinct)
      .filter((_, place) => place % amount.every === amount.every - 1)
      .map(({ act, index, pause }): Task => ({ scenario: name, act: act.name, index, pause }))
    parts.push({ name, tasks, all: all.length, distinct: distinct.length, done: 0, failed: 0 })
  }
  return parts
}

const worker = new URL("./rivalWorker.ts", import.meta.url)

/** Prints counts by scenario and, of each failure, the line that gives it again. Answers how many failed; to be cut short is one more. */
export const proveRival = async (amount: RivalAmount): Promise<number> => {
  if (amount.replay !== null) return replayed(amount.scenario ?? "", amount.replay)
  const { isTime, cut } = started(amount.limit)
  const began = performance.now()
  const seconds = () => Math.round((performance.now() - began) / 1000)
  const parts = await partsOf(amount)
  // All scenarios at the same pace, and each batch from all of its acts: cut short, it has seen of each.
  const queue = parts
    .flatMap((part) => {
      const each = batches(part.tasks)
      return each.map((tasks, index) => ({ place: index / each.length, tasks }))
    })
    .toSorted((left, right) => left.place - right.place)
    .map(({ tasks }) => tasks)
  const sum = (of: (part: Part) => number) => parts.reduce((total, part) => total + of(part), 0)
  let told = 0
  const over = (tasks: ReadonlyArray<Task>, failures: ReadonlyArray<Failure<Task>>) => {
    const part = parts.find(({ name }) => name === tasks[0]?.scenario)
    if (part === undefined) return
    for (const failure of failures) tell(failure)
    part.done += tasks.length
    part.failed += failures.length
    if (seconds() >= told + 60) {
      told = seconds()
      const whole = sum(({ tasks: { length } }) => length)
      say(
        `${sum(({ done }) => done)} of ${whole} acts, ${sum(({ failed }) => failed)} failed; after ${told} s`
      )
    }
    if (part.done === part.tasks.length) {
      say(
        `${part.name}: ${part.done} acts, ${part.failed} failed; ${part.distinct} distinct of ${part.all} points; after ${seconds()} s`
      )
    }
  }
  await onAllCores(worker, queue, over, isTime)
  for (const part of parts.filter(({ done, tasks }) => done < tasks.length))
    say(`${part.name}: no more than ${part.done} of ${part.tasks.length} acts in time`)
  say(
    `${sum(({ done }) => done)} acts in ${seconds()} s, ${sum(({ failed }) => failed)} failed; ` +
      `${sum(({ distinct }) => distinct)} distinct of ${sum(({ all }) => all)} points, ${parts.length} scenarios`
  )
  return sum(({ failed }) => failed) + cut()
}
