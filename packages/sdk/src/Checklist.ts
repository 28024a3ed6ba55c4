/**
 * The four questions about a stateful application, each answered with evidence and a remedy.
 *
 * Pure over AppState. The rules stand in docs/checklist.md. A question is answered with the
 * worst that a rule says of it: `No`, then `Unknown`, `YesWithDowntime`, `Yes`.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { disruptionsOf, weight, worst } from "./checklist/disruptions.ts"
import { moveRules } from "./checklist/move.ts"
import { Need, needsOnTarget, needText } from "./checklist/needs.ts"
import { restartRules } from "./checklist/restart.ts"
import { newestOf, restoreRules } from "./checklist/restore.ts"
import type { Domain, Rule, Target } from "./checklist/rule.ts"
import { levelOf, snapshotRules } from "./checklist/snapshot.ts"
import type { Quorum } from "./Quorum.ts"
import type { AppState } from "./State.ts"

export type { Domain, Rule, Target }
export { Need, needText }

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

export interface ChecklistOptions {
  /** How many replicas of each StatefulSet must stay; default `majority`. */
  readonly quorum?: Quorum
  /** How old the newest snapshot and the newest copy may be; default 24 hours. */
  readonly maxAge?: Duration.Input
  /**
   * The StatefulSets are members of one application, as with a set for each rack or shard, and quorum
   * is over all of them; default false.
   */
  readonly jointQuorum?: boolean
  /** What may be lost at once; default node, rack and zone. Leave `rack` out where nobody can know racks. */
  readonly domains?: ReadonlyArray<Domain>
  /** The cluster to move to; default: some cluster with the same classes and drivers. */
  readonly target?: Target
}

/** Every rule, by question, in the order in which findings are told. */
export const rules: ReadonlyArray<Rule> = [...restartRules, ...snapshotRules, ...moveRules, ...restoreRules]

const isRestart = (disruption: Disruption): boolean => disruption.endsWith("Restarts")

const aside = ({ disruptions }: Finding): number =>
  disruptions.length > 0 && !disruptions.some(isRestart) ? 1 : 0

/** Of findings, worst first. */
const answerOf = (findings: ReadonlyArray<Finding>): Answer => findings[0]?.answer ?? "Yes"

/** The four questions, answered from the state alone: the same state and options give the same answers. */
export const answer = (state: AppState, options: ChecklistOptions = {}): Checklist => {
  const settings = {
    quorum: options.quorum ?? "majority",
    maxAge: Duration.fromInputUnsafe(options.maxAge ?? "24 hours"),
    domains: options.domains ?? ["node", "rack", "zone"],
    jointQuorum: options.jointQuorum ?? false,
    target: options.target ?? null
  } as const
  const found = (question: Question) =>
    rules
      .filter((rule) => rule.question === question)
      .flatMap((rule) => rule.check({ state, settings }))
      // Of the first question, what only matters for good or for a drain comes last.
      .toSorted((a, b) => aside(a) - aside(b) || weight[a.answer] - weight[b.answer])
  const [restart, snapshot, move, restore] = [
    found("restart"),
    found("snapshot"),
    found("move"),
    found("restore")
  ]
  const disruptions = disruptionsOf(state, restart)
  return [
    {
      question: "restart",
      answer: worst(disruptions.flatMap((one) => (one.disruption.endsWith("Restarts") ? [one.answer] : []))),
      disruptions,
      findings: restart
    },
    { question: "snapshot", answer: answerOf(snapshot), level: levelOf(state), findings: snapshot },
    { question: "move", answer: answerOf(move), needs: needsOnTarget(state), findings: move },
    { question: "restore", answer: answerOf(restore), newest: newestOf(state), findings: restore }
  ]
}
