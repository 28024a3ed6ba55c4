/** A plan, before anything is done. */
import { printYaml } from "@kubectl-stateful/sdk/Manifest"
import type { ScalePlan } from "@kubectl-stateful/sdk/Scale"
import { describe } from "@kubectl-stateful/sdk/Scale"
import * as Effect from "effect/Effect"
import { visible, visibleJson } from "./terminal.ts"

const list = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)]

const text = (plan: ScalePlan, mode: string): string =>
  [
    ...plan.effects,
    ...list(
      "Steps",
      plan.steps.map((step, index) => `${index + 1}. ${describe(plan.app.name, step)}`)
    ),
    ...list("Warnings", plan.warnings),
    ...list(
      "Refused",
      plan.refusals.map(({ reason, remedy }) => `${reason}; ${remedy}`)
    ),
    ...list("Not checked", plan.unchecked),
    `statefulset.apps/${plan.app.name} ${plan.refusals.length > 0 ? "would be refused" : "scaled"} (${mode} dry run)`
  ]
    .map((line) => `${visible(line)}\n`)
    .join("")

/** As `-o` asks; `mode` is `client` or `server`. */
export const planText = (
  plan: ScalePlan,
  output: string | undefined,
  mode: string
): Effect.Effect<string> => {
  if (output === "json") return Effect.succeed(`${visibleJson(JSON.stringify(plan, null, 4))}\n`)
  if (output === "yaml") return printYaml(plan)
  if (output === "name") return Effect.succeed(`statefulset.apps/${visible(plan.app.name)}\n`)
  return Effect.succeed(text(plan, mode))
}
