/** One operation: its holder, its progress, and the commands that continue it. */
import type { Entry, Mark, StepTime } from "@kubectl-stateful/sdk/operation/Journal"
import { wayOn } from "@kubectl-stateful/sdk/operation/OperationId"
import { isOver } from "@kubectl-stateful/sdk/operation/Phase"
import { describeSteps } from "@kubectl-stateful/sdk/Verbs"
import * as Effect from "effect/Effect"
import { age } from "./age.ts"
import { appText } from "./appText.ts"
import { documentText } from "./document.ts"
import { operationDocument } from "./operation.ts"
import { field, type Room, table } from "./table.ts"
import { ended, type Printable, visible } from "./terminal.ts"
import { blank, type Line, line, render } from "./text.ts"

/** The column of the values. */
const valueColumn = 13

type State = Mark[number]["state"]

/** The progress of one step, or of its undo. */
export interface Pass extends StepTime {
  readonly state: State
}

/** One step from the journal; `null` if it was not started or, in an older journal, not recorded. */
export interface StepState {
  readonly number: number
  readonly description: string
  readonly done: Pass | null
  readonly undone: Pass | null
}

/** The worst of a step's outcomes comes first. */
const order: ReadonlyArray<State> = ["Failed", "Unknown", "Begun", "Succeeded"]

/** The steps of its plan with what the journal says of each; none if this version does not know the verb. */
export const stepStates = ({ plan, status }: Entry): ReadonlyArray<StepState> => {
  const pass = (key: string): Pass | null => {
    const time = status.times?.[key]
    if (time === undefined) return null
    const marked = order.find((state) => status.marks[key]?.some((one) => one.state === state))
    return { state: marked ?? (time.ended === null ? "Begun" : "Succeeded"), ...time }
  }
  return describeSteps(plan).map((description, index) => ({
    number: index + 1,
    description,
    done: pass(`${index}`),
    undone: pass(`undo ${index}`)
  }))
}

const when = (moment: string, now: string): string => `${moment} (${age(moment, now)} ago)`

/** Everything that is known of one operation. */
export const operationPage = (entry: Entry, now: string, room: Room): ReadonlyArray<Line> => {
  const { plan, status } = entry
  const { columns } = room
  const fields: ReadonlyArray<readonly [string, string | null]> = [
    ["Operation", plan.id],
    ["Verb", plan.verb],
    ["Application", appText(plan.app)],
    ["Namespace", plan.home],
    ["Phase", status.aborting && !isOver(status.phase) ? `${status.phase} (rolling back)` : status.phase],
    ["Holder", status.holder],
    ["Started", when(status.started, now)],
    ["Finished", status.ended === null ? null : when(status.ended, now)],
    ["Message", status.message],
    ["Next", isOver(status.phase) ? null : wayOn(plan)]
  ]
  const steps = stepStates(entry)
  const isBack = steps.some(({ undone }) => undone !== null)
  const cells = (pass: Pass | null): ReadonlyArray<string> =>
    pass === null
      ? ["-", "", ""]
      : [pass.state, age(pass.started, now), pass.ended === null ? "" : age(pass.started, pass.ended)]
  return [
    ...fields.flatMap(([title, value]) =>
      value === null ? [] : field(title, [value], columns, valueColumn)
    ),
    ...(plan.effects.length === 0 ? [] : field("Effects", plan.effects, columns, valueColumn)),
    ...(steps.length === 0
      ? []
      : [
          blank,
          line("Steps:"),
          ...table(
            ["#", "STATE", "AGE", "TOOK", ...(isBack ? ["UNDO", "AGE", "TOOK"] : []), "STEP"],
            steps.map(({ number, done, undone, description }) => ({
              cells: [`${number}`, ...cells(done), ...(isBack ? cells(undone) : []), description]
            })),
            room
          )
        ])
  ]
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
