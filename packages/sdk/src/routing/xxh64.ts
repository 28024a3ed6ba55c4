/**
 * XXH64 with seed 0 of a key's UTF-8 bytes, as the xxHash specification defines it.
 *
 * No package computes its 64 bits synchronously and without BigInt, so it is implemented here, and tested
 * against the published vectors and a second transcription. Every language has a library for it, so that a
 * client in another language finds the same ordinal.
 */
import { add, multiply, rotate, type Word, word, xor, xorShiftRight } from "./word.ts"

const one = word(0x9e3779b1, 0x85ebca87)
const two = word(0xc2b2ae3d, 0x27d4eb4f)
const three = word(0x165667b1, 0x9e3779f9)
const four = word(0x85ebca77, 0xc2b2ae63)
const five = word(0x27d4eb2f, 0x165667c5)

const encoder = new TextEncoder()
/** Keys up to this many bytes are encoded into one buffer that is kept. */
const kept = 1024
const shared = new DataView(new ArrayBuffer(kept))

/** The number of bytes now in the shared buffer; -1: the key is longer, or has other than ASCII's letters. */
const asciiLength = (key: string): number => {
  const { length } = key
  if (length > kept) return -1
  for (let index = 0; index < length; index++) {
    const unit = key.charCodeAt(index)
    if (unit > 127) return -1
    shared.setUint8(index, unit)
  }
  return length
}

const lane = word(0, 0)

/** `rotate(accumulator + bytes * two, 31) * one` */
const round = (accumulator: Word, high: number, low: number): void => {
  lane.high = high
  lane.low = low
  multiply(lane, two.high, two.low)
  add(accumulator, lane.high, lane.low)
  rotate(accumulator, 31)
  multiply(accumulator, one.high, one.low)
}

const mixed = word(0, 0)

/** `(hash ^ round(0, value)) * one + four` */
const merge = (hash: Word, high: number, low: number): void => {
  mixed.high = 0
  mixed.low = 0
  round(mixed, high, low)
  xor(hash, mixed.high, mixed.low)
}

const accumulators: readonly [Word, Word, Word, Word] = [word(0, 0), word(0, 0), word(0, 0), word(0, 0)]

const rotations = [1, 7, 12, 18] as const

const set = (to: Word, high: number, low: number): void => {
  to.high = high | 0
  to.low = low | 0
}

/** Blocks of 32 bytes; how many bytes they took. */
const blocks = (hash: Word, bytes: DataView, length: number): number => {
  const [a, b, c, d] = accumulators
  set(a, one.high, one.low)
  add(a, two.high, two.low)
  set(b, two.high, two.low)
  set(c, 0, 0)
  set(d, ~one.high, -one.low)
  let at = 0
  for (; at + 32 <= length; at += 32) {
    for (let index = 0; index < 4; index++) {
      const from = at + index * 8
      round(accumulators[index] ?? a, bytes.getInt32(from + 4, true), bytes.getInt32(from, true))
    }
  }
  set(hash, 0, 0)
  for (let index = 0; index < 4; index++) {
    const { high, low } = accumulators[index] ?? a
    set(lane, high, low)
    rotate(lane, rotations[index] ?? 1)
    add(hash, lane.high, lane.low)
  }
  for (const { high, low } of accumulators) {
    merge(hash, high, low)
    multiply(hash, one.high, one.low)
    add(hash, four.high, four.low)
  }
  return at
}

const finish = (hash: Word): void => {
  xorShiftRight(hash, 33)
  multiply(hash, two.high, two.low)
  xorShiftRight(hash, 29)
  multiply(hash, three.high, three.low)
  xorShiftRight(hash, 32)
}

/** XXH64 of the first `length` bytes, into `hash`. */
export const hashBytes = (bytes: DataView, length: number, hash: Word): void => {
  let at = 0
  if (length >= 32) at = blocks(hash, bytes, length)
  else set(hash, five.high, five.low)
  add(hash, 0, length)
  for (; at + 8 <= length; at += 8) {
    merge(hash, bytes.getInt32(at + 4, true), bytes.getInt32(at, true))
    rotate(hash, 27)
    multiply(hash, one.high, one.low)
    add(hash, four.high, four.low)
  }
  if (at + 4 <= length) {
    set(lane, 0, bytes.getInt32(at, true))
    multiply(lane, one.high, one.low)
    xor(hash, lane.high, lane.low)
    rotate(hash, 23)
    multiply(hash, two.high, two.low)
    add(hash, three.high, three.low)
    at += 4
  }
  for (; at < length; at++) {
    set(lane, 0, bytes.getUint8(at))
    multiply(lane, five.high, five.low)
    xor(hash, lane.high, lane.low)
    rotate(hash, 11)
    multiply(hash, one.high, one.low)
  }
  finish(hash)
}

/** XXH64 of the key, into `hash`. Allocates for keys that are long or not ASCII, and for no others. */
export const hashKey = (key: string, hash: Word): void => {
  const length = asciiLength(key)
  if (length >= 0) return hashBytes(shared, length, hash)
  const bytes = encoder.encode(key)
  hashBytes(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), bytes.byteLength, hash)
}
