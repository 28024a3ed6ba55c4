/**
 * A second death: the first caller dies, somebody else takes it up and dies at that, and a third one ends it.
 * Written in one line: `7 Kill after; 3 Kill before`, each with the numbers of its own calls.
 */
import * as Effect from "effect/Effect"
import type { Cluster } from "../../packages/sdk/src/Cluster.ts"
import { type Call, type Fault, format, parse, type Plan } from "../../packages/sandbox/src/Fault.ts"
import { inject } from "../../packages/sandbox/src/FaultyCluster.ts"
import { isWrite } from "../../packages/sdk/src/resource/Status.ts"

/** The calls of one caller at which it may die. */
export interface Deaths {
  readonly calls: number
  /** Before these it finds another state than before the one before: something has been changed since. */
  readonly distinct: ReadonlyArray<number>
}

/** Faults by call; `nth`: the how manieth of those that find another state it is, null: it finds none. */
export type Faults = (call: Call, nth: number | null) => Fault | undefined

/** Dies before the nth call that finds another state. */
export const dies =
  (nth: number): (() => Faults) =>
  () =>
  (_, found) =>
    found === nth ? { _tag: "Kill", applied: false } : undefined

/** A caller with its faults: what it has changed by the time of each of its calls is counted. */
export const caller = (port: Cluster["Service"], faults: Faults) => {
  const distinct: Array<number> = []
  let [changes, seen] = [0, 0]
  const change = Effect.sync(() => {
    changes += 1
  })
  const counted: Cluster["Service"] = {
    ...port,
    request: (request) =>
      isWrite(request) ? Effect.tap(port.request(request), change) : port.request(request),
    exec: (request) =>
      Effect.map(Effect.tap(port.exec(request), change), (session) => ({
        ...session,
        write: (chunk) => Effect.tap(session.write(chunk), change),
        closeStdin: Effect.tap(session.closeStdin, change)
      }))
  }
  const { cluster, record } = inject(counted, (call) => {
    const isDistinct = changes > seen
    if (isDistinct) distinct.push(call.index)
    seen = changes
    return faults(call, isDistinct ? distinct.length : null)
  })
  return { cluster, record, deaths: (): Deaths => ({ calls: record.calls.length, distinct }) }
}

/** How a run ended whose caller died, and behind whom nobody found anything to take up. */
export const nothingLeft = "nothing was left to end"

export const lineOf = (first: string, again: string): string => (again === "" ? first : `${first}; ${again}`)

/** What the first caller meets, and the second one, if anything is told of it. */
export const plansOf = (line: string): { readonly faults: () => Plan; readonly again?: () => Plan } => {
  const [first = "", again] = line.split(";")
  return { faults: () => parse(first), ...(again === undefined ? {} : { again: () => parse(again) }) }
}

/** Before each call that finds another state; or before and behind every one. */
export const linesOf = ({ calls, distinct }: Deaths, all: boolean): ReadonlyArray<string> => {
  const kill = (applied: boolean): Fault => ({ _tag: "Kill", applied })
  if (!all) return distinct.map((index) => format([[index, kill(false)]]))
  return Array.from({ length: calls }, (_, place) => place + 1).flatMap((index) =>
    [false, true].map((applied) => format([[index, kill(applied)]]))
  )
}

/** A number for a point, the same one each time, and of each kind alike. */
export const placeOf = (point: string): number => {
  let hash = 0x811c9dc5
  for (const char of point) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
  hash ^= hash >>> 15
  return Math.imul(hash, 0x2c1b3c6d) >>> 0
}

/** One of so many. */
export const isChosen = (point: string, every: number): boolean => placeOf(point) % every === 0
