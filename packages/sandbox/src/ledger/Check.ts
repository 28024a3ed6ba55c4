/**
 * Checks whether the volumes of all members show a state that the ledger could have been in at one moment.
 *
 * The sum of the balances proves nothing: a snapshot at one moment may fall between a debit and its credit.
 * Causality does. A transfer that was received and never sent, or one that was acknowledged and never
 * received, means that members were snapshotted at different moments.
 */
import { numberAt } from "../apimachinery/Json.ts"
import type { Volume } from "../storage/Volume.ts"
import { type Account, replay } from "./Account.ts"

/** Files on a member's volume. */
export const files = { log: "log", balance: "balance" } as const

/** A transfer that its sender has logged and its receiver has not. */
export interface InFlight {
  readonly from: string
  readonly to: string
  readonly n: number
  readonly amount: number
}

export interface Verdict {
  /** Reasons that it cannot be a state of one moment; empty if it can. */
  readonly faults: ReadonlyArray<string>
  readonly balances: Readonly<Record<string, number>>
  readonly inFlight: ReadonlyArray<InFlight>
  /** Balances and money in transit. */
  readonly total: number
  /** The sum of the opening balances. */
  readonly expected: number
}

const applied = (volume: Volume): { readonly position: number; readonly balance: number } | undefined => {
  const text = volume.readText(files.balance)
  if (text === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Reported below as a balance that its log does not have.
  }
  return { position: numberAt(value, "position") ?? -1, balance: numberAt(value, "balance") ?? Number.NaN }
}

const plural = (count: number): string => `${count} transfer${count === 1 ? "" : "s"}`

/** Errors of a single member, and its account if it has one. */
const recovered = (
  name: string,
  volume: Volume
): { readonly account: Account | undefined; readonly faults: ReadonlyArray<string> } => {
  const log = volume.readText(files.log)
  if (log === undefined) return { account: undefined, faults: [`${name} has no log`] }
  const { account, balances, fault } = replay(log)
  if (fault !== undefined) return { account: undefined, faults: [`${name}: ${fault}`] }
  if (account === undefined) return { account, faults: [`${name} has an empty log`] }
  if (account.member !== name)
    return { account: undefined, faults: [`${name} holds the log of ${account.member}`] }
  const seen = applied(volume)
  if (seen === undefined) return { account, faults: [] }
  if (seen.position > account.position) {
    return {
      account,
      faults: [`${name} applied ${plural(seen.position - account.position)} that it never logged`]
    }
  }
  const then = balances.get(seen.position)
  return {
    account,
    faults:
      account.position - seen.position > 1 || then !== seen.balance
        ? [`${name} has balance ${seen.balance} where its log says ${then ?? account.balance}`]
        : []
  }
}

/** One direction between two members. */
const between = (from: Account, to: Account): { readonly fault?: string; readonly inFlight?: InFlight } => {
  const sent = from.sent[to.member] ?? { count: 0, sum: 0, last: 0 }
  const received = to.received[from.member] ?? { count: 0, sum: 0 }
  if (received.count > sent.count) {
    return {
      fault: `${to.member} has ${plural(received.count - sent.count)} that ${from.member} had not sent: it is newer`
    }
  }
  if (sent.count > received.count + 1) {
    return {
      fault: `${to.member} lacks ${plural(sent.count - received.count - 1)} that it acknowledged to ${from.member}: it is older`
    }
  }
  const arrived = sent.count === received.count ? sent.sum : sent.sum - sent.last
  if (arrived !== received.sum) {
    return { fault: `${from.member} sent ${arrived} where ${to.member} received ${received.sum}` }
  }
  return sent.count === received.count
    ? {}
    : { inFlight: { from: from.member, to: to.member, n: sent.count, amount: sent.last } }
}

/** `volumes`: each member's, by the member's name. */
export const check = (volumes: Readonly<Record<string, Volume>>): Verdict => {
  const members = Object.entries(volumes).map(([name, volume]) => recovered(name, volume))
  const accounts = members.flatMap(({ account }) => (account === undefined ? [] : [account]))
  const pairs = accounts.flatMap((from) =>
    accounts.filter((to) => to !== from).map((to) => between(from, to))
  )
  const absent = accounts.flatMap((account) =>
    [...new Set([...Object.keys(account.sent), ...Object.keys(account.received)])]
      .filter((name) => volumes[name] === undefined)
      .map((name) => `${account.member} has dealt with ${name}, which is not there`)
  )
  const inFlight = pairs.flatMap((pair) => (pair.inFlight === undefined ? [] : [pair.inFlight]))
  const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((total, each) => total + each, 0)
  return {
    faults: [
      ...members.flatMap(({ faults }) => faults),
      ...absent,
      ...pairs.flatMap((pair) => (pair.fault === undefined ? [] : [pair.fault]))
    ],
    balances: Object.fromEntries(accounts.map(({ member, balance }) => [member, balance])),
    inFlight,
    total: sum([...accounts.map(({ balance }) => balance), ...inFlight.map(({ amount }) => amount)]),
    expected: sum(accounts.map(({ opening }) => opening))
  }
}

/** The verdict in lines for people. */
export const describe = (verdict: Verdict): string => {
  const members = Object.entries(verdict.balances).map(([name, balance]) => `${name}   ${balance}`)
  const flying = verdict.inFlight.map(
    ({ from, to, n, amount }) => `${from} -> ${to}   ${amount}   in flight (transfer ${n})`
  )
  const verdictLine =
    verdict.faults.length === 0
      ? `total ${verdict.total} of ${verdict.expected}: a state of one moment`
      : `total ${verdict.total} of ${verdict.expected}: NOT a state of one moment`
  return [...members, ...flying, verdictLine, ...verdict.faults.map((fault) => `  ${fault}`), ""].join("\n")
}
