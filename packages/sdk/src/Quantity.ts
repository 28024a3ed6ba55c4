/**
 * Quantities of the API (`1.5Gi`, `500m`, `12e6`), exact.
 *
 * Floats would make 1.1Gi and 1181116006.4 differ; a restore that compares sizes must not.
 * Grammar: apimachinery's `resource.Quantity`.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Option from "effect/Option"

const units: Readonly<Record<string, BigDecimal.BigDecimal>> = {
  n: BigDecimal.make(1n, 9),
  u: BigDecimal.make(1n, 6),
  m: BigDecimal.make(1n, 3),
  "": BigDecimal.make(1n, 0),
  k: BigDecimal.make(1n, -3),
  M: BigDecimal.make(1n, -6),
  G: BigDecimal.make(1n, -9),
  T: BigDecimal.make(1n, -12),
  P: BigDecimal.make(1n, -15),
  E: BigDecimal.make(1n, -18),
  Ki: BigDecimal.fromBigInt(1n << 10n),
  Mi: BigDecimal.fromBigInt(1n << 20n),
  Gi: BigDecimal.fromBigInt(1n << 30n),
  Ti: BigDecimal.fromBigInt(1n << 40n),
  Pi: BigDecimal.fromBigInt(1n << 50n),
  Ei: BigDecimal.fromBigInt(1n << 60n)
}

const grammar = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([eE][+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)$/

/** The exact number, or `null` if it is not a quantity. */
export const parse = (text: string | number): BigDecimal.BigDecimal | null => {
  const match = grammar.exec(`${text}`)
  if (match === null) return null
  const [, digits = "", exponent = "", suffix = ""] = match
  const unit = units[suffix]
  const number = Option.getOrNull(BigDecimal.fromString(digits))
  if (unit === undefined || number === null) return null
  const shift = exponent === "" ? 0 : Number(exponent.slice(1))
  return BigDecimal.multiply(number, BigDecimal.multiply(unit, BigDecimal.make(1n, -shift)))
}

/** As near as a JavaScript number comes; null for what is no quantity. */
export const toNumber = (text: string | number): number | null => {
  const exact = parse(text)
  return exact === null ? null : BigDecimal.toNumberUnsafe(exact)
}

/**
 * Below, at or above zero as `a` is less than, equal to or more than `b`; `null` if one is not a quantity.
 */
export const compare = (a: string | number, b: string | number): -1 | 0 | 1 | null => {
  const left = parse(a)
  const right = parse(b)
  return left === null || right === null ? null : BigDecimal.Order(left, right)
}

/** The largest of some quantities, `null` without any; those that cannot be read count as none. */
export const largest = (quantities: ReadonlyArray<string | null | undefined>): string | null =>
  quantities.reduce<string | null>((most, one) => {
    if (one == null || parse(one) === null) return most
    return most === null || compare(one, most) === 1 ? one : most
  }, null)

/** The sum, or `null` if one is not a quantity. */
export const sum = (quantities: ReadonlyArray<string | number>): BigDecimal.BigDecimal | null => {
  let total = BigDecimal.fromBigInt(0n)
  for (const quantity of quantities) {
    const number = parse(quantity)
    if (number === null) return null
    total = BigDecimal.sum(total, number)
  }
  return total
}

/** Plain digits: no unit may follow an exponent, and one of four digits reads as no quantity. */
const digits = (value: bigint, scale: number): string => {
  const text = `${value < 0n ? -value : value}`.padStart(scale + 1, "0")
  return `${value < 0n ? "-" : ""}${text.slice(0, -scale)}.${text.slice(-scale)}`
}

const binary = ["Ei", "Pi", "Ti", "Gi", "Mi", "Ki"] as const

/** The shortest exact spelling with a binary unit (`1536Mi`), else plain digits. */
export const format = (number: BigDecimal.BigDecimal): string => {
  const { value, scale } = BigDecimal.normalize(number)
  if (scale > 0) return digits(value, scale)
  // In integers: a division of decimals keeps a hundred digits.
  const whole = value * 10n ** BigInt(-scale)
  if (whole === 0n) return "0"
  const suffix = binary.find((each) => whole % (units[each]?.value ?? 1n) === 0n)
  return suffix === undefined ? `${whole}` : `${whole / (units[suffix]?.value ?? 1n)}${suffix}`
}

/** A size that a driver says, mostly in bytes, as a person writes it: `2Gi` for 2147483648. */
export const sized = (text: string | number): string => {
  const number = parse(text)
  return number === null ? `${text}` : format(number)
}
