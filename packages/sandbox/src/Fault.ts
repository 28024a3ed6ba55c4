/**
 * Faults as values, between a client and any cluster: a lost reply, a throttle, a broken watch, a client that
 * crashes. Which call gets which fault is data, so that one line of text replays a run.
 */
import type { Request } from "@kubectl-stateful/sdk/Cluster"

/** A fault of one call. */
export type Fault =
  /** A request takes effect and its answer is lost. */
  | { readonly _tag: "LoseReply" }
  /** The server is not reached: nothing took effect. */
  | { readonly _tag: "Fail" }
  /** 429, before anything took effect. */
  | { readonly _tag: "Throttle"; readonly retryAfterSeconds: number }
  /** 410: the version that the client continues from is too old. */
  | { readonly _tag: "Expire" }
  /** A watch ends silently after this number of events. An exec loses its exit status. */
  | { readonly _tag: "Cut"; readonly after: number }
  | { readonly _tag: "Delay"; readonly millis: number }
  /** A read returns the previous response of the same read, once. */
  | { readonly _tag: "Lag" }
  /** The client crashes at this call, before or after it takes effect, and does nothing more. */
  | { readonly _tag: "Kill"; readonly applied: boolean }

export interface Call {
  /** From 1, over requests, watches and execs alike. */
  readonly index: number
  readonly kind: "request" | "watch" | "exec"
  /** Of an exec: the GET that opens it. */
  readonly request: Request
  readonly write: boolean
}

/** The fault of each call, or undefined for none. */
export type Plan = (call: Call) => Fault | undefined

/** One fault at one call. */
export const atCall =
  (index: number, fault: Fault): Plan =>
  (call) =>
    call.index === index ? fault : undefined

/** A fault at the first matching calls, this number of times. */
export const when = (matches: (call: Call) => boolean, fault: Fault, times = 1): Plan => {
  let left = times
  return (call) => {
    if (left <= 0 || !matches(call)) return undefined
    left -= 1
    return fault
  }
}

/** The first plan that has a fault for the call. */
export const first =
  (...plans: ReadonlyArray<Plan>): Plan =>
  (call) => {
    for (const plan of plans) {
      const fault = plan(call)
      if (fault !== undefined) return fault
    }
    return undefined
  }

/**
 * A number in [0, 1) that depends only on the seed and the call, so that one call more or less changes no
 * other.
 */
const chance = (seed: number, index: number, salt: number): number => {
  let hash = (seed ^ Math.imul(index, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b)) >>> 0
  for (const shift of [16, 13, 16]) {
    hash ^= hash >>> shift
    hash = Math.imul(hash, shift === 13 ? 0xc2b2ae35 : 0x85ebca6b) >>> 0
  }
  return (hash >>> 0) / 2 ** 32
}

const anyFault = (seed: number, call: Call): Fault => {
  const amount = chance(seed, call.index, 3)
  const choices: ReadonlyArray<Fault> = [
    { _tag: "Fail" },
    { _tag: "Delay", millis: Math.floor(amount * 5000) },
    { _tag: "Throttle", retryAfterSeconds: 1 },
    ...(call.kind === "request"
      ? ([{ _tag: "LoseReply" }, { _tag: call.write ? "LoseReply" : "Lag" }] as const)
      : ([{ _tag: "Cut", after: Math.floor(amount * 4) }] as const)),
    ...(call.kind === "watch" ? ([{ _tag: "Expire" }] as const) : [])
  ]
  return choices[Math.floor(chance(seed, call.index, 2) * choices.length)] ?? { _tag: "Fail" }
}

/** Faults of all kinds except a crash of the client, each call with the given probability. */
export const random =
  (seed: number, rate = 0.05): Plan =>
  (call) =>
    chance(seed, call.index, 1) < rate ? anyFault(seed, call) : undefined

/** `7 LoseReply, 9 Delay 500`: a plan by call, in one line. */
export const format = (faults: ReadonlyArray<readonly [index: number, fault: Fault]>): string =>
  faults
    .map(([index, fault]) =>
      [
        index,
        fault._tag,
        ...(fault._tag === "Delay"
          ? [fault.millis]
          : fault._tag === "Throttle"
            ? [fault.retryAfterSeconds]
            : fault._tag === "Cut"
              ? [fault.after]
              : fault._tag === "Kill"
                ? [fault.applied ? "after" : "before"]
                : [])
      ].join(" ")
    )
    .join(", ")

const toFault = (tag: string | undefined, argument: string | undefined): Fault | undefined => {
  if (tag === "Kill" && (argument === "before" || argument === "after"))
    return { _tag: tag, applied: argument === "after" }
  const amount = Number(argument ?? 0)
  if (!(amount >= 0)) return undefined
  if (tag === "LoseReply" || tag === "Fail" || tag === "Expire" || tag === "Lag") return { _tag: tag }
  if (tag === "Throttle") return { _tag: tag, retryAfterSeconds: amount }
  if (tag === "Cut") return { _tag: tag, after: amount }
  if (tag === "Delay") return { _tag: tag, millis: amount }
  return undefined
}

/**
 * Parses a plan from a line. Throws a SyntaxError for a line that `format` does not write: half a plan
 * would look like a run in which nothing failed.
 */
export const parse = (line: string): Plan =>
  first(
    ...line
      .split(",")
      .filter((part) => part.trim() !== "")
      .map((part) => {
        const [index = "", tag, argument] = part.trim().split(/\s+/)
        const fault = /^[1-9]\d*$/.test(index) ? toFault(tag, argument) : undefined
        if (fault === undefined) {
          throw new SyntaxError(`"${part.trim()}" is no fault; write it like "7 LoseReply" or "9 Delay 500"`)
        }
        return atCall(Number(index), fault)
      })
  )
