/** Durations as kubectl reads them. */
import { custom } from "@oclif/core/flags"
import { Usage } from "../command/usage.ts"

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** `30`, `30s`, `1m30s`: seconds when it has no unit, as kubectl reads `--request-timeout`. */
export const milliseconds = (text: string): number => {
  if (/^\d+$/.test(text)) return Number(text) * 1000
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) {
    throw new Usage(`invalid duration "${text}"`, "write it as 30s, 2m or 1h30m")
  }
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ""] ?? 0),
    0
  )
}

/** `30d`, or a duration: how old something is. */
export const age = (text: string): number => {
  const days = /^(\d+)d$/.exec(text)?.[1]
  return days === undefined ? milliseconds(text) : Number(days) * 24 * 3_600_000
}

export const durationFlag = custom<number>({ parse: async (text) => milliseconds(text) })

export const ageFlag = custom<number>({ parse: async (text) => age(text) })
