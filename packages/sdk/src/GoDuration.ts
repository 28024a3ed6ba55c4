/** Durations as Go and kubectl write them: `1h30m`, `45s`, `250ms`; a bare number is seconds. */

const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

/** Milliseconds; `null` if it is not a duration. */
export const parse = (text: string): number | null => {
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  if (!/^(\d{1,9}(\.\d{1,3})?(ms|h|m|s))+$/.test(text)) return null
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)]
  return Math.round(parts.reduce((sum, part) => sum + Number(part[1]) * (units[part[2] ?? ""] ?? 0), 0))
}

/** Short, for people: `250ms`, `6.4s`, `4m10s`, `2h5m`. */
export const format = (milliseconds: number): string => {
  if (milliseconds < 1000) return `${Math.round(milliseconds)}ms`
  if (milliseconds < 60_000) return `${Number((milliseconds / 1000).toFixed(1))}s`
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 3600)
    return seconds % 60 === 0 ? `${seconds / 60}m` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
  const minutes = Math.round(seconds / 60)
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${Math.floor(minutes / 60)}h${minutes % 60}m`
}
