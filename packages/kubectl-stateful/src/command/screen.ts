/** The output of a command: stdout and stderr, the width of stdout and whether it shows colours. */
import type { Size } from "../print/report.ts"
import type { Room } from "../print/table.ts"
import { joined, type Printable, printed, visible } from "../print/terminal.ts"

export interface Screen extends Room {
  readonly colour: boolean
  readonly out: (text: Printable) => void
  /** Text that takes the place of the one before it on a terminal, and follows it elsewhere. */
  readonly page: (text: Printable) => void
  readonly err: (text: Printable) => void
  /** A text as it is shown here: its commands may get flags. */
  readonly carry?: <Text extends string>(text: Text) => Text
  /** The current size of stderr if it is a terminal that can be rewritten; otherwise absent or `null`. */
  readonly live?: (() => Size) | null
}

/** The width of a page without a terminal. */
const usualColumns = 80
const usualRows = 24
/** Longer lines of prose are hard to read. */
const mostColumns = 120

/** Erase the screen and what scrolled off it, and start at its top. */
const clear = printed`\u001b[2J\u001b[3J\u001b[H`

/** The parts of a process' output stream that we use. */
export interface Output {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  readonly write: (text: string) => boolean
}

/** The only place that writes to a process' output. */
export const write = (output: Output, text: Printable): void => void output.write(text)

/**
 * Takes the place of the listeners for output that cannot be written: a reader that went away needs no word; a
 * full disk does, and no stack trace with it.
 */
export const guardOutput = (own: Pick<NodeJS.Process, "stdout" | "stderr" | "exitCode">): void => {
  const failed = (error: NodeJS.ErrnoException): void => {
    own.exitCode = 1
    if (error.code === "EPIPE") return
    const why = error.message.replace(/^[A-Z]+: |, write$/g, "")
    write(own.stderr, printed`error: cannot write the output: ${visible(why)}; the output is incomplete\n`)
  }
  own.stdout
    .removeAllListeners("error")
    .once("error", failed)
    .on("error", () => {})
  // Without a listener an output error ends the process immediately.
  own.stderr.removeAllListeners("error").on("error", () => (own.exitCode = 1))
}

/** The layout for a terminal with this number of columns. */
export const fitting = (columns: number): Room => {
  const width = columns >= 20 ? columns : usualColumns
  return { columns: Math.min(width, mostColumns), width }
}

/** The process' own. Colours only on a terminal, and never with `NO_COLOR` (no-color.org) or a dumb one. */
export const processScreen = (
  stdout: Output,
  stderr: Output,
  environment: Readonly<Record<string, string | undefined>>
): Screen => {
  const isTerminal = stdout.isTTY === true
  const columns = (isTerminal ? stdout.columns : undefined) ?? Number(environment["COLUMNS"] ?? usualColumns)
  const room = fitting(columns)
  let isFirst = true
  return {
    columns: room.columns,
    // What is piped stays a line a row.
    width: isTerminal ? room.width : undefined,
    colour: isTerminal && (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb",
    out: (text) => write(stdout, text),
    page: (text) => {
      write(stdout, isTerminal && !isFirst ? joined([clear, text]) : text)
      isFirst = false
    },
    err: (text) => write(stderr, text),
    live:
      stderr.isTTY === true && environment["TERM"] !== "dumb"
        ? () => ({ columns: stderr.columns || usualColumns, rows: stderr.rows || usualRows })
        : null
  }
}
