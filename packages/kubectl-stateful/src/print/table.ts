/**
 * Tables as kubectl prints them: upper-case headers, three spaces between columns, no lines.
 */
import { columnsOf } from "./columns.ts"
import { visible } from "./terminal.ts"
import { type Line, line, lineColumns, span, type Span, wrap } from "./text.ts"

export type Cell = string | Span

/** A row, and what is to be said about it: right of the last column where it fits, else below. */
export interface Row {
  readonly cells: ReadonlyArray<Cell>
  readonly note?: Cell | null
}

const gap = "   "
/** Right of a row a note needs room for some words, or it stands below. */
const roomForNote = 24

const asSpan = (cell: Cell): Span => (typeof cell === "string" ? span(cell) : cell)

/** Cells side by side, each as wide as its column; one without a width as it is. */
const padded = (cells: ReadonlyArray<Span>, widths: ReadonlyArray<number>): Line =>
  cells.flatMap((cell, column) => [
    ...(column === 0 ? [] : [span(gap)]),
    cell,
    span(" ".repeat(Math.max(0, (widths[column] ?? 0) - columnsOf(cell.text))))
  ])

const withNote = (
  cells: ReadonlyArray<Span>,
  widths: ReadonlyArray<number>,
  note: Cell | null | undefined,
  columns: number
): ReadonlyArray<Line> => {
  const row = padded(cells, widths)
  if (note === null || note === undefined) return [row]
  const { text, tone } = asSpan(note)
  const beside = columns - lineColumns(row) - gap.length
  if (columnsOf(text) <= beside) return [[...row, span(gap), span(text, tone)]]
  const tight = padded(cells, widths.slice(0, -1))
  if (lineColumns(tight) + gap.length + columnsOf(text) <= columns) {
    return [[...tight, span(gap), span(text, tone)]]
  }
  const [head, tail, ...more] = beside >= roomForNote ? wrap(text, beside) : []
  if (head !== undefined && tail !== undefined && more.length === 0) {
    return [
      [...row, span(gap), span(head, tone)],
      [span(" ".repeat(lineColumns(row))), span(gap), span(tail, tone)]
    ]
  }
  return [row, ...wrap(text, columns - gap.length).map((part) => [span(gap), span(part, tone)])]
}

/** The lines of a table; none when it has no rows. */
export const table = (
  header: ReadonlyArray<string>,
  rows: ReadonlyArray<Row>,
  columns: number
): ReadonlyArray<Line> => {
  if (rows.length === 0) return []
  const cells = rows.map((row) => row.cells.map(asSpan))
  const widths = header.map((title, column) =>
    cells.reduce((most, row) => Math.max(most, columnsOf(row[column]?.text ?? visible(""))), title.length)
  )
  return [
    padded(
      header.map((title) => span(title, "strong")),
      widths
    ),
    ...rows.flatMap((row, index) => withNote(cells[index] ?? [], widths, row.note, columns))
  ]
}

/** `Title:` (null: the same title goes on) and then a list, wrapped under itself, at the column where all such values start. */
export const field = (
  title: string | null,
  items: ReadonlyArray<Cell>,
  columns: number,
  indent: number
): ReadonlyArray<Line> => {
  const lead = span((title === null ? "" : `${title}:`).padEnd(indent))
  const empty = line(lead, "<none>")
  if (items.length === 0) return [empty]
  const lines: Array<Array<Span>> = [[lead]]
  let used = indent
  items.forEach((item, index) => {
    const { text, tone } = asSpan(item)
    const comma = index === items.length - 1 ? "" : ","
    const needed = columnsOf(text) + comma.length
    const first = used === indent
    if (!first && used + 1 + needed > columns) {
      lines.push([span(" ".repeat(indent))])
      used = indent
    }
    const current = lines.at(-1)
    if (used !== indent) {
      current?.push(span(" "))
      used += 1
    }
    // An item longer than the line is broken at its own spaces.
    const [head = visible(""), ...rest] = wrap(text, columns - indent - comma.length)
    current?.push(span(head, tone))
    for (const part of rest) lines.push([span(" ".repeat(indent)), span(part, tone)])
    lines.at(-1)?.push(span(comma))
    used = rest.length === 0 ? used + needed : indent + columnsOf(rest.at(-1) ?? visible("")) + comma.length
  })
  return lines
}
