import { assert, describe, it } from "vitest"
import { word } from "../../../packages/sdk/src/routing/word.ts"
import { hashBytes, hashKey } from "../../../packages/sdk/src/routing/xxh64.ts"
import { hex, seeded, xxh64 } from "./oracle.ts"

const ofKey = (key: string): string => {
  const hash = word(0, 0)
  hashKey(key, hash)
  return hex(hash)
}

const ofBytes = (bytes: Uint8Array): string => {
  const hash = word(0, 0)
  hashBytes(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), bytes.byteLength, hash)
  return hex(hash)
}

/** The buffer that xxHash's own sanity check fills. */
const sanity = (length: number): Uint8Array => {
  let generator = 2654435761
  return Uint8Array.from({ length }, () => {
    const byte = generator >>> 24
    generator = Math.imul(generator, generator) >>> 0
    return byte
  })
}

describe("XXH64", () => {
  it.each([
    [0, "ef46db3751d8e999"],
    [1, "4fce394cc88952d8"],
    [14, "cffa8db881bc3a3d"],
    [101, "0eab543384f878ad"]
  ])("gives the value of xxHash's own sanity check for %i bytes", (length, expected) => {
    assert.equal(ofBytes(sanity(length)), expected)
  })

  // Printed by github.com/cespare/xxhash v2.3.0.
  it.each([
    ["a", "d24ec4f1a98c6e5b"],
    ["tenant-1", "e5af04048faa8656"],
    ["tenant-42", "f9fbb9a903514f40"],
    ["customer/7f3c2d", "813a2d05cb4dde4d"],
    ["ünïcødé 🦀", "941ee4c0a1c667de"],
    ["a key that is longer than thirty-two bytes, on purpose", "59b91be0df690c39"]
  ])("gives for the key %j what Go's xxhash gives", (key, expected) => {
    assert.equal(ofKey(key), expected)
  })

  it("agrees with the specification written down in BigInt, for every length to 200 bytes", () => {
    const random = seeded(1)
    for (let length = 0; length <= 200; length++) {
      const bytes = Uint8Array.from({ length }, () => Math.floor(random() * 256))
      assert.equal(ofBytes(bytes), hex(xxh64(bytes)), `${length} bytes`)
    }
  })

  it("hashes a key's UTF-8 bytes, whatever its letters and its length", () => {
    const encoder = new TextEncoder()
    for (const key of [
      "ä",
      "日本",
      "a".repeat(1023),
      "a".repeat(1024),
      "a".repeat(1025),
      "é".repeat(900),
      "\u0000"
    ]) {
      assert.equal(ofKey(key), hex(xxh64(encoder.encode(key))), key.slice(0, 10))
    }
  })

  it("takes half of a surrogate pair for U+FFFD, as UTF-8 does", () => {
    assert.equal(ofKey("\ud83e"), ofKey("\ufffd"))
  })
})
