/**
 * 64-bit arithmetic for the hash functions, in place and on two halves of 32 bits. BigInt would say
 * the same in one line, at an allocation for each step and ten times the time.
 */

/** A 64-bit number as its halves, each an int32: what an engine keeps without allocating. */
export interface Word {
  high: number
  low: number
}

export const word = (high: number, low: number): Word => ({ high: high | 0, low: low | 0 })

/** The upper 32 bits of the product of two unsigned 32-bit numbers. */
const upper = (a: number, b: number): number => {
  const a0 = a & 0xffff
  const a1 = a >>> 16
  const b0 = b & 0xffff
  const b1 = b >>> 16
  const middle = (Math.imul(a1, b0) >>> 0) + (Math.imul(a0, b0) >>> 16)
  const carried = (Math.imul(a0, b1) >>> 0) + (middle & 0xffff)
  return (Math.imul(a1, b1) + (middle >>> 16) + (carried >>> 16)) | 0
}

export const multiply = (a: Word, high: number, low: number): void => {
  a.high = (upper(a.low, low) + Math.imul(a.high, low) + Math.imul(a.low, high)) | 0
  a.low = Math.imul(a.low, low)
}

export const add = (a: Word, high: number, low: number): void => {
  const sum = (a.low >>> 0) + (low >>> 0)
  a.high = (a.high + high + (sum > 0xffffffff ? 1 : 0)) | 0
  a.low = sum | 0
}

export const xor = (a: Word, high: number, low: number): void => {
  a.high ^= high
  a.low ^= low
}

/** Rotates by 1 to 31 bits. */
export const rotate = (a: Word, bits: number): void => {
  const { high, low } = a
  a.high = (high << bits) | (low >>> (32 - bits))
  a.low = (low << bits) | (high >>> (32 - bits))
}

/** `a ^= a >>> bits`, for 1 to 63 bits. */
export const xorShiftRight = (a: Word, bits: number): void => {
  const { high, low } = a
  if (bits === 32) a.low = low ^ high
  else if (bits > 32) a.low = low ^ (high >>> (bits - 32))
  else {
    a.high = high ^ (high >>> bits)
    a.low = low ^ ((low >>> bits) | (high << (32 - bits)))
  }
}

/** `a ^= a << bits`, for 1 to 31 bits. */
export const xorShiftLeft = (a: Word, bits: number): void => {
  const { high, low } = a
  a.high = high ^ ((high << bits) | (low >>> (32 - bits)))
  a.low = low ^ (low << bits)
}

/** The order of two unsigned 64-bit numbers. */
export const isGreater = (high: number, low: number, thanHigh: number, thanLow: number): boolean =>
  high === thanHigh ? low >>> 0 > thanLow >>> 0 : high >>> 0 > thanHigh >>> 0

/** The remainder of an unsigned 64-bit number, for divisors below 2^26; NaN for 0. */
export const remainder = ({ high, low }: Word, divisor: number): number =>
  (((high >>> 0) % divisor) * (0x100000000 % divisor) + ((low >>> 0) % divisor)) % divisor

/** As one number. */
export const valueOf = ({ high, low }: Word): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
