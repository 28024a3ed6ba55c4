/**
 * The four questions, each with its answer, the facts that decide it, and what to do.
 */
import {
  type Answer,
  type Checklist,
  type Disruption,
  type Finding,
  needText,
  type Question,
  type RestartVerdict,
  type Verdict
} from "@kubectl-stateful/sdk/Checklist"
import type { AppState } from "@kubectl-stateful/sdk/State"
import { age } from "./age.ts"
import type { Room } from "./table.ts"
import { hanging, line, type Line, span, type Span, type Tone, wrapAdvice } from "./text.ts"

/** The second half of each question. */
export const questions: Readonly<Record<Question, string>> = {
  restart: "recover from a rack or server restart?",
  snapshot: "be snapshotted consistently?",
  move: "move to another cluster?",
  restore: "be restored after a disaster?"
}

const words: Readonly<Record<Answer, readonly [string, Tone]>> = {
  Yes: ["Yes", "good"],
  YesWithDowntime: ["Yes, with downtime", "doubt"],
  No: ["No", "bad"],
  Unknown: ["Unknown", "doubt"]
}

/** The answer in a word; the colour only repeats it. */
export const answerSpan = (answer: Answer): Span => span(...words[answer])

/** Right of the longest question, with its indent. */
const answerColumn = 5 + Math.max(...Object.values(questions).map((text) => text.length))
/** Findings that a question shows before it points to the rest. */
const shownFindings = 6

/**
 * Already printed, and not repeated under the next question: advice, and facts that decide several answers.
 */
interface Told {
  readonly given: Set<string>
  readonly findings: Set<Finding>
}

/** The layout of a page. `columns` is the terminal's width. */
export interface Page extends Room {
  readonly wide: boolean
}

/** The answer in its column, with its condition. */
const answerLine = (title: string, indent: string, answer: Answer, more: string): Line =>
  line(`${indent}${title}`.padEnd(answerColumn), answerSpan(answer), more)

const findingLines = (
  finding: Finding,
  answer: Answer,
  told: Told,
  lead: string,
  columns: number
): ReadonlyArray<Line> => {
  // Under a "no", what could not be decided is listed separately.
  const doubt = finding.answer === answer ? "" : `${words[finding.answer][0].toLowerCase()}: `
  const remedy = finding.answer === "Yes" || told.given.has(finding.remedy ?? "") ? null : finding.remedy
  if (remedy !== null) told.given.add(remedy)
  return [
    ...hanging(lead, doubt + finding.evidence, columns),
    ...(remedy === null ? [] : hanging(`${lead}-> `, remedy, columns, wrapAdvice))
  ]
}

/** Those that decide, at most `shownFindings` of them. */
const shownOf = (
  findings: ReadonlyArray<Finding>,
  answer: Answer,
  told: Told,
  lead: string,
  { columns, wide }: Page
): ReadonlyArray<Line> => {
  const deciding =
    answer === "Yes" ? findings.slice(0, 1) : findings.filter((finding) => finding.answer !== "Yes")
  const fresh = (wide ? findings : deciding).filter((finding) => !told.findings.has(finding))
  const shown = wide ? fresh : fresh.slice(0, shownFindings)
  for (const finding of fresh) told.findings.add(finding)
  return [
    ...shown.flatMap((finding) => findingLines(finding, answer, told, lead, columns)),
    ...(fresh.length > shown.length
      ? [line(`${lead}and ${fresh.length - shown.length} more (use -o wide)`)]
      : [])
  ]
}

export const disruptionTitles: Readonly<Record<Disruption, string>> = {
  ServerRestarts: "node restart",
  RackRestarts: "rack or zone restart",
  ServerGone: "permanent node loss",
  RackGone: "permanent rack or zone loss",
  Drain: "node drain"
}

/** The minimum downtime, and the condition of the answer. */
export const terms = ({ answer, awaySeconds, condition }: RestartVerdict["disruptions"][number]): string =>
  [
    ...(answer === "YesWithDowntime" && awaySeconds !== null && awaySeconds > 0
      ? [`for at least ${awaySeconds}s`]
      : []),
    ...(condition === null ? [] : [condition])
  ].join(", ")

const disruptionLines = (verdict: RestartVerdict, told: Told, page: Page): ReadonlyArray<Line> => {
  const decided = verdict.disruptions.flatMap((one) => {
    const { answer, disruption } = one
    const findings = verdict.findings.filter(({ disruptions }) => disruptions.includes(disruption))
    const reasons = findings.filter((finding) => finding.answer === answer && answer !== "Yes")
    const above = reasons.length > 0 && reasons.every((finding) => told.findings.has(finding))
    const hangsOn = terms(one)
    return [
      answerLine(disruptionTitles[disruption], "    ", answer, above ? ", as above" : ""),
      ...(hangsOn === "" ? [] : hanging("      ", hangsOn, page.columns)),
      ...shownOf(findings, answer, told, "      ", page)
    ]
  })
  const remarks = page.wide ? verdict.findings.filter((finding) => !told.findings.has(finding)) : []
  return [...decided, ...remarks.flatMap((one) => findingLines(one, "Yes", told, "    ", page.columns))]
}

/** The consistency of a snapshot while the application runs, if not all volumes are of one moment. */
const levelLines = (verdict: Verdict, columns: number): ReadonlyArray<Line> =>
  verdict.question === "snapshot" &&
  verdict.level !== null &&
  verdict.answer !== "Yes" &&
  verdict.answer !== "Unknown"
    ? hanging(
        "    ",
        verdict.level === "group"
          ? "while running: all claims as one group"
          : "while running: each claim separately",
        columns
      )
    : []

const newestLines = (verdict: Verdict, state: AppState, columns: number): ReadonlyArray<Line> =>
  verdict.question === "restore" && verdict.newest !== null && verdict.answer !== "Yes"
    ? hanging(
        "    ",
        `latest backup: ${verdict.newest.name}, ${age(verdict.newest.taken, state.observed)} ago, ${verdict.newest.elsewhere ? "elsewhere" : "on the same storage"}`,
        columns
      )
    : []

/** Requirements that the evidence does not name, if something prevents a move; all of them with `-o wide`. */
const needLines = (verdict: Verdict, { columns, wide }: Page): ReadonlyArray<Line> =>
  verdict.question === "move" && verdict.needs.length > 0 && (wide || verdict.answer !== "Yes")
    ? hanging("    ", `requires on the target: ${verdict.needs.map(needText).join(", ")}`, columns)
    : []

const verdictLines = (verdict: Verdict, state: AppState, told: Told, page: Page): ReadonlyArray<Line> => [
  answerLine(
    questions[verdict.question],
    "  ",
    verdict.answer,
    verdict.question === "snapshot" && verdict.answer === "Yes" && verdict.level === "group"
      ? ", as one group"
      : ""
  ),
  ...(verdict.question === "restart"
    ? disruptionLines(verdict, told, page)
    : shownOf(verdict.findings, verdict.answer, told, "    ", page)),
  ...levelLines(verdict, page.columns),
  ...needLines(verdict, page),
  ...newestLines(verdict, state, page.columns)
]

/** All four. `wide` shows every rule that was looked at. */
export const checklistLines = (checklist: Checklist, state: AppState, page: Page): ReadonlyArray<Line> => {
  const told: Told = { given: new Set(), findings: new Set() }
  return [
    line("Can this application ..."),
    ...checklist.flatMap((verdict) => verdictLines(verdict, state, told, page))
  ]
}
