/**
 * The answers of the checklist: a question's verdict, its findings and, of the first question, each
 * disruption's.
 */
import * as Schema from "effect/Schema"
import { Need } from "./needs.ts"

const { Boolean, Finite, Literal, Literals, NullOr, String, Struct } = Schema

export const Question = Literals(["restart", "snapshot", "move", "restore"])
export type Question = typeof Question.Type

/**
 * `Yes`: it stays up; `YesWithDowntime`: it recovers by itself; `No`: it needs manual work, or loses data.
 */
export const Answer = Literals(["Yes", "YesWithDowntime", "No", "Unknown"])
export type Answer = typeof Answer.Type

/** The disruptions of a node, or of a rack or zone; `Gone` is permanent. `Drain` is an administrator's. */
export const Disruption = Literals(["ServerRestarts", "RackRestarts", "ServerGone", "RackGone", "Drain"])
export type Disruption = typeof Disruption.Type

/** One rule's verdict. */
export const Finding = Struct({
  /** The rule's name in docs/checklist.md, e.g. `replicas-share-rack`. */
  rule: String,
  answer: Answer,
  /** The fact, in one line, naming the objects. */
  evidence: String,
  /** The objects, as `Kind/name`. */
  objects: Schema.Array(String),
  /** What to do: a command if there is one; `null` if nothing is to do. */
  remedy: NullOr(String),
  /** Of the first question: what it decides. */
  disruptions: Schema.Array(Disruption)
})
export type Finding = typeof Finding.Type

/** The first question of one disruption. */
export const DisruptionVerdict = Struct({
  disruption: Disruption,
  answer: Answer,
  /** The fact that decides, in one line. */
  evidence: String,
  remedy: NullOr(String),
  /** A condition of the answer that the API does not show, e.g. `if the cloud deletes the Node`. */
  condition: NullOr(String),
  /**
   * The minimum downtime of a lost replica in seconds, from tolerations and probes. The time of the node,
   * controllers, the cloud and the storage is added to that: the API does not show it. `null` if it does not
   * recover by itself, or that is unknown.
   */
  awaySeconds: NullOr(Finite)
})
export type DisruptionVerdict = typeof DisruptionVerdict.Type

/** The level of a snapshot without a profile: all claims as one group, or each separately. */
export const CutLevel = Literals(["group", "crash"])
export type CutLevel = typeof CutLevel.Type

const common = {
  answer: Answer,
  /** Those that decide the answer first: `No`, then `Unknown`, `YesWithDowntime`, `Yes`. */
  findings: Schema.Array(Finding)
}

/** Its answer is the worst of the two restarts; the others stand in lines of their own. */
export const RestartVerdict = Struct({
  question: Literal("restart"),
  ...common,
  disruptions: Schema.Array(DisruptionVerdict)
})
export type RestartVerdict = typeof RestartVerdict.Type

export const SnapshotVerdict = Struct({
  question: Literal("snapshot"),
  ...common,
  /** The best level while the application runs; `null` if there is no snapshot, or it is unknown. */
  level: NullOr(CutLevel)
})
export type SnapshotVerdict = typeof SnapshotVerdict.Type

export const MoveVerdict = Struct({
  question: Literal("move"),
  ...common,
  /** The requirements on the other cluster, even if something here prevents the move. */
  needs: Schema.Array(Need)
})
export type MoveVerdict = typeof MoveVerdict.Type

export const RestoreVerdict = Struct({
  question: Literal("restore"),
  ...common,
  /** The newest copy of all claims that can be restored, and its time; `null` if there is none. */
  newest: NullOr(Struct({ name: String, taken: String, elsewhere: Boolean }))
})
export type RestoreVerdict = typeof RestoreVerdict.Type

export const Verdict = Schema.Union([RestartVerdict, SnapshotVerdict, MoveVerdict, RestoreVerdict])
export type Verdict = typeof Verdict.Type

export const Checklist = Schema.Array(Verdict)
export type Checklist = typeof Checklist.Type
