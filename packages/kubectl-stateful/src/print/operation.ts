/** Operations: their results, and the list of them. */
import { nameOf } from "@kubectl-stateful/sdk/App"
import type { Entry } from "@kubectl-stateful/sdk/operation/Journal"
import type { OperationResult } from "@kubectl-stateful/sdk/operation/Progress"
import * as Effect from "effect/Effect"
import { age } from "./age.ts"
import { appText } from "./appText.ts"
import { clonedText } from "./clone.ts"
import { documentText } from "./document.ts"
import { operationDocument, operationPage, stepStates } from "./operationPage.ts"
import { restoredText } from "./restore.ts"
import { importedText, prunedText, takenText } from "./snapshot.ts"
import { type Room, table } from "./table.ts"
import { ended, type Printable, visible } from "./terminal.ts"
import { render } from "./text.ts"

const words = ({ outcome, aborted }: OperationResult): string => {
  if (outcome === "Unchanged") return "unchanged"
  const done = aborted ? "scale aborted" : "scaled"
  return outcome === "Incomplete" ? `${done}, with deviations` : done
}

/** `statefulset.apps/db scaled`, or the result as a document. */
export const resultText = (result: OperationResult, output: string | undefined): Effect.Effect<Printable> => {
  if (output === "json" || output === "yaml") return documentText(result, output)
  if (result.verb === "snapshot") return Effect.succeed(takenText(result, output))
  if (result.verb === "clone" || result.verb === "release") return Effect.succeed(clonedText(result, output))
  if (result.verb === "restore") return Effect.succeed(restoredText(result, output))
  if (result.verb === "prune") return Effect.succeed(prunedText(result, output))
  if (result.verb === "import") return Effect.succeed(importedText(result, output))
  const name = appText(result.app)
  return Effect.succeed(ended([visible(output === "name" ? name : `${name} ${words(result)}`)]))
}

const header = ["ID", "VERB", "APP", "PHASE", "HOLDER", "AGE", "MESSAGE"]

/** The list, newest first; `namespaces`: it is of more than one. */
export const operationsText = (
  entries: ReadonlyArray<Entry>,
  output: string | undefined,
  now: string,
  { namespaces, ...room }: Room & { readonly namespaces: boolean }
): Effect.Effect<Printable> => {
  if (output === "json" || output === "yaml") {
    const items = entries.map(operationDocument)
    const list = { apiVersion: "kubectl-stateful.dev/v1", kind: "OperationList", items }
    return documentText(list, output)
  }
  if (output === "name") {
    return Effect.succeed(ended(entries.map(({ plan }) => visible(`operation/${plan.id}`))))
  }
  const rows = entries.map(({ plan, status }) => ({
    cells: [
      ...(namespaces ? [plan.home] : []),
      plan.id,
      plan.verb,
      nameOf(plan.app),
      status.phase,
      status.holder,
      age(status.started, now),
      status.message ?? ""
    ]
  }))
  return Effect.succeed(render(table(namespaces ? ["NAMESPACE", ...header] : header, rows, room), false))
}

/** One operation with its steps. */
export const operationText = (
  entry: Entry,
  output: string | undefined,
  now: string,
  room: Room
): Effect.Effect<Printable> => {
  if (output === "json" || output === "yaml") {
    const head = { apiVersion: "kubectl-stateful.dev/v1", kind: "Operation" }
    return documentText({ ...head, ...operationDocument(entry), steps: stepStates(entry) }, output)
  }
  if (output === "name") return Effect.succeed(ended([visible(`operation/${entry.plan.id}`)]))
  return Effect.succeed(render(operationPage(entry, now, room), false))
}
