/**
 * Tables as kubectl prints them: upper-case headers, three spaces between columns, no lines.
 */
import { columnsOf } from "./columns.ts"
import { type Visible, visible } from "./terminal.ts"
import { blank, type Line, line, lineColumns, span, type Span, wrap } from "./text.ts"

export type Cell = string | Span

/** The layout of text. */
export interface Room {
  /** For prose and notes. */
  readonly columns: number
  /** The maximum width of a line: the terminal's columns. If absent, each row is one line. */
  readonly width?: number | undefined
}

/** A row, and a note about it: right of the last column if it fits, otherwise below. */
export interface Row {
  readonly cells: ReadonlyArray<Cell>
  readonly note?: Cell | null
}

const gap = "   "
/** Used if columns are short, before names would have to break. */
const tightGap = "  "
/** The minimum width of a note right of its row; a narrower one is printed below. */
const roomForNote = 24

const asSpan = (cell: Cell): Span => (typeof cell === "string" ? span(cell) : cell)

/** Cells side by side, each as wide as its column; one without a width as it is. */
const padded = (cells: ReadonlyArray<Span>, widths: ReadonlyArray<number>, between = gap): Line =>
  cells.flatMap((cell, column) => [
    ...(column === 0 ? [] : [span(between)]),
    cell,
    span(" ".repeat(Math.max(0, (widths[column] ?? 0) - columnsOf(cell.text))))
  ])

/** A note below its row. */
const below = (note: Cell | null | undefined, columns: number): ReadonlyArray<Line> => {
  if (note === null || note === undefined) return []
  const { text, tone } = asSpan(note)
  return wrap(text, columns - gap.length).map((part) => [span(gap), span(part, tone)])
}

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
  const fits = (part: Visible | undefined) => part !== undefined && columnsOf(part) <= beside
  if (head !== undefined && tail !== undefined && more.length === 0 && fits(head) && fits(tail)) {
    return [
      [...row, span(gap), span(head, tone)],
      [span(" ".repeat(lineColumns(row))), span(gap), span(tail, tone)]
    ]
  }
  return [row, ...below(note, columns)]
}

/** The width of each column if all of them fit, shrinking the widest first; `null` if they do not fit. */
const narrowed = (
  widths: ReadonlyArray<number>,
  least: ReadonlyArray<number>,
  room: number
): ReadonlyArray<number> | null => {
  const narrow = widths.map((each) => Math.min(each, room))
  for (let over = narrow.reduce((sum, each) => sum + each, 0) - room; over > 0; over -= 1) {
    const yielding = narrow.flatMap((each, column) => (each > (least[column] ?? 0) ? [each] : []))
    if (yielding.length === 0) return null
    const widest = narrow.findIndex(
      (each, column) => each === Math.max(...yielding) && each > (least[column] ?? 0)
    )
    narrow[widest] = (narrow[widest] ?? 0) - 1
  }
  return narrow
}

const longestWord = ({ text }: Span): number => Math.max(0, ...wrap(text, 1).map(columnsOf))

/** A table whose cells continue below themselves, with notes below their row. */
const folded = (
  titles: ReadonlyArray<Span>,
  rows: ReadonlyArray<Row>,
  widths: ReadonlyArray<number>,
  between: string,
  columns: number
): ReadonlyArray<Line> => [
  padded(titles, widths, between),
  ...rows.flatMap(({ cells, note }) => {
    const parts = cells.map(asSpan).map(({ text, tone }, column) => ({
      tone,
      lines: wrap(text, widths[column] ?? 0)
    }))
    const height = Math.max(...parts.map(({ lines }) => lines.length))
    return [
      ...Array.from({ length: height }, (_, at) =>
        padded(
          parts.map(({ tone, lines }) => span(lines[at] ?? "", tone)),
          widths,
          between
        )
      ),
      ...below(note, columns)
    ]
  })
]

/** Rows in the form of `kubectl describe`, if they are too wide for a table. */
const records = (
  header: ReadonlyArray<string>,
  rows: ReadonlyArray<Row>,
  columns: number
): ReadonlyArray<Line> => {
  const indent = Math.max(...header.map((title) => title.length)) + 3
  return rows.flatMap(({ cells, note }, index) => [
    ...(index === 0 ? [] : [blank]),
    ...cells.flatMap((cell, column) => {
      const title = header[column] ?? ""
      if (asSpan(cell).text === "") return []
      return longestWord(asSpan(cell)) > columns - indent
        ? [line(`${title}:`), ...below(cell, columns)]
        : field(title, [cell], columns, indent)
    }),
    ...below(note, columns)
  ])
}

/** The lines of a table; none when it has no rows. */
export const table = (
  header: ReadonlyArray<string>,
  rows: ReadonlyArray<Row>,
  { columns, width }: Room
): ReadonlyArray<Line> => {
  if (rows.length === 0) return []
  const cells = rows.map((row) => row.cells.map(asSpan))
  const widest = (of: (cell: Span) => number) =>
    header.map((title, column) =>
      cells.reduce((most, row) => Math.max(most, of(row[column] ?? span(""))), title.length)
    )
  const natural = widest(({ text }) => columnsOf(text))
  const titles = header.map((title) => span(title, "strong"))
  const needed = natural.reduce((sum, each) => sum + each + gap.length, -gap.length)
  if (width === undefined || needed <= width) {
    return [
      padded(titles, natural),
      ...rows.flatMap((row, index) => withNote(cells[index] ?? [], natural, row.note, columns))
    ]
  }
  const least = widest(longestWord)
  for (const between of [gap, tightGap]) {
    const narrow = narrowed(natural, least, width - between.length * (header.length - 1))
    if (narrow !== null) return folded(titles, rows, narrow, between, Math.min(columns, width))
  }
  return records(header, rows, Math.min(columns, width))
}

/**
 * `Title:` (`null` continues the same title) and then a list, wrapped under itself, at the column of all
 * such values.
 */
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
