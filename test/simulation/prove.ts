/** All counts of scaling: every fault at every call, pairs of faults, and random ones by seed. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import {
  atCall,
  type Fault,
  first,
  format,
  parse,
  type Plan,
  random
} from "../../packages/sandbox/src/Fault.ts"
import { type Limit, started } from "../limit.ts"
import { abortAfter, attempt, type Scenario, scenarios } from "./scaling.ts"
import { nap } from "./sleeper.ts"
import { virtualTime } from "./world.ts"

export interface Amount {
  readonly seeds: number
  readonly from: number
  /** After this time no new run is begun. */
  readonly limit: Limit
  readonly scenario: string | null
  readonly replay: string | null
}

const faults: ReadonlyArray<Fault> = [
  { _tag: "Fail" },
  { _tag: "LoseReply" },
  { _tag: "Throttle", retryAfterSeconds: 1 },
  { _tag: "Expire" },
  { _tag: "Cut", after: 1 },
  { _tag: "Delay", millis: 3000 },
  { _tag: "Lag" },
  { _tag: "Kill", applied: false },
  { _tag: "Kill", applied: true }
]

interface Tally {
  runs: number
  failures: number
}

/** In a world of its own: virtual time from zero, and the randomness of the seed. */
const inWorld = <A, E>(effect: Effect.Effect<A, E>, seed: number): Promise<Exit.Exit<A, E>> =>
  Effect.runPromiseExit(effect.pipe(Random.withSeed(seed), Effect.provide(virtualTime)))

const say = (line: string) => process.stdout.write(`${line}\n`)

/** From another seed than the first, only pairs and random schedules. Prints counts and, of each failure, the line that gives it again. Answers how many failed; to be cut short is one more. */
export const proveScale = async (amount: Amount): Promise<number> => {
  const { isTime, cut } = started(amount.limit)
  const total: Tally = { runs: 0, failures: 0 }
  const chosen = Object.entries<Scenario>(scenarios).filter(
    ([name]) => amount.scenario === null || name === amount.scenario
  )
  const one = async (
    name: string,
    run: Effect.Effect<{ readonly calls: number }, unknown>,
    again: string,
    seed = 1
  ) => {
    const exit = await inWorld(run, seed)
    total.runs += 1
    if (Exit.isSuccess(exit)) return exit.value.calls
    total.failures += 1
    say(`FAILED ${name}: ${Cause.pretty(exit.cause).split("\n").slice(0, 14).join(" ")}`)
    say(`  npm run prove -- scale --scenario ${name} ${again}`)
    return Infinity
  }
  const replayed = (line: string) => `--replay "${line}"`
  if (amount.replay !== null) {
    const plan = parse(amount.replay)
    for (const [name, scenario] of chosen) await one(name, attempt(scenario, plan), replayed(amount.replay))
    say(`${total.runs} runs, ${total.failures} failed`)
    return total.failures
  }
  for (const [name, scenario] of amount.from > 1 ? [] : chosen) {
    const before = total.runs
    let length = 0
    for (const fault of faults) {
      for (let index = 1; isTime(); index++) {
        const again = replayed(format([[index, fault]]))
        const calls = await one(name, attempt(scenario, atCall(index, fault)), again)
        if (calls !== Infinity) length = Math.max(length, Math.min(calls, 200))
        if (calls < index || index > 400) break
      }
    }
    for (let index = 1; index <= length && isTime(); index++) {
      const kill: Fault = { _tag: "Kill", applied: true }
      await one(name, abortAfter(scenario, atCall(index, kill)), `(abort) ${format([[index, kill]])}`)
      await one(name, nap(scenario, index, "resume"), `(nap, resume) ${index}`)
      await one(name, nap(scenario, index, "abort"), `(nap, abort) ${index}`)
    }
    say(`${name}: ${length} calls, ${total.runs - before} single faults and naps`)
  }
  // Pairs and random schedules, spread over the calls by the seed.
  let pairs = 0
  for (let seed = amount.from; seed < amount.from + amount.seeds && isTime(); seed++) {
    const [name, scenario] = chosen[seed % chosen.length] ?? chosen[0] ?? []
    if (name === undefined || scenario === undefined) break
    const pick = <A>(list: ReadonlyArray<A>, by: number): A | undefined => list[Math.floor(by) % list.length]
    const left = pick(faults, seed / chosen.length)
    const right = pick(faults, seed / chosen.length / faults.length)
    if (left === undefined || right === undefined) break
    const at = [1 + ((seed * 7919) % 90), 1 + ((seed * 104_729) % 90)].toSorted((a, b) => a - b)
    const line = format([
      [at[0] ?? 1, left],
      [at[1] ?? 1, right]
    ])
    await one(name, attempt(scenario, parse(line)), replayed(line), seed)
    pairs += 1
    const schedule: Plan = first(
      random(seed, 0.05),
      atCall(1 + ((seed * 31) % 100), { _tag: "Kill", applied: seed % 2 === 0 })
    )
    await one(name, attempt(scenario, schedule), `--from ${seed} --seeds 1`, seed)
    if (seed % 100 === 0) say(`seed ${seed}: ${total.runs} runs, ${total.failures} failed`)
  }
  say(`pairs ${pairs}, random schedules ${pairs}; ${total.runs} runs, ${total.failures} failed`)
  return total.failures + cut()
}
