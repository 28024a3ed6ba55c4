/** Operations: their results, and the list of them. */
import type { Entry } from "@kubectl-stateful/sdk/operation/Journal"
import { printYaml } from "@kubectl-stateful/sdk/Manifest"
import type { OperationResult } from "@kubectl-stateful/sdk/operation/Report"
import * as Effect from "effect/Effect"
import { age } from "./age.ts"
import { visible, visibleJson } from "./terminal.ts"

const words = { Unchanged: "unchanged", Succeeded: "scaled", Aborted: "scale aborted" } as const

const document = (value: unknown, output: string | undefined): Effect.Effect<string> | null => {
  if (output === "json") return Effect.succeed(`${visibleJson(JSON.stringify(value, null, 4))}\n`)
  return output === "yaml" ? printYaml(value) : null
}

/** `statefulset.apps/db scaled`, or the result as a document. */
export const resultText = (result: OperationResult, output: string | undefined): Effect.Effect<string> => {
  const name = `statefulset.apps/${visible(result.app.name)}`
  return (
    document(result, output) ??
    Effect.succeed(output === "name" ? `${name}\n` : `${name} ${words[result.outcome]}\n`)
  )
}

const header = ["ID", "VERB", "APP", "PHASE", "HOLDER", "AGE", "MESSAGE"]

/** The list, newest first. */
export const operationsText = (
  entries: ReadonlyArray<Entry>,
  output: string | undefined,
  now: string
): Effect.Effect<string> => {
  const items = entries.map(({ plan, progress }) => ({
    id: plan.id,
    verb: plan.verb,
    app: plan.app,
    effects: plan.effects,
    ...progress
  }))
  const made = document({ apiVersion: "kubectl-stateful.dev/v1", kind: "OperationList", items }, output)
  if (made !== null) return made
  if (output === "name") return Effect.succeed(entries.map(({ plan }) => `operation/${plan.id}\n`).join(""))
  const rows = entries.map(({ plan, progress }) =>
    [
      plan.id,
      plan.verb,
      plan.app.name,
      progress.phase,
      progress.holder,
      age(progress.started, now),
      progress.message ?? ""
    ].map(visible)
  )
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0))
  )
  const lines = [header, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("   ")
      .trimEnd()
  )
  return Effect.succeed(lines.map((line) => `${line}\n`).join(""))
}
