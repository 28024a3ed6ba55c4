/** Ages as kubectl prints them: the two largest units, fewer as time goes by. */
import * as Timestamp from "../apimachinery/Timestamp.ts"

const two = (large: number, unit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large}${unit}` : `${large}${unit}${small}${smallUnit}`

export const fromMillis = (millis: number): string => {
  const seconds = Math.floor(millis / 1000)
  if (seconds < -1) return "<invalid>"
  if (seconds < 0) return "0s"
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return two(minutes, "m", seconds % 60, "s")
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 8) return two(hours, "h", minutes % 60, "m")
  if (hours < 48) return `${hours}h`
  const days = Math.floor(hours / 24)
  if (hours < 192) return two(days, "d", hours % 24, "h")
  if (days < 730) return `${days}d`
  return days < 2920 ? two(Math.floor(days / 365), "y", days % 365, "d") : `${Math.floor(days / 365)}y`
}

export const since = (timestamp: unknown, now: number): string =>
  typeof timestamp === "string" ? fromMillis(now - Timestamp.toMillis(timestamp)) : "<unknown>"
