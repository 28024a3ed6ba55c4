import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Discovery from "../../../packages/sdk/src/Discovery.ts"
import { at, pod, service, stateOf, statefulSet } from "../objects.ts"
import { notReady, observe } from "./view.ts"

describe("by a state that was read anyway", () => {
  it("peers are the same, but for what a state does not hold", () => {
    const [peers] = Discovery.peers(stateOf())
    const expected = observe({ clusterDomain: null })
    assert.deepEqual(peers, {
      ...expected,
      peers: expected.peers.map((peer) => ({ ...peer, draining: null, ports: null }))
    })
  })

  it.each([
    ["NoGoverningService", { statefulsets: [statefulSet({ spec: { serviceName: "" } })] }],
    ["ServiceMissing", { services: [] }],
    ["NotHeadless", { services: [service({ spec: { clusterIP: "10.96.0.9" } })] }],
    ["ExternalName", { services: [service({ spec: { type: "ExternalName", clusterIP: null } })] }],
    ["OtherSelector", { services: [service({ spec: { selector: { app: "web" } } })] }],
    ["NoReplicas", { statefulsets: [statefulSet({ spec: { replicas: 0 } })], pods: [] }]
  ] as const)("the same problems are found: %s", (reason, changes) => {
    const [peers] = Discovery.peers(stateOf(changes))
    assert.deepEqual(
      peers?.problems.map((problem) => problem.reason),
      [reason]
    )
    assert.isTrue(Schema.is(Discovery.Peers)(peers))
  })

  it("a pod that is not there, is not ready, or is too many is seen as such", () => {
    const [peers] = Discovery.peers(
      stateOf({ pods: [pod(0, notReady), pod(1, { metadata: { deletionTimestamp: at } }), pod(7)] })
    )
    assert.deepEqual(
      peers?.peers.map(({ ordinal, availability, resolvable }) => [ordinal, availability, resolvable]),
      [
        [0, "NotReady", false],
        [1, "NotReady", false],
        [2, "Missing", false],
        [7, "Leaving", true]
      ]
    )
  })
})

describe("by a state, a name that would resolve before its pod is ready", () => {
  it("does not while the pod has no address, nor once it has ended", () => {
    const services = [service({ spec: { publishNotReadyAddresses: true } })]
    const early = pod(1, { status: { phase: "Pending", podIPs: [], conditions: [] } })
    const ended = pod(2, { status: { phase: "Failed", conditions: [] } })
    const [peers] = Discovery.peers(stateOf({ services, pods: [pod(0, notReady), early, ended] }))
    assert.deepEqual(
      peers?.peers.map(({ resolvable }) => resolvable),
      [true, false, false]
    )
  })
})
