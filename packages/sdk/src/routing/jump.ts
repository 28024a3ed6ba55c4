/**
 * Jump consistent hash (Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014).
 *
 * The buckets that the loop passes through are those that a key was in while their number grew: the
 * last one below the count is the key's.
 */
import { add, multiply, type Word, word } from "./word.ts"

const state = word(0, 0)

/** The key's bucket, from 0 to `buckets - 1`; -1 if there is none. */
export const jump = (hash: Word, buckets: number): number => {
  state.high = hash.high
  state.low = hash.low
  let bucket = -1
  for (let next = 0; next < buckets;) {
    bucket = next
    multiply(state, 0x27bb2ee6, 0x87b0b0fd)
    add(state, 0, 1)
    // The paper's own arithmetic in doubles; `high >>> 1` is `key >> 33`.
    next = Math.floor((bucket + 1) * (0x80000000 / ((state.high >>> 1) + 1)))
  }
  return bucket
}
