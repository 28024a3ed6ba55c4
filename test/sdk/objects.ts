/**
 * Small builders of Kubernetes objects, as the API writes them: the StatefulSet `db` in
 * namespace `shop` with a data and a WAL claim each. A test changes what it is about.
 */
import { statefulSet as ref } from "../../packages/sdk/src/App.ts"
import type { Observation } from "../../packages/sdk/src/state/observation.ts"
import { defaultDomainLabels } from "../../packages/sdk/src/Placement.ts"
import { observe } from "../../packages/sdk/src/State.ts"
import type { AppState } from "../../packages/sdk/src/state/AppState.ts"

/** A JSON object, open to change. */
export type Json = { [field: string]: unknown }

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** `changes` over `base`, field by field; arrays and null replace what was there. */
export const merge = (base: Json, changes: Json): Json => {
  const merged: Json = { ...base }
  for (const [key, value] of Object.entries(changes)) {
    const before = merged[key]
    merged[key] = isObject(value) && isObject(before) ? merge(before, value) : value
  }
  return merged
}

export const at = "2026-11-20T10:00:00Z"

/** An object in namespace shop. */
export const object = (name: string, rest: Json = {}): Json =>
  merge(
    {
      metadata: { name, namespace: "shop", uid: `uid-${name}`, resourceVersion: "1", creationTimestamp: at }
    },
    rest
  )

const claimTemplate = (name: string): Json => ({
  metadata: { name },
  spec: {
    accessModes: ["ReadWriteOnce"],
    storageClassName: "shared",
    resources: { requests: { storage: "1Gi" } }
  }
})

export const statefulSet = (changes: Json = {}): Json =>
  object(
    "db",
    merge(
      {
        metadata: { generation: 1, labels: { app: "db" } },
        spec: {
          replicas: 3,
          serviceName: "db",
          selector: { matchLabels: { app: "db" } },
          podManagementPolicy: "OrderedReady",
          template: {
            metadata: { labels: { app: "db" } },
            spec: {
              containers: [
                {
                  name: "postgres",
                  image: "postgres:15",
                  volumeMounts: [{ name: "data", mountPath: "/data" }]
                }
              ]
            }
          },
          volumeClaimTemplates: [claimTemplate("data"), claimTemplate("wal")],
          updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } }
        },
        status: {
          observedGeneration: 1,
          replicas: 3,
          readyReplicas: 3,
          currentRevision: "db-1",
          updateRevision: "db-1"
        }
      },
      changes
    )
  )

export const ownedBySet = [
  { apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid: "uid-db", controller: true }
]

const letters = ["a", "b", "c"]

/** A ready pod of db on node-a, node-b or node-c. */
export const pod = (ordinal: number, changes: Json = {}): Json =>
  object(
    `db-${ordinal}`,
    merge(
      {
        metadata: {
          ownerReferences: ownedBySet,
          labels: {
            app: "db",
            "apps.kubernetes.io/pod-index": `${ordinal}`,
            "controller-revision-hash": "db-1"
          }
        },
        spec: {
          nodeName: `node-${letters[ordinal % 3]}`,
          hostname: `db-${ordinal}`,
          subdomain: "db",
          containers: [{ name: "postgres", image: "postgres:15" }],
          volumes: ["data", "wal"].map((name) => ({
            name,
            persistentVolumeClaim: { claimName: `${name}-db-${ordinal}` }
          }))
        },
        status: {
          phase: "Running",
          conditions: [{ type: "Ready", status: "True", lastTransitionTime: at }],
          podIPs: [{ ip: `10.0.0.${ordinal}` }],
          containerStatuses: [{ name: "postgres", ready: true, restartCount: 0, state: { running: {} } }]
        }
      },
      changes
    )
  )

export const claim = (name: string, changes: Json = {}): Json =>
  object(
    name,
    merge(
      {
        metadata: { labels: { app: "db" } },
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: "shared",
          volumeName: `pv-${name}`,
          resources: { requests: { storage: "1Gi" } }
        },
        status: { phase: "Bound", capacity: { storage: "1Gi" } }
      },
      changes
    )
  )

export const volume = (claimName: string, changes: Json = {}): Json =>
  merge(
    {
      metadata: { name: `pv-${claimName}`, uid: `uid-pv-${claimName}` },
      spec: {
        capacity: { storage: "1Gi" },
        persistentVolumeReclaimPolicy: "Delete",
        claimRef: { namespace: "shop", name: claimName, uid: `uid-${claimName}` },
        csi: { driver: "csi.example.com", volumeHandle: `handle-${claimName}` }
      },
      status: { phase: "Bound" }
    },
    changes
  )

/** A volume that only nodes with this label can reach. */
export const bound = (key: string, ...values: ReadonlyArray<string>): Json => ({
  spec: {
    nodeAffinity: {
      required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: "In", values }] }] }
    }
  }
})

/** node-a, node-b or node-c, each in a zone of its own; a and b share rack r1. */
export const node = (letter: string, changes: Json = {}): Json =>
  merge(
    {
      metadata: {
        name: `node-${letter}`,
        labels: {
          "kubernetes.io/hostname": `node-${letter}`,
          "topology.kubernetes.io/region": "eu",
          "topology.kubernetes.io/zone": letter,
          "topology.kubernetes.io/rack": letter === "c" ? "r2" : "r1"
        }
      },
      spec: {},
      status: { conditions: [{ type: "Ready", status: "True" }] }
    },
    changes
  )

export const service = (changes: Json = {}): Json =>
  object(
    "db",
    merge({ spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 5432 }] } }, changes)
  )

/** A refused list, as `read` notes it. */
export const forbidden = (resource: string) => ({
  resource,
  reason: "Forbidden",
  message: `${resource} is forbidden`
})

const names = [0, 1, 2].flatMap((ordinal) => [`data-db-${ordinal}`, `wal-db-${ordinal}`])

/** Three ready replicas on three nodes, and every list that can be read. */
export const lists = (changes: Observation["lists"] = {}): Observation["lists"] => ({
  statefulsets: [statefulSet()],
  pods: [0, 1, 2].map((ordinal) => pod(ordinal)),
  persistentvolumeclaims: names.map((name) => claim(name)),
  persistentvolumes: names.map((name) => volume(name)),
  volumeattachments: [],
  nodes: letters.map((letter) => node(letter)),
  services: [service()],
  endpointslices: [],
  configmaps: [],
  secrets: [],
  serviceaccounts: [],
  poddisruptionbudgets: [],
  horizontalpodautoscalers: [],
  controllerrevisions: [],
  storageclasses: [],
  csidrivers: [],
  events: [],
  namespaces: [],
  volumesnapshots: [],
  volumesnapshotclasses: [],
  volumesnapshotcontents: [],
  resourceclaims: [],
  ...changes
})

export const observation = (
  changes: Observation["lists"] = {},
  rest: Partial<Omit<Observation, "lists">> = {}
): Observation => ({
  ref: ref("shop", "db"),
  observed: at,
  serverVersion: "v1.36.3",
  apis: { "snapshot.storage.k8s.io": ["v1"] },
  lists: lists(changes),
  keys: null,
  domainLabels: defaultDomainLabels,
  ...rest
})

/** The state of the lists above with these in place of the named ones. */
export const stateOf = (
  changes: Observation["lists"] = {},
  rest: Partial<Omit<Observation, "lists">> = {}
): AppState => observe(observation(changes, rest))
