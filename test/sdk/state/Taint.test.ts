import { assert, describe, it } from "vitest"
import { admits, formatTaint, formatToleration } from "../../../packages/sdk/src/Taint.ts"

const taint = { key: "dedicated", value: "db", effect: "NoSchedule" }

describe("a toleration means what it means to the scheduler", () => {
  it.each([
    [{ key: "dedicated", operator: "Equal", value: "db", effect: "NoSchedule" }, true],
    [{ key: "dedicated", value: "db" }, true],
    [{ key: "dedicated", value: "web", effect: "NoSchedule" }, false],
    [{ key: "dedicated", operator: "Exists" }, true],
    [{ key: "dedicated", operator: "Exists", effect: "NoExecute" }, false],
    [{ operator: "Exists" }, true],
    [{ key: "dedicated", operator: "Exists", effect: "NoSchedule", tolerationSeconds: 300 }, true],
    [{ key: "other", operator: "Exists" }, false]
  ])("%j", (toleration, expected) => {
    assert.equal(admits([formatTaint(taint)], [formatToleration(toleration)]), expected)
  })

  it("a taint that only prefers keeps nobody away", () => {
    assert.isTrue(admits(["slow:PreferNoSchedule"], []))
    assert.isFalse(admits(["slow:NoSchedule"], []))
  })
})
