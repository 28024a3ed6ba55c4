/** The hash functions once more, in BigInt and as near to their papers as can be. */
import type { Word } from "../../../packages/sdk/src/routing/word.ts"

const mask = (value: bigint): bigint => BigInt.asUintN(64, value)

export const valueOf = ({ high, low }: Word): bigint => mask((BigInt(high) << 32n) | BigInt(low >>> 0))

export const hex = (value: bigint | Word): string =>
  (typeof value === "bigint" ? value : valueOf(value)).toString(16).padStart(16, "0")

const p1: bigint = 0x9e3779b185ebca87n
const p2: bigint = 0xc2b2ae3d27d4eb4fn
const p3: bigint = 0x165667b19e3779f9n
const p4: bigint = 0x85ebca77c2b2ae63n
const p5: bigint = 0x27d4eb2f165667c5n

const rotated = (value: bigint, bits: bigint): bigint => mask((value << bits) | (value >> (64n - bits)))
const round = (accumulator: bigint, lane: bigint): bigint =>
  mask(rotated(mask(accumulator + lane * p2), 31n) * p1)
const merged = (hash: bigint, accumulator: bigint): bigint => mask((hash ^ round(0n, accumulator)) * p1 + p4)

export const xxh64 = (bytes: Uint8Array): bigint => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { length } = bytes
  let at = 0
  let hash = p5
  if (length >= 32) {
    let [a, b, c, d] = [mask(p1 + p2), p2, 0n, mask(-p1)]
    for (; at + 32 <= length; at += 32) {
      a = round(a, view.getBigUint64(at, true))
      b = round(b, view.getBigUint64(at + 8, true))
      c = round(c, view.getBigUint64(at + 16, true))
      d = round(d, view.getBigUint64(at + 24, true))
    }
    hash = mask(rotated(a, 1n) + rotated(b, 7n) + rotated(c, 12n) + rotated(d, 18n))
    for (const accumulator of [a, b, c, d]) hash = merged(hash, accumulator)
  }
  hash = mask(hash + BigInt(length))
  for (; at + 8 <= length; at += 8) {
    hash = mask(rotated(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * p1 + p4)
  }
  if (at + 4 <= length) {
    hash = mask(rotated(hash ^ mask(BigInt(view.getUint32(at, true)) * p1), 23n) * p2 + p3)
    at += 4
  }
  for (; at < length; at++) {
    hash = mask(rotated(hash ^ mask(BigInt(view.getUint8(at)) * p5), 11n) * p1)
  }
  hash = mask((hash ^ (hash >> 33n)) * p2)
  hash = mask((hash ^ (hash >> 29n)) * p3)
  return hash ^ (hash >> 32n)
}

/** Lamping and Veach's figure 1. */
export const jump = (key: bigint, buckets: number): number => {
  let state = key
  let [bucket, next] = [-1, 0]
  while (next < buckets) {
    bucket = next
    state = mask(state * 2862933555777941757n + 1n)
    next = Math.floor((bucket + 1) * (2 ** 31 / (Number(state >> 33n) + 1)))
  }
  return bucket
}

/** The same numbers for the same seed, from 0 to below 1 (mulberry32). */
export const seeded = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
