/** Progress of an operation: on a terminal a block that is rewritten, elsewhere a line a change. */
import { block } from "./block.ts"
import { type Progress, reportLine, type Size } from "./report.ts"
import { ended, nothing } from "./terminal.ts"

const lines: Progress = {
  event: (report) => {
    const line = reportLine(report)
    return line === null ? nothing : ended([line])
  },
  tick: () => nothing,
  end: () => nothing
}

/** `terminal` is called each time, since it may be resized; `null` without a terminal. */
export const progress = (terminal: (() => Size) | null): Progress =>
  terminal === null ? lines : block(terminal)
