/** A parser under fuzz: what goes in, and what has to hold whatever that is. */
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"

/** What was wrong; null: nothing. */
export type Verdict = string | null

/** How many inputs, and which. `replay`: one that failed before. */
export interface Amount {
  readonly runs: number
  readonly seed: number
  readonly replay?: string
}

export interface Failed {
  readonly why: string
  /** The smallest input that was found to fail. */
  readonly input: unknown
  readonly replay: string
}

export interface Target {
  readonly name: string
  /** What it reads. */
  readonly reads: string
  /** One of how many inputs of a run are its own: a dear target gets fewer. */
  readonly dear: number
  /** null: nothing was wrong. */
  readonly check: (amount: Amount) => Effect.Effect<Failed | null>
}

/** The processor time that one input may take, in microseconds; other load on the machine does not count. */
const mostMicros = 2_000_000

const prototypes = [Object.prototype, Array.prototype]
const namesOf = () => prototypes.flatMap((each) => Reflect.ownKeys(each)).length
const clean = namesOf()

/** No defect, no hang, no prototype changed; and what the target itself asks for. */
const judged = <A>(
  holds: (input: A) => Verdict | Effect.Effect<Verdict, unknown>,
  most: number,
  input: A
): Effect.Effect<boolean, string> =>
  Effect.gen(function* () {
    const before = process.threadCpuUsage()
    const verdict = yield* Effect.suspend(() => {
      const given = holds(input)
      return Effect.isEffect(given) ? given : Effect.succeed(given)
    }).pipe(
      Effect.catchCause((cause) => Effect.succeed(`it threw ${String(Cause.squash(cause)).slice(0, 300)}`))
    )
    const { user, system } = process.threadCpuUsage(before)
    if (verdict !== null) return yield* Effect.fail(verdict)
    if (namesOf() !== clean) return yield* Effect.fail("it changed a prototype that every object has")
    if (user + system > most) return yield* Effect.fail(`it took more than ${most / 1000} ms`)
    return true
  })

export const target = <A>(
  name: string,
  reads: string,
  inputs: Arbitrary.Arbitrary<A>,
  holds: (input: A) => Verdict | Effect.Effect<Verdict, unknown>,
  dear = 1,
  most = mostMicros
): Target => ({
  name,
  reads,
  dear,
  check: ({ runs, seed, replay }) =>
    Arbitrary.checkEffect(inputs, (input) => judged(holds, most, input), {
      runs,
      seed,
      size: 8,
      ...(replay === undefined ? {} : { replay })
    }).pipe(
      Effect.map((result) => {
        if (result._tag === "Passed") return null
        // It failed once, and does no more.
        if (result._tag === "ReplayMismatch") return null
        if (result._tag !== "Falsified")
          return { why: `no inputs: ${result._tag}`, input: null, replay: replay ?? "" }
        const { failure, shrunkInput } = result
        return {
          why: failure._tag === "PropertyError" ? failure.error : "false",
          input: shrunkInput,
          replay: result.replay
        }
      })
    )
})
