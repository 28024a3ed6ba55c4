/**
 * `describe --exit-code restart,snapshot`: answers that a pipeline asks for.
 */
import { type Answer, type Checklist, Disruption, Question } from "@kubectl-stateful/sdk/Checklist"
import { string } from "@oclif/core/flags"
import type { Answered } from "../print/list.ts"
import { Usage } from "../command/usage.ts"

export const exitCodeFlag = {
  "exit-code": string({
    summary:
      "Exit with code 1 if any of these questions is answered No or Unknown, or worse than QUESTION=ANSWER.",
    helpValue: "QUESTION,..."
  })
}

/** A question, or one disruption of the first, and the worst answer that will do. */
export interface Demand {
  readonly name: Question | Disruption
  readonly atLeast: Answer
}

/** Best first. */
const grades: ReadonlyArray<Answer> = ["Yes", "YesWithDowntime", "Unknown", "No"]

const known: ReadonlyArray<Question | Disruption> = [...Question.literals, ...Disruption.literals]

const spelled = <A extends string>(all: ReadonlyArray<A>, text: string): A | undefined =>
  all.find((one) => one.toLowerCase() === text.toLowerCase())

/** Parses `restart,snapshot=Yes`; without an answer, No and Unknown fail. */
export const demands = (text: string): ReadonlyArray<Demand> =>
  text.split(",").map((item) => {
    const [word = "", grade, ...more] = item.trim().split("=")
    const name = spelled(known, word)
    if (name === undefined)
      throw new Usage(`--exit-code: unknown question "${word}"`, `use any of ${known.join(", ")}`)
    const atLeast = grade === undefined ? "YesWithDowntime" : spelled(grades, grade)
    if (atLeast === undefined || more.length > 0)
      throw new Usage(
        `--exit-code: invalid answer "${item.trim()}"`,
        `give ${name}=${grades.slice(0, 3).join(`, ${name}=`)}`
      )
    return { name, atLeast }
  })

const answerTo = (checklist: Checklist, name: Demand["name"]): Answer => {
  const verdict = checklist.find(({ question }) => question === name)
  if (verdict !== undefined) return verdict.answer
  return (
    checklist
      .flatMap((one) => (one.question === "restart" ? one.disruptions : []))
      .find(({ disruption }) => disruption === name)?.answer ?? "Unknown"
  )
}

/** One line for each demand that an application does not meet. */
export const unmet = (
  { checklist, state }: Answered,
  all: ReadonlyArray<Demand>,
  allNamespaces: boolean
): ReadonlyArray<string> =>
  all.flatMap(({ name, atLeast }) => {
    const answer = answerTo(checklist, name)
    return grades.indexOf(answer) <= grades.indexOf(atLeast)
      ? []
      : [
          `${allNamespaces ? `${state.namespace}/` : ""}${state.name}: ${name} is ${answer}, expected at least ${atLeast}`
        ]
  })

/**
 * The unmet demands of all applications. Without applications it fails: the name of the namespace may be
 * misspelled.
 */
export const unmetBy = (
  apps: ReadonlyArray<Answered>,
  asked: ReadonlyArray<Demand>,
  allNamespaces: boolean
): ReadonlyArray<string> =>
  apps.length === 0
    ? asked.map(({ name }) => `${name}: no StatefulSets found`)
    : apps.flatMap((app) => unmet(app, asked, allNamespaces))
