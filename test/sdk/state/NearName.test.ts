import { assert, describe, it } from "vitest"
import { distance, nearNames } from "../../../packages/sdk/src/NearName.ts"

describe("near names", () => {
  it.each([
    ["db", "db", 0],
    ["db", "bd", 1],
    ["postgres", "postgers", 1],
    ["postgres", "postgre", 1],
    ["", "abc", 3],
    ["kitten", "sitting", 3]
  ])("%s is as far from %s as it takes edits: %i", (from, to, edits) => {
    assert.equal(distance(from, to), edits)
    assert.equal(distance(to, from), edits)
  })

  it("nearest first, at most three, none that is far off", () => {
    assert.deepEqual(nearNames("shop-db", ["web", "shop-dbs", "shop-bd", "db", "shop-cb", "shop-xx"]), [
      "db",
      "shop-dbs",
      "shop-bd"
    ])
    assert.deepEqual(nearNames("x", ["postgres"]), [])
  })
})
