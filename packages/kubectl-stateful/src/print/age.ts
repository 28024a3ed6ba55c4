/** Ages as in kubectl's AGE columns. */

const minute = 60
const hour = 60 * minute
const day = 24 * hour
const year = 365 * day

const pair = (seconds: number, big: number, bigUnit: string, small: number, smallUnit: string): string => {
  const rest = Math.floor((seconds % big) / small)
  const whole = `${Math.floor(seconds / big)}${bigUnit}`
  return rest === 0 ? whole : `${whole}${rest}${smallUnit}`
}

/**
 * A duration in seconds as Kubernetes' `duration.HumanDuration` writes it: coarser the longer it
 * is. Up to two seconds in the future counts as now; more is `<invalid>`, as in kubectl.
 */
export const duration = (seconds: number): string => {
  const whole = Math.trunc(seconds)
  if (Number.isNaN(whole)) return "<unknown>"
  if (whole < -1) return "<invalid>"
  if (whole < 0) return "0s"
  if (whole < 2 * minute) return `${whole}s`
  if (whole < 10 * minute) return pair(whole, minute, "m", 1, "s")
  if (whole < 3 * hour) return `${Math.floor(whole / minute)}m`
  if (whole < 8 * hour) return pair(whole, hour, "h", minute, "m")
  if (whole < 2 * day) return `${Math.floor(whole / hour)}h`
  if (whole < 8 * day) return pair(whole, day, "d", hour, "h")
  if (whole < 2 * year) return `${Math.floor(whole / day)}d`
  if (whole < 8 * year) return pair(whole, year, "y", day, "d")
  return `${Math.floor(whole / year)}y`
}

/** The age at the time of reading; `<unknown>` without a timestamp. */
export const age = (since: string | null, observed: string): string =>
  since === null ? "<unknown>" : duration((Date.parse(observed) - Date.parse(since)) / 1000)
