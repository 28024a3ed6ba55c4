/**
 * One case a way to fail: what is changed in the well application, and what a rule then says.
 *
 * docs/checklist.md tells the same cases; Checklist.test.ts compares the two.
 */
import {
  type Answer,
  answer,
  type ChecklistOptions,
  type Finding,
  type Question
} from "../../../packages/sdk/src/Checklist.ts"
import type { AppState } from "../../../packages/sdk/src/state/AppState.ts"
import { type Draft, first, healthyApp, named } from "../appState.ts"

export interface Case {
  readonly rule: string
  readonly says: Answer
  /** Completes "says no when …". */
  readonly when: string
  readonly change: (draft: Draft<AppState>) => void
  readonly options?: ChecklistOptions
}

/** The application without claims, as if it had been made without them. */
export const withoutClaims: Case["change"] = (draft) => {
  for (const workload of draft.workloads) {
    workload.claimTemplates = []
    for (const container of workload.template.containers) container.keeps = []
  }
  draft.claims = []
}

/** Its claim is mounted above the volume that its image declares. */
export const aboveImageVolume =
  (certain: boolean): Case["change"] =>
  (draft) => {
    for (const container of draft.workloads[0]?.template.containers ?? [])
      Object.assign(container, {
        image: "postgres:17",
        keeps: ["/var/lib/postgresql"],
        imageVolumes: [{ path: "/var/lib/postgresql/data", certain }]
      })
  }

/** A claim waits for what its template would fill it from. */
export const sourceIsGone: Case["change"] = (draft) => {
  first(first(draft.workloads).claimTemplates).dataSource = {
    kind: "VolumeSnapshot",
    name: "seed",
    present: false
  }
  Object.assign(named(draft.claims, "data-db-2"), {
    phase: "Pending",
    volume: null,
    dataSource: "VolumeSnapshot/seed"
  })
}

/** And its database is one that is not known. */
export const ofUnknownImage: Case["change"] = (draft) => {
  withoutClaims(draft)
  for (const container of draft.workloads[0]?.template.containers ?? [])
    Object.assign(container, { name: "main", image: "example/ledger:1", store: null })
}

/** What this rule finds in the changed application, and the answer to its question as a whole. */
export const look = (
  question: Question,
  rule: string,
  change: (draft: Draft<AppState>) => void,
  options: ChecklistOptions = {}
): { readonly answer: Answer; readonly findings: ReadonlyArray<Finding> } => {
  const verdict = answer(healthyApp(change), options).find((one) => one.question === question)
  if (verdict === undefined) throw new Error(`${question} was not answered`)
  return { answer: verdict.answer, findings: verdict.findings.filter((finding) => finding.rule === rule) }
}

/** The finding that a case is about. */
export const finding = (question: Question, one: Case): Finding => {
  const found = look(question, one.rule, one.change, one.options).findings.find(
    (candidate) => candidate.answer === one.says
  )
  if (found === undefined) throw new Error(`${question} ${one.rule} says nothing when ${one.when}`)
  return found
}
