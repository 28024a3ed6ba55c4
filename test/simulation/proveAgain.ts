/**
 * All second deaths, on all cores: the first caller dies, whoever resumes or aborts it dies too, and a third one
 * resumes or aborts that.
 */
import * as Exit from "effect/Exit"
import { type Limit, started } from "../limit.ts"
import { isChosen, linesOf, placeOf } from "./again.ts"
import { runLine, scenariosOf, type Task, ways } from "./againRun.ts"
import { batches, type Failure, onAllCores } from "./pool.ts"
import { wordsOf } from "./setRun.ts"

export interface Amount extends Pick<Task, "verb" | "members" | "every" | "all"> {
  readonly scenario: string | null
  /** After this time nothing more is begun. */
  readonly limit: Limit
  readonly replay: string | null
}

const say = (line: string) => process.stdout.write(`${line}\n`)

const tell = ({ task, faults: [words] }: Failure<Task>) => {
  const { verb, scenario, members, line, way, end } = task
  const many = verb === "scale" ? "" : ` --members ${members}`
  say(`FAILED ${scenario}, "${line}", ${way}, then ${end}: ${words}`)
  say(`  npm run prove -- ${verb} --part again --scenario "${scenario}"${many} --replay "${line}"`)
}

const replayed = async (line: string, scenarios: ReadonlyArray<string>, { verb, members }: Amount) => {
  let failures = 0
  for (const scenario of scenarios)
    for (const way of ways)
      for (const end of ways) {
        const exit = await runLine({ verb, scenario, members, line, way, end })
        if (Exit.isFailure(exit)) failures += 1
        const what = Exit.isFailure(exit) ? `FAILED ${wordsOf(exit)}` : exit.value.outcome
        say(`${scenario}, ${way}, then ${end}: ${what}`)
      }
  return failures
}

const wordsOfFirst = ({ scenario, line, way }: Task): string => `${scenario} ${line} ${way}`

/** Prints counts, and each failure with the line that runs it again. Answers how many failed; to be cut short is one more. */
export const proveAgain = async (amount: Amount): Promise<number> => {
  const { verb, members, every, all, limit } = amount
  const chosen = scenariosOf(verb, members).filter((key) => (amount.scenario ?? key) === key)
  if (chosen.length === 0) {
    say(`no scenario "${amount.scenario}"; use one of ${scenariosOf(verb, members).join(", ")}`)
    return 1
  }
  if (amount.replay !== null) return replayed(amount.replay, chosen, amount)
  // Of each N second deaths one, behind one of each root of N first ones: these are a run each as well.
  const firsts = Math.floor(Math.sqrt(every))
  const { isTime, cut } = started(limit)
  const began = performance.now()
  const seconds = () => Math.round((performance.now() - began) / 1000)
  const tasks: Array<Task> = []
  for (const scenario of chosen) {
    const given = { verb, scenario, members, every: Math.ceil(every / firsts), all, end: "abort" } as const
    const plain = await runLine({ ...given, line: "", way: "resume" })
    if (Exit.isFailure(plain)) {
      say(`FAILED ${scenario} without a death: ${wordsOf(plain)}`)
      return 1
    }
    const lines = linesOf(plain.value.deaths, all)
    say(`${scenario}: ${plain.value.deaths.calls} calls, ${lines.length} first deaths`)
    const own = lines.flatMap((line) => ways.map((way): Task => ({ ...given, line, way })))
    tasks.push(...own.filter((task) => isChosen(wordsOfFirst(task), firsts)))
  }
  let [runs, failures, done, told] = [0, 0, 0, 0]
  const over = (ended: ReadonlyArray<Task>, failed: ReadonlyArray<Failure<Task>>, count: number) => {
    runs += count
    failures += failed.length
    done += ended.length
    for (const failure of failed) tell(failure)
    if (seconds() < told + 60) return
    told = seconds()
    say(`${runs} second deaths behind ${done} of ${tasks.length} first ones, ${failures} failed; ${told} s`)
  }
  const worker = new URL("./againWorker.ts", import.meta.url)
  // From everywhere: cut short, it has seen of each.
  const queue = batches(tasks, 1).toSorted((left, right) => place(left) - place(right))
  await onAllCores(worker, [...queue], over, isTime)
  say(
    `${verb}: ${runs} second deaths behind ${done} of ${tasks.length} first ones, ${failures} failed, ${seconds()} s`
  )
  return failures + cut()
}

const place = ([task]: ReadonlyArray<Task>): number => (task === undefined ? 0 : placeOf(wordsOfFirst(task)))
