import { assert, describe, it } from "vitest"
import { age, duration } from "../../../packages/kubectl-stateful/src/print/age.ts"

const minute = 60
const hour = 3600
const day = 24 * hour
const year = 365 * day

describe("an age", () => {
  it("is written as kubectl writes it, coarser the longer it is", () => {
    const table: ReadonlyArray<readonly [number, string]> = [
      [-3, "<invalid>"],
      [-1, "0s"],
      [0, "0s"],
      [119, "119s"],
      [2 * minute, "2m"],
      [5 * minute + 30, "5m30s"],
      [9 * minute + 59, "9m59s"],
      [10 * minute + 59, "10m"],
      [3 * hour - 1, "179m"],
      [3 * hour, "3h"],
      [7 * hour + 59 * minute, "7h59m"],
      [8 * hour, "8h"],
      [2 * day - 1, "47h"],
      [2 * day, "2d"],
      [2 * day + 5 * hour, "2d5h"],
      [8 * day - 1, "7d23h"],
      [8 * day, "8d"],
      [94 * day + 7 * hour, "94d"],
      [2 * year - 1, "729d"],
      [2 * year, "2y"],
      [2 * year + 3 * day, "2y3d"],
      [8 * year, "8y"],
      [1000 * year + day, "1000y"]
    ]
    for (const [seconds, text] of table) assert.strictEqual(duration(seconds), text, `${seconds} s`)
  })

  it("is unknown without a timestamp or with one that is none", () => {
    assert.strictEqual(age(null, "2026-11-20T12:00:00Z"), "<unknown>")
    assert.strictEqual(age("yesterday", "2026-11-20T12:00:00Z"), "<unknown>")
  })

  it("counts from the moment of reading, not from now", () => {
    assert.strictEqual(age("2026-11-20T11:54:30Z", "2026-11-20T12:00:00Z"), "5m30s")
  })
})
