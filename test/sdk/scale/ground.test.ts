/** What new pods would meet: planned on a sandbox, and where it is said that they come to nothing, that is tried. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { pods } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { make, type Shape } from "../../../packages/sandbox/src/Sandbox.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { statefulSet } from "../../sandbox/asking.ts"
import { withCluster } from "../../simulation/world.ts"

const six = ["a", "b", "c"].flatMap((zone) => [1, 2].map((n) => ({ name: `node-${zone}${n}`, zone })))
const ref = { namespace: "default", name: "obj" }
const main = { name: "main", image: "db:1" }

interface Situation {
  readonly replicas?: number
  /** Of the template. */
  readonly spec?: object
  readonly claims?: ReadonlyArray<object>
  readonly before?: (sandbox: Shape) => void
  readonly after?: (sandbox: Shape) => void
}

/** A sandbox with a StatefulSet that has settled. */
const settled = ({ replicas = 3, spec = {}, claims = [], before, after }: Situation) =>
  Effect.gen(function* () {
    const sandbox = yield* make({ nodes: six })
    before?.(sandbox)
    sandbox.create(
      statefulSet("obj", {
        replicas,
        podManagementPolicy: "Parallel",
        template: { metadata: { labels: { app: "obj" } }, spec: { containers: [main], ...spec } },
        volumeClaimTemplates: claims
      })
    )
    yield* TestClock.adjust("30 seconds")
    after?.(sandbox)
    return sandbox
  })

const planned = (sandbox: Shape, replicas: number) =>
  withCluster(sandbox.cluster)(Scale.prepare(ref, { replicas }))

/** Pods that have no node, once the count has been changed all the same. */
const stranded = (sandbox: Shape, replicas: number) =>
  Effect.gen(function* () {
    sandbox.api.handle({
      method: "PATCH",
      path: "/apis/apps/v1/namespaces/default/statefulsets/obj",
      query: [],
      headers: { "content-type": "application/merge-patch+json" },
      body: JSON.stringify({ spec: { replicas } })
    })
    yield* TestClock.adjust("1 minute")
    return sandbox.store
      .list(pods, "default")
      .filter(({ spec }) => spec.nodeName === undefined)
      .map(({ metadata }) => metadata.name)
  })

const onHost = (port: object) => ({ containers: [{ ...main, ports: [{ containerPort: 9000, ...port }] }] })
const labels = { matchLabels: { app: "obj" } }
const zones = {
  maxSkew: 1,
  topologyKey: "topology.kubernetes.io/zone",
  whenUnsatisfiable: "DoNotSchedule",
  labelSelector: labels
}
const apart = (topologyKey: string, ...from: ReadonlyArray<Readonly<Record<string, string>>>) => ({
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: (from.length === 0 ? [labels.matchLabels] : from).map(
        (matchLabels) => ({ topologyKey, labelSelector: { matchLabels } })
      )
    }
  }
})
/** A pod of somebody else's on a node. */
const beside = (sandbox: Shape, nodeName: string, spec: object = {}): void =>
  void sandbox.create({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `web-${nodeName}`, labels: { app: "web" } },
    spec: { containers: [main], nodeName, ...spec }
  })
const cordon = (sandbox: Shape, ...names: ReadonlyArray<string>) => {
  for (const name of names)
    sandbox.api.handle({
      method: "PATCH",
      path: `/api/v1/nodes/${name}`,
      query: [],
      headers: { "content-type": "application/merge-patch+json" },
      body: JSON.stringify({ spec: { unschedulable: true } })
    })
}

describe("what a plan says will not be scheduled, the scheduler leaves, and nothing else", () => {
  it.effect.each([
    [
      "a port of the node",
      { spec: onHost({ hostPort: 19000 }) },
      "8 replicas want a node each (hostPort 19000/TCP), 6 nodes can take pods: obj-6 and obj-7 will not be scheduled",
      ["obj-6", "obj-7"]
    ],
    [
      "a port on the host's network",
      { spec: { ...onHost({}), hostNetwork: true } },
      "8 replicas want a node each (hostPort 9000/TCP), 6 nodes can take pods: obj-6 and obj-7 will not be scheduled",
      ["obj-6", "obj-7"]
    ],
    [
      "a port that somebody else has on one node",
      {
        spec: onHost({ hostPort: 19000 }),
        before: (sandbox: Shape): void =>
          void sandbox.create({
            apiVersion: "v1",
            kind: "Pod",
            metadata: { name: "other" },
            spec: onHost({ hostPort: 19000 })
          })
      },
      "8 replicas want a node each (hostPort 19000/TCP), 5 nodes can take pods: obj-5 to obj-7 will not be scheduled",
      ["obj-5", "obj-6", "obj-7"]
    ],
    [
      "a zone each",
      { spec: apart("topology.kubernetes.io/zone") },
      "8 replicas want a zone each, 3 zones can take pods: obj-3 to obj-7 will not be scheduled",
      ["obj-3", "obj-4", "obj-5", "obj-6", "obj-7"]
    ],
    [
      "a node each, and none where others are that it keeps away from",
      {
        spec: apart("kubernetes.io/hostname", { app: "obj" }, { app: "web" }),
        before: (sandbox: Shape): void => ["node-a1", "node-b1"].forEach((node) => beside(sandbox, node))
      },
      "8 replicas want a node each, 4 nodes can take pods: obj-4 to obj-7 will not be scheduled",
      ["obj-4", "obj-5", "obj-6", "obj-7"]
    ],
    [
      "a spread over zones, one of them closed",
      {
        spec: { topologySpreadConstraints: [zones] },
        after: (sandbox: Shape) => cordon(sandbox, "node-c1", "node-c2")
      },
      "8 replicas may be at most 1 apart over the zones, and c takes none: obj-5 to obj-7 will not be scheduled",
      ["obj-5", "obj-6", "obj-7"]
    ]
  ] as const)("%s", ([, situation, line, left]) =>
    Effect.gen(function* () {
      const sandbox = yield* settled(situation)
      const { warnings } = yield* planned(sandbox, 8)
      assert.deepEqual(
        warnings.filter((one) => one.includes("scheduled")),
        [line]
      )
      assert.deepEqual(yield* stranded(sandbox, 8), [...left])
    })
  )

  it.effect.each([
    ["ports of its own address space", { spec: onHost({}) }],
    [
      "a spread that does not count its own pods",
      {
        spec: { topologySpreadConstraints: [{ ...zones, labelSelector: { matchLabels: { app: "web" } } }] },
        after: (sandbox: Shape) => cordon(sandbox, "node-c1", "node-c2")
      }
    ],
    ["a spread over open zones", { spec: { topologySpreadConstraints: [zones] } }],
    [
      "others on some nodes that it keeps away from",
      {
        spec: apart("kubernetes.io/hostname", { app: "web" }),
        before: (sandbox: Shape): void => ["node-a1", "node-b1"].forEach((node) => beside(sandbox, node))
      }
    ],
    [
      "others that keep away from others",
      {
        before: (sandbox: Shape): void =>
          six.forEach(({ name }) => beside(sandbox, name, apart("kubernetes.io/hostname", { app: "cache" })))
      }
    ]
  ] as const)("%s: nothing", ([, situation]) =>
    Effect.gen(function* () {
      const sandbox = yield* settled(situation)
      const { warnings } = yield* planned(sandbox, 8)
      assert.deepEqual(
        warnings.filter((one) => one.includes("schedul")),
        []
      )
      assert.deepEqual(yield* stranded(sandbox, 8), [])
    })
  )

  it.effect.each([
    [
      "that it keeps away from",
      { spec: apart("topology.kubernetes.io/zone", { app: "web" }) },
      (sandbox: Shape) => ["node-a1", "node-b1", "node-c1"].forEach((node) => beside(sandbox, node))
    ],
    [
      "that keep away from it",
      {},
      (sandbox: Shape) =>
        six.forEach(({ name }) => beside(sandbox, name, apart("kubernetes.io/hostname", { app: "obj" })))
    ]
  ] as const)("pods of others %s, on all nodes, let none take the first", ([, situation, before]) =>
    Effect.gen(function* () {
      const sandbox = yield* settled({ ...situation, replicas: 0, before })
      const { warnings } = yield* planned(sandbox, 2)
      assert.include(
        warnings.join("\n"),
        "no node takes obj-0 (6 anti-affinity with pods of others): it will wait"
      )
      assert.deepEqual(yield* stranded(sandbox, 2), ["obj-0", "obj-1"])
    })
  )

  it.effect("where the template wants a node of a kind that is closed, none takes the first", () =>
    Effect.gen(function* () {
      const terms = [
        { matchExpressions: [{ key: "topology.kubernetes.io/zone", operator: "In", values: ["a"] }] }
      ]
      const sandbox = yield* settled({
        spec: {
          affinity: {
            nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } }
          }
        },
        after: (one) => cordon(one, "node-a1", "node-a2")
      })
      const { warnings } = yield* planned(sandbox, 4)
      assert.include(
        warnings.join("\n"),
        "no node takes obj-3 (4 not of the node affinity, 2 cordoned): it will wait"
      )
      assert.deepEqual(yield* stranded(sandbox, 4), ["obj-3"])
    })
  )
})

const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "runner" } }

describe("a spread in a plan", () => {
  const closedC = (sandbox: Shape) => cordon(sandbox, "node-c1", "node-c2")
  const notInC = [{ key: "topology.kubernetes.io/zone", operator: "NotIn", values: ["c"] }]
  const inAB = {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: notInC }] }
      }
    }
  }
  const other = (name: string) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: "obj", role: "other" } },
    spec: { containers: [main], nodeName: "node-c1" }
  })
  const spread = (rest: object) => ({ topologySpreadConstraints: [{ ...zones, ...rest }] })
  const line =
    "6 replicas may be at most 1 apart over the zones, and c takes none: obj-2 to obj-5 will not be scheduled"

  it.effect.each([
    [
      "pods of others that its selector finds",
      {
        spec: spread({}),
        before: (sandbox: Shape) => ["x", "y"].forEach((name) => sandbox.create(other(name))),
        after: closedC
      },
      []
    ],
    ["the nodes that the template asks for", { spec: { ...inAB, ...spread({}) } }, []],
    [
      "all nodes under nodeAffinityPolicy Ignore",
      { spec: { ...inAB, ...spread({ nodeAffinityPolicy: "Ignore" }) } },
      [line]
    ],
    [
      "open ones under nodeTaintsPolicy Honor",
      { spec: spread({ nodeTaintsPolicy: "Honor" }), after: closedC },
      []
    ]
  ] as const)("counts %s", ([, situation, lines]) =>
    Effect.gen(function* () {
      const sandbox = yield* settled({ replicas: 2, ...situation })
      const { warnings } = yield* planned(sandbox, 6)
      assert.deepEqual(
        warnings.filter((one) => one.includes("schedul")),
        [...lines]
      )
      assert.deepEqual(
        yield* stranded(sandbox, 6),
        lines.length === 0 ? [] : ["obj-2", "obj-3", "obj-4", "obj-5"]
      )
    })
  )
})

describe("what a plan finds missing", () => {
  it.effect("a ServiceAccount: no pod can be created, and scaling up is refused; down is not", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled({
        spec: { serviceAccountName: "runner" },
        before: (one) => void one.create(account),
        after: (one) =>
          void one.api.handle({
            method: "DELETE",
            path: "/api/v1/namespaces/default/serviceaccounts/runner",
            query: []
          })
      })
      assert.deepEqual((yield* planned(sandbox, 5)).refusals, [
        {
          reason: "ServiceAccount runner not found: no new pod can be created",
          remedy: "kubectl create serviceaccount runner -n default"
        }
      ])
      assert.deepEqual((yield* planned(sandbox, 2)).refusals, [])
      sandbox.create(account)
      assert.deepEqual((yield* planned(sandbox, 5)).refusals, [])
    })
  )

  it.effect("and nothing of what may not be read: that is said to be unknown", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled({
        spec: { serviceAccountName: "runner", priorityClassName: "high", runtimeClassName: "gvisor" },
        replicas: 0
      })
      const resources = ["serviceaccounts", "priorityclasses", "runtimeclasses", "events"]
      const blind = sandbox.as({ name: "ann", deny: [{ verbs: ["*"], apiGroups: ["*"], resources }] })
      const { refusals, unchecked } = yield* withCluster(blind)(Scale.prepare(ref, { replicas: 2 }))
      assert.deepEqual(refusals, [])
      assert.deepEqual(unchecked.slice(1), [
        "PriorityClass high could not be read",
        "RuntimeClass gvisor could not be read",
        "ServiceAccount runner could not be read"
      ])
    })
  )

  it.effect("and nothing of what each cluster has: the classes of the system, the default account", () =>
    Effect.gen(function* () {
      for (const spec of [
        { priorityClassName: "system-cluster-critical" },
        { priorityClassName: "system-node-critical", serviceAccountName: "default" }
      ]) {
        const sandbox = yield* settled({ spec, replicas: 0 })
        const { refusals, unchecked } = yield* planned(sandbox, 2)
        assert.deepEqual(refusals, [])
        assert.strictEqual(unchecked.length, 1)
      }
    })
  )

  it.effect("Secrets and ConfigMaps: new pods will not start, in the words of where they are named", () =>
    Effect.gen(function* () {
      const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "nowhere" } }
      const sandbox = yield* settled({
        spec: {
          imagePullSecrets: [{ name: "pull" }],
          containers: [{ ...main, volumeMounts: [{ name: "key", mountPath: "/key" }] }],
          volumes: [{ name: "key", secret: { secretName: "nowhere" } }]
        }
      })
      const said = (replicas: number) =>
        Effect.map(planned(sandbox, replicas), ({ warnings }) =>
          warnings.filter((one) => one.includes("will not start"))
        )
      assert.deepEqual(yield* said(5), [
        "Secret nowhere not found: obj-3 and obj-4 will not start before that (volume key)"
      ])
      assert.deepEqual(yield* said(2), [])
      sandbox.create(secret)
      assert.deepEqual(yield* said(5), [])
    })
  )

  it.effect("a class, also one that an annotation names: which claims get no volume", () =>
    Effect.gen(function* () {
      const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }
      const annotations = { "volume.beta.kubernetes.io/storage-class": "fast-ssd" }
      for (const claim of [
        { metadata: { name: "data" }, spec: { ...spec, storageClassName: "fast-ssd" } },
        { metadata: { name: "data", annotations }, spec }
      ]) {
        const sandbox = yield* settled({ claims: [claim] })
        assert.include(
          (yield* planned(sandbox, 5)).warnings,
          "template data has StorageClass fast-ssd, which does not exist: data-obj-3 and data-obj-4 get no volume unless one is created manually and is Available"
        )
      }
    })
  )
})

describe("volumes that a template fills from a source", () => {
  const source = { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: "seed" }
  const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }
  const seed = {
    apiVersion: "snapshot.storage.k8s.io/v1",
    kind: "VolumeSnapshot",
    metadata: { name: "seed" },
    spec: { source: { persistentVolumeClaimName: "elsewhere" } }
  }
  const filled = (rest: Partial<Situation>) =>
    settled({
      replicas: 1,
      claims: [{ metadata: { name: "data" }, spec: { ...spec, dataSourceRef: source } }],
      ...rest
    })

  it.effect("are not empty, and the plan names the source", () =>
    Effect.gen(function* () {
      const there = yield* filled({ before: (one) => void one.create(seed) })
      const { effects, warnings } = yield* planned(there, 3)
      assert.include(effects, "2 new claims: data is filled from VolumeSnapshot/seed")
      assert.deepEqual(warnings, [])
    })
  )

  it.effect("are not there without the source, and the plan says so before anything waits for them", () =>
    Effect.gen(function* () {
      const without = yield* filled({})
      const { warnings } = yield* planned(without, 3)
      assert.include(
        warnings,
        "template data is filled from VolumeSnapshot/seed, which does not exist: data-obj-1 and data-obj-2 get no volume until it does"
      )
      assert.deepEqual(yield* stranded(without, 3), ["obj-0", "obj-1", "obj-2"])
    })
  )

  it.effect("are called empty nowhere: not where a leftover claim makes way for one", () =>
    Effect.gen(function* () {
      const left = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "data-obj-2" }, spec }
      const sandbox = yield* filled({
        before: (one) => {
          one.create(seed)
          one.create(left)
        }
      })
      for (const leftoverClaims of ["keep", "set-aside", "refuse"] as const) {
        const plan = yield* withCluster(sandbox.cluster)(Scale.prepare(ref, { replicas: 3, leftoverClaims }))
        assert.notInclude(
          JSON.stringify([plan.effects, plan.warnings, plan.refusals]),
          "empty",
          leftoverClaims
        )
      }
    })
  )
})

describe("a pod of somebody else under a name that will be wanted", () => {
  const stranger = (rest: object) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "obj-3", ...rest },
    spec: { containers: [main] }
  })

  it.effect("is a refusal, by whose it is", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled({ after: (one) => void one.create(stranger({})) })
      assert.deepEqual((yield* planned(sandbox, 5)).refusals, [
        {
          reason: "pod obj-3 already exists without a controller, so obj cannot create it",
          remedy:
            "find out what it belongs to: kubectl describe pod obj-3 -n default; if it is not needed, delete it"
        }
      ])
      assert.deepEqual((yield* planned(sandbox, 3)).refusals, [])
    })
  )

  it.effect("is none where the selector finds it: the controller takes it in", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled({
        after: (one) => void one.create(stranger({ labels: { app: "obj" } }))
      })
      assert.deepEqual((yield* planned(sandbox, 5)).refusals, [])
    })
  )
})

describe("the quorum that members keep themselves", () => {
  it.effect.each([
    [5, 1, "3 of 5: quorum is lost at 2"],
    [5, 3, "3 of 5, and none of the 3 may fail"],
    [5, 4, "3 of 5, and only 1 of the 4 may fail"],
    [3, 1, "2 of 3: quorum is lost at 1"],
    [2, 1, "2 of 2: quorum is lost at 1"]
  ] as const)("from %d to %d without a hook that takes members out", ([from, to, line]) =>
    Effect.gen(function* () {
      const sandbox = yield* settled({ replicas: from })
      assert.include(
        (yield* planned(sandbox, to)).warnings,
        `no beforeRemove hook: members are removed without leaving first; if the application keeps its own member list, it still needs ${line}`
      )
    })
  )
})
