import { assert, describe, it } from "vitest"
import { jump } from "../../../packages/sdk/src/routing/jump.ts"
import { word } from "../../../packages/sdk/src/routing/word.ts"
import { jump as published, seeded } from "./oracle.ts"

const halves = (key: bigint) => word(Number(key >> 32n), Number(key & 0xffffffffn))

describe("jump consistent hash", () => {
  // github.com/dgryski/go-jump: "generated from the reference C++ code", for 1, 2, 3 ... buckets.
  it.each([
    [0n, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    [1n, [0, 0, 0, 0, 0, 0, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 17, 17]],
    [0xdeadbeefn, [0, 1, 2, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 16, 16, 16]],
    [0x0ddc0ffeebadf00dn, [0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 15, 15, 15, 15]]
  ])("gives for the key %d what the reference C++ code gives", (key, buckets) => {
    assert.deepEqual(
      buckets.map((_, index) => jump(halves(key), index + 1)),
      buckets
    )
  })

  // ClickHouse, 00580_consistent_hashing_functions.
  it.each([
    [1n, 1, 0],
    [42n, 57, 43],
    [256n, 1024, 520],
    [3735883980n, 1, 0],
    [3735883980n, 666, 361],
    [16045690984833335023n, 255, 237]
  ])("puts %d among %d buckets where ClickHouse puts it", (key, buckets, expected) => {
    assert.equal(jump(halves(key), buckets), expected)
  })

  it("agrees with the paper's own lines in BigInt", () => {
    const random = seeded(2)
    for (let index = 0; index < 2000; index++) {
      const key = BigInt.asUintN(
        64,
        (BigInt(Math.floor(random() * 2 ** 32)) << 32n) | BigInt(index * 2654435761)
      )
      const buckets = 1 + Math.floor(random() * 5000)
      assert.equal(jump(halves(key), buckets), published(key, buckets), `${key} among ${buckets}`)
    }
  })

  it("has no bucket where there is none", () => {
    assert.equal(jump(word(1, 2), 0), -1)
  })
})
