/** A plan, before anything is done. */
import type { AnyPlan } from "@kubectl-stateful/sdk/operation/Plan"
import { describeSteps } from "@kubectl-stateful/sdk/Verbs"
import * as Effect from "effect/Effect"
import { documentText } from "./document.ts"
import { appText } from "./appText.ts"
import { ended, type Printable, visible } from "./terminal.ts"

const list = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)]

const dones: Readonly<Record<string, string>> = {
  scale: "scaled",
  snapshot: "taken",
  import: "imported",
  prune: "deleted",
  restore: "restored",
  clone: "restored",
  release: "released"
}
const done = (verb: string): string => dones[verb] ?? "done"

/** What the plan is about: a snapshot, or the application. */
const nameText = ({ app, settings, verb }: AnyPlan): string => {
  if (verb === "restore" || verb === "clone") return appText(app)
  const set: unknown = Reflect.get(Object(settings), "set")
  return typeof set === "string" ? `snapshot/${set}` : appText(app)
}

const text = (plan: AnyPlan, mode: string): Printable =>
  ended(
    [
      ...plan.effects,
      ...list(
        "Steps",
        describeSteps(plan).map((step, index) => `${index + 1}. ${step}`)
      ),
      ...list("Warnings", plan.warnings),
      ...list(
        "Refused",
        plan.refusals.map(({ reason, remedy }) => `${reason}; ${remedy}`)
      ),
      ...list("Not checked", plan.unchecked),
      `${nameText(plan)} ${plan.refusals.length > 0 ? "would be refused" : done(plan.verb)} (${mode} dry run)`
    ].map(visible)
  )

/** As `-o` asks; `mode` is `client` or `server`. */
export const planText = (
  plan: AnyPlan,
  output: string | undefined,
  mode: string
): Effect.Effect<Printable> => {
  if (output === "json" || output === "yaml") return documentText(plan, output)
  if (output === "name") return Effect.succeed(ended([visible(nameText(plan))]))
  return Effect.succeed(text(plan, mode))
}
