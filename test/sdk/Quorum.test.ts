import { assert, describe, it } from "@effect/vitest"
import { barrier, describe as words, needed, parse } from "../../packages/sdk/src/Quorum.ts"

const ordered = { parallel: false, step: null }
const parallel = { parallel: true, step: null }

const way = (quorum: "majority" | "none" | number, from: number, to: number, how: typeof ordered) => {
  const stops: Array<number> = []
  for (let at = from; at !== to; stops.push(at)) at = barrier(quorum, at, to, how)
  return stops
}

describe("quorum", () => {
  it("is more than half of the members", () => {
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((members) => needed("majority", members)),
      [1, 2, 2, 3, 3]
    )
    assert.strictEqual(words("majority", 5), "3 of 5")
  })

  it("reads majority, none and whole numbers from 1, and nothing else", () => {
    assert.deepEqual(["majority", "none", "2"].map(parse), ["majority", "none", 2])
    for (const text of ["", "0", "-1", "1.5", "half", "1e3"]) assert.isNull(parse(text), text)
  })

  it("going down, never more leave at once than a majority can spare", () => {
    assert.deepEqual(way("majority", 5, 1, ordered), [3, 2, 1])
    for (let from = 2; from < 60; from++) {
      let at = from
      for (const next of way("majority", from, 0, parallel)) {
        assert.isTrue(next >= needed("majority", at) || at - next === 1, `${at} to ${next}`)
        at = next
      }
    }
  })

  it("going up, Parallel adds at most as many as leave the old members a majority", () => {
    assert.deepEqual(way("majority", 3, 20, parallel), [5, 9, 17, 20])
    assert.deepEqual(way("majority", 3, 20, ordered), [20])
    assert.deepEqual(way("majority", 0, 20, parallel), [20])
  })

  it("without a guard it is one change, and --step bounds any", () => {
    assert.deepEqual(way("none", 9, 0, parallel), [0])
    assert.deepEqual(
      [
        barrier("none", 9, 0, { parallel: true, step: 4 }),
        barrier("none", 0, 9, { parallel: false, step: 4 })
      ],
      [5, 4]
    )
  })

  it("every way ends", () => {
    for (const quorum of ["majority", "none", 1, 3] as const) {
      for (let from = 0; from < 12; from++) {
        for (let to = 0; to < 12; to++) assert.isBelow(way(quorum, from, to, parallel).length, 13)
      }
    }
  })
})
