import { assert, describe, it } from "vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Quantity from "../../packages/sdk/src/Quantity.ts"

describe("a quantity is exact", () => {
  it.each([
    ["1", "1"],
    ["1.5Gi", "1610612736"],
    ["0.1Gi", "107374182.4"],
    ["500m", "0.5"],
    ["12e6", "12000000"],
    ["1E3", "1000"],
    ["1E", "1000000000000000000"],
    ["1Ei", "1152921504606846976"],
    ["100n", "0.0000001"],
    ["-2k", "-2000"],
    [".5", "0.5"],
    [268435456, "268435456"]
  ])("%s is %s", (text, expected) => {
    assert.equal(Quantity.compare(text, expected), 0)
  })

  it.each(["", "Gi", "1 Gi", "1GiB", "1.2.3", "0x10", "1e9999", "NaN"])("%j is no quantity", (text) => {
    assert.isNull(Quantity.parse(text))
  })

  it("sizes in decimal and binary units are compared by what they are", () => {
    assert.equal(Quantity.compare("1Gi", "1G"), 1)
    assert.equal(Quantity.compare("1024Mi", "1Gi"), 0)
    assert.equal(Quantity.compare("256Mi", 268435457), -1)
    assert.isNull(Quantity.compare("1Gi", "much"))
  })

  it("two sizes beyond 2^53 that differ by a byte are not equal", () => {
    assert.equal(Quantity.compare("9007199254740993", "9007199254740992"), 1)
  })

  it("a sum is written with the largest binary unit that is exact", () => {
    const total = Quantity.sum(["1Gi", "512Mi"])
    assert.isNotNull(total)
    assert.equal(Quantity.format(total), "1536Mi")
    assert.equal(Quantity.format(BigDecimal.fromBigInt(0n)), "0")
    assert.isNull(Quantity.sum(["1Gi", "some"]))
  })

  it("the largest stays as it is spelled, and what cannot be read counts as none", () => {
    assert.equal(Quantity.largest(["1Gi", null, "1073741824", "much", undefined]), "1Gi")
    assert.equal(Quantity.largest(["512Mi", "1000M"]), "1000M")
    assert.isNull(Quantity.largest([null, "much"]))
  })

  it("a size in bytes is written as a person does", () => {
    assert.equal(Quantity.sized(2147483648), "2Gi")
    assert.equal(Quantity.sized("2147483648"), "2Gi")
    assert.equal(Quantity.sized(2147483649), "2147483649")
    assert.equal(Quantity.sized("much"), "much")
  })

  it("what is written reads back, also where an exponent would be shorter, or with more than a hundred digits", () => {
    for (const text of ["1e99", `${"7".repeat(150)}e99`, "5e-999", ".5e-999", "-1.25e-20", "0.5", "-3"]) {
      const number = Quantity.parse(text)
      assert.isNotNull(number)
      assert.equal(Quantity.compare(Quantity.format(number), text), 0, text)
    }
  })
})
