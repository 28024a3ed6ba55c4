/** The machines of a sandbox, and the classes of storage and of snapshots that it has. */
import type { Draft } from "../apimachinery/KubeObject.ts"
import { healthy } from "../controller/NodeLifecycle.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"

export interface NodeOptions {
  readonly name: string
  readonly zone?: string
  readonly labels?: Readonly<Record<string, string>>
  /** Default: 4 CPUs, 16Gi, 110 pods. */
  readonly allocatable?: Readonly<Record<string, string>>
}

/** Three nodes, one a zone. */
export const threeZones: ReadonlyArray<NodeOptions> = ["a", "b", "c"].map((zone) => ({
  name: `node-${zone}`,
  zone
}))

export const node = ({ name, zone, labels, allocatable }: NodeOptions, index: number, now: number): Draft => {
  const time = Timestamp.fromMillis(now)
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        ...(zone === undefined
          ? {}
          : { "topology.kubernetes.io/zone": zone, "topology.kubernetes.io/region": "sandbox" }),
        ...labels
      }
    },
    status: {
      allocatable: { cpu: "4", memory: "16Gi", pods: "110", ...allocatable },
      capacity: { cpu: "4", memory: "16Gi", pods: "110", ...allocatable },
      addresses: [
        { type: "InternalIP", address: `192.168.0.${index + 1}` },
        { type: "Hostname", address: name }
      ],
      conditions: healthy.map((condition) => ({
        ...condition,
        lastHeartbeatTime: time,
        lastTransitionTime: time
      })),
      nodeInfo: {
        kubeletVersion: "v1.36.3",
        osImage: "sandbox",
        kernelVersion: "6.18.0",
        containerRuntimeVersion: "sandbox://1",
        architecture: "amd64",
        operatingSystem: "linux"
      }
    }
  }
}

export const driver = "sandbox.csi.kubectl-stateful.dev"

const storageClass = (name: string, access: string, volumeBindingMode: string, isDefault = false) => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: {
    name,
    ...(isDefault ? { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } } : {})
  },
  provisioner: driver,
  parameters: { access },
  volumeBindingMode,
  allowVolumeExpansion: true
})

/** Usable everywhere (the default), in one zone, and only on one node. */
export const storageClasses: ReadonlyArray<Draft> = [
  storageClass("shared", "shared", "WaitForFirstConsumer", true),
  storageClass("shared-immediate", "shared", "Immediate"),
  storageClass("zonal", "zone", "WaitForFirstConsumer"),
  storageClass("local", "node", "WaitForFirstConsumer")
]

const snapshotClass = (group: string, kind: string, name: string, annotation: string) => ({
  apiVersion: `${group}/v1`,
  kind,
  metadata: { name, annotations: { [annotation]: "true" } },
  driver,
  deletionPolicy: "Delete"
})

/** The defaults for one volume and for a group, taken at once and ready immediately. */
export const snapshotClasses: ReadonlyArray<Draft> = [
  snapshotClass(
    "snapshot.storage.k8s.io",
    "VolumeSnapshotClass",
    "snap",
    "snapshot.storage.kubernetes.io/is-default-class"
  ),
  snapshotClass(
    "groupsnapshot.storage.k8s.io",
    "VolumeGroupSnapshotClass",
    "group",
    "groupsnapshot.storage.kubernetes.io/is-default-class"
  )
]

export const csiDriver: Draft = {
  apiVersion: "storage.k8s.io/v1",
  kind: "CSIDriver",
  metadata: { name: driver },
  spec: {
    attachRequired: true,
    podInfoOnMount: false,
    fsGroupPolicy: "File",
    volumeLifecycleModes: ["Persistent"]
  }
}
