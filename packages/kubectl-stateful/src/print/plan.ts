/** A plan, before anything is done. */
import type { AnyPlan } from "@kubectl-stateful/sdk/operation/Plan"
import { describeSteps } from "@kubectl-stateful/sdk/Verbs"
import * as Effect from "effect/Effect"
import { documentText } from "./document.ts"
import { appText } from "./appText.ts"
import type { Room } from "./table.ts"
import { ended, type Printable, visible } from "./terminal.ts"
import { wrap, wrapAdvice } from "./text.ts"

/** A line, and the indentation of its continuation. */
interface Item {
  readonly lead: string
  readonly text: string
}

const list = (title: string, items: ReadonlyArray<Item>): ReadonlyArray<Item> =>
  items.length === 0 ? [] : [{ lead: "", text: `${title}:` }, ...items]

const plain = (text: string): Item => ({ lead: "  ", text })

/** On a terminal broken at words; elsewhere as it is. */
const laidOut = ({ lead, text }: Item, { columns, width }: Room): ReadonlyArray<Printable> => {
  if (width === undefined) return [visible(`${lead}${text}`)]
  const indent = lead === "" ? "  " : " ".repeat(lead.length)
  // A command in backquotes stays whole; one that is bare gets backslashes.
  const parts = (text.includes("`") ? wrap : wrapAdvice)(text, Math.min(columns, width) - indent.length)
  return parts.map((part, index) => visible(`${index === 0 ? lead : indent}${part}`))
}

const dones: Readonly<Record<string, string>> = {
  scale: "scaled",
  snapshot: "taken",
  import: "imported",
  prune: "deleted",
  restore: "restored",
  clone: "restored",
  release: "released"
}
const done = ({ steps, verb, refusals }: AnyPlan): string => {
  if (refusals.length > 0) return "would be refused"
  return steps.length === 0 ? "unchanged" : (dones[verb] ?? "done")
}

/** The subject of the plan: a snapshot, or the application. */
const nameText = ({ app, settings, verb }: AnyPlan): string => {
  if (verb === "restore" || verb === "clone") return appText(app)
  const set: unknown = Reflect.get(Object(settings), "set")
  return typeof set === "string" ? `snapshot/${set}` : appText(app)
}

const text = (plan: AnyPlan, mode: string, room: Room): Printable => {
  const steps = describeSteps(plan)
  return ended(
    [
      ...plan.effects.map((effect) => ({ lead: "", text: effect })),
      ...list(
        "Steps",
        steps.map((step, index) => ({ lead: `  ${index + 1}. `, text: step }))
      ),
      ...list("Warnings", plan.warnings.map(plain)),
      ...list(
        "Refused",
        plan.refusals.map(({ reason, remedy }) => plain(`${reason}; ${remedy}`))
      ),
      ...list("Not checked", plan.unchecked.map(plain)),
      {
        lead: "",
        text: `${nameText(plan)} ${done(plan)} (${mode} dry run)`
      }
    ].flatMap((item) => laidOut(item, room))
  )
}

/** As `-o` asks; `mode` is `client` or `server`, `room` that of the screen. */
export const planText = (
  plan: AnyPlan,
  output: string | undefined,
  mode: string,
  room: Room
): Effect.Effect<Printable> => {
  if (output === "json" || output === "yaml") return documentText(plan, output)
  if (output === "name") return Effect.succeed(ended([visible(nameText(plan))]))
  return Effect.succeed(text(plan, mode, room))
}
