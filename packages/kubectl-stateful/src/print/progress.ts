/** Progress of an operation: a line an event, and on a terminal one line that is rewritten while it waits. */
import type { Report } from "@kubectl-stateful/sdk/operation/Report"
import { format } from "@kubectl-stateful/sdk/operation/Timeout"
import { columnsOf, visible } from "./terminal.ts"

/** Null: nothing worth a line. */
export const progressLine = (report: Report): string | null => {
  switch (report._tag) {
    case "Started":
      return visible(`operation ${report.id}: ${report.effects[0] ?? report.verb}`)
    case "Step":
      return visible(`[${report.index + 1}/${report.of}] ${report.what}`)
    case "Waiting":
      return visible(`${report.replica}   waiting for ${report.for}`)
    case "Replica":
      return visible(`${report.replica}   ${report.stage} ${format(report.millis)}`)
    case "Note":
      return visible(`note: ${report.message}`)
    case "Ended":
      return null
    default:
      return report satisfies never
  }
}

/** Back to the line's start, and what it holds erased. */
const rewrite = "\r\u001b[K"

/** Cut to a width, so that the line does not wrap: what has wrapped is not erased. */
const fitted = (line: string, columns: number): string => {
  let text = visible(line)
  while (text !== "" && columnsOf(text) >= columns) text = visible(text.slice(0, -1))
  return text
}

/** Writes events one after another; `end` leaves the terminal on a line of its own. */
export interface Progress {
  readonly event: (report: Report) => string
  readonly end: () => string
}

/** What is waited for stands in one line that the next event takes; without a terminal each has its own. */
export const progress = (screen: { readonly live: boolean; readonly columns: number }): Progress => {
  let isOpen = false
  return {
    event: (report) => {
      const line = progressLine(report)
      if (line === null) return ""
      const before = isOpen ? rewrite : ""
      isOpen = screen.live && report._tag === "Waiting"
      return isOpen ? `${before}${fitted(line, screen.columns)}` : `${before}${line}\n`
    },
    end: () => {
      const text = isOpen ? rewrite : ""
      isOpen = false
      return text
    }
  }
}
