/**
 * The four questions about a stateful application, each answered with evidence and a remedy.
 *
 * Pure over AppState. The rules stand in docs/checklist.md. A question is `no` when any rule
 * says no, else `unknown` when any rule could not be decided, else `yes`.
 */
import * as Schema from "effect/Schema"

const { Literals, NullOr, String, Struct } = Schema

export const Question = Literals(["restart", "snapshot", "move", "restore"])
export type Question = typeof Question.Type

export const Answer = Literals(["yes", "no", "unknown"])
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
