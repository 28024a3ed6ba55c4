import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Discovery from "../../packages/sdk/src/Discovery.ts"
import * as Routing from "../../packages/sdk/src/Routing.ts"
import { growth } from "./growth.ts"
import { at, type Json, node, object, pod, service, statefulSet } from "./objects.ts"
import {
  endpoint,
  type Lists,
  notReady,
  observation,
  observe,
  peerOf,
  reasons,
  slice
} from "./discovery/view.ts"

describe("peers are all that a caller needs of each ordinal", () => {
  it("name, addresses, port, node, zone, readiness, revision, and since when", () => {
    assert.deepEqual(observe().peers[1], {
      ordinal: 1,
      name: "db-1",
      wanted: true,
      availability: "Ready",
      ready: true,
      serving: true,
      terminating: false,
      draining: false,
      uid: "uid-db-1",
      fqdn: "db-1.db.shop.svc.cluster.local",
      resolvable: true,
      ipv4: "10.0.0.1",
      ipv6: null,
      ports: [{ name: "", port: 5432, protocol: "TCP" }],
      node: "node-b",
      zone: "b",
      revision: "db-1",
      since: at,
      services: [],
      reason: null
    })
    assert.deepEqual(reasons(observe()), [])
  })

  it("are valid by their own schema, whatever is missing", () => {
    const is = Schema.is(Discovery.Peers)
    for (const changes of [
      {},
      { pods: null },
      { services: null },
      { pods: null, slices: [slice([endpoint(0)])] }
    ]) {
      assert.isTrue(is(observe(changes)))
    }
  })

  it("stand in the order of ordinals, and not of names", () => {
    const set = statefulSet({ spec: { replicas: 12 } })
    const pods = [11, 10, 2, 0].map((ordinal) => pod(ordinal))
    assert.deepEqual(
      observe({ set, pods }).peers.map(({ ordinal }) => ordinal),
      Array.from({ length: 12 }, (_, index) => index)
    )
  })

  it("have addresses of both families", () => {
    const dual = pod(0, { status: { podIPs: [{ ip: "fd00::7" }, { ip: "10.0.0.7" }] } })
    const peer = peerOf(observe({ pods: [dual] }), 0)
    assert.deepEqual([peer.ipv4, peer.ipv6], ["10.0.0.7", "fd00::7"])
  })

  it("are counted from spec.ordinals.start", () => {
    const set = statefulSet({ spec: { ordinals: { start: 5 } } })
    const peers = observe({ set, pods: [pod(5), pod(1)] })
    assert.deepEqual(
      peers.peers.map(({ ordinal, availability }) => `${ordinal} ${availability}`),
      ["1 Leaving", "5 Ready", "6 Missing", "7 Missing"]
    )
  })

  it("take no pod of another set, nor of a namesake that was deleted, whatever their names", () => {
    const foreign = pod(0, {
      metadata: {
        ownerReferences: [
          { apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid: "uid-of-before", controller: true }
        ]
      }
    })
    const peer = peerOf(observe({ pods: [foreign] }), 0)
    assert.equal(peer.availability, "Missing")
    assert.equal(peer.reason, "there is no pod db-0")
    assert.equal(peer.resolvable, false)
  })

  it("are what their names say, whatever somebody writes into their labels", () => {
    const relabelled = pod(2, { metadata: { labels: { "apps.kubernetes.io/pod-index": "0" } } })
    const misnamed = pod(1, { metadata: { name: "other", labels: { "apps.kubernetes.io/pod-index": "1" } } })
    assert.deepEqual(
      observe({ pods: [pod(0), relabelled, misnamed] }).peers.map(({ name, uid }) => [name, uid]),
      [
        ["db-0", "uid-db-0"],
        ["db-1", null],
        ["db-2", "uid-db-2"]
      ]
    )
  })

  it("of a mistyped number of replicas are told up to a bound", () => {
    const peers = observe({ set: statefulSet({ spec: { replicas: 2_000_000_000 } }) })
    assert.equal(peers.replicas, 2_000_000_000)
    assert.equal(peers.peers.length, 10_000)
  })

  it("cost twice for twice as many", () => {
    const ratio = growth(
      (size) =>
        observation({
          set: statefulSet({ spec: { replicas: size } }),
          pods: Array.from({ length: size }, (_, ordinal) => pod(ordinal)),
          slices: [slice(Array.from({ length: size }, (_, ordinal) => endpoint(ordinal)))]
        }),
      200,
      Discovery.observe
    )
    assert.isBelow(ratio, 2.2)
  })
})

describe("a port is the one on the pod", () => {
  const ported = (ports: ReadonlyArray<Json>) => service({ spec: { ports } })
  const container = { name: "postgres", image: "postgres:15", ports: [{ name: "sql", containerPort: 6432 }] }
  const withPort = [pod(0, { spec: { containers: [container] } })]

  it("the target port and not the Service's, by the Service's name for it", () => {
    const services = [
      ported([
        { name: "a", port: 80, targetPort: 8080 },
        { name: "b", port: 5432, targetPort: "sql" },
        { name: "c", port: 9 }
      ])
    ]
    assert.deepEqual(peerOf(observe({ pods: withPort, services }), 0).ports, [
      { name: "a", port: 8080, protocol: "TCP" },
      { name: "b", port: 6432, protocol: "TCP" },
      { name: "c", port: 9, protocol: "TCP" }
    ])
  })

  it("left out where the pod does not name it, or under another protocol", () => {
    const services = [
      ported([
        { name: "a", port: 1, targetPort: "http" },
        { name: "b", port: 2, targetPort: "sql", protocol: "UDP" }
      ])
    ]
    assert.deepEqual(peerOf(observe({ pods: withPort, services }), 0).ports, [])
  })

  it("found in a side-car among the init containers", () => {
    const sideCar = {
      name: "proxy",
      image: "p",
      restartPolicy: "Always",
      ports: [{ name: "http", containerPort: 8443 }]
    }
    const pods = [pod(0, { spec: { initContainers: [sideCar] } })]
    const services = [ported([{ name: "web", port: 443, targetPort: "http" }])]
    assert.deepEqual(peerOf(observe({ pods, services }), 0).ports, [
      { name: "web", port: 8443, protocol: "TCP" }
    ])
  })

  it("what the containers declare, where there is no Service to name it", () => {
    assert.deepEqual(peerOf(observe({ pods: withPort, services: [] }), 0).ports, [
      { name: "sql", port: 6432, protocol: "TCP" }
    ])
  })
})

describe("whether a peer takes new keys", () => {
  const cases: ReadonlyArray<readonly [string, Json, Discovery.Peer["availability"]]> = [
    ["a ready one does", {}, "Ready"],
    ["one that is not ready does not", notReady, "NotReady"],
    [
      "one that terminates does not, though it still serves",
      { metadata: { deletionTimestamp: at } },
      "NotReady"
    ],
    [
      "one that is marked as draining is leaving",
      { metadata: { annotations: { [Discovery.drainingAnnotation]: "" } } },
      "Leaving"
    ]
  ]
  for (const [what, changes, expected] of cases) {
    it(what, () => {
      const peer = peerOf(observe({ pods: [pod(0, changes)] }), 0)
      assert.equal(peer.availability, expected)
      assert.equal(peer.ready, expected === "Ready" || expected === "Leaving")
    })
  }

  it("one beyond what is asked for is leaving, before anybody has deleted it", () => {
    const peers = observe({ set: statefulSet({ spec: { replicas: 2 } }) })
    assert.equal(peerOf(peers, 2).availability, "Leaving")
    assert.isFalse(peerOf(peers, 2).wanted)
  })

  it("one on a lost node does not, though its containers still say ready", () => {
    const nodes = [
      node("a", { status: { conditions: [{ type: "Ready", status: "Unknown" }] } }),
      node("b"),
      node("c")
    ]
    const peer = peerOf(observe({ nodes }), 0)
    assert.equal(peer.availability, "NotReady")
    assert.equal(peer.reason, "node-a is unreachable")
  })

  it("is what Routing takes as it is", () => {
    const pods = [pod(0), pod(1, notReady), pod(2)]
    const picker = Routing.picker(Routing.jump, Discovery.members(observe({ pods })))
    for (let index = 0; index < 100; index++) {
      assert.notEqual(Result.getOrThrow(picker.pick(`tenant-${index}`)), 1)
    }
  })
})

describe("a name", () => {
  const resolution = (changes: Partial<Lists>, ordinal = 0) => {
    const { fqdn, resolvable, reason } = peerOf(observe(changes), ordinal)
    return { fqdn, resolvable, reason }
  }

  it("ends in .svc where the cluster's domain is not known", () => {
    assert.equal(resolution({ clusterDomain: null }).fqdn, "db-0.db.shop.svc")
  })

  it("does not resolve before its pod is ready", () => {
    const { resolvable, reason } = resolution({ pods: [pod(0, notReady)] })
    assert.isFalse(resolvable)
    assert.include(reason ?? "", "Ready")
  })

  it("resolves before, under a Service with publishNotReadyAddresses, and the peer is not ready for that", () => {
    const services = [service({ spec: { publishNotReadyAddresses: true } })]
    const peer = peerOf(observe({ services, pods: [pod(0, notReady)] }), 0)
    assert.deepEqual([peer.resolvable, peer.ready, peer.availability], [true, false, "NotReady"])
  })

  it("does not resolve while the pod has no address", () => {
    assert.deepEqual(resolution({ pods: [pod(0, { status: { podIPs: [] } })] }).resolvable, false)
  })

  it("does not resolve for a pod without an address of the Service's families", () => {
    const services = [service({ spec: { ipFamilies: ["IPv6"] } })]
    assert.deepEqual(resolution({ services }), {
      fqdn: "db-0.db.shop.svc.cluster.local",
      resolvable: false,
      reason: "db-0 has no IPv6 address, and Service db has names for those"
    })
    const dual = pod(0, { status: { podIPs: [{ ip: "10.0.0.7" }, { ip: "fd00::7" }] } })
    assert.isTrue(resolution({ services, pods: [dual] }).resolvable)
  })

  it("does not resolve for a pod with another hostname or subdomain than the Service's", () => {
    const { resolvable, reason } = resolution({ pods: [pod(0, { spec: { subdomain: "old" } })] })
    assert.isFalse(resolvable)
    assert.equal(
      reason,
      "db-0 has hostname db-0 and subdomain old, not those of Service db: it has no DNS name until it is recreated"
    )
  })

  it("waits for the EndpointSlice, which follows the pod, where slices could be read", () => {
    assert.deepEqual(resolution({ slices: [slice([endpoint(1)])] }), {
      fqdn: "db-0.db.shop.svc.cluster.local",
      resolvable: false,
      reason: "db-0 is not yet in an EndpointSlice of Service db"
    })
    assert.isTrue(resolution({ slices: [slice([endpoint(0)])] }).resolvable)
  })

  it("is not that of the pod before under the same name", () => {
    const before = endpoint(0, { targetRef: { kind: "Pod", name: "db-0", uid: "uid-of-before" } })
    assert.isFalse(resolution({ slices: [slice([before])] }).resolvable)
  })
})

describe("what is wrong with the governing Service is said once, and of each name", () => {
  const cases: ReadonlyArray<readonly [string, Partial<Lists>, string, boolean | null, string]> = [
    [
      "none is named",
      { set: statefulSet({ spec: { serviceName: "" } }) },
      "NoGoverningService",
      false,
      "StatefulSet shop/db names no governing Service"
    ],
    ["it is not there", { services: [] }, "ServiceMissing", false, "with the selector app=db"],
    [
      "it could not be read",
      { services: null },
      "ServicesUnread",
      null,
      "Services of shop could not be read"
    ],
    [
      "it has a cluster IP",
      { services: [service({ spec: { clusterIP: "10.96.0.9" } })] },
      "NotHeadless",
      true,
      "Service shop/db has a cluster IP"
    ],
    [
      "it is an ExternalName",
      { services: [service({ spec: { type: "ExternalName", clusterIP: null } })] },
      "ExternalName",
      false,
      "is an ExternalName"
    ],
    [
      "it has no selector",
      { services: [service({ spec: { selector: null } })] },
      "NoSelector",
      null,
      "has no selector"
    ],
    [
      "it selects others",
      { services: [service({ spec: { selector: { app: "web", tier: "x" } } })] },
      "OtherSelector",
      false,
      "selects app=web,tier=x, and they are labelled app=db"
    ],
    [
      "its namesake is elsewhere",
      { services: [{ ...service(), metadata: { name: "db", namespace: "other" } }] },
      "ServiceMissing",
      false,
      "Service shop/db"
    ]
  ]
  for (const [what, changes, expected, resolvable, words] of cases) {
    it(what, () => {
      const peers = observe(changes)
      assert.deepEqual(reasons(peers), [expected])
      assert.include(peers.problems[0]?.message ?? "", words)
      assert.equal(peerOf(peers, 0).resolvable, resolvable)
      if (resolvable === false) assert.isNull(peerOf(peers, 0).fqdn)
      // Addresses are found all the same.
      assert.equal(peerOf(peers, 0).ipv4, "10.0.0.0")
    })
  }

  it("but a Service without selector whose slices somebody writes has names, by hostname", () => {
    const services = [service({ spec: { selector: null } })]
    const slices = [slice([{ addresses: ["10.0.0.0"], hostname: "db-0" }])]
    const peers = observe({ services, slices })
    assert.isTrue(peerOf(peers, 0).resolvable)
    assert.isFalse(peerOf(peers, 1).resolvable)
  })

  it("no replicas, which leaves nobody to find", () => {
    const peers = observe({ set: statefulSet({ spec: { replicas: 0 } }), pods: [] })
    assert.deepEqual(reasons(peers), ["NoReplicas"])
    assert.deepEqual(peers.peers, [])
  })

  it("a Service for one pod alone is named with that pod", () => {
    const own = object("db-1-lb", { spec: { selector: { "statefulset.kubernetes.io/pod-name": "db-1" } } })
    const peers = observe({ services: [service(), own] })
    assert.deepEqual(
      peers.peers.map(({ services }) => services),
      [[], ["db-1-lb"], []]
    )
  })
})
