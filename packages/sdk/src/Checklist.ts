/**
 * The four questions about a stateful application, each answered with evidence and a remedy.
 *
 * Pure over AppState. The rules are listed in docs/checklist.md. The answer to a question is the
 * worst result of its rules: `No`, then `Unknown`, `YesWithDowntime`, `Yes`.
 */
import * as Duration from "effect/Duration"
import { disruptionsOf, weight, worst } from "./checklist/disruptions.ts"
import { moveRules } from "./checklist/move.ts"
import { Need, needsOnTarget, needText } from "./checklist/needs.ts"
import { restartRules } from "./checklist/restart.ts"
import { newestOf, restoreRules } from "./checklist/restore.ts"
import type { Domain, Rule, Target } from "./checklist/rule.ts"
import { levelOf, snapshotRules } from "./checklist/snapshot.ts"
import { type Answer, type Checklist, type Finding, isRestart, type Question } from "./checklist/verdict.ts"
import type { Quorum } from "./Quorum.ts"
import type { AppState } from "./state/AppState.ts"

export type { Domain, Rule, Target }
export { Need, needText }

export {
  Question,
  Answer,
  Disruption,
  isRestart,
  Finding,
  DisruptionVerdict,
  CutLevel,
  type QuestionVerdict,
  RestartVerdict,
  SnapshotVerdict,
  MoveVerdict,
  NewestCopy,
  RestoreVerdict,
  Verdict,
  Checklist
} from "./checklist/verdict.ts"

export interface ChecklistOptions {
  /** The number of replicas of each StatefulSet that must stay; default `majority`. */
  readonly quorum?: Quorum
  /** The maximum age of the newest snapshot and of the newest copy; default 24 hours. */
  readonly maxAge?: Duration.Input
  /**
   * True if the StatefulSets are members of one application, such as one for each rack or shard, and quorum
   * is over all of them; default false.
   */
  readonly jointQuorum?: boolean
  /** Failure domains that may be lost; default node, rack and zone. Leave `rack` out if racks are unknown. */
  readonly domains?: ReadonlyArray<Domain>
  /** The cluster to move to; default: some cluster with the same classes and drivers. */
  readonly target?: Target
}

/** Every rule, by question, in the order in which findings are reported. */
export const rules: ReadonlyArray<Rule> = [...restartRules, ...snapshotRules, ...moveRules, ...restoreRules]

/** Findings of the first question that are about no restart come after those that are. */
const rank = ({ disruptions }: Finding): number =>
  disruptions.length > 0 && !disruptions.some(isRestart) ? 1 : 0

/** The answer of findings that are sorted worst first. */
const answerOf = (findings: ReadonlyArray<Finding>): Answer => findings[0]?.answer ?? "Yes"

/**
 * Answers the four questions about an application from its state. Pure: it sends no request, and the same
 * state and options give the same answers.
 *
 * **Example**:
 *
 * ```ts
 * const [restart] = answer(yield* read(statefulSet("shop", "db")))
 * ```
 */
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
      .toSorted((a, b) => rank(a) - rank(b) || weight[a.answer] - weight[b.answer])
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
      answer: worst(disruptions.flatMap((one) => (isRestart(one.disruption) ? [one.answer] : []))),
      disruptions,
      findings: restart
    },
    { question: "snapshot", answer: answerOf(snapshot), level: levelOf(state), findings: snapshot },
    { question: "move", answer: answerOf(move), needs: needsOnTarget(state), findings: move },
    { question: "restore", answer: answerOf(restore), newest: newestOf(state), findings: restore }
  ]
}
