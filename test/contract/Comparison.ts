/** Where two transcripts differ, and which differences the table in differences.md accepts. */
import { readFileSync } from "node:fs"
import type { Exchange } from "./Conversation.ts"
import { isObject, type Json } from "./Normal.ts"

export interface Difference {
  /** `area / title / METHOD path`. */
  readonly where: string
  /** A path into the exchange's answer, such as `body.status.replicas`. */
  readonly field: string
  readonly real: Json | undefined
  readonly sandbox: Json | undefined
}

/** One row of the table. `*` in `where` and `field` stands for anything. */
export interface Accepted {
  readonly where: string
  readonly field: string
  readonly reason: string
}

const within = (
  where: string,
  field: string,
  real: Json | undefined,
  sandbox: Json | undefined
): ReadonlyArray<Difference> => {
  if (JSON.stringify(real) === JSON.stringify(sandbox)) return []
  const below = (key: string) => (field === "" ? key : `${field}.${key}`)
  if (Array.isArray(real) && Array.isArray(sandbox)) {
    return Array.from({ length: Math.max(real.length, sandbox.length) }, (_, index) =>
      within(where, below(String(index)), real[index], sandbox[index])
    ).flat()
  }
  if (isObject(real) && isObject(sandbox)) {
    return [...new Set([...Object.keys(real), ...Object.keys(sandbox)])].flatMap((key) =>
      within(where, below(key), real[key], sandbox[key])
    )
  }
  return [{ where, field, real, sandbox }]
}

const statusOf = (answer: Json): number | undefined => {
  const status = isObject(answer) ? answer["status"] : undefined
  return typeof status === "number" ? status : undefined
}

export const compare = (
  scenario: { readonly area: string; readonly title: string },
  real: ReadonlyArray<Exchange>,
  sandbox: ReadonlyArray<Exchange>
): ReadonlyArray<Difference> =>
  Array.from({ length: Math.max(real.length, sandbox.length) }, (_, index) => {
    const where = `${scenario.area} / ${scenario.title}`
    const [one, other] = [real[index], sandbox[index]]
    if (one === undefined || other === undefined || one.ask !== other.ask)
      return [{ where, field: "", real: one?.ask, sandbox: other?.ask }]
    const at = `${where} / ${one.ask}`
    const [status, said] = [statusOf(one.answer), statusOf(other.answer)]
    // Two answers that differ in kind differ everywhere: that is one difference.
    return status === said
      ? within(at, "", one.answer, other.answer)
      : [{ where: at, field: "status", real: one.answer, sandbox: other.answer }]
  }).flat()

/** The rows below the heading `| Where | Field | …`, the last cell being the reason. */
export const accepted: ReadonlyArray<Accepted> = readFileSync(
  new URL("differences.md", import.meta.url),
  "utf8"
)
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => {
    const cells = line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim())
    const plain = (cell: string | undefined) => (cell ?? "").replace(/^`|`$/g, "").replaceAll("\\|", "|")
    return { where: plain(cells[0]), field: plain(cells[1]), reason: cells.at(-1) ?? "" }
  })

const matches = (pattern: string, value: string): boolean => {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"))
  return new RegExp(`^${parts.join(".*")}$`, "s").test(value)
}

export const covers = (row: Accepted, difference: Difference): boolean =>
  matches(row.where, difference.where) && matches(row.field, difference.field)

const shown = (value: Json | undefined): string =>
  value === undefined ? "(absent)" : JSON.stringify(value).slice(0, 600)

export const sentence = ({ where, field, real, sandbox }: Difference): string =>
  `${where}\n    ${field}\n      real    ${shown(real)}\n      sandbox ${shown(sandbox)}`
