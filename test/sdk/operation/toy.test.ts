/**
 * The engine, with a verb that no user has: each run stops at one request, every fortieth here and all of
 * them under `npm run prove -- toy`. Counts are printed.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { meet, rivalries } from "./toyRival.ts"
import { attempt, each, goBack, nap, others, second, stopAt, type Trouble } from "./toyRuns.ts"

const every = Number(process.env["TOY_EVERY"] ?? "40")
const printed = process.env["TOY_EVERY"] !== undefined

let tests = 0
const holds = (name: string, run: Parameters<typeof each>[0]) => {
  // Each test has its own share of the requests.
  const offset = tests++ % every
  it.effect(
    name,
    () =>
      Effect.gen(function* () {
        const { points, ends, failed } = yield* each(run, every, offset)
        if (printed) {
          const counts = [...ends].map(([end, times]) => `\n  ${times} x ${end}`).join("")
          process.stdout.write(`${name}: ${points} requests, ${failed.length} failed${counts}\n`)
        }
        assert.deepEqual(failed, [])
        assert.isAbove(points, 60 / every)
      }),
    120_000
  )
}

const troubles: ReadonlyArray<readonly [string, Trouble]> = [
  ["its reply is lost", { _tag: "LoseReply" }],
  ["the server cannot be reached", { _tag: "Fail" }],
  ["the server throttles it", { _tag: "Throttle", retryAfterSeconds: 1 }],
  ["the server is not available", { _tag: "Answer", status: 503 }],
  ["the server fails", { _tag: "Answer", status: 500 }],
  ["it is forbidden", { _tag: "Answer", status: 403 }],
  ["no answer comes in time", { _tag: "Time" }],
  ["its answer takes 12 s", { _tag: "Delay", millis: 12_000 }],
  ["it reads what was so before", { _tag: "Lag" }],
  ["the caller dies after it", { _tag: "Kill", applied: true }],
  ["the caller dies before it", { _tag: "Kill", applied: false }]
]

describe("a verb succeeds, or is taken up and succeeds, if at a request", () => {
  for (const [name, trouble] of troubles) holds(name, (index) => attempt(index, trouble))
  holds("its caller is told to stop", stopAt)

  it.effect("its caller is told to stop at one of the last ten, where its end may be written already", () =>
    Effect.gen(function* () {
      const { requests } = yield* stopAt(Infinity)
      for (let index = requests - 9; index <= requests; index++) yield* stopAt(index)
    })
  )
})

describe("a verb goes back to what was before, or names what it did not", () => {
  holds("from wherever its caller died", (index) => goBack(index))
})

describe("a caller that slept before a request writes nothing that lasts", () => {
  holds("when another has ended its operation", (index) => nap(index, "resume"))
  holds("when another has gone back", (index) => nap(index, "abort"))
})

describe("of two callers that live one acts at a time, if the other wants", () => {
  for (const other of others) holds(other.name, (index) => second(index, other))
})

describe("nothing is lost or called done that is not, if before a request somebody should", () => {
  for (const rivalry of rivalries) holds(rivalry.name, (index) => meet(index, rivalry))
})
