/** The four questions: a card each, and below them every finding with its evidence and what to do. */
import {
  type Answer,
  type Finding,
  needText,
  type RestartVerdict,
  type Verdict,
  isRestart
} from "@kubectl-stateful/sdk/Checklist"
import { age } from "../print/age.ts"
import { answerSpan, disruptionTitles, questions, terms } from "../print/checklist.ts"
import { type Html, markup, type Part } from "./Html.ts"
import { areClaimsRead, grade, prose, signs, table, toneOf } from "./pieces.ts"
import type { Report } from "./Report.ts"
import { counted } from "@kubectl-stateful/sdk/Plural"

type App = Report["application"]

const capital = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`

/** The facts that decide the answer; with a yes, those that support it. */
const deciding = ({ answer, findings }: Verdict): ReadonlyArray<Finding> =>
  findings.filter((finding) => finding.answer === answer)

const areBackupsRead = (app: App): boolean =>
  areClaimsRead(app) && app.protection.snapshots !== null && app.protection.copies !== null

/** Of a question, in a line: what its terminal output says besides the findings. */
const remarks = (verdict: Verdict, app: App): ReadonlyArray<string> => {
  switch (verdict.question) {
    case "restart":
      return []
    case "snapshot":
      return verdict.level === null
        ? []
        : [
            verdict.level === "group"
              ? "While running: all claims as one group."
              : "While running: each claim separately."
          ]
    case "move":
      return verdict.needs.length === 0
        ? []
        : [`Requires on the target: ${verdict.needs.map(needText).join(", ")}.`]
    case "restore":
      if (verdict.newest === null) return areBackupsRead(app) ? ["Latest backup: none."] : []
      return [
        `Latest backup: ${verdict.newest.name}, ${age(verdict.newest.taken, app.observed)} ago, ${verdict.newest.elsewhere ? "elsewhere" : "on the same storage"}.`
      ]
    default:
      return verdict satisfies never
  }
}

/** Of the first question, what decides the two restarts. */
const isOfRestarts = ({ disruptions }: Finding): boolean =>
  disruptions.length === 0 || disruptions.some(isRestart)

/** The answer to each disruption, as short as can be. */
const shortDisruptions = ({ disruptions }: RestartVerdict): Html =>
  markup`<ul>${disruptions.map(
    ({ disruption, answer }) =>
      markup`<li><span class="${toneOf(answer)}"><span aria-hidden="true">${signs[answer]}</span> ${answerSpan(answer).text}</span>: ${disruptionTitles[disruption]}</li>`
  )}</ul>`

const card = (verdict: Verdict): Html => {
  const reasons = deciding(verdict)
  const own = verdict.question === "restart" ? reasons.filter(isOfRestarts) : reasons
  const [first, ...more] = own
  return markup`<li class="${toneOf(verdict.answer)}">
<div>${grade(verdict.answer)}</div>
<a href="#${verdict.question}">${capital(questions[verdict.question])}</a>
<p>${first === undefined ? null : prose(first.evidence)}${more.length === 0 ? null : markup` <span class="soft">and ${counted(more.length, "more reason")}</span>`}</p>
${verdict.question === "restart" ? shortDisruptions(verdict) : null}
</li>
`
}

const findingItem = (finding: Finding, about: Part = null): Html =>
  markup`<li class="${toneOf(finding.answer)}">
    <p>${grade(finding.answer)} ${prose(finding.evidence)}</p>
    ${finding.answer === "Yes" || finding.remedy === null ? null : markup`<p><span class="todo">What to do:</span> ${prose(finding.remedy)}</p>`}
    <p class="rule">${about}rule ${finding.rule}</p>
  </li> `

const findingsOf = (findings: ReadonlyArray<Finding>): Html => {
  const about = ({ disruptions }: Finding): Part =>
    disruptions.length === 0 ? null : `${disruptions.map((one) => disruptionTitles[one]).join(", ")}; `
  const open = findings.filter(({ answer }) => answer !== "Yes")
  const passed = findings.filter(({ answer }) => answer === "Yes")
  return markup`${
    open.length === 0
      ? null
      : markup`<ul class="findings">
          ${open.map((one) => findingItem(one, about(one)))}
        </ul>`
  }${
    passed.length === 0
      ? null
      : markup`<details${open.length === 0 ? markup` open` : null}><summary>${counted(passed.length, "rule")} passed</summary><ul class="findings">${passed.map((one) => findingItem(one, about(one)))}</ul></details>`
  }`
}

/** What the two restarts and the losses come to, one by one. */
const disruptionTable = ({ disruptions }: RestartVerdict): Html =>
  table(
    "The answer for each disruption",
    [{ title: "Disruption" }, { title: "Answer", layout: "tight" }, { title: "Because", layout: "wide" }],
    disruptions.map((one) => {
      const more = terms(one)
      return [
        capital(disruptionTitles[one.disruption]),
        grade(one.answer),
        [prose(one.evidence), more === "" ? null : markup` <span class="note">${more}</span>`]
      ]
    })
  )

const detail = (verdict: Verdict, app: App): Html =>
  markup`<section id="${verdict.question}" aria-labelledby="${verdict.question}-title">
    <h3 id="${verdict.question}-title">Can it ${questions[verdict.question]} ${grade(verdict.answer)}</h3>
    ${remarks(verdict, app).map((text) => markup`<p class="soft">${text}</p>`)}
    ${verdict.question === "restart" ? disruptionTable(verdict) : null} ${findingsOf(verdict.findings)}
  </section> `

/** The grades in words, for a first-time reader of the page. */
const meaning: ReadonlyArray<readonly [Answer, string]> = [
  ["Yes", "it stays up"],
  ["YesWithDowntime", "it recovers by itself"],
  ["No", "it needs manual work, or loses data"],
  ["Unknown", "it could not be read or decided"]
]

/** The four answers at a glance. */
export const answers = ({ application }: Report): Html =>
  markup`<section id="answers" aria-labelledby="answers-title">
<h2 id="answers-title">Can this application ...</h2>
<ul class="cards">
${application.checklist.map(card)}</ul>
<ul class="legend" aria-label="Grades">${meaning.map(([answer, text]) => markup`<li>${grade(answer)} ${text}</li>`)}</ul>
</section>
`

/** Each answer with all its findings. */
export const reasons = ({ application }: Report): Html =>
  markup`<section id="reasons" aria-labelledby="reasons-title">
<h2 id="reasons-title">Why, and what to do</h2>
${application.checklist.map((verdict) => detail(verdict, application))}
</section>
`
