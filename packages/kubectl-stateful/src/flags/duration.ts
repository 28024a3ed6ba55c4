/** Durations as kubectl reads them. */
import * as GoDuration from "@kubectl-stateful/sdk/GoDuration"
import { custom } from "@oclif/core/flags"
import { Usage } from "../command/usage.ts"

/** `30`, `30s`, `1m30s`: seconds when it has no unit, as kubectl reads `--request-timeout`. */
export const milliseconds = (text: string): number => {
  const millis = GoDuration.parse(text)
  if (millis === null) throw new Usage(`invalid duration "${text}"`, "write it as 30s, 2m or 1h30m")
  return millis
}

/** `30d`, or a duration: how old something is. */
export const age = (text: string): number => {
  const days = /^(\d+)d$/.exec(text)?.[1]
  return days === undefined ? milliseconds(text) : Number(days) * 24 * 3_600_000
}

export const durationFlag = custom<number>({ parse: async (text) => milliseconds(text) })

export const ageFlag = custom<number>({ parse: async (text) => age(text) })
