import { assert, describe, it } from "vitest"
import { type Domain, lose } from "../../packages/sdk/src/Loss.ts"
import { bound, claim, forbidden, node, object, pod, stateOf, statefulSet, volume } from "./objects.ts"

type Changes = Parameters<typeof stateOf>[0]

const placement = (name: string, changes: Changes = {}) => {
  const found = stateOf(changes).placements.find(({ replica }) => replica === name)
  if (found === undefined) throw new Error(`no placement of ${name}`)
  return found
}
const withSpec = (spec: Record<string, unknown>) => statefulSet({ spec: { template: { spec } } })
const withoutLabel = (letter: string, label: string) => {
  const whole = node(letter)
  const metadata = whole["metadata"] as { labels: Record<string, string> }
  const labels = Object.fromEntries(Object.entries(metadata.labels).filter(([key]) => key !== label))
  return { ...whole, metadata: { ...metadata, labels } }
}
const hostname = "kubernetes.io/hostname"
const zone = "topology.kubernetes.io/zone"
const rack = "topology.kubernetes.io/rack"
const one = { persistentvolumeclaims: [claim("data-db-0")] }
const both = { persistentvolumeclaims: [claim("data-db-0"), claim("wal-db-0")] }

describe("a node's facts come from its labels, or are unknown", () => {
  const facts = (changes: Record<string, unknown>, rest: Parameters<typeof stateOf>[1] = {}) =>
    stateOf({ nodes: [node("a", changes)] }, rest).nodes?.[0]

  it("zone, rack, provider and managed offering", () => {
    const found = facts({
      metadata: { labels: { "eks.amazonaws.com/nodegroup": "workers" } },
      spec: { providerID: "aws:///eu-west-1a/i-0123" },
      status: { nodeInfo: { architecture: "arm64", operatingSystem: "linux" } }
    })
    assert.deepInclude(found, {
      region: "eu",
      zone: "a",
      rack: "r1",
      provider: "aws",
      managed: "eks",
      arch: "arm64",
      os: "linux",
      instanceType: null
    })
  })

  it("G56: a node without a rack label is in an unknown rack, not in the same one as others", () => {
    const state = stateOf({ nodes: [withoutLabel("a", rack), node("b")] })
    assert.deepEqual(
      state.nodes?.map((found) => found.rack),
      [null, "r1"]
    )
    assert.isNull(state.placements[0]?.rack)
  })

  it("the rack label is a setting", () => {
    const labels = { "example.com/rack": "x" }
    assert.equal(facts({ metadata: { labels } }, { domainLabels: { rack: ["example.com/rack"] } })?.rack, "x")
  })

  it("a node that no longer answers is neither ready nor not ready", () => {
    assert.isNull(facts({ status: { conditions: [{ type: "Ready", status: "Unknown" }] } })?.ready)
  })

  it("pressure, taints and devices", () => {
    const found = facts({
      spec: { taints: [{ key: "dedicated", value: "db", effect: "NoSchedule" }] },
      status: {
        conditions: [
          { type: "Ready", status: "True" },
          { type: "DiskPressure", status: "True" },
          { type: "MemoryPressure", status: "False" }
        ],
        allocatable: { cpu: "4", "example.com/gpu": "2", "example.com/none": "0" }
      }
    })
    assert.deepInclude(found, {
      pressure: ["DiskPressure"],
      taints: ["dedicated=db:NoSchedule"],
      devices: { "example.com/gpu": "2" }
    })
  })

  it("of ten thousand labels only those that matter are kept", () => {
    const labels = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`label-${index}`, "x"]))
    const set = withSpec({ nodeSelector: { "label-7": "x" } })
    const state = stateOf({ statefulsets: [set], nodes: [node("a", { metadata: { labels } })] })
    const kept = Object.keys(state.nodes?.[0]?.labels ?? {})
    assert.include(kept, "label-7")
    assert.isAtMost(kept.length, 5)
  })
})

describe("what pins a replica", () => {
  const pins = (changes: Changes) => placement("db-0", { ...one, ...changes }).pins

  it("nothing, when its volume is reachable from every node", () => {
    const { storage, pins: found } = placement("db-0")
    assert.deepEqual([storage, found], ["network", []])
  })

  it("nothing, where a generic ephemeral volume goes with its pod", () => {
    const volumes = [{ name: "scratch", ephemeral: {} }]
    const set = withSpec({ volumes })
    assert.equal(placement("db-0", { ...both, statefulsets: [set] }).storage, "network")
  })

  it("a volume of one node", () => {
    const persistentvolumes = [volume("data-db-0", bound(hostname, "node-a"))]
    assert.deepEqual(pins({ persistentvolumes }), [
      { by: "volume", name: "data-db-0", nodes: ["node-a"], domain: "node" }
    ])
    assert.equal(placement("db-0", { ...one, persistentvolumes }).storage, "local")
  })

  it("a volume of one zone is zonal although the zone has but one node today", () => {
    const persistentvolumes = [volume("data-db-0", bound(zone, "a"))]
    assert.deepEqual(pins({ persistentvolumes }), [
      { by: "volume", name: "data-db-0", nodes: ["node-a"], domain: "zone" }
    ])
    const zonal = ["data-db-0", "wal-db-0"].map((name) => volume(name, bound(zone, "a")))
    assert.equal(placement("db-0", { ...both, persistentvolumes: zonal }).storage, "zonal")
    assert.isNull(placement("db-0", { ...both, persistentvolumes }).storage)
  })

  it("a volume of two zones can go from one to the other", () => {
    const persistentvolumes = [volume("data-db-0", bound(zone, "a", "b"))]
    assert.deepEqual(pins({ persistentvolumes })[0]?.nodes, ["node-a", "node-b"])
  })

  it("a volume that says its zone by labels alone, those of before 1.17 too, and several at once", () => {
    const labelled = (key: string, value: string) => [
      volume("data-db-0", { metadata: { labels: { [key]: value } } })
    ]
    for (const key of [zone, "failure-domain.beta.kubernetes.io/zone"])
      assert.deepEqual(pins({ persistentvolumes: labelled(key, "a") }), [
        { by: "volume", name: "data-db-0", nodes: ["node-a"], domain: "zone" }
      ])
    assert.deepEqual(pins({ persistentvolumes: labelled(zone, "a__b") })[0]?.nodes, ["node-a", "node-b"])
  })

  it("nodeName, which no scheduler is asked about", () => {
    assert.deepEqual(pins({ statefulsets: [withSpec({ nodeName: "node-a" })] }), [
      { by: "nodeName", name: "node-a", nodes: ["node-a"], domain: "node" }
    ])
  })

  it("a volume by a driver's own node key, which no well-known label names", () => {
    const persistentvolumes = [volume("data-db-0", bound("topology.example.com/host", "a"))]
    const nodes = ["a", "b"].map((letter) =>
      node(letter, { metadata: { labels: { "topology.example.com/host": letter } } })
    )
    assert.deepInclude(pins({ persistentvolumes, nodes })[0], { nodes: ["node-a"], domain: "node" })
  })

  it("a volume by a driver's node key is its node's also when that node is gone", () => {
    for (const key of [
      "topology.topolvm.io/node",
      "topology.carina.storage.io/node",
      "openebs.io/nodename",
      "openebs.io/nodeid",
      "linbit.com/hostname"
    ]) {
      const persistentvolumes = [volume("data-db-0", bound(key, "node-x"))]
      assert.deepInclude(pins({ persistentvolumes })[0], { nodes: [], domain: "node" }, key)
      assert.equal(placement("db-0", { ...one, persistentvolumes }).storage, "local", key)
    }
    // A node that is there and does not say so is not known to be that one.
    const persistentvolumes = [volume("data-db-0", bound("topology.topolvm.io/node", "node-a"))]
    assert.deepInclude(pins({ persistentvolumes })[0], { nodes: [], domain: null })
  })

  it("a hostPath volume without affinity is data of the node where its pod runs", () => {
    const whole = volume("data-db-0")
    const state = { ...one, persistentvolumes: [{ ...whole, spec: { hostPath: { path: "/data" } } }] }
    assert.deepEqual(placement("db-0", state).pins, [
      { by: "volume", name: "data-db-0", nodes: ["node-a"], domain: "node" }
    ])
    assert.equal(placement("db-0", state).storage, "local")
  })

  it("is not known before all claims of its templates are there", () => {
    assert.isNull(placement("db-0", one).storage)
    assert.isNull(placement("db-0", { persistentvolumeclaims: [] }).storage)
    const bare = statefulSet({ spec: { volumeClaimTemplates: [] } })
    assert.equal(placement("db-0", { statefulsets: [bare], persistentvolumeclaims: [] }).storage, "none")
  })

  it("is not known where volumes could not be read", () => {
    const state = { ...one, persistentvolumes: forbidden("persistentvolumes") }
    assert.deepEqual([placement("db-0", state).storage, placement("db-0", state).pins], [null, []])
  })

  it("a node selector and a required affinity, when they leave out a node", () => {
    const terms = [{ matchExpressions: [{ key: rack, operator: "In", values: ["r1"] }] }]
    const affinity = {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } }
    }
    const set = withSpec({ affinity, nodeSelector: { "topology.kubernetes.io/region": "eu", [zone]: "a" } })
    assert.deepEqual(
      pins({ statefulsets: [set] }).map(({ by, name, nodes, domain }) => [by, name, nodes, domain]),
      [
        ["nodeSelector", `${zone}=a`, ["node-a"], "node"],
        ["affinity", rack, ["node-a", "node-b"], "rack"]
      ]
    )
  })

  it("a device that only one node has enough of", () => {
    const set = withSpec({
      containers: [{ name: "postgres", resources: { limits: { "example.com/gpu": "2" } } }]
    })
    const nodes = ["a", "b"].map((letter) =>
      node(letter, { status: { allocatable: { "example.com/gpu": letter === "a" ? "2" : "1" } } })
    )
    assert.deepEqual(pins({ statefulsets: [set], nodes }), [
      { by: "device", name: "example.com/gpu", nodes: ["node-a"], domain: "node" }
    ])
  })

  it("a hostPath that it writes to, and not one that it only reads", () => {
    const set = withSpec({
      containers: [
        {
          name: "postgres",
          volumeMounts: [
            { name: "disk", mountPath: "/disk" },
            { name: "time", mountPath: "/etc/localtime", readOnly: true }
          ]
        }
      ],
      volumes: [
        { name: "disk", hostPath: { path: "/mnt/disk" } },
        { name: "time", hostPath: { path: "/etc/localtime" } }
      ]
    })
    assert.deepEqual(pins({ statefulsets: [set] }), [
      { by: "hostPath", name: "/mnt/disk", nodes: ["node-a"], domain: "node" }
    ])
  })

  it("a device of the node, and neither its sockets, its logs nor its time zone", () => {
    const paths = ["/dev/ttyUSB0", "/dev/log", "/run/dbus", "/var/log/app", "/etc/localtime"]
    const set = withSpec({
      containers: [
        { name: "main", volumeMounts: paths.map((mountPath, index) => ({ name: `v${index}`, mountPath })) }
      ],
      volumes: paths.map((path, index) => ({ name: `v${index}`, hostPath: { path } }))
    })
    assert.deepEqual(pins({ statefulsets: [set] }), [
      { by: "hostPath", name: "/dev/ttyUSB0", nodes: ["node-a"], domain: "node" }
    ])
  })

  it("a claimed device, by the nodes that reach it", () => {
    const terms = [{ matchExpressions: [{ key: hostname, operator: "In", values: ["node-a"] }] }]
    const results = [{ driver: "gpu.example.com", pool: "node-a", device: "gpu-0" }]
    const resourceclaims = [
      object("db-0-gpu", {
        status: { allocation: { nodeSelector: { nodeSelectorTerms: terms }, devices: { results } } }
      })
    ]
    const pods = [
      pod(0, { status: { resourceClaimStatuses: [{ name: "gpu", resourceClaimName: "db-0-gpu" }] } })
    ]
    const state = stateOf({ ...one, pods, resourceclaims })
    assert.deepEqual(state.resourceClaims, [
      {
        name: "db-0-gpu",
        pods: ["db-0"],
        allocated: true,
        devices: ["gpu.example.com/node-a/gpu-0"],
        nodes: ["node-a"]
      }
    ])
    assert.deepInclude(state.placements[0]?.pins[0], { by: "resourceClaim", nodes: ["node-a"] })
  })

  it("the only node that all of them together with the taints leave", () => {
    const persistentvolumes = [volume("data-db-0", bound(zone, "a", "b"))]
    const nodes = [
      node("a"),
      node("b", { spec: { taints: [{ key: "dedicated", value: "web", effect: "NoSchedule" }] } }),
      node("c")
    ]
    assert.deepEqual(
      pins({ persistentvolumes, nodes }).map(({ by, name }) => [by, name]),
      [
        ["volume", "data-db-0"],
        ["onlyNode", "node-a"]
      ]
    )
  })
})

describe("losing a failure domain", () => {
  const lost = (domain: Domain, changes: Changes = {}) => lose(stateOf(changes), domain)
  const r1: Domain = { kind: "rack", name: "r1" }

  it("takes its replicas, and quorum when most of them were there", () => {
    const loss = lost(r1)
    assert.deepEqual(
      [loss.nodes, loss.lost, loss.survivors],
      [["node-a", "node-b"], ["db-0", "db-1"], ["db-2"]]
    )
    assert.deepEqual(loss.quorum, [
      { workload: "StatefulSet/db", members: 3, needed: 2, left: 1, kept: false }
    ])
  })

  it("keeps quorum when the others are ready, and loses it when one of them is not", () => {
    const domain: Domain = { kind: "node", name: "node-a" }
    assert.isTrue(lost(domain).quorum[0]?.kept)
    const sick = pod(1, { status: { conditions: [{ type: "Ready", status: "False" }] } })
    assert.isFalse(lost(domain, { pods: [pod(0), sick, pod(2)] }).quorum[0]?.kept)
  })

  it("G56: what happens in a rack that is not known for a node decides nothing", () => {
    const loss = lost(r1, { nodes: [node("a"), withoutLabel("b", rack), node("c")] })
    assert.deepEqual([loss.lost, loss.unknown, loss.quorum[0]?.kept], [["db-0"], ["db-1"], null])
  })

  it("nothing is known of racks to who may not read nodes, and nodes are known by name", () => {
    const nodes = forbidden("nodes")
    assert.deepEqual(lost(r1, { nodes }).unknown, ["db-0", "db-1", "db-2"])
    assert.deepEqual(lost({ kind: "node", name: "node-a" }, { nodes }).lost, ["db-0"])
    assert.isNull(lost({ kind: "node", name: "node-a" }, { nodes }).moves[0]?.nodes)
  })

  it("a lost replica can go to the nodes that its volume, the taints and its siblings leave", () => {
    const domain: Domain = { kind: "node", name: "node-a" }
    assert.deepEqual(lost(domain).moves, [{ replica: "db-0", nodes: ["node-b", "node-c"] }])
    const persistentvolumes = [volume("data-db-0", bound(hostname, "node-a"))]
    assert.deepEqual(lost(domain, { persistentvolumes }).moves, [{ replica: "db-0", nodes: [] }])
    const cordoned = [node("a"), node("b", { spec: { unschedulable: true } }), node("c")]
    assert.deepEqual(lost(domain, { nodes: cordoned }).moves, [{ replica: "db-0", nodes: ["node-c"] }])
    const podAntiAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: hostname, labelSelector: { matchLabels: { app: "db" } } }
      ]
    }
    const apart = withSpec({ affinity: { podAntiAffinity } })
    assert.deepEqual(lost(domain, { statefulsets: [apart] }).moves, [{ replica: "db-0", nodes: [] }])
  })
})
