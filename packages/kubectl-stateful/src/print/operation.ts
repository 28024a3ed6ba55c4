/** The list of operations. */
import { nameOf } from "@kubectl-stateful/sdk/App"
import type { Entry } from "@kubectl-stateful/sdk/operation/Journal"
import * as Effect from "effect/Effect"
import { age } from "./age.ts"
import { documentText } from "./document.ts"
import { type Room, table } from "./table.ts"
import { ended, type Printable, visible } from "./terminal.ts"
import { render } from "./text.ts"

/** An item of `-o json`. */
export const operationDocument = ({ plan, status }: Entry) => ({
  id: plan.id,
  verb: plan.verb,
  app: plan.app,
  effects: plan.effects,
  ...status
})

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
