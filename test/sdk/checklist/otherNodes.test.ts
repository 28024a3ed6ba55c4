/** Answers about nodes that could take a replica, from objects as people write them. */
import { assert, describe, it } from "vitest"
import { answer } from "../../../packages/sdk/src/Checklist.ts"
import type { Observation } from "../../../packages/sdk/src/state/observation.ts"
import { type Json, node, pod, stateOf } from "../objects.ts"
import { findings, made, at } from "./made.ts"

describe("a replica has another node to start on only where the others leave it one", () => {
  const well = { mounts: [at("/data")], templates: ["data"] }
  const told = (podSpec: Json, more: Observation["lists"] = {}) =>
    findings(made({ ...well, pod: podSpec }, more), "restart", "no-other-node").map((one) => one.evidence)
  const apart = (topologyKey: string, app = "db") => ({
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey, labelSelector: { matchLabels: { app } } }
        ]
      }
    }
  })
  const spread = (topologyKey: string, rest: Json = {}) => ({
    topologySpreadConstraints: [
      {
        topologyKey,
        maxSkew: 1,
        whenUnsatisfiable: "DoNotSchedule",
        labelSelector: { matchLabels: { app: "db" } },
        ...rest
      }
    ]
  })
  const more = (...changes: ReadonlyArray<Json>) => ({
    nodes: [
      ...["a", "b", "c"].map((letter) => node(letter)),
      ...changes.map((change, index) =>
        node(`x${index}`, { ...change, metadata: { labels: { "topology.kubernetes.io/zone": "a" } } })
      )
    ]
  })
  const none = (what: string) => [`no other usable node can run db-0, db-1 and db-2: ${what} them apart`]

  it("anti-affinity over nodes, forbidding spread and host ports each take as many nodes as replicas", () => {
    assert.deepEqual(told(apart("kubernetes.io/hostname")), none("anti-affinity keeps"))
    assert.deepEqual(told(spread("kubernetes.io/hostname")), none("spread constraints keep"))
    const ports = { ports: [{ containerPort: 9000, hostPort: 19000 }] }
    const container = { name: "main", image: "example/db:1", volumeMounts: well.mounts, ...ports }
    assert.deepEqual(told({ containers: [container] }), none("host ports keep"))
    const onHost = { hostNetwork: true, containers: [{ ...container, ports: [{ containerPort: 9000 }] }] }
    assert.deepEqual(told(onHost), none("host ports keep"))
  })

  it("over zones too, where each zone has one node", () => {
    assert.deepEqual(told(apart("topology.kubernetes.io/zone")), none("anti-affinity keeps"))
    assert.deepEqual(told(spread("topology.kubernetes.io/zone")), none("spread constraints keep"))
  })

  it("one more node is enough for any of the three, and a cordoned one is not", () => {
    for (const rules of [apart("kubernetes.io/hostname"), spread("kubernetes.io/hostname", { maxSkew: 1 })]) {
      const cordoned = told(rules, more({ spec: { unschedulable: true } }))
      assert.deepEqual(cordoned.length, 1)
      assert.deepEqual(told(rules, more({})), [])
    }
  })

  it("a second node in a zone takes that zone's replica alone", () => {
    assert.deepEqual(told(apart("topology.kubernetes.io/zone"), more({})), [
      "no other usable node can run db-1 and db-2: anti-affinity keeps them apart"
    ])
  })

  it("rules about others, and such as only prefer, keep nothing apart", () => {
    assert.deepEqual(told(apart("kubernetes.io/hostname", "other")), [])
    assert.deepEqual(told(spread("kubernetes.io/hostname", { whenUnsatisfiable: "ScheduleAnyway" })), [])
    assert.deepEqual(
      told(spread("kubernetes.io/hostname", { labelSelector: { matchLabels: { app: "other" } } })),
      []
    )
    assert.deepEqual(told(spread("kubernetes.io/hostname", { maxSkew: 2 })), [])
    assert.deepEqual(told({}), [])
  })

  it("pods of others on the node that is left close it as well, by their rule or its own, unless they have ended", () => {
    const beside = (labels: Json, podSpec: Json, phase = "Running") => ({
      ...more({}),
      pods: [
        ...[0, 1, 2].map((ordinal) => pod(ordinal, { spec: { volumes: [] } })),
        {
          metadata: { name: "web-0", namespace: "shop", labels },
          spec: { nodeName: "node-x0", containers: [{ name: "main" }], ...podSpec },
          status: { phase }
        }
      ]
    })
    const wary = (app: string) => ({
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app } } }
      ]
    })
    const both = {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            ...wary("db").requiredDuringSchedulingIgnoredDuringExecution,
            ...wary("web").requiredDuringSchedulingIgnoredDuringExecution
          ]
        }
      }
    }
    const own = apart("kubernetes.io/hostname")
    const theirs = { affinity: { podAntiAffinity: wary("db") } }
    assert.deepEqual(told(both, beside({ app: "web" }, {})).length, 1)
    assert.deepEqual(told(own, beside({ app: "web" }, theirs)).length, 1)
    assert.deepEqual(told(own, beside({ app: "web" }, {})), [])
    assert.deepEqual(told(both, beside({ app: "web" }, {}, "Succeeded")), [])
  })

  it("rules about its own pods only where these are meant: by namespace, and without mismatchLabelKeys", () => {
    const term = (rest: Json) => ({
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            {
              topologyKey: "kubernetes.io/hostname",
              labelSelector: { matchExpressions: [{ key: "app", operator: "Exists" }] },
              ...rest
            }
          ]
        }
      }
    })
    for (const meant of [
      {},
      { matchLabelKeys: ["app"] },
      { mismatchLabelKeys: ["tenant"] },
      { namespaces: ["shop"] },
      { namespaceSelector: {} },
      { namespaces: ["other"], namespaceSelector: {} }
    ])
      assert.deepEqual(told(term(meant)), none("anti-affinity keeps"), JSON.stringify(meant))
    // One application a node: only pods whose label has another value are kept away.
    for (const others of [{ mismatchLabelKeys: ["app"] }, { namespaces: ["other"] }])
      assert.deepEqual(told(term(others)), [], JSON.stringify(others))
  })

  describe("a spread counts the places that its policies say", () => {
    const inZone = (zone: string, pool: string, rest: Json = {}) => ({
      ...rest,
      metadata: { labels: { "topology.kubernetes.io/zone": zone, pool } }
    })
    const closed = { spec: { taints: [{ key: "web", effect: "NoSchedule" }] } }
    /** Two pods in zone a and one in b, each zone with a node to spare; zone d is not for them. */
    const asked = (podSpec: Json, rest: Json = {}, d: Json = {}) =>
      told(
        { ...podSpec, ...spread("topology.kubernetes.io/zone", rest) },
        {
          nodes: [
            ...["a", "a2", "a3"].map((name) => node(name, inZone("a", "db"))),
            ...["b", "b2"].map((name) => node(name, inZone("b", "db"))),
            node("d", inZone("d", "web", d))
          ],
          pods: ["a", "b", "a2"].map((name, ordinal) =>
            pod(ordinal, {
              spec: {
                nodeName: `node-${name}`,
                volumes: [{ name: "data", persistentVolumeClaim: { claimName: `data-db-${ordinal}` } }]
              }
            })
          )
        }
      )
    const apartInA = ["no other usable node can run db-0 and db-2: spread constraints keep them apart"]

    it("a node that the template does not ask for is none, but by nodeAffinityPolicy Ignore", () => {
      const terms = [{ matchExpressions: [{ key: "pool", operator: "In", values: ["db"] }] }]
      for (const wish of [
        { nodeSelector: { pool: "db" } },
        {
          affinity: {
            nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } }
          }
        }
      ]) {
        assert.deepEqual(asked(wish), [])
        assert.deepEqual(asked(wish, { nodeAffinityPolicy: "Ignore" }), apartInA)
      }
    })

    it("one with a taint that is not tolerated is one, but by nodeTaintsPolicy Honor", () => {
      assert.deepEqual(asked({}, {}, closed), apartInA)
      assert.deepEqual(asked({}, { nodeTaintsPolicy: "Honor" }, closed), [])
    })

    it("with Honor the node that is lost is none either, nor what it alone was in", () => {
      const on = (rest: Json) =>
        told(spread("kubernetes.io/hostname", rest), {
          nodes: ["a", "b"].map((name) => node(name)),
          pods: ["a", "b", "a"].map((name, ordinal) =>
            pod(ordinal, {
              spec: {
                nodeName: `node-${name}`,
                volumes: [{ name: "data", persistentVolumeClaim: { claimName: `data-db-${ordinal}` } }]
              }
            })
          )
        })
      assert.deepEqual(on({}), ["no other usable node can run db-1: spread constraints keep them apart"])
      assert.deepEqual(on({ nodeTaintsPolicy: "Honor" }), [])
    })

    it("fewer than minDomains are as many as none is in", () => {
      const wish = { nodeSelector: { pool: "db" } }
      assert.deepEqual(asked(wish, { minDomains: 2 }), [])
      assert.deepEqual(asked(wish, { minDomains: 3 }), apartInA)
    })
  })

  it("a port of an init container that ends is nobody's while the pod runs, a side-car's is", () => {
    const init = (rest: Json) => ({
      initContainers: [
        { name: "first", image: "busybox", ports: [{ containerPort: 1, hostPort: 1 }], ...rest }
      ]
    })
    assert.deepEqual(told(init({})), [])
    assert.deepEqual(told(init({ restartPolicy: "Always" })), none("host ports keep"))
  })
})

describe("a node that is gone", () => {
  it("is said to be gone, and gets no label", () => {
    const state = stateOf({ nodes: ["a", "c"].map((letter) => node(letter)) })
    const all = answer(state).flatMap((one) => one.findings)
    assert.include(
      all.map((one) => one.evidence),
      "node-b is gone from the cluster, and db-1 was on it"
    )
    assert.deepEqual(
      all.filter(({ remedy }) => /label node node-b|describe node node-b|uncordon node-b/.test(remedy ?? "")),
      []
    )
    assert.deepEqual(
      all.filter((one) => / share /.test(one.evidence)).map((one) => one.evidence),
      []
    )
  })
})

describe("a remedy for a selector that one node fits", () => {
  const remedy = (selector: Json, labels: Json) =>
    findings(
      made(
        { mounts: [at("/data")], templates: ["data"], pod: selector },
        { nodes: [node("a"), node("b", { metadata: { labels } }), node("c")] }
      ),
      "restart",
      "selector-fits-one-node"
    )[0]?.remedy
  const by = (key: string, value: string) => remedy({ nodeSelector: { [key]: value } }, { [key]: value })

  it("puts no label on a node that would be a lie about it", () => {
    assert.equal(by("topology.kubernetes.io/zone", "b"), "add a node in zone b")
    assert.equal(by("failure-domain.beta.kubernetes.io/region", "eu-1"), "add a node in region eu-1")
    for (const key of [
      "kubernetes.io/arch",
      "node.kubernetes.io/instance-type",
      "topology.ebs.csi.aws.com/zone",
      "cloud.google.com/gke-nodepool",
      "rack",
      "example.com/rack"
    ])
      assert.equal(by(key, "x"), `add a node with ${key}=x`)
    assert.equal(by("kubernetes.io/hostname", "node-b"), "select what the node has rather than its name")
  })

  it("is the same for an affinity", () => {
    const key = "topology.kubernetes.io/zone"
    const expression = { matchExpressions: [{ key, operator: "In", values: ["b"] }] }
    const affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [expression] }
      }
    }
    assert.equal(remedy({ affinity }, {}), "add a node in zone b")
  })

  it("leaves a label that an administrator gives to whoever gives it", () => {
    assert.equal(by("disk", "ssd"), "label another node that qualifies, or relax the requirement")
  })
})
