import { assert, describe, it } from "vitest"
import { selector } from "../../packages/sdk/src/App.ts"
import { forbidden, object, pod, service, stateOf, statefulSet } from "./objects.ts"

const writers = (metadata: Record<string, unknown>, changes: Parameters<typeof stateOf>[0] = {}) =>
  stateOf({ statefulsets: [statefulSet({ metadata })], ...changes }).workloads[0]?.writers

const autoscaler = (changes: Record<string, unknown> = {}) =>
  object("hpa", {
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name: "db" },
      minReplicas: 2,
      maxReplicas: 5
    },
    ...changes
  })

const managed = (manager: string, fields: object, subresource?: string) => ({
  manager,
  operation: "Update",
  ...(subresource ? { subresource } : {}),
  fieldsV1: fields
})
const replicasField = { "f:spec": { "f:replicas": {} } }

describe("a workload says what is asked for", () => {
  it("a count that the API leaves out is 0 in the status, and 1 where it is asked for", () => {
    const set = statefulSet({ status: { readyReplicas: null, replicas: null }, spec: { replicas: null } })
    const [workload] = stateOf({ statefulsets: [set] }).workloads
    assert.deepEqual([workload?.replicas, workload?.ready, workload?.status.updated], [1, 0, 0])
  })

  it("a StatefulSet without a retention policy retains", () => {
    assert.deepEqual(stateOf().workloads[0]?.retention, { whenScaled: "Retain", whenDeleted: "Retain" })
  })

  it("revisions are those that it controls, newest first", () => {
    const revision = (name: string, number: number, uid: string) =>
      object(name, {
        metadata: {
          ownerReferences: [{ apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid, controller: true }]
        },
        revision: number
      })
    const state = stateOf({
      controllerrevisions: [revision("a", 1, "uid-db"), revision("b", 2, "uid-db"), revision("c", 3, "uid-x")]
    })
    assert.deepEqual(
      state.workloads[0]?.revisions.map(({ name }) => name),
      ["b", "a"]
    )
  })

  it("only anti-affinity against the app's own pods counts as spreading them", () => {
    const term = (app: string, topologyKey: string) => ({
      topologyKey,
      labelSelector: { matchLabels: { app } }
    })
    const podAntiAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: [
        term("db", "kubernetes.io/hostname"),
        term("web", "topology.kubernetes.io/zone")
      ]
    }
    const set = statefulSet({ spec: { template: { spec: { affinity: { podAntiAffinity } } } } })
    const template = stateOf({ statefulsets: [set] }).workloads[0]?.template
    assert.deepEqual(template?.antiAffinityKeys, ["kubernetes.io/hostname"])
    assert.deepEqual(template?.affinity, [
      "not with pods app=db per kubernetes.io/hostname",
      "not with pods app=web per topology.kubernetes.io/zone"
    ])
  })

  it("extended resources are summed over containers, and cpu is none", () => {
    const container = (name: string) => ({
      name,
      resources: { limits: { "example.com/gpu": "1", cpu: "2" }, requests: { cpu: "1" } }
    })
    const set = statefulSet({
      spec: { template: { spec: { containers: [container("a"), container("b")] } } }
    })
    assert.deepEqual(stateOf({ statefulsets: [set] }).workloads[0]?.template.extendedResources, {
      "example.com/gpu": "2"
    })
  })
})

describe("who else writes a workload is told", () => {
  it("an owner, with its group", () => {
    const owner = {
      apiVersion: "postgresql.cnpg.io/v1",
      kind: "Cluster",
      name: "db",
      uid: "u",
      controller: true
    }
    assert.deepEqual(writers({ ownerReferences: [owner] }), [
      { name: "Cluster.postgresql.cnpg.io/db", by: "ownerReferences", replicas: true }
    ])
  })

  it("an autoscaler, and the KEDA object behind it", () => {
    assert.deepEqual(writers({}, { horizontalpodautoscalers: [autoscaler()] }), [
      { name: "HorizontalPodAutoscaler/hpa", by: "scaleTargetRef", replicas: true }
    ])
    const scaled = {
      apiVersion: "keda.sh/v1alpha1",
      kind: "ScaledObject",
      name: "db",
      uid: "u",
      controller: true
    }
    assert.deepEqual(
      writers(
        {},
        { horizontalpodautoscalers: [autoscaler({ metadata: { name: "hpa", ownerReferences: [scaled] } })] }
      ),
      [{ name: "ScaledObject.keda.sh/db", by: "scaleTargetRef", replicas: true }]
    )
  })

  it("no autoscaler of a Deployment with that name", () => {
    const other = autoscaler({
      spec: { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "db" }, maxReplicas: 5 }
    })
    assert.deepEqual(writers({}, { horizontalpodautoscalers: [other] }), [])
  })

  it("a GitOps tool once, by its mark, with what its field manager owns", () => {
    assert.deepEqual(
      writers({
        annotations: { "argocd.argoproj.io/tracking-id": "shop:apps/StatefulSet:shop/db" },
        managedFields: [managed("argocd-controller", replicasField)]
      }),
      [{ name: "Application.argoproj.io/shop", by: "annotations", replicas: true }]
    )
    assert.deepEqual(
      writers({
        labels: { "kustomize.toolkit.fluxcd.io/name": "shop" },
        managedFields: [managed("kustomize-controller", { "f:spec": { "f:template": {} } })]
      }),
      [{ name: "Kustomization.kustomize.toolkit.fluxcd.io/shop", by: "labels", replicas: false }]
    )
    assert.deepEqual(
      writers({
        annotations: { "meta.helm.sh/release-name": "shop" },
        managedFields: [managed("helm", replicasField)]
      }),
      [{ name: "Helm/shop", by: "annotations", replicas: true }]
    )
  })

  it("an operator by its field manager, and neither a person's kubectl nor the controller's status", () => {
    assert.deepEqual(
      writers({
        managedFields: [
          managed("zalando-postgres-operator", replicasField),
          managed("kubectl-client-side-apply", replicasField),
          managed("kube-controller-manager", { "f:status": {} }, "status")
        ]
      }),
      [{ name: "zalando-postgres-operator", by: "managedFields", replicas: true }]
    )
  })

  it("an autoscaler that may not be read, by what it wrote to /scale", () => {
    const metadata = { managedFields: [managed("kube-controller-manager", replicasField, "scale")] }
    const unreadable = { horizontalpodautoscalers: forbidden("horizontalpodautoscalers.autoscaling") }
    assert.deepEqual(
      writers(metadata, unreadable)?.map(({ replicas }) => replicas),
      [true]
    )
    assert.deepEqual(writers(metadata), [])
  })
})

describe("Services", () => {
  const slice = (name: string, addressType: string, endpoints: ReadonlyArray<Record<string, unknown>>) =>
    object(name, { metadata: { labels: { "kubernetes.io/service-name": "db" } }, addressType, endpoints })
  const endpoint = (ordinal: number, conditions: Record<string, unknown>) => ({
    addresses: [`10.0.0.${ordinal}`],
    conditions,
    targetRef: { kind: "Pod", name: `db-${ordinal}`, uid: `uid-db-${ordinal}` }
  })

  it("a governing Service that is not there is told as missing, or as not known", () => {
    assert.deepEqual(
      stateOf({ services: [] }).services.map(({ governs, present }) => [governs, present]),
      [["StatefulSet/db", false]]
    )
    assert.isNull(stateOf({ services: forbidden("services") }).services[0]?.present)
  })

  it("a governing Service that selects other pods is told", () => {
    const wrong = service({ spec: { selector: { app: "other" } } })
    assert.isFalse(stateOf({ services: [wrong] }).services[0]?.selectsPods)
    assert.isTrue(stateOf().services[0]?.selectsPods)
  })

  it("a Service that selects the pods is there too, and one without a selector is not", () => {
    const others = [object("db-rw", { spec: { selector: { app: "db" } } }), object("external", { spec: {} })]
    assert.deepEqual(
      stateOf({ services: [...others, service()] }).services.map(({ name }) => name),
      ["db", "db-rw"]
    )
  })

  it("G51: endpoints are counted over all slices, each pod once per address family", () => {
    const endpointslices = [
      slice("one", "IPv4", [endpoint(0, { ready: true }), endpoint(1, { ready: false })]),
      slice("two", "IPv4", [endpoint(2, {}), endpoint(0, { ready: true })]),
      slice("six", "IPv6", [endpoint(0, { ready: true })])
    ]
    assert.deepEqual(stateOf({ endpointslices }).services[0]?.endpoints, { ready: 3, notReady: 1 })
  })

  it("G51: with publishNotReadyAddresses ready is always true, so that serving tells", () => {
    const endpointslices = [slice("one", "IPv4", [endpoint(0, { ready: true, serving: false })])]
    const services = [service({ spec: { publishNotReadyAddresses: true } })]
    assert.deepEqual(stateOf({ services, endpointslices }).services[0]?.endpoints, { ready: 0, notReady: 1 })
  })

  it("endpoints that may not be read are null, not none", () => {
    assert.isNull(
      stateOf({ endpointslices: forbidden("endpointslices.discovery.k8s.io") }).services[0]?.endpoints
    )
  })
})

describe("budgets", () => {
  const budget = (spec: Record<string, unknown>) =>
    object("pdb", {
      spec,
      status: { disruptionsAllowed: 1, currentHealthy: 3, desiredHealthy: 2, expectedPods: 3 }
    })

  it("are found by their selector, whatever their name, with the pods they count", () => {
    const state = stateOf({
      poddisruptionbudgets: [budget({ maxUnavailable: 1, selector: { matchLabels: { app: "db" } } })]
    })
    assert.deepEqual(
      state.budgets?.map(({ maxUnavailable, pods }) => [maxUnavailable, pods]),
      [["1", ["db-0", "db-1", "db-2"]]]
    )
  })

  it("are told with who owns them", () => {
    const selector = { matchLabels: { app: "db" } }
    const owner = { apiVersion: "example.com/v1", kind: "Cluster", name: "db", uid: "u", controller: true }
    const owned = object("pdb", { metadata: { ownerReferences: [owner] }, spec: { selector } })
    assert.deepEqual(
      [owned, budget({ selector })].map(
        (one) => stateOf({ poddisruptionbudgets: [one] }).budgets?.[0]?.owner
      ),
      ["Cluster.example.com/db", null]
    )
  })

  it("an empty selector counts every pod, an absent one none", () => {
    assert.equal(stateOf({ poddisruptionbudgets: [budget({ selector: {} })] }).budgets?.length, 1)
    assert.equal(stateOf({ poddisruptionbudgets: [budget({})] }).budgets?.length, 0)
  })
})

describe("a selector over several workloads", () => {
  it("makes one app of a database and its web tier, pods found through the ReplicaSet", () => {
    const owned = (kind: string, name: string, uid: string) => [
      { apiVersion: "apps/v1", kind, name, uid, controller: true }
    ]
    const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web" }] } }
    const web = object("web", { spec: { replicas: 1, selector: { matchLabels: { app: "web" } }, template } })
    const replicaset = object("web-abc", {
      metadata: { ownerReferences: owned("Deployment", "web", "uid-web") }
    })
    const webPod = {
      ...pod(0),
      metadata: {
        name: "web-abc-x",
        namespace: "shop",
        uid: "uid-web-abc-x",
        labels: { app: "web", "pod-template-hash": "abc" },
        ownerReferences: owned("ReplicaSet", "web-abc", "uid-web-abc")
      }
    }
    const state = stateOf(
      { deployments: [web], daemonsets: [], replicasets: [replicaset], pods: [pod(0), webPod] },
      { ref: selector("shop", "app.kubernetes.io/instance=shop") }
    )
    assert.equal(state.name, "app.kubernetes.io/instance=shop")
    assert.deepEqual(
      state.workloads.map(({ kind, name }) => `${kind}/${name}`),
      ["StatefulSet/db", "Deployment/web"]
    )
    assert.deepEqual(
      state.replicas.filter((one) => one.workload === "Deployment/web").map((one) => [one.name, one.ordinal]),
      [["web-abc-x", null]]
    )
  })
})
