/** What a container asks for, as the LimitRanges of its namespace allow it. */
import { assert, describe, it } from "@effect/vitest"
import { fitted, fittedPod, type Limit } from "../../packages/sdk/src/LimitRange.ts"

const own = { requests: { cpu: "10m", memory: "16Mi" }, limits: { cpu: "200m", memory: "256Mi" } }

const inside = (limit: Omit<Limit, "type">, type = "Container", count = 1) =>
  fitted(own, [{ type, ...limit }], count)

describe("a container in a namespace with a LimitRange", () => {
  it("asks for what it asks for anyway, where that is allowed", () => {
    assert.deepEqual(fitted(own, [], 1), own)
    assert.deepEqual(inside({ min: { cpu: "5m" }, max: { cpu: "1", memory: "1Gi" } }), own)
    assert.deepEqual(inside({ maxLimitRequestRatio: { cpu: "20", memory: 16 } }), own)
  })

  it("requests the least that is allowed, and its limit is no lower", () => {
    assert.deepEqual(inside({ min: { cpu: "50m", memory: "512Mi" } }), {
      requests: { cpu: "0.05", memory: "512Mi" },
      limits: { cpu: "200m", memory: "512Mi" }
    })
  })

  it("has the highest limit that is allowed, by itself or with the pod's others", () => {
    assert.deepEqual(inside({ max: { cpu: "100m", memory: "128Mi" } }), {
      requests: own.requests,
      limits: { cpu: "0.1", memory: "128Mi" }
    })
    assert.deepEqual(inside({ max: { cpu: "100m" } }, "Pod", 2).limits, { cpu: "0.05", memory: "256Mi" })
  })

  it("requests more where its limit may only be so many times that, in whole thousandths and bytes", () => {
    assert.deepEqual(inside({ maxLimitRequestRatio: { cpu: "3", memory: "3" } }).requests, {
      cpu: "0.067",
      memory: "89478486"
    })
  })

  it("keeps to all of several LimitRanges", () => {
    const limits: ReadonlyArray<Limit> = [
      { type: "Container", min: { cpu: "20m" }, maxLimitRequestRatio: { cpu: 4 } },
      { type: "Pod", min: { cpu: "30m" }, max: { cpu: "160m" } }
    ]
    assert.deepEqual(fitted(own, limits, 1), {
      requests: { cpu: "0.04", memory: "16Mi" },
      limits: { cpu: "0.16", memory: "256Mi" }
    })
  })

  it("without a limit of its own keeps to the one that the namespace gives it", () => {
    const limits: ReadonlyArray<Limit> = [
      { type: "Container", default: { cpu: "400m" }, max: { cpu: "1" }, maxLimitRequestRatio: { cpu: 4 } }
    ]
    assert.deepEqual(fitted({ requests: { cpu: "10m" } }, limits, 1), { requests: { cpu: "0.1" } })
  })

  it("is fitted wherever it is in its pod, and nothing else of the pod is changed", () => {
    const container = { name: "a", resources: own }
    const pod = {
      metadata: { name: "db" },
      spec: { hostname: "db", initContainers: [container], containers: [container] }
    }
    const raised = { name: "a", resources: inside({ min: { cpu: "50m" } }) }
    assert.deepEqual(fittedPod(pod, [{ type: "Container", min: { cpu: "50m" } }]), {
      metadata: { name: "db" },
      spec: { hostname: "db", initContainers: [raised], containers: [raised] }
    })
  })
})
