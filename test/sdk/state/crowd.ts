/**
 * A namespace with many StatefulSets, or one with many pods, and around each of them one object of
 * every kind that a state is made of: what a cost must be measured with to be told at all.
 */
import type { Observation } from "../../../packages/sdk/src/state/observation.ts"
import { defaultDomainLabels } from "../../../packages/sdk/src/Placement.ts"
import { at, type Json, merge } from "../objects.ts"

const object = (namespace: string, name: string, rest: Json = {}): Json =>
  merge(
    {
      metadata: {
        name,
        namespace,
        uid: `uid-${namespace}-${name}`,
        resourceVersion: "1",
        creationTimestamp: at
      }
    },
    rest
  )

const owner = (namespace: string, set: string) => [
  { apiVersion: "apps/v1", kind: "StatefulSet", name: set, uid: `uid-${namespace}-${set}`, controller: true }
]

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index)

const template = (set: string, pod: Json = {}): Json => ({
  metadata: { labels: { app: set, tier: "data" } },
  spec: {
    serviceAccountName: set,
    containers: [{ name: "main", image: "db", envFrom: [{ configMapRef: { name: `${set}-conf` } }] }],
    imagePullSecrets: [{ name: `${set}-pull` }],
    ...pod
  }
})

/** One StatefulSet and all that is around it. */
const one = (namespace: string, set: string, replicas: number): Observation["lists"] => {
  const ordinals = numbers(replicas)
  const claims = ordinals.map((ordinal) => `data-${set}-${ordinal}`)
  const volumeOf = (claim: string) => `pv-${namespace}-${claim}`
  return {
    statefulsets: [
      object(namespace, set, {
        metadata: { generation: 1, labels: { app: set } },
        spec: {
          replicas,
          serviceName: set,
          selector: { matchLabels: { app: set } },
          template: template(set),
          volumeClaimTemplates: [{ metadata: { name: "data" }, spec: { storageClassName: "shared" } }]
        },
        status: { replicas, readyReplicas: replicas, observedGeneration: 1 }
      })
    ],
    pods: ordinals.map((ordinal) => {
      const { metadata, spec } = template(set, {
        nodeName: `node-${ordinal % 20}`,
        hostname: `${set}-${ordinal}`,
        subdomain: set,
        resourceClaims: [{ name: "gpu", resourceClaimName: `gpu-${set}-${ordinal}` }],
        volumes: [{ name: "data", persistentVolumeClaim: { claimName: `data-${set}-${ordinal}` } }]
      }) as { metadata: Json; spec: Json }
      return object(namespace, `${set}-${ordinal}`, {
        metadata: {
          ...merge(metadata, { labels: { "apps.kubernetes.io/pod-index": `${ordinal}` } }),
          ownerReferences: owner(namespace, set)
        },
        spec,
        status: {
          phase: "Running",
          conditions: [{ type: "Ready", status: "True", lastTransitionTime: at }],
          containerStatuses: [{ name: "main", ready: true, restartCount: 0, state: { running: {} } }]
        }
      })
    }),
    persistentvolumeclaims: claims.map((claim) =>
      object(namespace, claim, {
        metadata: { labels: { app: set } },
        spec: { accessModes: ["ReadWriteOnce"], storageClassName: "shared", volumeName: volumeOf(claim) },
        status: { phase: "Bound", capacity: { storage: "1Gi" } }
      })
    ),
    persistentvolumes: claims.map((claim) => ({
      metadata: { name: volumeOf(claim), uid: `uid-${volumeOf(claim)}` },
      spec: {
        claimRef: { namespace, name: claim, uid: `uid-${namespace}-${claim}` },
        csi: { driver: "csi.example.com", volumeHandle: `handle-${volumeOf(claim)}` }
      },
      status: { phase: "Bound" }
    })),
    volumeattachments: claims.map((claim, ordinal) => ({
      metadata: { name: `attach-${volumeOf(claim)}` },
      spec: {
        attacher: "csi.example.com",
        nodeName: `node-${ordinal % 20}`,
        source: { persistentVolumeName: volumeOf(claim) }
      },
      status: { attached: true }
    })),
    services: [
      object(namespace, set, { spec: { clusterIP: "None", selector: { app: set }, ports: [{ port: 1 }] } }),
      object(namespace, `${set}-read`, { spec: { selector: { app: set, tier: "data" } } })
    ],
    endpointslices: [
      object(namespace, `${set}-x`, {
        metadata: { labels: { "kubernetes.io/service-name": set } },
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready: true } }]
      })
    ],
    configmaps: [
      object(namespace, `${set}-conf`),
      object(namespace, `journal-${set}`, {
        metadata: {
          labels: { "kubectl-stateful.dev/operation": `op-${set}`, "kubectl-stateful.dev/app": set }
        }
      })
    ],
    secrets: [object(namespace, `${set}-pull`), object(namespace, `${set}-account`)],
    serviceaccounts: [object(namespace, set, { imagePullSecrets: [{ name: `${set}-account` }] })],
    poddisruptionbudgets: [
      object(namespace, set, { spec: { maxUnavailable: 1, selector: { matchLabels: { app: set } } } })
    ],
    horizontalpodautoscalers: [
      object(namespace, set, {
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name: set },
          maxReplicas: replicas + 1
        }
      })
    ],
    controllerrevisions: [
      object(namespace, `${set}-1`, {
        metadata: {
          labels: { "controller-revision-hash": `${set}-1` },
          ownerReferences: owner(namespace, set)
        },
        revision: 1
      })
    ],
    events: [
      `Pod/${set}-0`,
      `Pod/${set}-${replicas + 1}`,
      `StatefulSet/${set}`,
      `Service/${set}`,
      `VolumeSnapshot/snap-data-${set}-0`,
      `PersistentVolumeClaim/data-${set}-0`
    ].map((about) => {
      const [kind = "", name = ""] = about.split("/")
      return object(namespace, `event-${kind}-${name}`, {
        type: "Warning",
        reason: "Odd",
        involvedObject: { kind, name }
      })
    }),
    volumesnapshots: claims.map((claim, ordinal) =>
      object(namespace, `snap-${claim}`, {
        spec: {
          // The members of a group name no claim, only their content does.
          source:
            ordinal % 2 === 0 ? { persistentVolumeClaimName: claim } : { volumeSnapshotContentName: "c" }
        },
        status: {
          boundVolumeSnapshotContentName: `content-${volumeOf(claim)}`,
          volumeGroupSnapshotName: `group-${set}`,
          readyToUse: true,
          creationTime: at
        }
      })
    ),
    volumesnapshotcontents: claims.map((claim) => ({
      metadata: { name: `content-${volumeOf(claim)}` },
      spec: {
        driver: "csi.example.com",
        deletionPolicy: "Retain",
        source: { volumeHandle: `handle-${volumeOf(claim)}` },
        volumeSnapshotRef: { namespace, name: `snap-${claim}`, uid: `uid-${namespace}-snap-${claim}` }
      }
    })),
    volumegroupsnapshots: [
      object(namespace, `group-${set}`, {
        metadata: { labels: { "kubectl-stateful.dev/set": `nightly-${set}` } },
        spec: { source: {} }
      })
    ],
    resourceclaims: ordinals.map((ordinal) =>
      object(namespace, `gpu-${set}-${ordinal}`, {
        spec: {},
        status: {
          allocation: {
            devices: { results: [{ request: "gpu", driver: "gpu", pool: "p", device: `${ordinal}` }] }
          }
        }
      })
    ),
    replicationsources: [
      object(namespace, `copy-${set}`, {
        spec: { sourcePVC: `data-${set}-0` },
        status: { lastSyncTime: at }
      })
    ]
  }
}

export const joined = (parts: ReadonlyArray<Observation["lists"]>): Observation["lists"] => {
  const all = new Map<string, Array<unknown>>()
  for (const part of parts) {
    for (const [plural, list] of Object.entries(part)) {
      const found = all.get(plural) ?? []
      if (Array.isArray(list)) for (const item of list) found.push(item)
      all.set(plural, found)
    }
  }
  return Object.fromEntries(all)
}

/** What is in the cluster whoever runs in it. */
const ground: Observation["lists"] = {
  nodes: numbers(20).map((number) => ({
    metadata: { name: `node-${number}`, labels: { "topology.kubernetes.io/zone": `z${number % 3}` } },
    spec: {},
    status: { conditions: [{ type: "Ready", status: "True" }] }
  })),
  storageclasses: [{ metadata: { name: "shared" }, provisioner: "csi.example.com" }],
  csidrivers: [{ metadata: { name: "csi.example.com" }, spec: {} }],
  volumesnapshotclasses: [],
  volumegroupsnapshotclasses: [],
  backups: [],
  namespaces: []
}

export interface Crowd {
  readonly sets: number
  /** Replicas of each. */
  readonly replicas: number
  readonly namespace?: string
}

/** StatefulSets `s0`, `s1` … and what is around them. */
export const crowd = (
  { sets, replicas, namespace = "shop" }: Crowd,
  more: Observation["lists"] = {}
): Omit<Observation, "ref"> => ({
  observed: at,
  serverVersion: "v1.36.3",
  apis: {
    "snapshot.storage.k8s.io": ["v1"],
    "groupsnapshot.storage.k8s.io": ["v1"],
    "volsync.backube": ["v1alpha1"]
  },
  lists: joined([ground, ...numbers(sets).map((set) => one(namespace, `s${set}`, replicas)), more]),
  keys: null,
  domainLabels: defaultDomainLabels
})

export { one as surrounded, object as namespaced }
