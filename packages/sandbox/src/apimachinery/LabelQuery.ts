/** The text form of a label selector: `tier in (db,web),!old,size>5`, read as the server reads it. */
import { badRequest } from "./Status.ts"
import { keyProblems, valueProblems } from "./FieldError.ts"

export interface Requirement {
  readonly key: string
  readonly operator: "in" | "notin" | "exists" | "absent" | "gt" | "lt"
  readonly values: ReadonlyArray<string>
}

const symbols = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"]

const fail = (found: string, expected: string): never => {
  throw badRequest(`unable to parse requirement: found '${found}', expected: ${expected}`)
}

/** The words and signs of the text; the empty one is its end. */
const scan = (text: string): ReadonlyArray<string> => text.match(/==|!=|[=!(),<>]|[^\s=!(),<>]+/g) ?? []

class Reader {
  readonly #tokens: ReadonlyArray<string>
  #next = 0

  constructor(text: string) {
    this.#tokens = scan(text)
  }

  get ahead(): string {
    return this.#tokens[this.#next] ?? ""
  }

  take(): string {
    const token = this.ahead
    this.#next += 1
    return token
  }

  /** True if a name or a value comes next. */
  get atWord(): boolean {
    return this.ahead !== "" && !symbols.includes(this.ahead)
  }

  all(): ReadonlyArray<Requirement> {
    const requirements: Array<Requirement> = []
    while (this.ahead !== "") {
      if (!this.atWord && this.ahead !== "!")
        throw badRequest(`found '${this.ahead}', expected: !, identifier, or 'end of string'`)
      requirements.push(this.#requirement())
      const after = this.take()
      if (after === "") break
      if (after !== ",") throw badRequest(`found '${after}', expected: ',' or 'end of string'`)
      if (!this.atWord && this.ahead !== "!")
        throw badRequest(`found '${this.ahead}', expected: identifier after ','`)
    }
    return requirements
  }

  #requirement(): Requirement {
    const absent = this.ahead === "!"
    if (absent) this.take()
    if (!this.atWord) fail(this.take(), "identifier")
    const key = this.take()
    const [problem] = keyProblems(key)
    if (problem !== undefined) {
      throw badRequest(
        `unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(key)}: ${problem}`
      )
    }
    if (absent || this.ahead === "" || this.ahead === ",")
      return { key, operator: absent ? "absent" : "exists", values: [] }
    const sign = this.take()
    switch (sign) {
      case "in":
      case "notin":
        return checked({ key, operator: sign, values: this.#set() })
      case "=":
      case "==":
        return checked({ key, operator: "in", values: [this.#value()] })
      case "!=":
        return checked({ key, operator: "notin", values: [this.#value()] })
      case ">":
        return checked({ key, operator: "gt", values: [this.#value()] })
      case "<":
        return checked({ key, operator: "lt", values: [this.#value()] })
      default:
        return fail(sign, "in, notin, =, ==, !=, gt, lt")
    }
  }

  #value(): string {
    if (this.ahead === "" || this.ahead === ",") return ""
    return this.atWord ? this.take() : fail(this.ahead, "identifier")
  }

  #set(): ReadonlyArray<string> {
    const open = this.take()
    // The one complaint without a comma is the server's own.
    if (open !== "(") throw badRequest(`unable to parse requirement: found '${open}' expected: '('`)
    if (!this.atWord && this.ahead !== "," && this.ahead !== ")") fail(this.ahead, "',', ')' or identifier")
    const values: Array<string> = []
    for (;;) {
      values.push(this.atWord ? this.take() : "")
      const after = this.take()
      if (after === ")") return values
      if (after !== ",") fail(after, "',' or ')'")
    }
  }
}

const checked = (requirement: Requirement): Requirement => {
  const { key, operator, values } = requirement
  for (const [index, value] of values.entries()) {
    if ((operator === "gt" || operator === "lt") && !/^[-+]?\d+$/.test(value)) {
      throw badRequest(
        `unable to parse requirement: values[${index}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`
      )
    }
    const [problem] = valueProblems(value)
    if (problem !== undefined) {
      throw badRequest(
        `unable to parse requirement: values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${problem}`
      )
    }
  }
  return requirement
}

export const parse = (text: string): ReadonlyArray<Requirement> => new Reader(text).all()
