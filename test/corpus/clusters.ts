/**
 * The clusters that the corpus' applications run on: nodes, storage classes and drivers, and which APIs
 * of snapshots there are, as people have them.
 */
import type { Draft as AnyDraft } from "../../packages/sandbox/src/apimachinery/KubeObject.ts"
import { node } from "../../packages/sandbox/src/node/Nodes.ts"

/** With the fields that its kind has beside metadata and spec. */
type Draft = AnyDraft & { readonly [field: string]: unknown }

export interface ClusterOf {
  /** Nodes, classes, drivers, volumes that somebody made by hand. */
  readonly objects: ReadonlyArray<Draft>
  /** Kinds that are not installed, such as `volumegroupsnapshots.groupsnapshot.storage.k8s.io`. */
  readonly without: ReadonlyArray<string>
}

const groups = ["volumegroupsnapshots", "volumegroupsnapshotcontents", "volumegroupsnapshotclasses"].map(
  (resource) => `${resource}.groupsnapshot.storage.k8s.io`
)
const snapshots = ["volumesnapshots", "volumesnapshotcontents", "volumesnapshotclasses"].map(
  (resource) => `${resource}.snapshot.storage.k8s.io`
)
export const noGroups = groups
export const noSnapshots = [...groups, ...snapshots]

export interface Machine {
  readonly name: string
  readonly zone?: string
  /** `aws:///eu-west-1a/i-0a1`; none of a machine that no cloud runs. */
  readonly providerID?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: ReadonlyArray<{ readonly key: string; readonly value?: string; readonly effect: string }>
  /** Beside or in place of 4 CPUs, 16Gi and 110 pods. */
  readonly allocatable?: Readonly<Record<string, string>>
}

export const machine = (
  { name, zone, providerID, labels, taints, allocatable }: Machine,
  index: number
): Draft => {
  const made = node(
    {
      name,
      ...(zone === undefined ? {} : { zone }),
      ...(labels === undefined ? {} : { labels }),
      ...(allocatable === undefined ? {} : { allocatable })
    },
    index,
    0
  )
  const spec = {
    ...(providerID === undefined ? {} : { providerID }),
    ...(taints === undefined ? {} : { taints })
  }
  return { ...made, spec }
}

const rack = "topology.rook.io/rack"

export const csiDriver = (name: string, attachRequired = true): Draft => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "CSIDriver",
  metadata: { name },
  spec: {
    attachRequired,
    podInfoOnMount: false,
    fsGroupPolicy: "ReadWriteOnceWithFSType",
    volumeLifecycleModes: ["Persistent"]
  }
})

interface Class {
  readonly name: string
  readonly provisioner: string
  readonly isDefault?: boolean
  readonly immediate?: boolean
  readonly reclaimPolicy?: "Retain"
  /** Where its volumes can be reached: the sandbox's provisioner goes by this parameter. Default: everywhere. */
  readonly access?: "zone" | "node"
}

export const storageClass = ({
  name,
  provisioner,
  isDefault,
  immediate,
  reclaimPolicy,
  access
}: Class): Draft => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: {
    name,
    ...(isDefault === true ? { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } } : {})
  },
  provisioner,
  ...(access === undefined ? {} : { parameters: { access } }),
  reclaimPolicy: reclaimPolicy ?? "Delete",
  volumeBindingMode: immediate === true ? "Immediate" : "WaitForFirstConsumer",
  allowVolumeExpansion: true
})

export const snapshotClass = (
  name: string,
  driver: string,
  kind: "VolumeSnapshotClass" | "VolumeGroupSnapshotClass" = "VolumeSnapshotClass"
): Draft => ({
  apiVersion:
    kind === "VolumeSnapshotClass" ? "snapshot.storage.k8s.io/v1" : "groupsnapshot.storage.k8s.io/v1",
  kind,
  metadata: { name },
  driver,
  deletionPolicy: "Delete"
})

/** A volume that somebody made by hand on one node. */
const nodeVolume = (
  name: string,
  storageClassName: string,
  on: string,
  source: "local" | "hostPath",
  path: string
): Draft => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name },
  spec: {
    capacity: { storage: "500Gi" },
    accessModes: ["ReadWriteOnce"],
    persistentVolumeReclaimPolicy: source === "local" ? "Retain" : "Delete",
    storageClassName,
    volumeMode: "Filesystem",
    [source]: { path },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [on] }] }
        ]
      }
    }
  }
})

const nfsVolume = (name: string, storageClassName: string): Draft => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name },
  spec: {
    capacity: { storage: "100Gi" },
    accessModes: ["ReadWriteOnce", "ReadWriteMany"],
    persistentVolumeReclaimPolicy: "Retain",
    storageClassName,
    nfs: { server: "10.20.0.5", path: `/export/${name}` }
  }
})

const zones = ["a", "b", "c"]

/** Six machines at Amazon in three zones; disks of one zone each, snapshots one by one. */
const cloudThreeZones = (): ClusterOf => ({
  objects: [
    ...zones
      .flatMap((zone) =>
        [1, 2].map((number) => ({
          name: `ip-10-0-${zone}${number}`,
          zone: `eu-west-1${zone}`,
          providerID: `aws:///eu-west-1${zone}/i-0${zone}${number}`
        }))
      )
      .map(machine),
    csiDriver("ebs.csi.aws.com"),
    storageClass({ name: "gp3", provisioner: "ebs.csi.aws.com", isDefault: true, access: "zone" }),
    storageClass({
      name: "gp3-retain",
      provisioner: "ebs.csi.aws.com",
      access: "zone",
      reclaimPolicy: "Retain"
    }),
    snapshotClass("ebs", "ebs.csi.aws.com")
  ],
  without: noGroups
})

/** Three machines at Google in one zone; disks of that zone. */
const cloudOneZone = (): ClusterOf => ({
  objects: [
    ...[1, 2, 3].map((number, index) =>
      machine(
        {
          name: `gke-pool-${number}`,
          zone: "europe-west4-a",
          providerID: `gce://shop/europe-west4-a/gke-pool-${number}`
        },
        index
      )
    ),
    csiDriver("pd.csi.storage.gke.io"),
    storageClass({
      name: "standard-rwo",
      provisioner: "pd.csi.storage.gke.io",
      isDefault: true,
      access: "zone"
    }),
    snapshotClass("pd", "pd.csi.storage.gke.io")
  ],
  without: noGroups
})

/** Nine machines of one's own in three racks, three of them with the control plane; a Ceph outside of the cluster, with groups. */
const bareMetalRacks = (): ClusterOf => ({
  objects: [
    ...[1, 2, 3]
      .flatMap((number): ReadonlyArray<Machine> => {
        const labels = { [rack]: `rack-${number}` }
        return [
          {
            name: `control-${number}`,
            labels: { ...labels, "node-role.kubernetes.io/control-plane": "" },
            taints: [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }]
          },
          { name: `worker-${number}a`, labels },
          { name: `worker-${number}b`, labels }
        ]
      })
      .map(machine),
    csiDriver("rbd.csi.ceph.com"),
    storageClass({
      name: "ceph-block",
      provisioner: "rbd.csi.ceph.com",
      isDefault: true,
      immediate: true
    }),
    snapshotClass("ceph-block", "rbd.csi.ceph.com"),
    snapshotClass("ceph-block-group", "rbd.csi.ceph.com", "VolumeGroupSnapshotClass")
  ],
  without: []
})

/** Four machines of one's own, and no label that says where they stand; a Ceph elsewhere, without groups. */
const bareMetalUnlabelled = (): ClusterOf => ({
  objects: [
    ...[1, 2, 3, 4].map((number, index) => machine({ name: `server-${number}` }, index)),
    csiDriver("rbd.csi.ceph.com"),
    storageClass({
      name: "ceph-block",
      provisioner: "rbd.csi.ceph.com",
      isDefault: true,
      immediate: true
    }),
    snapshotClass("ceph-block", "rbd.csi.ceph.com")
  ],
  without: noGroups
})

/** Three racks of two machines, each with disks of its own, made into volumes by a driver (TopoLVM). */
const localDisks = (): ClusterOf => ({
  objects: [
    ...[1, 2, 3]
      .flatMap((number) =>
        ["a", "b"].map((letter) => ({
          name: `disk-${number}${letter}`,
          labels: { [rack]: `rack-${number}` }
        }))
      )
      .map(machine),
    csiDriver("topolvm.io", false),
    storageClass({ name: "topolvm", provisioner: "topolvm.io", isDefault: true, access: "node" }),
    snapshotClass("topolvm", "topolvm.io")
  ],
  without: noGroups
})

/** Four machines, on each two disks that somebody made volumes of by hand; no snapshots at all. */
const localDisksByHand = (): ClusterOf => {
  const names = [1, 2, 3, 4].map((number) => `store-${number}`)
  return {
    objects: [
      ...names.map((name, index) => machine({ name, labels: { [rack]: `rack-${index + 1}` } }, index)),
      storageClass({ name: "local-storage", provisioner: "kubernetes.io/no-provisioner" }),
      ...names.flatMap((name) =>
        [1, 2].map((disk) =>
          nodeVolume(`${name}-disk${disk}`, "local-storage", name, "local", `/mnt/disk${disk}`)
        )
      )
    ],
    without: noSnapshots
  }
}

/** Four machines of one's own and an NFS server with six exports, made into volumes by hand. */
const nfsServer = (): ClusterOf => ({
  objects: [
    ...[1, 2, 3, 4].map((number, index) =>
      machine({ name: `server-${number}`, labels: { [rack]: `rack-${number}` } }, index)
    ),
    storageClass({ name: "nfs", provisioner: "kubernetes.io/no-provisioner", immediate: true }),
    ...[1, 2, 3, 4, 5, 6].map((number) => nfsVolume(`export-${number}`, "nfs"))
  ],
  without: noSnapshots
})

/** One small machine with k3s; its volumes are folders on it. */
const edgeOneNode = (): ClusterOf => ({
  objects: [
    machine({ name: "edge-1", providerID: "k3s://edge-1" }, 0),
    storageClass({ name: "local-path", provisioner: "rancher.io/local-path", isDefault: true }),
    ...[1, 2, 3, 4].map((number) =>
      nodeVolume(
        `edge-${number}`,
        "local-path",
        "edge-1",
        "hostPath",
        `/var/lib/rancher/k3s/storage/${number}`
      )
    )
  ],
  without: noSnapshots
})

/** Made anew for each case. */
export const clusters: Readonly<Record<string, () => ClusterOf>> = {
  "cloud-three-zones": cloudThreeZones,
  "cloud-one-zone": cloudOneZone,
  "bare-metal-racks": bareMetalRacks,
  "bare-metal-unlabelled": bareMetalUnlabelled,
  "local-disks": localDisks,
  "local-disks-by-hand": localDisksByHand,
  "nfs-server": nfsServer,
  "edge-one-node": edgeOneNode
}
