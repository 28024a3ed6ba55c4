import { assert, describe, it } from "@effect/vitest"
import { predicted } from "../../../packages/sdk/src/snapshot/freeze.ts"

/** Seconds from the first member held to the last let go, on a cluster with external-snapshotter 8.6. */
const seen = [
  { volumes: 6, group: false, qps: 5, seconds: 2.95 },
  { volumes: 10, group: false, qps: 5, seconds: 6.2 },
  { volumes: 14, group: false, qps: 5, seconds: 11.1 },
  { volumes: 20, group: false, qps: 5, seconds: 17.1 },
  { volumes: 20, group: false, qps: 20, seconds: 3.3 },
  { volumes: 100, group: false, qps: 20, seconds: 26 },
  { volumes: 20, group: true, qps: 5, seconds: 2.8 }
]

/** The same until the last VolumeSnapshot says that it is cut. */
const withoutContents = [
  { volumes: 2, seconds: 2 },
  { volumes: 6, seconds: 9 },
  { volumes: 10, seconds: 16.2 },
  { volumes: 20, seconds: 34.3 }
]

describe("a freeze is foretold within a quarter of what was seen", () => {
  for (const { volumes, group, qps, seconds } of seen) {
    it(`${volumes} volumes ${group ? "as one group" : "each alone"}, ${qps} requests a second`, () => {
      const { millis } = predicted(volumes, group, true, { snapshotQps: qps })
      assert.closeTo(millis / 1000, seconds, seconds / 4)
    })
  }

  for (const { volumes, seconds } of withoutContents) {
    it(`${volumes} volumes whose contents may not be read`, () => {
      const { millis } = predicted(volumes, false, false, {})
      assert.closeTo(millis / 1000, seconds, seconds / 4)
    })
  }

  it("what goes at once waits for nothing", () => {
    assert.strictEqual(predicted(2, false, true, {}).millis, 0)
    assert.strictEqual(predicted(10, false, true, { snapshotQps: 20 }).millis, 0)
    assert.strictEqual(predicted(9, true, true, {}).millis, 0)
  })

  it("says by which rate", () => {
    assert.match(predicted(100, false, true, {}).how, /490 requests at 5 a second, the default unless/)
    assert.match(predicted(100, false, true, { snapshotQps: 20 }).how, /490 requests at 20 a second, from/)
  })
})
