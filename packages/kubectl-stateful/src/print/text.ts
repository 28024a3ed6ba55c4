/** Lines of spans: the result of print functions, and the only place where spans become characters. */
import { columnsOf } from "./columns.ts"
import { ended, joined, type Printable, printed, trimmed, type Visible, visible } from "./terminal.ts"

/**
 * The meaning of a span; on a terminal with colours it gets a colour, which never carries information by
 * itself.
 */
export type Tone = "plain" | "good" | "bad" | "doubt" | "strong" | "faint"

/** Text with a meaning. Created only by `span`, so all of it is visible. */
export interface Span {
  readonly text: Visible
  readonly tone: Tone
}

/** Spans one after another; no newline among them. */
export type Line = ReadonlyArray<Span>

export const span = (text: string, tone: Tone = "plain"): Span => ({ text: visible(text), tone })

/** A line of plain text. */
export const line = (...parts: ReadonlyArray<string | Span>): Line =>
  parts.map((part) => (typeof part === "string" ? span(part) : part))

export const blank: Line = []

/** The columns that a line takes. */
export const lineColumns = (spans: Line): number => spans.reduce((sum, each) => sum + columnsOf(each.text), 0)

const proseWords = /(?:`[^`]*`|[^ ])+/g
/** A short flag stays with its value. */
const shellWords = /(?:-[A-Za-z] (?!-))?(?:'[^']*'|"[^"]*"|[^ ])+/g

const fill = (words: ReadonlyArray<string>, columns: number): ReadonlyArray<Visible> => {
  const lines: Array<Visible> = []
  let current = ""
  for (const word of words) {
    const longer = current === "" ? word : `${current} ${word}`
    if (current !== "" && columnsOf(visible(longer)) > columns) {
      lines.push(visible(current))
      current = word
    } else {
      current = longer
    }
  }
  return current === "" ? lines : [...lines, visible(current)]
}

/**
 * Text broken at spaces so that no line is longer than `columns`, except for a longer word; text in
 * backquotes is one word, so that it can be copied.
 */
export const wrap = (text: string, columns: number): ReadonlyArray<Visible> =>
  fill(visible(text).match(proseWords) ?? [], columns)

const command = /\bkubectl /

/**
 * The same for advice that ends with a command: the command's lines end with a backslash, and quoted text is
 * not broken, so that it can be copied into a shell.
 */
export const wrapAdvice = (text: string, columns: number): ReadonlyArray<Visible> => {
  const shown = visible(text)
  const at = shown.search(command)
  if (at === -1) return wrap(shown, columns)
  const prose = shown.slice(0, at).match(proseWords) ?? []
  const lines = fill([...prose, ...(shown.slice(at).match(shellWords) ?? [])], columns - 2)
  const first = lines.findIndex((each) => /\bkubectl( |$)/.test(each))
  return lines.map((each, index) =>
    index >= first && index < lines.length - 1 ? visible(`${each} \\`) : each
  )
}

/** `lead`, then the text wrapped into the columns right of it. */
export const hanging = (
  lead: string,
  text: string,
  columns: number,
  wrapped: (text: string, columns: number) => ReadonlyArray<Visible> = wrap
): ReadonlyArray<Line> => {
  const first = span(lead)
  const indent = columnsOf(first.text)
  return wrapped(text, columns - indent).map((part, index) => [
    index === 0 ? first : span(" ".repeat(indent)),
    span(part)
  ])
}

const colours: Readonly<Record<Tone, number | null>> = {
  plain: null,
  good: 32,
  bad: 31,
  doubt: 33,
  strong: 1,
  faint: 2
}

const renderSpan = (each: Span, colour: boolean): Printable => {
  const code = colour ? colours[each.tone] : null
  return code === null || each.text === "" ? each.text : printed`\u001b[${code}m${each.text}\u001b[0m`
}

/** Lines as text, each ended by a newline, without trailing spaces. */
export const render = (lines: ReadonlyArray<Line>, colour: boolean): Printable =>
  ended(lines.map((spans) => trimmed(joined(spans.map((each) => renderSpan(each, colour))))))
