import { assert, describe, it } from "@effect/vitest"
import { type Json, service } from "../objects.ts"
import { endpoint, observe, peerOf, reasons, slice } from "./view.ts"

describe("where pods may not be read, EndpointSlices tell", () => {
  const by = (...slices: ReadonlyArray<Json>) => observe({ pods: null, nodes: null, slices })

  it("addresses, ports, node, zone and readiness; who drains, nobody knows", () => {
    const peers = by(slice([endpoint(0)]))
    assert.equal(peers.source, "endpointslices")
    assert.deepEqual(reasons(peers), ["PodsUnread"])
    const peer = peerOf(peers, 0)
    assert.deepEqual(
      [
        peer.ipv4,
        peer.ports,
        peer.node,
        peer.zone,
        peer.ready,
        peer.draining,
        peer.uid,
        peer.fqdn,
        peer.resolvable
      ],
      [
        "10.0.0.0",
        [{ name: "postgres", port: 5432, protocol: "TCP" }],
        "node-a",
        "a",
        true,
        null,
        "uid-db-0",
        "db-0.db.shop.svc.cluster.local",
        true
      ]
    )
    assert.equal(peerOf(peers, 1).availability, "Missing")
    assert.equal(
      peerOf(peers, 1).reason,
      "db-1 has no endpoint: it does not exist, or has no address yet; pods could not be read"
    )
  })

  it("all slices of a Service together: of both families, and beyond a hundred endpoints", () => {
    const six = slice([endpoint(0, { addresses: ["fd00::1"] })], { addressType: "IPv6" })
    const peers = by(slice([endpoint(0)]), six, slice([endpoint(1)]), slice([endpoint(2)]))
    assert.deepEqual([peerOf(peers, 0).ipv4, peerOf(peers, 0).ipv6], ["10.0.0.0", "fd00::1"])
    assert.deepEqual(
      peers.peers.map(({ availability }) => availability),
      ["Ready", "Ready", "Ready"]
    )
  })

  it("an absent ready or serving is true, and an absent terminating false", () => {
    for (const conditions of [{}, null, { ready: null, serving: null, terminating: null }]) {
      const peer = peerOf(by(slice([endpoint(0, { conditions })])), 0)
      assert.deepEqual([peer.ready, peer.serving, peer.terminating], [true, true, false])
    }
  })

  it("an absent serving is what ready says", () => {
    assert.isFalse(peerOf(by(slice([endpoint(0, { conditions: { ready: false } })])), 0).serving)
  })

  it("with publishNotReadyAddresses, serving and not ready says who is ready", () => {
    const services = [service({ spec: { publishNotReadyAddresses: true } })]
    const conditions = { ready: true, serving: false, terminating: false }
    const peers = observe({ pods: null, services, slices: [slice([endpoint(0, { conditions })])] })
    const peer = peerOf(peers, 0)
    assert.deepEqual([peer.ready, peer.resolvable, peer.availability], [false, true, "NotReady"])
  })

  it("one that serves while it terminates is not ready", () => {
    const conditions = { ready: false, serving: true, terminating: true }
    const peer = peerOf(by(slice([endpoint(0, { conditions })])), 0)
    assert.deepEqual(
      [peer.ready, peer.serving, peer.terminating, peer.resolvable],
      [false, true, true, false]
    )
  })

  it("a pod in two slices, while it is moved, is one peer, and the more careful word counts", () => {
    const stale = slice([endpoint(0)])
    const fresh = slice([endpoint(0, { conditions: { ready: false, serving: false, terminating: true } })])
    for (const peers of [by(stale, fresh), by(fresh, stale)]) {
      assert.equal(peers.peers.length, 3)
      assert.deepEqual([peerOf(peers, 0).ready, peerOf(peers, 0).terminating], [false, true])
    }
  })

  it("of two slices that disagree on who serves, neither is newer: the pod is not ready", () => {
    const stale = slice([endpoint(0, { conditions: { ready: false, serving: false } })])
    for (const peers of [by(stale, slice([endpoint(0)])), by(slice([endpoint(0)]), stale)]) {
      assert.equal(peerOf(peers, 0).availability, "NotReady")
    }
  })

  it("slices of other Services, and of no address family, are none of ours", () => {
    const other = slice([endpoint(0)], {
      metadata: { name: "x", labels: { "kubernetes.io/service-name": "web" } }
    })
    const named = slice([endpoint(1, { addresses: ["db.example.com"] })], { addressType: "FQDN" })
    const peers = by(other, named)
    assert.deepEqual(
      peers.peers.map(({ availability }) => availability),
      ["Missing", "Missing", "Missing"]
    )
  })

  it("a pod of a set whose name begins alike is not taken for one of ours", () => {
    const foreign = endpoint(0, { hostname: "db-0-1", targetRef: { kind: "Pod", name: "db-0-1", uid: "x" } })
    assert.equal(by(slice([foreign])).peers.length, 3)
  })

  it("what stands for something else than a pod of the namespace is no peer, whatever its hostname", () => {
    for (const targetRef of [
      { kind: "Pod", name: "db-0", namespace: "bank", uid: "x" },
      { kind: "Node", name: "db-0" },
      { kind: "Pod", name: "web-7", namespace: "shop", uid: "x" }
    ]) {
      assert.equal(peerOf(by(slice([endpoint(0, { targetRef })])), 0).availability, "Missing")
    }
  })

  it("written by hand under a pod's hostname, it does not take the pod's place", () => {
    const byHand = slice([{ addresses: ["10.9.9.9"], hostname: "db-0" }])
    for (const peers of [by(byHand, slice([endpoint(0)])), by(slice([endpoint(0)]), byHand)]) {
      assert.deepEqual([peerOf(peers, 0).ipv4, peerOf(peers, 0).uid], ["10.0.0.0", "uid-db-0"])
    }
    assert.equal(peerOf(by(byHand), 0).ipv4, "10.9.9.9")
  })

  it("while one slice lags with the pod before, it is the one that does not end, or nobody's to say", () => {
    const before = (conditions: Json) =>
      slice(
        [
          endpoint(0, {
            addresses: ["fd00::1"],
            conditions,
            targetRef: { kind: "Pod", name: "db-0", namespace: "shop", uid: "uid-of-before" }
          })
        ],
        { addressType: "IPv6" }
      )
    const ending = before({ ready: false, serving: true, terminating: true })
    for (const peers of [by(ending, slice([endpoint(0)])), by(slice([endpoint(0)]), ending)]) {
      const { uid, ipv4, ipv6, availability } = peerOf(peers, 0)
      assert.deepEqual([uid, ipv4, ipv6, availability], ["uid-db-0", "10.0.0.0", null, "Ready"])
    }
    const lagging = before({ ready: true, serving: true, terminating: false })
    assert.equal(peerOf(by(lagging, slice([endpoint(0)])), 0).availability, "NotReady")
  })

  it("under another hostname than its own, the pod's name does not resolve", () => {
    const { fqdn, resolvable } = peerOf(by(slice([endpoint(0, { hostname: "db-1" })])), 0)
    assert.deepEqual([fqdn, resolvable], ["db-0.db.shop.svc.cluster.local", false])
  })

  it("one beyond what is asked for is there, and leaving", () => {
    const peers = by(slice([endpoint(0), endpoint(7, { addresses: ["10.0.0.7"] })]))
    assert.equal(peerOf(peers, 7).availability, "Leaving")
  })

  it("and where these may not be read either, the names of all ordinals are what is known", () => {
    const peers = observe({ pods: null, slices: null })
    assert.equal(peers.source, "none")
    assert.deepEqual(
      peers.peers.map(({ fqdn, resolvable }) => [fqdn, resolvable]),
      [0, 1, 2].map((ordinal) => [`db-${ordinal}.db.shop.svc.cluster.local`, null])
    )
  })
})
