/** A report of a running operation as a line, and what shows reports. */
import type { Report } from "@kubectl-stateful/sdk/operation/Report"
import { format } from "@kubectl-stateful/sdk/operation/Timeout"
import { visible } from "./terminal.ts"

/** Null: nothing worth a line. */
export const reportLine = (report: Report): string | null => {
  switch (report._tag) {
    case "Started":
      return visible(`operation ${report.id}: ${report.effects[0] ?? report.verb}`)
    case "Step":
      return visible(`[${report.index + 1}/${report.of}] ${report.what}`)
    case "Waiting":
      return report.for === null ? null : visible(`${report.replica}   waiting for ${report.for}`)
    case "Replica":
      return visible(`${report.replica}   ${report.stage} ${format(report.millis)}`)
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

/** Text for what happens, at times in milliseconds; `end` leaves the terminal on a line of its own. */
export interface Progress {
  readonly event: (report: Report, now: number) => string
  /** The same again, with the time that has passed. */
  readonly tick: (now: number) => string
  readonly end: (now: number) => string
}
