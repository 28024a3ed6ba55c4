/** A report of a running operation as a line, and the interface of its output. */
import { operationTitle } from "@kubectl-stateful/sdk/operation/OperationId"
import type { Progress as Report } from "@kubectl-stateful/sdk/operation/Progress"
import { format } from "@kubectl-stateful/sdk/GoDuration"
import { type Printable, type Visible, visible } from "./terminal.ts"

/** `null` if there is nothing to print. */
export const reportLine = (report: Report): Visible | null => {
  switch (report._tag) {
    case "Started":
      return visible(`${operationTitle(report.id)}: ${report.effects[0] ?? report.verb}`)
    case "Step":
      return visible(`[${report.index + 1}/${report.of}] ${report.what}`)
    case "Waiting":
      return report.for === null ? null : visible(`${report.subject.name}   waiting for ${report.for}`)
    case "Stage":
      return visible(`${report.subject.name}   ${report.stage} ${format(report.millis)}`)
    case "Note":
      return visible(`note: ${report.message}`)
    case "Queued":
    case "Ended":
      return null
    default:
      return report satisfies never
  }
}

/** A terminal's size in characters. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

/** Text for events, at times in milliseconds; `end` leaves the terminal on a line of its own. */
export interface Progress {
  readonly event: (report: Report, now: number) => Printable
  /** The same again, with the time that has passed. */
  readonly tick: (now: number) => Printable
  readonly end: (now: number) => Printable
}
