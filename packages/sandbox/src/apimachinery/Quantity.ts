/** Amounts such as `1.5Gi` and `250m`, as numbers; exact below 2^53, which is 9 PB. */

const factors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60
}

/** NaN if the text is not a quantity. */
export const parse = (text: unknown): number => {
  if (typeof text === "number") return text
  if (typeof text !== "string") return Number.NaN
  const parsed = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(text)
  return parsed === null ? Number.NaN : Number(parsed[1]) * (factors[parsed[2] ?? ""] ?? Number.NaN)
}

/** The shortest exact binary form, as the server writes sizes that it adds up. */
export const bytes = (value: number): string => {
  for (const unit of ["Ei", "Pi", "Ti", "Gi", "Mi", "Ki"]) {
    const factor = factors[unit] ?? 1
    if (value >= factor && value % factor === 0) return `${value / factor}${unit}`
  }
  return String(value)
}
