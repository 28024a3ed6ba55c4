/**
 * Many applications: one line each, with the four answers.
 */
import type { Checklist, Question, Verdict } from "@kubectl-stateful/sdk/Checklist"
import type { AppState } from "@kubectl-stateful/sdk/State"
import { age } from "./age.ts"
import { answerSpan, type Page } from "./checklist.ts"
import { type Row, table } from "./table.ts"
import { type Line, type Span, span } from "./text.ts"

/** An application and its answers. */
export interface Answered {
  readonly state: AppState
  readonly checklist: Checklist
}

const columnsOfAnswers: ReadonlyArray<Question> = ["restart", "snapshot", "move", "restore"]

/** Short forms of the answers. */
const downtime: Readonly<Record<Question, string>> = {
  restart: "Downtime",
  snapshot: "Offline",
  move: "Downtime",
  restore: "Downtime"
}

const short = (verdict: Verdict, state: AppState): Span => {
  const { text, tone } = answerSpan(verdict.answer)
  const word = verdict.answer === "YesWithDowntime" ? downtime[verdict.question] : text
  return verdict.question === "restore" && verdict.newest !== null
    ? span(`${word}, ${age(verdict.newest.taken, state.observed)}`, tone)
    : span(word, tone)
}

const row = ({ state, checklist }: Answered, namespaces: boolean, wide: boolean): Row => {
  const sum = (of: "ready" | "replicas") =>
    state.workloads.reduce((total, workload) => total + workload[of], 0)
  const ready = `${sum("ready")}/${sum("replicas")}`
  const created = state.workloads.map((workload) => workload.created).toSorted()[0] ?? null
  const images = [...new Set(state.workloads.flatMap((workload) => workload.images))]
  return {
    cells: [
      ...(namespaces ? [state.namespace] : []),
      state.name,
      span(ready, sum("ready") < sum("replicas") ? "bad" : "plain"),
      ...columnsOfAnswers.map((question) => {
        const verdict = checklist.find((one) => one.question === question)
        return verdict === undefined ? answerSpan("Unknown") : short(verdict, state)
      }),
      age(created, state.observed),
      ...(wide ? [String(state.claims.length), images.join(",") || "<none>"] : [])
    ]
  }
}

/** The table of `describe` without a name. */
export const listTable = (
  apps: ReadonlyArray<Answered>,
  options: Page & { readonly namespaces: boolean }
): ReadonlyArray<Line> =>
  table(
    [
      ...(options.namespaces ? ["NAMESPACE"] : []),
      "NAME",
      "READY",
      "RESTART",
      "SNAPSHOT",
      "MOVE",
      "RESTORE",
      "AGE",
      ...(options.wide ? ["CLAIMS", "IMAGES"] : [])
    ],
    apps.map((app) => row(app, options.namespaces, options.wide)),
    options
  )
