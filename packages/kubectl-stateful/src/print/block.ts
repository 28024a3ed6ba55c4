/**
 * Progress on a terminal: the step, and a line for each replica with its stages and what it waits for. The
 * block is rewritten in place, and never taller or wider than the terminal: scrolled or wrapped lines could
 * not be erased.
 */
import { format } from "@kubectl-stateful/sdk/GoDuration"
import type { Progress as Report } from "@kubectl-stateful/sdk/operation/Progress"
import { type Progress, reportLine, type Size } from "./report.ts"
import { columnsOf } from "./columns.ts"
import { ended, joined, nothing, type Printable, printed, type Visible, visible } from "./terminal.ts"

interface Row {
  readonly name: string
  readonly stages: Array<string>
  waits: string | null
  /** The start of its current stage. */
  since: number
  /** True once its own stage has started; its claim may be bound earlier. */
  begun: boolean
}

/** Truncated at the end, with an ellipsis. */
const cut = (text: string, columns: number): Visible => {
  let shown = visible(text)
  if (columnsOf(shown) <= columns) return shown
  const letters = Array.from(shown)
  while (letters.length > 0 && columnsOf(shown) > columns) {
    letters.pop()
    shown = visible(`${letters.join("")}…`)
  }
  return shown
}

/** `db-3   claim 1.2s   node-a 40ms   container app ContainerCreating   2.1s`. */
const rowText = ({ name, stages, waits, since }: Row, now: number | null, columns: number): Visible => {
  // Of the stages that are over, the last ones; of the time, as much as a wait has taken.
  const time = now === null || waits === null ? "" : `   ${format(Math.max(0, now - since))}`
  for (let from = 0; from <= stages.length; from += 1) {
    const parts = [name, ...stages.slice(from), ...(waits === null ? [] : [waits])].join("   ")
    const isLast = from === stages.length - (waits === null ? 1 : 0)
    if (isLast || columnsOf(visible(parts)) + time.length <= columns) {
      return visible(`${cut(parts, columns - time.length)}${time}`)
    }
  }
  return cut(name, columns)
}

/** Up to the block's first line, and everything from there on erased. */
const erase = (height: number): Printable => (height === 0 ? nothing : printed`\u001b[${height}A\r\u001b[J`)

/** The contents of the block: the step, and a row for each replica. */
interface Board {
  step: Visible | null
  queued: number
  readonly rows: Map<string, Row>
}

const inMotion = ({ rows }: Board): ReadonlyArray<Row> => [...rows.values()].filter((row) => row.begun)

/** Rows that nothing is waited for leave first, the oldest first: they stay above for good. */
const settle = (board: Board, room: number): ReadonlyArray<Row> => {
  const moving = inMotion(board)
  const over = moving.filter((row) => row.waits === null)
  const leaving = over.slice(0, Math.max(0, moving.length - room))
  for (const row of leaving) board.rows.delete(row.name)
  return leaving
}

const rowOf = ({ rows }: Board, name: string, now: number): Row => {
  const row = rows.get(name) ?? { name, stages: [], waits: null, since: now, begun: false }
  rows.set(name, row)
  return row
}

/** Drops a row without information: it only waited for others. */
const release = ({ rows }: Board, row: Row): void => {
  row.waits = null
  if (row.stages.length === 0) rows.delete(row.name)
}

/** A line of its own above the board; all other reports change the board. */
type Above = Extract<Report, { readonly _tag: "Started" | "Note" | "Ended" }>
type Moving = Exclude<Report, Above>

/** Updates the board from a report. */
const note = (board: Board, report: Moving, now: number): void => {
  switch (report._tag) {
    case "Step":
      board.step = reportLine(report)
      for (const row of board.rows.values()) release(board, row)
      board.queued = 0
      return
    case "Waiting": {
      const row = rowOf(board, report.subject.name, now)
      if (report.for === null) {
        release(board, row)
        return
      }
      if (row.waits === null) row.since = now
      row.waits = report.for
      row.begun = true
      return
    }
    case "Queued":
      board.queued = report.count
      return
    case "Stage": {
      const row = rowOf(board, report.subject.name, now)
      // A node's name says by itself that the replica was scheduled.
      row.stages.push(`${report.stage.replace(/^scheduled /, "")} ${format(report.millis)}`)
      if (row.waits === report.stage) row.waits = null
      row.since = now
      if (report.stage !== "claim") row.begun = true
      return
    }
    default:
      return report satisfies never
  }
}

/** The board's lines, no more than `room` and none wider than `width`. */
const bodyOf = (board: Board, now: number, room: number, width: number): ReadonlyArray<Visible> => {
  const heads = board.step === null ? [] : [cut(board.step, width)]
  const moving = inMotion(board)
  const shown = moving.slice(0, Math.max(0, room - heads.length - 1))
  const more = board.queued + moving.length - shown.length
  return [
    ...heads,
    ...shown.map((row) => rowText(row, now, width)),
    ...(more === 0 ? [] : [cut(`and ${more} more`, width)])
  ].slice(0, room)
}

/** The block, on a terminal of that size. */
export const block = (terminal: () => Size): Progress => {
  const board: Board = { step: null, queued: 0, rows: new Map() }
  let height = 0
  let painted = nothing

  const paint = (above: ReadonlyArray<Visible>, now: number): Printable => {
    const { columns, rows: most } = terminal()
    // The last column stays free, where some terminals wrap; the last row is where the cursor rests.
    const width = Math.max(1, columns - 1)
    const room = Math.max(1, most - 1)
    const rest = Math.max(0, room - (board.step === null ? 1 : 2))
    const over = settle(board, rest).map((row) => rowText(row, null, width))
    const body = bodyOf(board, now, room, width)
    const text = ended(body)
    if (above.length === 0 && over.length === 0 && text === painted) return nothing
    // What stays may wrap: it is not erased any more.
    const written = joined([erase(height), ended([...above, ...over]), text])
    height = body.length
    painted = text
    return written
  }

  return {
    event: (report, now) => {
      if (report._tag === "Started" || report._tag === "Note" || report._tag === "Ended") {
        const line = reportLine(report)
        return line === null ? nothing : paint([line], now)
      }
      note(board, report, now)
      return paint([], now)
    },
    tick: (now) => (height === 0 ? nothing : paint([], now)),
    end: () => {
      const width = Math.max(1, terminal().columns - 1)
      const text = ended(inMotion(board).map((row) => rowText(row, null, width)))
      const written = joined([erase(height), text])
      board.rows.clear()
      board.step = null
      board.queued = 0
      height = 0
      painted = nothing
      return written
    }
  }
}
