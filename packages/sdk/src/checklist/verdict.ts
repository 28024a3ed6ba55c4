/** What the checklist answers: a question's verdict, its findings and, of the first question, each disruption's. */
import * as Schema from "effect/Schema"
import { Need } from "./needs.ts"

const { Boolean, Finite, Literal, Literals, NullOr, String, Struct } = Schema

export const Question = Literals(["restart", "snapshot", "move", "restore"])
export type Question = typeof Question.Type

/** `Yes`: it stays up; `YesWithDowntime`: it comes back by itself; `No`: it needs somebody's work, or loses data. */
export const Answer = Literals(["Yes", "YesWithDowntime", "No", "Unknown"])
export type Answer = typeof Answer.Type

/** What may befall a server, or a rack or zone of them; `Gone` is for good. `Drain` is an administrator's. */
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
  /** What to do: a command one can type where there is one; null where nothing is to do. */
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
  /** What the answer hangs on that the API does not tell, e.g. `if the cloud deletes the Node`. */
  condition: NullOr(String),
  /**
   * How many seconds a lost replica is away at least, from tolerations and probes. The server's own time,
   * and what controllers, the cloud and the storage take, come on top: the API does not tell these.
   * Null: it does not come back by itself, or that is not known.
   */
  awaySeconds: NullOr(Finite)
})
export type DisruptionVerdict = typeof DisruptionVerdict.Type

/** How a set of snapshots can be cut, without a profile: all claims as one, or each alone. */
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
  /** What can be reached while the application runs; null: no snapshot, or not known. */
  level: NullOr(CutLevel)
})
export type SnapshotVerdict = typeof SnapshotVerdict.Type

export const MoveVerdict = Struct({
  question: Literal("move"),
  ...common,
  /** What the other cluster must have, whatever stands in the way here. */
  needs: Schema.Array(Need)
})
export type MoveVerdict = typeof MoveVerdict.Type

export const RestoreVerdict = Struct({
  question: Literal("restore"),
  ...common,
  /** The newest copy of all claims that can be restored, and when it was cut; null: none is seen. */
  newest: NullOr(Struct({ name: String, taken: String, elsewhere: Boolean }))
})
export type RestoreVerdict = typeof RestoreVerdict.Type

export const Verdict = Schema.Union([RestartVerdict, SnapshotVerdict, MoveVerdict, RestoreVerdict])
export type Verdict = typeof Verdict.Type

export const Checklist = Schema.Array(Verdict)
export type Checklist = typeof Checklist.Type
