/**
 * Label selectors: matched, written in the API's syntax, and read from it.
 */
import * as Result from "effect/Result"
import type { LabelSelector, NodeSelector, SelectorRequirement } from "./kind/Meta.ts"

type Labels = Readonly<Record<string, string>> | null | undefined

/** The label's value; undefined when it is not there, also for names that every JavaScript object has. */
const valueOf = (labels: Labels, key: string): string | undefined =>
  labels && Object.hasOwn(labels, key) ? labels[key] : undefined

/** One requirement. `Gt` and `Lt` are for node selectors; an operator of tomorrow matches nothing. */
export const holds = (requirement: SelectorRequirement, labels: Labels): boolean => {
  const value = valueOf(labels, requirement.key)
  const values = requirement.values ?? []
  switch (requirement.operator) {
    case "In":
      return value !== undefined && values.includes(value)
    case "NotIn":
      return value === undefined || !values.includes(value)
    case "Exists":
      return value !== undefined
    case "DoesNotExist":
      return value === undefined
    case "Gt":
      return value !== undefined && Number(value) > Number(values[0])
    case "Lt":
      return value !== undefined && Number(value) < Number(values[0])
    default:
      return false
  }
}

/** All of these labels, as a Service's selector asks for; an empty selector selects nothing there. */
export const hasAll = (wanted: Readonly<Record<string, string>>, labels: Labels): boolean =>
  Object.entries(wanted).every(([key, value]) => valueOf(labels, key) === value)

/** An absent selector selects nothing, an empty one everything. */
export const matches = (selector: LabelSelector | null | undefined, labels: Labels): boolean =>
  selector !== null &&
  selector !== undefined &&
  hasAll(selector.matchLabels ?? {}, labels) &&
  (selector.matchExpressions ?? []).every((requirement) => holds(requirement, labels))

/**
 * True if a node with this name and these labels satisfies one of the terms; an empty term matches nothing.
 */
export const matchesNode = (selector: NodeSelector, name: string, labels: Labels): boolean =>
  selector.nodeSelectorTerms.some((term) => {
    const expressions = term.matchExpressions ?? []
    const fields = term.matchFields ?? []
    return (
      expressions.length + fields.length > 0 &&
      expressions.every((requirement) => holds(requirement, labels)) &&
      fields.every((requirement) => holds(requirement, { "metadata.name": name }))
    )
  })

/** One requirement in the API's syntax: `tier in (a,b)`, `!legacy`. */
export const formatRequirement = ({ key, operator, values }: SelectorRequirement): string => {
  const list = (values ?? []).join(",")
  switch (operator) {
    case "In":
      return `${key} in (${list})`
    case "NotIn":
      return `${key} notin (${list})`
    case "Exists":
      return key
    case "DoesNotExist":
      return `!${key}`
    case "Gt":
      return `${key}>${list}`
    case "Lt":
      return `${key}<${list}`
    default:
      return `${key} ${operator} (${list})`
  }
}

/** The selector in the API's own syntax, as `labelSelector=` takes it. */
export const format = (selector: LabelSelector): string =>
  [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
    ...(selector.matchExpressions ?? []).map(formatRequirement)
  ].join(",")

const key = "(?:[A-Za-z0-9.-]+/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?"
const value = "(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)?"
const equality = new RegExp(`^(${key})\\s*(=|==|!=)\\s*(${value})$`)
const membership = new RegExp(`^(${key})\\s+(in|notin)\\s*\\(([^()]*)\\)$`)
const existence = new RegExp(`^(!?)\\s*(${key})$`)
const wholeValue = new RegExp(`^${value}$`)

const requirement = (part: string): SelectorRequirement | null => {
  const equal = equality.exec(part)
  if (equal) {
    const operator = equal[2] === "!=" ? "NotIn" : "In"
    return { key: equal[1] ?? "", operator, values: [equal[3] ?? ""] }
  }
  const member = membership.exec(part)
  if (member) {
    const values = (member[3] ?? "").split(",").map((text) => text.trim())
    if (!values.every((text) => wholeValue.test(text))) return null
    return { key: member[1] ?? "", operator: member[2] === "in" ? "In" : "NotIn", values }
  }
  const exists = existence.exec(part)
  if (exists) return { key: exists[2] ?? "", operator: exists[1] === "!" ? "DoesNotExist" : "Exists" }
  return null
}

/** Splits at the commas outside of parentheses; from the end, where each comma's next one is known. */
const partsOf = (text: string): ReadonlyArray<string> => {
  const parts: Array<string> = []
  let end = text.length
  let next = ""
  for (let at = text.length - 1; at >= 0; at--) {
    const letter = text[at] ?? ""
    if (letter === "(" || letter === ")") next = letter
    if (letter !== "," || next === ")") continue
    parts.push(text.slice(at + 1, end))
    end = at
  }
  parts.push(text.slice(0, end))
  return parts.toReversed()
}

/** Reads the API's syntax; the failure is one line that names the part which is wrong. */
export const parse = (text: string): Result.Result<LabelSelector, string> => {
  const matchExpressions: Array<SelectorRequirement> = []
  for (const part of partsOf(text).map((piece) => piece.trim())) {
    const parsed = requirement(part)
    if (parsed === null) {
      return Result.fail(
        `invalid label selector ${JSON.stringify(text)}: cannot read ${JSON.stringify(part)}; write key=value, key!=value, key in (a,b), key or !key`
      )
    }
    matchExpressions.push(parsed)
  }
  return Result.succeed({ matchExpressions })
}
