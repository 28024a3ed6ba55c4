/**
 * Fuzzing on all cores: each target's inputs in pieces, each piece with a seed of its own, so that a failure,
 * or a piece that never ends, is run again from its line.
 */
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import * as Effect from "effect/Effect"
import { type Limit, started } from "../limit.ts"
import type { Failed } from "./target.ts"
import { targets } from "./targets.ts"

export interface Fuzz {
  /** Inputs in all. */
  readonly runs: number
  readonly seed: number
  readonly limit: Limit
  /** Of all targets, only this one. */
  readonly target: string | null
  readonly replay: string | null
}

/** What a thread is told. */
export interface Piece {
  readonly target: string
  readonly runs: number
  readonly seed: number
}

/** A piece that takes longer than this has met an input that never ends. */
const longest = 120_000

const pieceRuns = 2000

const say = (line: string) => process.stdout.write(`${line}\n`)

const show = (input: unknown): string => JSON.stringify(input).slice(0, 1000)

const tell = (target: string, { why, input, replay }: Failed) =>
  say(
    `FAILED ${target}: ${JSON.stringify(why)}\n  input ${show(input)}\n` +
      `  npm run prove -- fuzz --target ${target} --replay '${replay}'`
  )

/** Each target's share: a dear one gets fewer. */
const piecesOf = ({ runs, seed, target }: Fuzz): ReadonlyArray<Piece> => {
  const chosen = targets.filter(({ name }) => target === null || name === target)
  const all = chosen.reduce((sum, { dear }) => sum + 1 / dear, 0)
  const rows = chosen.map(({ name, dear }) => {
    const own = Math.ceil(runs / all / dear)
    const size = Math.ceil(pieceRuns / dear)
    return Array.from({ length: Math.ceil(own / size) }, (_, index) => ({
      target: name,
      runs: Math.min(size, own - index * size),
      seed: seed + index
    }))
  })
  // From every target in turn: cut short, a run has seen of each.
  const most = Math.max(0, ...rows.map(({ length }) => length))
  return Array.from({ length: most }, (_, index) => rows.flatMap((row) => row[index] ?? [])).flat()
}

/** One piece in a thread; null: nothing was wrong. */
const inThread = (thread: Worker, piece: Piece): Promise<Failed | "hangs" | null> =>
  new Promise((resolve, reject) => {
    const over = () => {
      clearTimeout(timer)
      thread.off("message", answer)
      thread.off("error", reject)
    }
    const timer = setTimeout(() => {
      over()
      resolve("hangs")
    }, longest)
    const answer = (failed: Failed | null) => {
      over()
      resolve(failed)
    }
    thread.on("message", answer)
    thread.once("error", reject)
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, and no window
    thread.postMessage(piece)
  })

const again = async (target: string, replay: string): Promise<number> => {
  const found = targets.find(({ name }) => name === target)
  const failed = found && (await Effect.runPromise(found.check({ runs: 1, seed: 0, replay })))
  if (failed === undefined || failed === null) {
    say(`${target}: nothing is wrong with it`)
    return 0
  }
  tell(target, failed)
  return 1
}

/** Answers how many failed; to be cut short is one more. */
export const proveFuzz = async (amount: Fuzz): Promise<number> => {
  if (amount.target !== null && !targets.some(({ name }) => name === amount.target)) {
    say(`error: unknown target "${amount.target}"; use one of ${targets.map(({ name }) => name).join(", ")}`)
    return 1
  }
  if (amount.replay !== null) return await again(amount.target ?? "", amount.replay)
  const { isTime, cut } = started(amount.limit)
  const began = performance.now()
  const queue = [...piecesOf(amount)]
  const counts = new Map<string, number>()
  let failures = 0
  const work = async () => {
    const open = () => new Worker(new URL("./worker.ts", import.meta.url))
    let thread: Worker | null = null
    while (queue.length > 0 && isTime()) {
      const piece = queue.shift()
      if (piece === undefined) break
      thread ??= open()
      const result = await inThread(thread, piece)
      counts.set(piece.target, (counts.get(piece.target) ?? 0) + piece.runs)
      if (result === null) continue
      failures += 1
      if (result !== "hangs") tell(piece.target, result)
      else {
        say(
          `FAILED ${piece.target}: an input never ends\n  npm run prove -- fuzz --target ${piece.target} --runs ${piece.runs} --seed ${piece.seed}`
        )
        await thread.terminate()
        thread = null
      }
    }
    await thread?.terminate()
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  for (const { name, reads } of targets)
    if (counts.has(name)) say(`${name.padEnd(12)} ${String(counts.get(name)).padStart(9)}  ${reads}`)
  const total = [...counts.values()].reduce((sum, each) => sum + each, 0)
  const seconds = Math.round((performance.now() - began) / 1000)
  say(`fuzz: ${total} inputs, ${failures} failed, seed ${amount.seed}, ${seconds} s`)
  return failures + cut()
}
