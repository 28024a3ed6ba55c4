/**
 * An application that is well in every way: the StatefulSet `db` in namespace `shop`, three
 * replicas on three nodes, zones and racks, a data and a WAL claim each, all in one group
 * snapshot and copied elsewhere. Tests change one thing and look at what that does.
 */
import { statefulSet } from "../../packages/sdk/src/App.ts"
import type { Claim } from "../../packages/sdk/src/Claim.ts"
import type { Node, Placement } from "../../packages/sdk/src/Placement.ts"
import type { Copy, VolumeSnapshot } from "../../packages/sdk/src/Protection.ts"
import type { Replica } from "../../packages/sdk/src/Replica.ts"
import type { AppState } from "../../packages/sdk/src/state/AppState.ts"

/** The same data, open to change. */
export type Draft<A> =
  A extends ReadonlyArray<infer Item>
    ? Array<Draft<Item>>
    : A extends object
      ? { -readonly [Key in keyof A]: Draft<A[Key]> }
      : A

/** The one with this name; a test that asks for another is wrong. */
export const named = <A extends { readonly name: string }>(
  list: ReadonlyArray<A> | null,
  name: string
): A => {
  const found = list?.find((item) => item.name === name)
  if (found === undefined) throw new Error(`the fixture has no ${name}`)
  return found
}

/** The only element of a list, or its first. */
export const first = <A>(list: ReadonlyArray<A> | null): A => {
  const found = list?.[0]
  if (found === undefined) throw new Error("the fixture's list is empty")
  return found
}

const driver = "csi.example.com"
const created = "2026-11-08T09:00:00Z"
const ordinals = [0, 1, 2] as const
const letters = ["a", "b", "c"] as const
const templates = ["data", "wal"] as const
const claimNames = ordinals.flatMap((ordinal) => templates.map((template) => `${template}-db-${ordinal}`))

const node = (ordinal: number): Node => ({
  name: `node-${letters[ordinal]}`,
  ready: true,
  unschedulable: false,
  region: "eu",
  zone: `${letters[ordinal]}`,
  rack: `r${ordinal + 1}`,
  instanceType: "m1",
  arch: "amd64",
  os: "linux",
  provider: "openstack",
  managed: null,
  taints: [],
  pressure: [],
  devices: {},
  labels: {
    "kubernetes.io/hostname": `node-${letters[ordinal]}`,
    "topology.kubernetes.io/region": "eu",
    "topology.kubernetes.io/zone": `${letters[ordinal]}`,
    "topology.kubernetes.io/rack": `r${ordinal + 1}`
  }
})

const replica = (ordinal: number): Replica => ({
  workload: "StatefulSet/db",
  ordinal,
  name: `db-${ordinal}`,
  wanted: true,
  known: true,
  pod: {
    uid: `pod-${ordinal}`,
    created,
    deleted: null,
    phase: "Running",
    ready: true,
    readySince: "2026-11-08T09:00:20Z",
    reason: null,
    restarts: 0,
    containers: [
      { name: "postgres", image: "docker.io/local/postgres:15", ready: true, restarts: 0, state: "Running" }
    ],
    revision: "db-6d4cf56db6",
    current: true,
    hostname: `db-${ordinal}`,
    fqdn: `db-${ordinal}.db.shop.svc`,
    ips: [`10.0.${ordinal}.7`],
    node: `node-${letters[ordinal]}`,
    qos: "Burstable",
    priorityClass: null
  }
})

const placement = (ordinal: number): Placement => ({
  replica: `db-${ordinal}`,
  node: `node-${letters[ordinal]}`,
  zone: `${letters[ordinal]}`,
  rack: `r${ordinal + 1}`,
  storage: "network",
  pins: []
})

const claim = (template: string, ordinal: number): Claim => ({
  name: `${template}-db-${ordinal}`,
  uid: `claim-${template}-${ordinal}`,
  created,
  deleted: null,
  workload: "StatefulSet/db",
  template,
  ordinal,
  usedBy: [`db-${ordinal}`],
  mounted: true,
  leftover: false,
  unusedSince: null,
  phase: "Bound",
  requested: template === "data" ? "20Gi" : "5Gi",
  capacity: template === "data" ? "20Gi" : "5Gi",
  resize: null,
  modify: null,
  storageClass: "shared",
  accessModes: ["ReadWriteOnce"],
  volumeMode: "Filesystem",
  dataSource: null,
  volume: {
    name: `pvc-${template}-${ordinal}`,
    driver,
    handle: `vol-${template}-${ordinal}`,
    reclaimPolicy: "Retain",
    nodeAffinity: [],
    attachedTo: [`node-${letters[ordinal]}`],
    source: "csi",
    phase: "Bound",
    heldBy: "claim",
    deleted: null,
    policyBefore: null
  },
  finalizers: ["kubernetes.io/pvc-protection"]
})

const snapshot = (name: string): VolumeSnapshot => ({
  name: `nightly-1120-${name}`,
  uid: `snapshot-${name}`,
  claim: name,
  created: "2026-11-20T10:00:00Z",
  cut: "2026-11-20T10:00:00Z",
  readyToUse: true,
  restoreSize: name.startsWith("data") ? "20Gi" : "5Gi",
  error: null,
  class: null,
  driver,
  deletionPolicy: "Retain",
  group: "nightly-1120",
  set: null,
  level: null,
  bound: true
})

const copy = (name: string): Copy => ({
  name: "Backup/nightly-1120",
  claim: name,
  taken: "2026-11-20T10:00:00Z",
  location: "BackupStorageLocation/offsite"
})

const healthy: AppState = {
  apiVersion: "kubectl-stateful.dev/v1",
  kind: "AppState",
  name: "db",
  namespace: "shop",
  namespaceLabels: { "kubernetes.io/metadata.name": "shop" },
  ref: statefulSet("shop", "db"),
  observed: "2026-11-20T12:00:00Z",
  serverVersion: "v1.36.3",
  workloads: [
    {
      kind: "StatefulSet",
      name: "db",
      uid: "statefulset-db",
      resourceVersion: "4711",
      generation: 1,
      observedGeneration: 1,
      created,
      deleted: null,
      labels: { app: "db" },
      selector: "app=db",
      replicas: 3,
      ready: 3,
      status: { replicas: 3, ready: 3, available: 3, updated: 3 },
      firstOrdinal: 0,
      podManagementPolicy: "OrderedReady",
      updateStrategy: "RollingUpdate",
      partition: 0,
      minReadySeconds: 0,
      retention: { whenScaled: "Retain", whenDeleted: "Retain" },
      claimTemplates: [
        {
          name: "data",
          storageClass: "shared",
          requested: "20Gi",
          accessModes: ["ReadWriteOnce"],
          volumeMode: "Filesystem",
          dataSource: null
        },
        {
          name: "wal",
          storageClass: "shared",
          requested: "5Gi",
          accessModes: ["ReadWriteOnce"],
          volumeMode: "Filesystem",
          dataSource: null
        }
      ],
      serviceName: "db",
      currentRevision: "db-6d4cf56db6",
      updateRevision: "db-6d4cf56db6",
      revisions: [{ name: "db-6d4cf56db6", revision: 1, created }],
      images: ["docker.io/local/postgres:15"],
      repelling: [],
      template: {
        serviceAccount: "db",
        nodeName: null,
        nodeSelector: {},
        affinity: [],
        nodeAffinity: [],
        antiAffinityKeys: [],
        spread: [
          {
            topologyKey: "topology.kubernetes.io/zone",
            maxSkew: 1,
            whenUnsatisfiable: "ScheduleAnyway",
            minDomains: 1,
            nodeAffinityPolicy: "Honor",
            nodeTaintsPolicy: "Ignore",
            own: true
          }
        ],
        hostPorts: [],
        containers: [
          {
            name: "postgres",
            image: "docker.io/local/postgres:15",
            store: "PostgreSQL",
            keeps: ["/data", "/wal"],
            imageVolumes: [],
            readOnly: false
          }
        ],
        runtimeClass: null,
        tolerations: [],
        priorityClass: null,
        fsGroup: 999,
        fsGroupChangePolicy: "OnRootMismatch",
        hostNetwork: false,
        terminationGracePeriodSeconds: 60,
        resourceClaims: [],
        extendedResources: {},
        probes: [
          {
            container: "postgres",
            kind: "readiness",
            by: "exec",
            initialDelaySeconds: 0,
            periodSeconds: 10,
            failureThreshold: 3
          }
        ]
      },
      writers: []
    }
  ],
  replicas: ordinals.map(replica),
  claims: ordinals.flatMap((ordinal) => templates.map((template) => claim(template, ordinal))),
  keptVolumes: [],
  setAside: [],
  keptConfig: [],
  volumes: [
    {
      workload: "StatefulSet/db",
      name: "tmp",
      source: "emptyDir",
      detail: "Memory",
      writers: ["postgres:/tmp"],
      rendered: false
    }
  ],
  references: [
    {
      kind: "ConfigMap",
      name: "db-conf",
      usedBy: ["StatefulSet/db volume conf"],
      required: true,
      present: true,
      immutable: null,
      resourceVersion: "12",
      keys: null,
      missingKeys: null,
      bytes: null
    },
    {
      kind: "Secret",
      name: "db-pass",
      usedBy: ["StatefulSet/db env postgres"],
      required: true,
      present: true,
      immutable: null,
      resourceVersion: "13",
      keys: null,
      missingKeys: null,
      bytes: null
    }
  ],
  dependencies: [
    { kind: "ServiceAccount", name: "db", namespace: null, usedBy: ["StatefulSet/db"], present: true }
  ],
  cloudRoles: [],
  services: [
    {
      name: "db",
      governs: "StatefulSet/db",
      headless: true,
      type: "ClusterIP",
      present: true,
      selectsPods: true,
      hasSelector: true,
      writtenBy: [],
      publishNotReadyAddresses: false,
      ports: [{ name: "postgres", port: 5432, protocol: "TCP" }],
      endpoints: { ready: 3, notReady: 0 }
    }
  ],
  budgets: [
    {
      name: "db",
      owner: null,
      minAvailable: null,
      maxUnavailable: "1",
      disruptionsAllowed: 1,
      currentHealthy: 3,
      desiredHealthy: 2,
      expectedPods: 3,
      pods: ["db-0", "db-1", "db-2"]
    }
  ],
  autoscalers: [],
  nodes: ordinals.map(node),
  placements: ordinals.map(placement),
  resourceClaims: [],
  protection: {
    storageClasses: [
      {
        name: "shared",
        provisioner: driver,
        bindingMode: "WaitForFirstConsumer",
        reclaimPolicy: "Retain",
        expandable: true,
        isDefault: true
      }
    ],
    snapshotClasses: [
      { name: "snap", driver, deletionPolicy: "Retain", isDefault: true, group: false },
      { name: "group", driver, deletionPolicy: "Retain", isDefault: true, group: true }
    ],
    drivers: [
      { name: driver, attachRequired: true, fsGroupPolicy: "ReadWriteOnceWithFSType", modes: ["Persistent"] }
    ],
    snapshots: claimNames.map(snapshot),
    copies: claimNames.map(copy),
    snapshotApi: true,
    groupSnapshotApi: "v1"
  },
  operations: [],
  events: [],
  unread: []
}

/** The well application, after `change`. */
export const healthyApp = (change: (draft: Draft<AppState>) => void = () => {}): AppState => {
  const draft: Draft<AppState> = structuredClone(healthy) as Draft<AppState>
  change(draft)
  return draft
}
