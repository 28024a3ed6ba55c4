/**
 * The four questions about a stateful application, each answered with evidence and a remedy.
 *
 * Pure over AppState. The rules stand in docs/checklist.md. A question is `no` when any rule
 * says no, else `unknown` when any rule could not be decided, else `yes`.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { moveRules } from "./checklist/move.ts"
import { restartRules } from "./checklist/restart.ts"
import { restoreRules } from "./checklist/restore.ts"
import type { Domain, Rule, Target } from "./checklist/rule.ts"
import { snapshotRules } from "./checklist/snapshot.ts"
import type { Quorum } from "./Quorum.ts"
import type { AppState } from "./State.ts"

export type { Domain, Rule, Target }

const { Literals, NullOr, String, Struct } = Schema

export const Question = Literals(["restart", "snapshot", "move", "restore"])
export type Question = typeof Question.Type

/** `Yes`: it stays up; `YesWithDowntime`: it comes back by itself; `No`: it needs somebody's work, or loses data. */
export const Answer = Literals(["Yes", "YesWithDowntime", "No", "Unknown"])
export type Answer = typeof Answer.Type

/** One rule's verdict. */
export const Finding = Struct({
  /** The rule's name in docs/checklist.md, e.g. `replicas-share-rack`. */
  rule: String,
  answer: Answer,
  /** The fact, in one line, naming the objects. */
  evidence: String,
  /** The objects, as `Kind/name`. */
  objects: Schema.Array(String),
  /** What to do: a command one can type where there is one; null where nothing is to do. */
  remedy: NullOr(String)
})
export type Finding = typeof Finding.Type

export const Verdict = Struct({
  question: Question,
  answer: Answer,
  /** The findings that decide first: `no`, then `unknown`, then `yes`. */
  findings: Schema.Array(Finding)
})
export type Verdict = typeof Verdict.Type

export const Checklist = Schema.Array(Verdict)
export type Checklist = typeof Checklist.Type

export interface ChecklistOptions {
  /** How many replicas of each StatefulSet must stay; default `majority`. */
  readonly quorum?: Quorum
  /** How old the newest snapshot and the newest copy may be; default 24 hours. */
  readonly maxAge?: Duration.Input
  /** What may be lost at once; default node, rack and zone. Leave `rack` out where nobody can know racks. */
  readonly domains?: ReadonlyArray<Domain>
  /** The cluster to move to; default: some cluster with the same classes and drivers. */
  readonly target?: Target
}

/** Every rule, by question, in the order in which findings are told. */
export const rules: ReadonlyArray<Rule> = [...restartRules, ...snapshotRules, ...moveRules, ...restoreRules]

const weight: Readonly<Record<Answer, number>> = { No: 0, Unknown: 1, YesWithDowntime: 2, Yes: 3 }

/** The four questions, answered from the state alone: the same state and options give the same answers. */
export const answer = (state: AppState, options: ChecklistOptions = {}): Checklist => {
  const settings = {
    quorum: options.quorum ?? "majority",
    maxAge: Duration.fromInputUnsafe(options.maxAge ?? "24 hours"),
    domains: options.domains ?? ["node", "rack", "zone"],
    target: options.target ?? null
  } as const
  return Question.literals.map((question) => {
    const findings = rules
      .filter((rule) => rule.question === question)
      .flatMap((rule) => rule.check({ state, settings }))
      .toSorted((a, b) => weight[a.answer] - weight[b.answer])
    return { question, answer: findings[0]?.answer ?? "Yes", findings }
  })
}
