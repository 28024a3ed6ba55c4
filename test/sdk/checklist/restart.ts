/** What the tests of the restart question share. */
import { first, healthyApp } from "../appState.ts"
import { answer } from "../../../packages/sdk/src/Checklist.ts"
import { type Case } from "./cases.ts"
import { restartCases } from "./restart.cases.ts"

export const told = (...args: Parameters<typeof healthyApp>) =>
  (answer(healthyApp(...args)).find((one) => one.question === "restart")?.findings ?? [])
    .filter((one) => one.answer !== "Yes")
    .map((one) => one.rule)

export const caseOf = (rule: string) => {
  const found = restartCases.find((one) => one.rule === rule)
  if (found === undefined) throw new Error(`no case for ${rule}`)
  return found
}

/** Its one pod is that of a Deployment. */
export const deployed = (draft: Parameters<Case["change"]>[0]) => {
  Object.assign(first(draft.workloads), { kind: "Deployment", replicas: 1, claimTemplates: [] })
  draft.replicas = draft.replicas.slice(0, 1)
  first(draft.replicas).workload = "Deployment/db"
}

/** Two copies of a Deployment on one node. */
export const copies = (draft: Parameters<Case["change"]>[0]) => {
  Object.assign(first(draft.workloads), { kind: "Deployment", replicas: 2, claimTemplates: [] })
  draft.replicas = draft.replicas.slice(0, 2)
  for (const replica of draft.replicas) replica.workload = "Deployment/db"
}
