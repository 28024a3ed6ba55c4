/**
 * The state of one member of the ledger, and the log that it is computed from. A transfer is in the
 * sender's log before it is taken from the balance, and in the receiver's before it is added.
 */
import { isObject, numberAt, stringAt } from "../apimachinery/Json.ts"

/** Transfers between two members are numbered from 1 and go one by one: the next when the last is acknowledged. */
export interface Sent {
  readonly count: number
  readonly sum: number
  /** Amount of the newest. */
  readonly last: number
}

export interface Received {
  readonly count: number
  readonly sum: number
}

export interface Account {
  readonly member: string
  /** Its opening balance. */
  readonly opening: number
  readonly balance: number
  /** Records that it is made of. */
  readonly position: number
  /** By the other member's name. */
  readonly sent: Readonly<Record<string, Sent>>
  readonly received: Readonly<Record<string, Received>>
}

export type Entry =
  | { readonly _tag: "Open"; readonly member: string; readonly amount: number }
  | { readonly _tag: "Send"; readonly to: string; readonly n: number; readonly amount: number }
  | { readonly _tag: "Receive"; readonly from: string; readonly n: number; readonly amount: number }
  /** Takes the place of all records before it. */
  | { readonly _tag: "Checkpoint"; readonly account: Account }

/** One line of the log. */
export const line = (entry: Entry): string => `${JSON.stringify(entry)}\n`

const isTally = (value: unknown): boolean =>
  isObject(value) &&
  Object.values(value).every((each) => isObject(each) && Object.values(each).every(Number.isInteger))

const isAccount = (value: unknown): value is Account =>
  isObject(value) &&
  typeof value["member"] === "string" &&
  ["opening", "balance", "position"].every((key) => Number.isInteger(value[key])) &&
  isTally(value["sent"]) &&
  isTally(value["received"])

const parse = (text: string): Entry | undefined => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const [member, to, from] = [stringAt(value, "member"), stringAt(value, "to"), stringAt(value, "from")]
  const [n = 0, amount = 0] = [numberAt(value, "n"), numberAt(value, "amount")]
  switch (stringAt(value, "_tag")) {
    case "Open":
      return member === undefined ? undefined : { _tag: "Open", member, amount }
    case "Send":
      return to === undefined ? undefined : { _tag: "Send", to, n, amount }
    case "Receive":
      return from === undefined ? undefined : { _tag: "Receive", from, n, amount }
    case "Checkpoint": {
      const account = isObject(value) ? value["account"] : undefined
      return isAccount(account) ? { _tag: "Checkpoint", account } : undefined
    }
    case undefined:
    default:
      return undefined
  }
}

/** The account after one more record; a text when the record cannot follow. */
export const apply = (account: Account | undefined, entry: Entry): Account | string => {
  if (entry._tag === "Checkpoint") return entry.account
  if (entry._tag === "Open") {
    if (account !== undefined) return `${account.member} is opened twice`
    const { member, amount } = entry
    return { member, opening: amount, balance: amount, position: 1, sent: {}, received: {} }
  }
  if (account === undefined) return "the log does not begin with an opening"
  const position = account.position + 1
  if (entry._tag === "Send") {
    const before = account.sent[entry.to] ?? { count: 0, sum: 0, last: 0 }
    if (entry.n !== before.count + 1) {
      return `${account.member} numbers a transfer to ${entry.to} ${entry.n} after ${before.count}`
    }
    const balance = account.balance - entry.amount
    if (balance < 0) return `${account.member} sends ${entry.amount} and has ${account.balance}`
    const after = { count: entry.n, sum: before.sum + entry.amount, last: entry.amount }
    return { ...account, position, balance, sent: { ...account.sent, [entry.to]: after } }
  }
  const before = account.received[entry.from] ?? { count: 0, sum: 0 }
  if (entry.n !== before.count + 1) {
    return `${account.member} takes transfer ${entry.n} of ${entry.from} after ${before.count}`
  }
  return {
    ...account,
    position,
    balance: account.balance + entry.amount,
    received: { ...account.received, [entry.from]: { count: entry.n, sum: before.sum + entry.amount } }
  }
}

export interface Replayed {
  readonly account: Account | undefined
  /** The balance after each record of the log, by position. */
  readonly balances: ReadonlyMap<number, number>
  /** Reason that the log is invalid; replay ends there. */
  readonly fault: string | undefined
}

/** Reads a log from its start. A truncated last line was never acted on, and is ignored. */
export const replay = (log: string): Replayed => {
  const balances = new Map<number, number>()
  let account: Account | undefined
  for (const [index, text] of log.split("\n").slice(0, -1).entries()) {
    const entry = parse(text)
    const next = entry === undefined ? `line ${index + 1} is no record` : apply(account, entry)
    if (typeof next === "string") return { account, balances, fault: next }
    account = next
    balances.set(account.position, account.balance)
  }
  return { account, balances, fault: undefined }
}
