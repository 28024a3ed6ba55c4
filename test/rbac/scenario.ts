/** A command line in a situation in which it needs some of its permissions, run as a user who has given rules. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Rule, Shape } from "@kubectl-stateful/sandbox"
import { type Ended, typed } from "./typed.ts"
import { noting, type Wire } from "./wire.ts"

/** A situation, and what is typed in it. */
export interface Stage {
  readonly sandbox: Shape
  readonly words: ReadonlyArray<string>
  /** Of the connection. Default: `shop`. */
  readonly namespace?: string
  /** For one that never ends: so many milliseconds of it. */
  readonly millis?: number
}

export interface Scenario {
  readonly verb: string
  /** When its own rules are needed, as a comment says it: `with --purge`. Null: always. */
  readonly when: string | null
  /** The error that is expected of it; absent: it succeeds. */
  readonly fails?: RegExp
  readonly stage: Effect.Effect<Stage, unknown, Scope.Scope>
}

export interface Ran extends Ended, Wire {}

const everything: ReadonlyArray<Rule> = [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }]

/** Runs what is typed with these rules alone. */
export const run = ({ sandbox, words, ...how }: Stage, allow: ReadonlyArray<Rule> = everything) =>
  Effect.gen(function* () {
    const wire: Wire = { requests: new Map(), reviews: new Map(), effects: [] }
    const port = noting(sandbox.as({ name: "robot", allow }), wire)
    const ended = yield* typed(port, words, how)
    return { ...ended, ...wire } satisfies Ran
  })
