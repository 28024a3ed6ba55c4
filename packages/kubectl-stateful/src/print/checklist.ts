/**
 * The four questions, each with its answer, the facts that decide it, and what to do.
 */
import type { Answer, Checklist, Finding, Question, Verdict } from "@kubectl-stateful/sdk/Checklist"
import { hanging, line, type Line, span, type Span, type Tone, wrapAdvice } from "./text.ts"

const questions: Readonly<Record<Question, string>> = {
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

const questionColumns = Math.max(...Object.values(questions).map((text) => text.length))
const evidenceLead = "    "
const remedyLead = "    -> "
/** Findings that a question shows before it points to the rest. */
const shownFindings = 6

/** Advice that was given is not repeated under the next question. */
type Given = Set<string>

const findingLines = (
  finding: Finding,
  verdict: Answer,
  given: Given,
  columns: number
): ReadonlyArray<Line> => {
  // Under a "No", what could not be decided is told apart.
  const doubt = finding.answer === verdict ? "" : `${words[finding.answer][0].toLowerCase()}: `
  const remedy = finding.answer === "Yes" || given.has(finding.remedy ?? "") ? null : finding.remedy
  if (remedy !== null) given.add(remedy)
  return [
    ...hanging(evidenceLead, doubt + finding.evidence, columns),
    ...(remedy === null ? [] : hanging(remedyLead, remedy, columns, wrapAdvice))
  ]
}

const verdictLines = (
  verdict: Verdict,
  wide: boolean,
  given: Given,
  columns: number
): ReadonlyArray<Line> => {
  const title = `  ${questions[verdict.question].padEnd(questionColumns)}   `
  const deciding =
    verdict.answer === "Yes"
      ? verdict.findings.slice(0, 1)
      : verdict.findings.filter((finding) => finding.answer !== "Yes")
  const shown = wide ? verdict.findings : deciding.slice(0, shownFindings)
  const more = deciding.length - shown.length
  return [
    line(title, answerSpan(verdict.answer)),
    ...shown.flatMap((finding) => findingLines(finding, verdict.answer, given, columns)),
    ...(more > 0 ? [line(`${evidenceLead}and ${more} more: -o wide shows them`)] : [])
  ]
}

/** All four. `wide` shows every rule that was looked at. */
export const checklistLines = (checklist: Checklist, wide: boolean, columns: number): ReadonlyArray<Line> => {
  const given: Given = new Set()
  return [
    line("Can this application ..."),
    ...checklist.flatMap((verdict) => verdictLines(verdict, wide, given, columns))
  ]
}
