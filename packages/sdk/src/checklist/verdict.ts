/**
 * The answers of the checklist: a question's verdict, its findings and, of the first question, each
 * disruption's.
 */
import * as Schema from "effect/Schema"
import { documented } from "../Documented.ts"
import { Need } from "./needs.ts"

const { Boolean, Finite, Literal, Literals, NullOr, String } = Schema

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

/** True if the node, or the rack or zone, comes back with its data. */
export const isRestart = (disruption: Disruption): boolean =>
  disruption === "ServerRestarts" || disruption === "RackRestarts"

/** One rule's verdict. */
export interface Finding {
  /** The rule's name in docs/checklist.md, e.g. `replicas-share-rack`. */
  readonly rule: string
  readonly answer: Answer
  /** The fact, in one line, naming the objects. */
  readonly evidence: string
  /** The objects, as `Kind/name`. */
  readonly objects: ReadonlyArray<string>
  /** What to do: a command if there is one; `null` if nothing is to do. */
  readonly remedy: string | null
  /** Of the first question: what it decides. */
  readonly disruptions: ReadonlyArray<Disruption>
}
export const Finding = documented<Finding>({
  rule: String,
  answer: Answer,
  evidence: String,
  objects: Schema.Array(String),
  remedy: NullOr(String),
  disruptions: Schema.Array(Disruption)
})

/** The first question of one disruption. */
export interface DisruptionVerdict {
  readonly disruption: Disruption
  readonly answer: Answer
  /** The fact that decides, in one line. */
  readonly evidence: string
  /** What to do; `null` if nothing is to do. */
  readonly remedy: string | null
  /** A condition of the answer that the API does not show, e.g. `if the cloud deletes the Node`. */
  readonly condition: string | null
  /**
   * The minimum downtime of a lost replica in seconds, from tolerations and probes. The time of the node,
   * controllers, the cloud and the storage is added to that: the API does not show it. `null` if it does not
   * recover by itself, or that is unknown.
   */
  readonly awaySeconds: number | null
}
export const DisruptionVerdict = documented<DisruptionVerdict>({
  disruption: Disruption,
  answer: Answer,
  evidence: String,
  remedy: NullOr(String),
  condition: NullOr(String),
  awaySeconds: NullOr(Finite)
})

/** The level of a snapshot without a profile: all claims as one group, or each separately. */
export const CutLevel = Literals(["group", "crash"])
export type CutLevel = typeof CutLevel.Type

/** What the answer to every question has. */
export interface QuestionVerdict {
  readonly question: Question
  readonly answer: Answer
  /** Those that decide the answer first: `No`, then `Unknown`, `YesWithDowntime`, `Yes`. */
  readonly findings: ReadonlyArray<Finding>
}

/** The fields of one question's verdict, before those that only it has. */
const verdict = <Q extends Question>(question: Q) => ({
  question: Literal(question),
  answer: Answer,
  findings: Schema.Array(Finding)
})

/** Its answer is the worst of the two restarts; the others stand in lines of their own. */
export interface RestartVerdict extends QuestionVerdict {
  readonly question: "restart"
  /** The answer of each disruption. */
  readonly disruptions: ReadonlyArray<DisruptionVerdict>
}
export const RestartVerdict = documented<RestartVerdict>({
  ...verdict("restart"),
  disruptions: Schema.Array(DisruptionVerdict)
})

/** Whether all data can be snapshotted, and how consistently. */
export interface SnapshotVerdict extends QuestionVerdict {
  readonly question: "snapshot"
  /** The best level while the application runs; `null` if there is no snapshot, or it is unknown. */
  readonly level: CutLevel | null
}
export const SnapshotVerdict = documented<SnapshotVerdict>({
  ...verdict("snapshot"),
  level: NullOr(CutLevel)
})

/** Whether the application can move to another cluster. */
export interface MoveVerdict extends QuestionVerdict {
  readonly question: "move"
  /** The requirements on the other cluster, even if something here prevents the move. */
  readonly needs: ReadonlyArray<Need>
}
export const MoveVerdict = documented<MoveVerdict>({
  ...verdict("move"),
  needs: Schema.Array(Need)
})

/** The newest copy of all claims that can be restored. */
export interface NewestCopy {
  readonly name: string
  /** The time at which the oldest of its members was taken. */
  readonly taken: string
  /** False if it is snapshots on the same storage. */
  readonly elsewhere: boolean
}
export const NewestCopy = documented<NewestCopy>({ name: String, taken: String, elsewhere: Boolean })

/** Whether the application can be restored from a copy. */
export interface RestoreVerdict extends QuestionVerdict {
  readonly question: "restore"
  /** The newest copy of all claims that can be restored, and its time; `null` if there is none. */
  readonly newest: NewestCopy | null
}
export const RestoreVerdict = documented<RestoreVerdict>({
  ...verdict("restore"),
  newest: NullOr(NewestCopy)
})

export const Verdict = Schema.Union([RestartVerdict, SnapshotVerdict, MoveVerdict, RestoreVerdict])
export type Verdict = typeof Verdict.Type

export const Checklist = Schema.Array(Verdict)
export type Checklist = typeof Checklist.Type
