/** Operations with their steps in time, and for how long members were frozen. */
import { format } from "@kubectl-stateful/sdk/GoDuration"
import { isOver } from "@kubectl-stateful/sdk/operation/Phase"
import type { Pass, StepState } from "../print/operationPage.ts"
import { type Html, markup, type Part } from "./Html.ts"
import { outline, prose, table, time, timeAndAge } from "./pieces.ts"
import type { Report } from "./Report.ts"

type Operation = Report["operations"]["items"][number]
type Proof = NonNullable<Report["snapshots"]["items"][number]["quiesced"]>

const took = ({ started, ended }: { readonly started: string; readonly ended: string | null }): string =>
  // What somebody wrote into a journal may be no time.
  ended === null ? "" : format(Math.max(0, Date.parse(ended) - Date.parse(started) || 0))

/** What its snapshot's members have confirmed; `null` if it has none, or none was quiesced. */
const proofOf = (report: Report, { id }: Operation): Proof | null =>
  report.snapshots.items.find(({ quiesced }) => quiesced?.operation === id)?.quiesced ?? null

/** The longest time that a member was held. */
const longest = ({ members }: Proof): number => Math.max(0, ...members.map(({ millis }) => millis))

const freezeText = (operation: Operation, proof: Proof | null): string => {
  const { freeze } = operation
  if (freeze === null) return "<none>"
  const what = freeze.inStages ? "held, no writes blocked" : "frozen"
  if (proof !== null) return `${what}, up to ${format(longest(proof))} each`
  if (freeze.started === null) return "not begun"
  return `${what}, not confirmed for how long`
}

/** From a time to another as a share of the operation's own time. */
const bar = (operation: Operation, pass: Pass, isFreeze: boolean, now: string): Html => {
  const from = Date.parse(operation.started)
  const to = Math.max(from + 1, Date.parse(operation.ended ?? now))
  const share = (moment: string): number =>
    Math.min(100, Math.max(0, ((Date.parse(moment) - from) / (to - from)) * 100 || 0))
  const x = share(pass.started)
  const width = Math.max(1, share(pass.ended ?? now) - x)
  const look = isFreeze
    ? "frozen"
    : pass.state === "Succeeded"
      ? "run"
      : pass.state === "Failed"
        ? "run bad"
        : "run open"
  return markup`<svg width="100%" height="14" aria-hidden="true" focusable="false">
    <rect class="track" ${outline} x="0" y="0.5" width="100%" height="13" rx="2" />
    <rect class="${look}" x="${Math.min(x, 99)}%" y="2" width="${width}%" height="10" rx="2" />
  </svg>`
}

const state = (pass: Pass | null): string => (pass === null ? "not started" : pass.state)

const stepRows = (operation: Operation, steps: ReadonlyArray<StepState>, now: string) => {
  const isBack = steps.some(({ undone }) => undone !== null)
  return table(
    `Steps of operation ${operation.id}, with their part of its time`,
    [
      { title: "#" },
      { title: "Step", layout: "wide" },
      { title: "State", layout: "tight" },
      { title: "Took", layout: "tight" },
      ...(isBack ? [{ title: "Rolled back", layout: "tight" } as const] : []),
      { title: "When", layout: "bar" }
    ],
    steps.map(({ number, description, done, undone }, index): ReadonlyArray<Part> => {
      const isFreeze = operation.freeze?.step === index
      return [
        number,
        [description, isFreeze ? markup` <span class="note">freeze window</span>` : null],
        state(done),
        done === null ? "" : took(done),
        ...(isBack ? [state(undone)] : []),
        done === null ? "" : bar(operation, done, isFreeze, now)
      ]
    })
  )
}

const freezeTable = ({ id, freeze }: Operation, proof: Proof): Html =>
  table(
    `Freeze of operation ${id}: how long each member was ${freeze?.inStages === true ? "held" : "quiesced"}, of its limit`,
    [
      { title: "Member", layout: "id" },
      { title: "For", layout: "tight" },
      { title: "Limit", layout: "tight" },
      { title: "Part of the limit", layout: "bar" }
    ],
    proof.members.map(({ pod, millis }) => [
      pod,
      format(millis),
      format(proof.deadline),
      markup`<svg width="100%" height="14" aria-hidden="true" focusable="false">
        <rect class="track" ${outline} x="0" y="0.5" width="100%" height="13" rx="2" />
        <rect
          class="frozen"
          x="0"
          y="2"
          width="${Math.min(100, Math.max(1, (millis / Math.max(1, proof.deadline)) * 100))}%"
          height="10"
          rx="2"
        />
      </svg>`
    ])
  )

const window = ({ freeze }: Operation): Html | null =>
  freeze === null || freeze.started === null
    ? null
    : markup`<p>
        Freeze window: within ${time(freeze.started)} to
        ${freeze.ended === null ? "<unknown>" : time(freeze.ended)}; ${freeze.members.join(", ")} would have
        been released after ${format(freeze.deadline)}.
      </p>`

const detail = (report: Report, operation: Operation): Html => {
  const proof = proofOf(report, operation)
  const isOpen = !isOver(operation.phase)
  return markup`<details${isOpen || proof !== null ? markup` open` : null}>
<summary>Operation ${operation.id}: ${operation.verb}, ${operation.phase}${operation.freeze === null ? null : ", with a freeze"}</summary>
${operation.effects.length === 0 ? null : markup`<p>${operation.effects.join("; ")}</p>`}
${operation.next === null ? null : markup`<p><span class="todo">What to do:</span> ${prose(operation.next)}</p>`}
${window(operation)}
${proof === null ? null : freezeTable(operation, proof)}
${operation.steps.length === 0 ? markup`<p class="soft">Its steps are unknown to this version.</p>` : stepRows(operation, operation.steps, report.created)}
</details>
`
}

const list = (report: Report): Html =>
  table(
    "Operations, newest first",
    [
      { title: "ID", layout: "id" },
      { title: "Verb" },
      { title: "Phase", layout: "tight" },
      { title: "Started", layout: "tight" },
      { title: "Freeze", layout: "tight" },
      { title: "Holder", layout: "id" },
      { title: "Message", layout: "wide" }
    ],
    report.operations.items.map((one) => [
      one.id,
      one.verb,
      isOver(one.phase)
        ? one.phase
        : markup`<span class="doubt">${one.phase}${one.aborting ? " (rolling back)" : ""}</span>`,
      [
        timeAndAge(one.started, report.created),
        markup`<span class="note">${one.ended === null ? "unfinished" : `took ${took(one)}`}</span>`
      ],
      freezeText(one, proofOf(report, one)),
      one.holder,
      one.message ?? ""
    ])
  )

export const operations = (report: Report): Html => {
  const { items, unread } = report.operations
  return markup`<section id="operations" aria-labelledby="operations-title">
    <h2 id="operations-title">Operations</h2>
    ${unread.map((message) => markup`<p class="alert">Not read: ${message}</p>`)}
    ${items.length > 0 ? list(report) : unread.length > 0 ? null : markup`<p>No operation of kubectl-stateful is recorded.</p>`}
    ${items.map((one) => detail(report, one))}
  </section> `
}
