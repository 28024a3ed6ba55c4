/**
 * Rendezvous hashing, or highest random weight (Thaler and Ravishankar, 1998): each key weighs every
 * ordinal, and those with the highest weights hold it.
 *
 * The weight is `xorshift64*(XXH64(key) ^ XXH64(ordinal))`, the ordinal in decimal: what the Go
 * package rendezvous computes for nodes named "0", "1", ... with xxhash, as go-redis uses it.
 */
import { isGreater, multiply, type Word, word, xorShiftLeft, xorShiftRight } from "./word.ts"
import { hashKey } from "./xxh64.ts"

/** Ordinals with their hashes, ready to be weighed. */
export interface Weighable {
  readonly ordinals: ReadonlyArray<number>
  /** High and low half of each ordinal's hash, in turn. */
  readonly hashes: Int32Array
}

export const weighable = (ordinals: ReadonlyArray<number>): Weighable => {
  const hashes = new Int32Array(2 * ordinals.length)
  const hash = word(0, 0)
  for (const [index, ordinal] of ordinals.entries()) {
    hashKey(`${ordinal}`, hash)
    hashes[2 * index] = hash.high
    hashes[2 * index + 1] = hash.low
  }
  return { ordinals, hashes }
}

const weight = word(0, 0)

const weigh = (key: Word, { hashes }: Weighable, index: number): void => {
  weight.high = key.high ^ (hashes[2 * index] ?? 0)
  weight.low = key.low ^ (hashes[2 * index + 1] ?? 0)
  xorShiftRight(weight, 12)
  xorShiftLeft(weight, 25)
  xorShiftRight(weight, 27)
  multiply(weight, 0x2545f491, 0x4f6cdd1d)
}

/** The index of the ordinal with the highest weight, the first of equals; -1 if there is none. */
export const heaviest = (key: Word, among: Weighable): number => {
  const { length } = among.ordinals
  let found = -1
  let high = 0
  let low = 0
  for (let index = 0; index < length; index++) {
    weigh(key, among, index)
    if (found >= 0 && !isGreater(weight.high, weight.low, high, low)) continue
    found = index
    high = weight.high
    low = weight.low
  }
  return found
}

/** The `count` ordinals that weigh most, heaviest first. */
export const heaviestOf = (key: Word, among: Weighable, count: number): ReadonlyArray<number> => {
  if (count === 1) {
    const ordinal = among.ordinals[heaviest(key, among)]
    return ordinal === undefined ? [] : [ordinal]
  }
  const weights = among.ordinals.map((ordinal, index) => {
    weigh(key, among, index)
    return { ordinal, high: weight.high, low: weight.low }
  })
  return weights
    .toSorted((a, b) =>
      isGreater(a.high, a.low, b.high, b.low) ? -1 : isGreater(b.high, b.low, a.high, a.low) ? 1 : 0
    )
    .slice(0, count)
    .map(({ ordinal }) => ordinal)
}
