/**
 * All counts of taking, deleting and restoring sets: every fault at every call of every way, every pair of
 * faults with three members, and lives by seed.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type Fault, format, parse } from "../../packages/sandbox/src/Fault.ts"
import { type Limit, started } from "../limit.ts"
import { batches, type Failure, onAllCores } from "./pool.ts"
import { attempt, scenarios } from "./sets.ts"
import { pointsOf } from "./setPoints.ts"
import type * as Rival from "./setRivalRun.ts"
import { lives } from "./setSeeds.ts"
import { inWorld, scenarioOf, type Task, wordsOf } from "./setRun.ts"
import { virtualTime } from "./world.ts"

export interface Amount {
  readonly part: "singles" | "rival" | "pairs" | "seeds"
  readonly verb: "snapshot" | "restore"
  readonly seeds: number
  /** The first seed. */
  readonly from: number
  readonly every: number
  /** After this time no new run is begun. */
  readonly limit: Limit
  /** Of a replay: which scenario; of how many members is told by `members`. */
  readonly scenario: string | null
  readonly members: number
  readonly replay: string | null
}

const faults: ReadonlyArray<Fault> = [
  { _tag: "Fail" },
  { _tag: "LoseReply" },
  { _tag: "Throttle", retryAfterSeconds: 1 },
  { _tag: "Lag" },
  { _tag: "Delay", millis: 3000 },
  { _tag: "Kill", applied: false },
  { _tag: "Kill", applied: true }
]

const say = (line: string) => process.stdout.write(`${line}\n`)

/** Before and behind a call are two points of a death, and each is met by both ways of ending it. */
const singlesOf = (scenario: string, replicas: number, calls: number): ReadonlyArray<Task> =>
  Array.from({ length: calls }, (_, place) => place + 1).flatMap((call) =>
    faults.flatMap((fault, index) => {
      const task = { scenario, replicas, faults: format([[call, fault]]) }
      if (fault._tag === "Kill") return (["abort", "resume"] as const).map((way): Task => ({ ...task, way }))
      return [{ ...task, way: (call + index) % 2 === 0 ? "abort" : "resume" } satisfies Task]
    })
  )

/** The ways of a verb, or the one that was asked for. */
const keysOf = (verb: Amount["verb"], scenario: string | null, members: number): ReadonlyArray<string> =>
  Object.entries(scenarios(members)).flatMap(([key, each]) => {
    const isRestore = each.verb === "restore" || each.verb === "undo"
    return isRestore === (verb === "restore") && (scenario ?? key) === key ? [key] : []
  })

interface Work<Of> {
  readonly worker: URL
  readonly what: string
  /** All of one way, with how many calls it has; null: it fails as it is, which was said. */
  readonly tasks: (key: string) => Promise<{ readonly calls: number; readonly all: ReadonlyArray<Of> } | null>
  readonly tell: (failure: Failure<Of>) => void
}

/** Each Nth of all that there is of each way of a verb. */
const proveAll = async <Of>(
  { verb, scenario, members, every, limit }: Amount,
  { worker, what, tasks, tell }: Work<Of>
): Promise<number> => {
  const { isTime, cut } = started(limit)
  const began = performance.now()
  const chosen: Array<Of> = []
  for (const key of keysOf(verb, scenario, members)) {
    const own = await tasks(key)
    if (own === null) return 1
    say(`${key}: ${own.calls} calls, ${own.all.length} runs`)
    chosen.push(...own.all.filter((_, place) => place % every === every - 1))
  }
  let [runs, failures] = [0, 0]
  const over = (done: ReadonlyArray<Of>, failed: ReadonlyArray<Failure<Of>>) => {
    runs += done.length
    failures += failed.length
    for (const failure of failed) tell(failure)
  }
  await onAllCores(worker, [...batches(chosen)], over, isTime)
  const seconds = Math.round((performance.now() - began) / 1000)
  say(`${verb}: ${runs} of ${chosen.length} ${what}, ${failures} failed, ${seconds} s`)
  return failures + cut()
}

/** Runs that meet faults by their calls' numbers: `tasksOf` makes those of one way. */
const proveFaults = (
  amount: Amount,
  what: string,
  tasksOf: (scenario: string, replicas: number, calls: number) => ReadonlyArray<Task>
): Promise<number> =>
  proveAll<Task>(amount, {
    worker: new URL("./setWorker.ts", import.meta.url),
    what,
    tasks: async (key) => {
      const each = scenarioOf(key, amount.members)
      const plain = each === null ? null : await inWorld(attempt(each))
      if (plain === null || Exit.isFailure(plain)) {
        say(`FAILED ${key} without a fault: ${plain === null ? "there is none" : wordsOf(plain)}`)
        return null
      }
      const { calls } = plain.value
      return { calls, all: tasksOf(key, amount.members, calls) }
    },
    tell: ({ task, faults: [words] }) =>
      say(
        `FAILED ${task.scenario}, "${task.faults}", ${task.way}: ${words}\n  ` +
          `npm run prove -- ${amount.verb} --scenario ${task.scenario} --members ${task.replicas} --replay "${task.faults}"`
      )
  })

/** Each fault at each call of each way of a verb. */
const proveSingles = (amount: Amount): Promise<number> => proveFaults(amount, "single faults", singlesOf)

/** Of the way that has them all in it, if no other was asked for: of all ways it would take days. */
const provePairs = (amount: Amount): Promise<number> =>
  proveFaults(
    { ...amount, scenario: amount.scenario ?? (amount.verb === "restore" ? "restore" : "alone") },
    "pairs of faults",
    pairsOf
  )

/** Each act of somebody else before each request of each way of a verb where it is another one. */
const proveActs = (amount: Amount): Promise<number> =>
  proveAll<Rival.Task>(amount, {
    worker: new URL("./setRivalWorker.ts", import.meta.url),
    what: "acts of somebody else",
    tasks: async (key) => {
      const { requests, all, distinct } = await Effect.runPromise(
        pointsOf(key, amount.members).pipe(Effect.provide(virtualTime))
      )
      say(`${key}: ${distinct.length} of ${all} points are distinct`)
      return { calls: requests, all: distinct }
    },
    tell: ({ task, faults: wrong, story }) => {
      say(`FAILED ${task.scenario}: ${task.act} @ ${task.index} + ${task.pause}: ${wrong.join("; ")}`)
      for (const line of story) say(`  ${line}`)
    }
  })

/** Each two calls, each with a fault of its own: which ones changes from pair to pair. */
const pairsOf = (scenario: string, replicas: number, calls: number): ReadonlyArray<Task> => {
  const pick = (by: number): Fault => faults[by % faults.length] ?? { _tag: "Fail" }
  const tasks: Array<Task> = []
  for (let first = 1; first <= calls; first++)
    for (let second = first + 1; second <= calls; second++) {
      const pair = tasks.length + 1
      const line = format([
        [first, pick(pair)],
        [second, pick(Math.floor(pair / faults.length) + second)]
      ])
      tasks.push({ scenario, replicas, faults: line, way: pair % 2 === 0 ? "abort" : "resume" })
    }
  return tasks
}

const piece = 100

const proveSeeds = async ({ from, seeds, limit }: Amount): Promise<number> => {
  const { isTime, cut } = started(limit)
  const total = new Map<string, number>()
  let [seed, failures] = [from, 0]
  while (seed < from + seeds && isTime()) {
    const amount = Math.min(piece, from + seeds - seed)
    const exit = await inWorld(lives({ from: seed, seeds: amount }))
    if (Exit.isSuccess(exit)) {
      for (const [ending, count] of Object.entries(exit.value.endings))
        total.set(ending, (total.get(ending) ?? 0) + count)
      seed += exit.value.seeds
      if (seed % 1000 < piece) say(`seed ${seed}: ${failures} failed`)
      continue
    }
    const text = wordsOf(exit)
    const failed = Number(/seed (\d+)/.exec(text)?.[1] ?? seed)
    failures += 1
    say(`FAILED ${text}\n  npm run prove -- snapshot --part seeds --from ${failed} --seeds 1`)
    seed = failed + 1
  }
  say(`seeds ${from} to ${seed - 1}, ${failures} failed: ${JSON.stringify(Object.fromEntries(total))}`)
  return failures + cut()
}

const replayed = async (line: string, { verb, scenario, members }: Amount): Promise<number> => {
  const found = scenarioOf(scenario ?? (verb === "restore" ? "restore" : "alone"), members)
  if (found === null) {
    say(`no scenario "${scenario}"; use one of ${Object.keys(scenarios(members)).join(", ")}`)
    return 1
  }
  let failures = 0
  for (const way of ["abort", "resume"] as const) {
    const exit = await inWorld(attempt(found, { faults: () => parse(line), way }))
    if (Exit.isFailure(exit)) failures += 1
    say(Exit.isFailure(exit) ? `FAILED ${way}: ${wordsOf(exit)}` : `${way}: ${exit.value.outcome}`)
  }
  return failures
}

const parts = { singles: proveSingles, rival: proveActs, pairs: provePairs, seeds: proveSeeds }

/** Prints counts, and each failure. Answers how many failed; to be cut short is one more. */
export const proveSets = (amount: Amount): Promise<number> =>
  amount.replay === null ? parts[amount.part](amount) : replayed(amount.replay, amount)
