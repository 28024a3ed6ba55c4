/** Progress of an operation, a line an event. */
import type { Report } from "@kubectl-stateful/sdk/operation/Report"
import { format } from "@kubectl-stateful/sdk/operation/Timeout"
import { visible } from "./terminal.ts"

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
