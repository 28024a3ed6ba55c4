/** One operation: who runs it, how far it has come, and what becomes of it next. */
import type { Entry, Mark } from "@kubectl-stateful/sdk/operation/Journal"
import { wayOn } from "@kubectl-stateful/sdk/operation/OperationId"
import { isOver } from "@kubectl-stateful/sdk/operation/Phase"
import { describeSteps } from "@kubectl-stateful/sdk/Verbs"
import { age } from "./age.ts"
import { appText } from "./appText.ts"
import { field, type Room, table } from "./table.ts"
import { blank, type Line, line } from "./text.ts"

/** Where the values start. */
const valueColumn = 13

/** How far one step has come, as the journal has it. */
export interface StepState {
  readonly number: number
  readonly description: string
  /** `null`: not begun. */
  readonly state: Mark[number]["state"] | null
  /** The same of its undo, once an abort has begun. */
  readonly undo: Mark[number]["state"] | null
}

/** The worst of a step's outcomes comes first. */
const order: ReadonlyArray<Mark[number]["state"]> = ["Failed", "Unknown", "Begun", "Succeeded"]

const worst = (mark: Mark | undefined): StepState["state"] =>
  order.find((state) => mark?.some((one) => one.state === state)) ?? null

/** The steps of its plan with what the journal says of each; none if this version does not know the verb. */
export const stepStates = ({ plan, status }: Entry): ReadonlyArray<StepState> =>
  describeSteps(plan).map((description, index) => ({
    number: index + 1,
    description,
    state: worst(status.marks[`${index}`]),
    undo: worst(status.marks[`undo ${index}`])
  }))

/** An item of `-o json`. */
export const operationDocument = ({ plan, status }: Entry) => ({
  id: plan.id,
  verb: plan.verb,
  app: plan.app,
  effects: plan.effects,
  ...status
})

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
  const isBack = steps.some(({ undo }) => undo !== null)
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
            ["#", "STATE", ...(isBack ? ["UNDO"] : []), "STEP"],
            steps.map(({ number, state, undo, description }) => ({
              cells: [`${number}`, state ?? "-", ...(isBack ? [undo ?? "-"] : []), description]
            })),
            room
          )
        ])
  ]
}
