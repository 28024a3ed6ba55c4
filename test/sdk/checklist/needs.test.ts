/** Each fact is an object as the API has it; what is compared is what the target must have for it. */
import { assert, describe, it } from "vitest"
import { needsOnTarget, needText } from "../../../packages/sdk/src/checklist/needs.ts"
import type { Observation } from "../../../packages/sdk/src/state/observation.ts"
import { first, healthyApp } from "../appState.ts"
import { claim, type Json, merge, node, object, pod, stateOf, statefulSet, volume } from "../objects.ts"

const storageClass = (changes: Json = {}): Json =>
  merge({ metadata: { name: "shared" }, provisioner: "csi.example.com" }, changes)

const always = ["StorageClass/shared", "CSIDriver/csi.example.com", "VolumeSnapshotClass for csi.example.com"]

/** What is needed for this beside what three bound claims of one driver need. */
const more = (
  spec: Json,
  changes: Observation["lists"] = {},
  set: Json = {},
  rest: Parameters<typeof stateOf>[1] = {}
): ReadonlyArray<string> => {
  const needs = needsOnTarget(
    stateOf(
      {
        statefulsets: [
          statefulSet(
            merge({ spec: { template: { spec: { containers: [{ name: "main" }], ...spec } } } }, set)
          )
        ],
        storageclasses: [storageClass()],
        ...changes
      },
      rest
    )
  ).map(needText)
  assert.includeMembers([...needs], changes.persistentvolumeclaims === undefined ? always : [])
  return needs.filter((one) => !always.includes(one))
}

const volumeOf = (csi: Json) =>
  [0, 1, 2].flatMap((ordinal) =>
    ["data", "wal"].map((name) => volume(`${name}-db-${ordinal}`, { spec: { csi } }))
  )

describe("the target needs", () => {
  it("what fills new claims of a template, in whatever order fields name it", () => {
    const dataSource = { kind: "VolumeSnapshot", name: "seed" }
    const filled = (spec: Json) => ({
      spec: { volumeClaimTemplates: [{ metadata: { name: "data" }, spec }, { metadata: { name: "wal" } }] }
    })
    const needed = ["VolumeSnapshot/seed"]
    assert.deepEqual(more({}, {}, filled({ dataSource })), needed)
    assert.deepEqual(more({}, {}, filled({ dataSourceRef: dataSource, dataSource })), needed)
  })

  it("a class, a driver and a snapshot class for it, and nothing that every cluster has", () => {
    const os = { "kubernetes.io/os": "linux", "beta.kubernetes.io/os": "linux" }
    const root = { name: "ca", projected: { sources: [{ configMap: { name: "kube-root-ca.crt" } }] } }
    const term = [
      { matchExpressions: [{ key: "kubernetes.io/os", operator: "In", values: ["linux"] }] },
      { matchExpressions: [{ key: "disk", operator: "In", values: ["nvme"] }] }
    ]
    const affinity = {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: term } }
    }
    assert.deepEqual(
      more({
        nodeSelector: os,
        affinity,
        volumes: [root],
        serviceAccountName: "default",
        priorityClassName: "system-cluster-critical"
      }),
      []
    )
  })

  it("nodes with Windows, or of an architecture, and their taint", () => {
    const affinity = (values: ReadonlyArray<string>) => ({
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/arch", operator: "In", values }] }]
        }
      }
    })
    const windows = node("b", {
      metadata: { labels: { "kubernetes.io/os": "windows" } },
      spec: { taints: [{ key: "os", value: "windows", effect: "NoSchedule" }] }
    })
    assert.deepEqual(
      more(
        { nodeSelector: { "kubernetes.io/os": "windows" }, tolerations: [{ key: "os", operator: "Exists" }] },
        { nodes: [node("a"), windows] }
      ),
      ["node label kubernetes.io/os=windows", "node taint os=windows:NoSchedule"]
    )
    assert.deepEqual(more({ affinity: affinity(["arm64"]) }), ["node label kubernetes.io/arch=arm64"])
    assert.deepEqual(more({ affinity: affinity(["amd64", "arm64"]) }), [])
  })

  it("the class and what makes its volumes, where no claim is there yet", () => {
    assert.deepEqual(
      more(
        {},
        {
          persistentvolumeclaims: [],
          pods: [],
          csidrivers: [{ metadata: { name: "csi.example.com" }, spec: {} }]
        }
      ),
      []
    )
    assert.deepEqual(
      more(
        {},
        {
          persistentvolumeclaims: [],
          pods: [],
          storageclasses: [
            storageClass({
              metadata: {
                name: "standard",
                annotations: { "storageclass.kubernetes.io/is-default-class": "true" }
              },
              provisioner: "rancher.io/local-path"
            })
          ]
        },
        { spec: { volumeClaimTemplates: [{ metadata: { name: "data" } }] } }
      ),
      ["default StorageClass", "provisioner rancher.io/local-path"]
    )
  })

  it("classes and drivers of volumes that are a pod's own", () => {
    const template = { spec: { storageClassName: "scratch" } }
    assert.deepEqual(
      more({
        containers: [{ name: "main", volumeMounts: [{ name: "certs", mountPath: "/certs" }] }],
        volumes: [
          { name: "scratch", ephemeral: { volumeClaimTemplate: template } },
          { name: "certs", csi: { driver: "csi.cert-manager.io", nodePublishSecretRef: { name: "token" } } }
        ]
      }),
      ["StorageClass/scratch", "CSIDriver/csi.cert-manager.io", "Secret/token"]
    )
  })

  it("Secrets of volumes and of their class, each once, with the namespace where it is another", () => {
    const elsewhere = { namespace: "storage" }
    const secrets = more(
      {},
      {
        persistentvolumes: volumeOf({
          nodeStageSecretRef: { name: "node", ...elsewhere },
          nodePublishSecretRef: { name: "mine", namespace: "shop" },
          controllerExpandSecretRef: { name: "grow", ...elsewhere }
        }),
        storageclasses: [
          storageClass({
            parameters: {
              "csi.storage.k8s.io/provisioner-secret-name": "make",
              "csi.storage.k8s.io/provisioner-secret-namespace": "storage",
              "csi.storage.k8s.io/node-publish-secret-name": "tenant",
              "csi.storage.k8s.io/node-publish-secret-namespace": "${pvc.namespace}",
              "csi.storage.k8s.io/node-stage-secret-name": "${pvc.name}",
              "csi.storage.k8s.io/node-stage-secret-namespace": "storage"
            }
          })
        ]
      }
    )
    assert.deepEqual(secrets, [
      "Secret/storage/grow",
      "Secret/storage/make",
      "Secret/storage/node",
      "Secret/mine",
      "Secret/tenant"
    ])
  })

  it("labels that nodeSelector, required affinity and a strict spread ask for", () => {
    const affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                { key: "kubernetes.io/os", operator: "In", values: ["linux"] },
                { key: "disk", operator: "In", values: ["nvme", "ssd"] },
                { key: "spot", operator: "DoesNotExist" }
              ]
            },
            { matchExpressions: [{ key: "gold", operator: "Exists" }] }
          ]
        }
      }
    }
    const spread = (topologyKey: string, whenUnsatisfiable: string) => ({
      topologyKey,
      whenUnsatisfiable,
      maxSkew: 1
    })
    assert.deepEqual(
      more({
        nodeSelector: { pool: "db" },
        affinity,
        topologySpreadConstraints: [
          spread("topology.kubernetes.io/zone", "DoNotSchedule"),
          spread("kubernetes.io/hostname", "DoNotSchedule"),
          spread("rack", "ScheduleAnyway")
        ]
      }),
      [
        "node label pool=db",
        "node label disk in (nvme,ssd) or gold",
        "node label topology.kubernetes.io/zone"
      ]
    )
  })

  it("a taint only where each node of a pool that the nodeSelector names has it and pods tolerate it", () => {
    const tainted = (letter: string, ...keys: ReadonlyArray<string>) =>
      node(letter, {
        metadata: {
          labels: { "kubernetes.io/hostname": `node-${letter}`, ...(letter === "c" ? {} : { pool: "db" }) }
        },
        spec: { taints: keys.map((key) => ({ key, value: "db", effect: "NoSchedule" })) }
      })
    const nodes = [tainted("a", "dedicated", "old"), tainted("b", "dedicated"), tainted("c", "gpu")]
    const tolerations = [{ operator: "Exists" }]
    assert.deepEqual(more({ nodeSelector: { pool: "db" }, tolerations }, { nodes }), [
      "node label pool=db",
      "node taint dedicated=db:NoSchedule"
    ])
    assert.deepEqual(more({ nodeSelector: { pool: "db" } }, { nodes }), ["node label pool=db"])
    assert.deepEqual(more({ tolerations }, { nodes }), [])
  })

  it("classes, accounts, bundles and providers by name", () => {
    const spec = {
      priorityClassName: "high",
      runtimeClassName: "gvisor",
      serviceAccountName: "db",
      volumes: [
        {
          name: "keys",
          csi: { driver: "secrets-store.csi.k8s.io", volumeAttributes: { secretProviderClass: "keys" } }
        },
        { name: "ca", projected: { sources: [{ clusterTrustBundle: { name: "roots", path: "ca" } }] } }
      ]
    }
    assert.deepEqual(more(spec), [
      "CSIDriver/secrets-store.csi.k8s.io",
      "PriorityClass/high",
      "RuntimeClass/gvisor",
      "ClusterTrustBundle/roots",
      "ServiceAccount/db",
      "SecretProviderClass/keys"
    ])
  })

  it("ConfigMaps and Secrets of the template, pull secrets through the account, and no webhook's", () => {
    const spec = {
      serviceAccountName: "db",
      containers: [
        {
          name: "main",
          envFrom: [{ configMapRef: { name: "conf" } }],
          volumeMounts: ["tls", "extra", "more"].map((name) => ({ name, mountPath: `/${name}` }))
        }
      ],
      volumes: [
        { name: "tls", secret: { secretName: "tls" } },
        { name: "extra", secret: { secretName: "extra", optional: true } },
        { name: "more", secret: { secretName: "more", optional: true } }
      ]
    }
    const accounts = [
      object("db", { imagePullSecrets: [{ name: "registry" }, { name: "db-dockercfg-x7k2p" }] })
    ]
    const injected = pod(0, { spec: { volumes: [{ name: "mesh", configMap: { name: "mesh-ca" } }] } })
    assert.deepEqual(
      more(spec, { serviceaccounts: accounts, pods: [injected], secrets: [object("extra")] }),
      ["ServiceAccount/db", "ConfigMap/conf", "Secret/extra", "Secret/registry", "Secret/tls"]
    )
  })

  it("devices, ResourceClaims, ports of nodes and the network of nodes", () => {
    const containers = [
      {
        name: "main",
        resources: { limits: { "nvidia.com/gpu": 1, "hugepages-2Mi": "4Mi", cpu: 1 } },
        ports: [{ containerPort: 9000, hostPort: 9000 }]
      }
    ]
    const resourceClaims = [
      { name: "one", resourceClaimName: "shared-fpga" },
      { name: "two", resourceClaimTemplateName: "fpga" }
    ]
    assert.deepEqual(more({ containers, resourceClaims }), [
      "device nvidia.com/gpu",
      "device hugepages-2Mi",
      "host port 9000/TCP",
      "ResourceClaim/shared-fpga",
      "ResourceClaimTemplate/fpga"
    ])
    assert.deepEqual(more({ hostNetwork: true }), ["host network for db"])
  })

  it("the operator of what owns the workload, and none for what Kubernetes makes", () => {
    const owned = (apiVersion: string, kind: string) => ({
      metadata: { ownerReferences: [{ apiVersion, kind, name: "db", uid: "1", controller: true }] }
    })
    assert.deepEqual(more({}, {}, owned("postgresql.cnpg.io/v1", "Cluster")), [
      "operator of Cluster.postgresql.cnpg.io"
    ])
    assert.deepEqual(more({}, {}, owned("apps/v1", "Deployment")), [])
  })

  it("roles of a cloud or a vault that the account, or the pods, are annotated with", () => {
    const accounts = [
      object("db", {
        metadata: {
          annotations: {
            "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/db",
            "eks.amazonaws.com/audience": "sts.amazonaws.com"
          }
        }
      }),
      object("other", { metadata: { annotations: { "iam.gke.io/gcp-service-account": "a@b" } } })
    ]
    const set = { spec: { template: { metadata: { annotations: { "iam.amazonaws.com/role": "db-kiam" } } } } }
    assert.deepEqual(more({ serviceAccountName: "db" }, { serviceaccounts: accounts }, set), [
      "cloud role arn:aws:iam::1:role/db",
      "cloud role db-kiam",
      "ServiceAccount/db"
    ])
  })

  it("the same whatever stands in the way, and says what asks for it", () => {
    const all = needsOnTarget(
      healthyApp((draft) => {
        Object.assign(first(draft.claims).volume ?? {}, { source: "local", driver: null })
        first(draft.workloads).template.hostPorts = ["9000/TCP"]
      })
    )
    assert.deepEqual(all, [
      { kind: "StorageClass", name: "shared", why: null, of: "cluster" },
      { kind: "CSIDriver", name: "csi.example.com", why: null, of: "cluster" },
      {
        kind: "VolumeSnapshotClass for",
        name: "csi.example.com",
        why: "to move the data by its snapshots",
        of: "cluster"
      },
      { kind: "host port", name: "9000/TCP", why: "free on nodes of db", of: "cluster" },
      { kind: "ServiceAccount", name: "db", why: null, of: "namespace" },
      { kind: "ConfigMap", name: "db-conf", why: "StatefulSet/db volume conf", of: "namespace" },
      { kind: "Secret", name: "db-pass", why: "StatefulSet/db env postgres", of: "namespace" }
    ])
  })

  it("nothing twice, however many replicas and workloads ask for it", () => {
    const state = stateOf({
      persistentvolumeclaims: Array.from({ length: 9 }, (_, ordinal) => claim(`data-db-${ordinal}`)),
      storageclasses: [storageClass()]
    })
    const needs = needsOnTarget({ ...state, workloads: [...state.workloads, ...state.workloads] }).map(
      needText
    )
    assert.equal(new Set(needs).size, needs.length)
  })
})
