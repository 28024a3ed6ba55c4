/** What turns short texts into values, and values into what a terminal shows. */
import * as Arbitrary from "effect/Arbitrary"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as GoDuration from "../../packages/sdk/src/GoDuration.ts"
import * as LabelSelector from "../../packages/sdk/src/LabelSelector.ts"
import { parseYaml, printYaml } from "../../packages/sdk/src/Manifest.ts"
import * as Quantity from "../../packages/sdk/src/Quantity.ts"
import { columnsOf } from "../../packages/kubectl-stateful/src/print/columns.ts"
import { field, table } from "../../packages/kubectl-stateful/src/print/table.ts"
import {
  isVisible,
  visible,
  visibleJson,
  visibleYaml
} from "../../packages/kubectl-stateful/src/print/terminal.ts"
import { hanging, render, span, wrap, wrapAdvice } from "../../packages/kubectl-stateful/src/print/text.ts"
import { cuts, type Mutation, mutations, textOf, valueOf } from "./mutation.ts"
import { target, type Verdict } from "./target.ts"

/** What a terminal would obey or hide; a newline ends a line. */
// oxlint-disable-next-line no-control-regex -- these are what must not be there
const acted = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\p{Cf}\p{Cs}\u2028\u2029]/u

/** That of a colour, which only our own source writes. */
// oxlint-disable-next-line no-control-regex -- as above
const colours = /\u001b\[\d{1,2}m/g

const quantities = ["1Gi", "1.5Gi", "500m", "12e6", "1E3", "+0.5", "-3Ki", ".5", "1e-999", "1e999", "0"]
export const quantity = target("quantity", "quantities of the API", mutations, (mutation): Verdict => {
  const text = textOf(quantities, mutation)
  const exact = Quantity.parse(text)
  if (exact === null) return Quantity.compare(text, "1") === null ? null : "it compares what is no quantity"
  const back = Quantity.parse(Quantity.format(exact))
  if (Quantity.compare(text, text) !== 0) return "it is not what it is"
  if (Number.isNaN(Quantity.toNumber(text))) return "it is not a number"
  return back !== null && BigDecimal.equals(back, exact) ? null : "it does not read back"
})

const spans = ["1h30m", "45s", "250ms", "90", "1.5h", "0s", "999999999h"]
export const duration = target(
  "duration",
  "durations of flags and profiles",
  mutations,
  (mutation): Verdict => {
    const millis = GoDuration.parse(textOf(spans, mutation))
    if (millis === null) return null
    if (!Number.isFinite(millis) || millis < 0) return `it is ${millis}`
    // A number has nine digits at most.
    if (millis > 999_999_999 * 3_600_000) return null
    return GoDuration.parse(GoDuration.format(millis)) === null ? "what it prints is no duration" : null
  }
)

const selectors = [
  "app=db",
  "app==db,tier!=web",
  "app in (a,b), !legacy",
  "a/b notin ()",
  "x,y,z",
  "k8s.io/a=1"
]
export const selector = target("selector", "label selectors", mutations, (mutation): Verdict => {
  const text = textOf(selectors, mutation)
  const read = LabelSelector.parse(text)
  if (Result.isFailure(read)) return /\n/.test(read.failure) ? "its refusal has several lines" : null
  const again = LabelSelector.parse(LabelSelector.format(read.success))
  if (Result.isFailure(again)) return `what it prints is none: ${again.failure}`
  return JSON.stringify(again) === JSON.stringify(read) ? null : "it does not read back"
})

const proses = [
  "db-0",
  "20Gi",
  "run `kubectl get pods -n shop` then wait",
  "数据-1 is full",
  "cannot grow: the class does not allow it, nor does the driver",
  "once it is off: kubectl taint node node-c key=value:NoExecute -p '{\"a b\": 1}'",
  "e\u0301\u0301 👩‍👩‍👧 🇩🇪🇫🇷 ｶﾞ",
  ""
]

/** A line that could be shorter: beyond the columns are only words that are longer themselves. */
const overlong = (text: string, columns: number): string | undefined =>
  text.split("\n").find((line) => {
    if (columnsOf(visible(line)) <= columns) return false
    const words = line.replace(/^(Name|NAME|SIZE|STATUS):|^ {2}- /, "").trim()
    // What is in backquotes or in quotes is one word, and so is a flag with its value.
    return !/[`'"]|-[A-Za-z] /.test(line) && words.replace(/ \\$/, "").includes(" ")
  })

const prose = (mutation: Mutation, columns: number): Verdict => {
  const text = textOf(proses, mutation)
  const lines = [...wrap(text, columns), ...wrapAdvice(text, columns)]
  const long = lines.map((each) => overlong(each, Math.max(1, columns))).find((each) => each !== undefined)
  return long === undefined ? null : `a line of more than ${columns} columns: ${long}`
}

export const tables = target(
  "table",
  "texts of objects, as tables and prose",
  Arbitrary.all({ cells: Arbitrary.array(mutations, { maxLength: 12 }), sizes: cuts }),
  ({ cells, sizes }): Verdict => {
    const texts = cells.map((mutation) => textOf(proses, mutation))
    const columns = 20 + ((sizes[0] ?? 60) % 120)
    const titles = ["NAME", "SIZE", "STATUS"]
    const rows = Array.from({ length: Math.ceil(texts.length / 4) }, (_, row) => ({
      cells: titles.map((_, column) => texts[row * 4 + column] ?? ""),
      note: texts[row * 4 + 3] ?? null
    }))
    const lines = [
      ...table(titles, rows, { columns, width: columns }),
      ...field("Name", texts, columns, 10),
      ...texts.flatMap((text) => hanging("  - ", text, columns))
    ]
    const plain = render(lines, false)
    if (acted.test(plain)) return "a character that a terminal obeys"
    if (!isVisible(plain)) return "a character that a terminal hides"
    if (
      render(lines, true).replaceAll(colours, "") !==
      render(
        lines.map((each) => each.map(({ text }) => span(text))),
        false
      )
    )
      return "colours say more than the text"
    const long = overlong(plain, columns)
    if (long !== undefined) return `a line of more than ${columns} columns: ${long}`
    return cells.map((mutation) => prose(mutation, columns)).find((each) => each !== null) ?? null
  },
  4
)

const documents: ReadonlyArray<unknown> = [
  {
    kind: "AppState",
    items: [{ name: "db", text: "a: b", note: "- x", list: [1, null, true, "no", "1e3", "0x1"] }]
  },
  { a: { b: { c: ["multi\nline", "trailing ", "#", "? x", "*a", "&a", "!!str", "|", ">"] } } }
]
export const printed = target(
  "printed",
  "values, as -o json and -o yaml print them",
  mutations,
  (mutation): Effect.Effect<Verdict, unknown> =>
    Effect.gen(function* () {
      const value = valueOf(documents, mutation)
      const plain = JSON.stringify(value)
      const json = visibleJson(JSON.stringify(value, null, 2))
      if (acted.test(json)) return "JSON with a character that a terminal obeys"
      if (JSON.stringify(JSON.parse(json)) !== plain) return "JSON that does not read back"
      const yaml = visibleYaml(yield* printYaml(value, (text) => !isVisible(text)))
      if (acted.test(yaml)) return "YAML with a character that a terminal obeys"
      return JSON.stringify(yield* parseYaml(yaml)) === plain ? null : "YAML that does not read back"
    }),
  4
)
