/** More clusters: clouds whose zones or pools have nothing to spare. */
import {
  type ClusterOf,
  csiDriver,
  machine,
  type Machine,
  noGroups,
  noSnapshots,
  snapshotClass,
  storageClass
} from "./clusters.ts"

const zones = ["a", "b", "c"]

const amazon = (machines: ReadonlyArray<Machine>): ClusterOf => ({
  objects: [
    ...machines.map(machine),
    csiDriver("ebs.csi.aws.com"),
    storageClass({ name: "gp3", provisioner: "ebs.csi.aws.com", isDefault: true, access: "zone" }),
    snapshotClass("ebs", "ebs.csi.aws.com")
  ],
  without: noGroups
})

/** Three machines at Amazon, one in each of three zones; disks of one zone each. */
const cloudZonesSingle = (): ClusterOf =>
  amazon(
    zones.map((zone) => ({
      name: `ip-10-1-${zone}1`,
      zone: `eu-west-1${zone}`,
      providerID: `aws:///eu-west-1${zone}/i-1${zone}1`
    }))
  )

/** Three machines at Amazon in three zones, and two more with a GPU each, which are kept for what tolerates that. */
const gpuPool = (): ClusterOf =>
  amazon([
    ...zones.map((zone) => ({
      name: `ip-10-2-${zone}1`,
      zone: `eu-west-1${zone}`,
      providerID: `aws:///eu-west-1${zone}/i-2${zone}1`
    })),
    ...["a", "b"].map((zone) => ({
      name: `gpu-${zone}`,
      zone: `eu-west-1${zone}`,
      providerID: `aws:///eu-west-1${zone}/i-2${zone}9`,
      labels: { "example.com/accelerator": "nvidia-l4" },
      taints: [{ key: "nvidia.com/gpu", value: "present", effect: "NoSchedule" }],
      allocatable: { "nvidia.com/gpu": "1" }
    }))
  ])

/** Two pools at Azure over three zones, one of them kept for what is stateful; disks of one zone each. */
const nodePools = (): ClusterOf => ({
  objects: [
    ...["stateful", "web"]
      .flatMap((pool) =>
        [1, 2, 3].map((zone) => ({
          name: `aks-${pool}-${zone}`,
          zone: `westeurope-${zone}`,
          providerID: `azure:///subscriptions/0/resourceGroups/mc/providers/Microsoft.Compute/virtualMachineScaleSets/aks-${pool}/virtualMachines/${zone}`,
          labels: { "example.com/pool": pool },
          ...(pool === "stateful"
            ? { taints: [{ key: "dedicated", value: "stateful", effect: "NoSchedule" }] }
            : {})
        }))
      )
      .map(machine),
    csiDriver("disk.csi.azure.com"),
    storageClass({ name: "managed-csi", provisioner: "disk.csi.azure.com", isDefault: true, access: "zone" }),
    snapshotClass("azure-disk", "disk.csi.azure.com")
  ],
  without: noGroups
})

/** Three small machines at home with k3s, one of them with a GPU. */
const homeLab = (): ClusterOf => ({
  objects: [
    ...[
      { name: "nuc-1", labels: { "nvidia.com/gpu.present": "true" }, allocatable: { "nvidia.com/gpu": "1" } },
      { name: "nuc-2" },
      { name: "nuc-3" }
    ].map((one, index) => machine({ ...one, providerID: `k3s://${one.name}` }, index)),
    storageClass({ name: "local-path", provisioner: "rancher.io/local-path", isDefault: true })
  ],
  without: noSnapshots
})

/** Three machines at Azure with Linux and two with Windows, which are kept for what tolerates that. */
const windowsPool = (): ClusterOf => ({
  objects: [
    ...[
      ...[1, 2, 3].map((zone) => ({ name: `aks-linux-${zone}`, zone: `westeurope-${zone}` })),
      ...[1, 2].map((zone) => ({
        name: `akswin-${zone}`,
        zone: `westeurope-${zone}`,
        labels: { "kubernetes.io/os": "windows" },
        taints: [{ key: "os", value: "windows", effect: "NoSchedule" }]
      }))
    ].map((one, index) => machine({ ...one, providerID: `azure:///subscriptions/0/${one.name}` }, index)),
    csiDriver("disk.csi.azure.com"),
    storageClass({ name: "managed-csi", provisioner: "disk.csi.azure.com", isDefault: true, access: "zone" }),
    snapshotClass("azure-disk", "disk.csi.azure.com")
  ],
  without: noGroups
})

/** Two machines with amd64 and one with arm64 in each of three zones at Amazon. */
const twoArchitectures = (): ClusterOf =>
  amazon(
    zones.flatMap((zone) => [
      ...[1, 2].map((number) => ({
        name: `amd-${zone}${number}`,
        zone: `eu-west-1${zone}`,
        providerID: `aws:///eu-west-1${zone}/i-4${zone}${number}`
      })),
      {
        name: `arm-${zone}`,
        zone: `eu-west-1${zone}`,
        providerID: `aws:///eu-west-1${zone}/i-4${zone}9`,
        labels: { "kubernetes.io/arch": "arm64" },
        taints: [{ key: "arch", value: "arm64", effect: "NoSchedule" }]
      }
    ])
  )

/** Three machines at Amazon in three zones, and beside their disks a file system that all can mount. */
const sharedFiles = (): ClusterOf => {
  const { objects, without } = cloudZonesSingle()
  return {
    objects: [
      ...objects,
      csiDriver("efs.csi.aws.com", false),
      storageClass({ name: "efs-sc", provisioner: "efs.csi.aws.com", immediate: true })
    ],
    without
  }
}

/** Three machines of one's own in three racks; volumes that LINSTOR copies between their disks. */
const linstor = (): ClusterOf => ({
  objects: [
    ...[1, 2, 3].map((number, index) =>
      machine({ name: `metal-${number}`, labels: { "topology.rook.io/rack": `rack-${number}` } }, index)
    ),
    csiDriver("linstor.csi.linbit.com"),
    storageClass({ name: "linstor-r2", provisioner: "linstor.csi.linbit.com", isDefault: true }),
    snapshotClass("linstor", "linstor.csi.linbit.com")
  ],
  without: noGroups
})

/** Three machines of one's own in three racks, and volumes that Rook makes: where its Ceph is, nothing here says. */
const rook = (): ClusterOf => ({
  objects: [
    ...[1, 2, 3].map((number, index) =>
      machine({ name: `node-${number}`, labels: { "topology.rook.io/rack": `rack-${number}` } }, index)
    ),
    csiDriver("rook-ceph.rbd.csi.ceph.com"),
    storageClass({
      name: "rook-ceph-block",
      provisioner: "rook-ceph.rbd.csi.ceph.com",
      isDefault: true,
      immediate: true
    }),
    snapshotClass("rook-ceph-block", "rook-ceph.rbd.csi.ceph.com")
  ],
  without: noGroups
})

/** Three small machines at home with k3s and Longhorn, one of them with a radio. */
const longhornWithRadio = (): ClusterOf => ({
  objects: [
    ...[1, 2, 3].map((number, index) =>
      machine(
        {
          name: `k3s-${number}`,
          providerID: `k3s://k3s-${number}`,
          labels: number === 3 ? { "example.com/zigbee": "true" } : {}
        },
        index
      )
    ),
    csiDriver("driver.longhorn.io"),
    storageClass({ name: "longhorn", provisioner: "driver.longhorn.io", isDefault: true, immediate: true }),
    snapshotClass("longhorn", "driver.longhorn.io")
  ],
  without: noGroups
})

/** Three machines at Amazon, one in each of three zones, before anybody has installed a driver for disks. */
const cloudWithoutDriver = (): ClusterOf => ({
  objects: zones
    .map((zone) => ({
      name: `ip-10-3-${zone}1`,
      zone: `eu-west-1${zone}`,
      providerID: `aws:///eu-west-1${zone}/i-3${zone}1`
    }))
    .map(machine),
  without: noSnapshots
})

/** Three nodes of minikube, whose provisioner makes folders that name no node. */
const minikubeNodes = (): ClusterOf => ({
  objects: [
    ...["minikube", "minikube-m02", "minikube-m03"].map((name, index) => machine({ name }, index)),
    storageClass({
      name: "standard",
      provisioner: "k8s.io/minikube-hostpath",
      isDefault: true,
      immediate: true
    })
  ],
  without: noSnapshots
})

/** Made anew for each case. */
export const moreClusters: Readonly<Record<string, () => ClusterOf>> = {
  "cloud-zones-single": cloudZonesSingle,
  "cloud-without-driver": cloudWithoutDriver,
  "gpu-pool": gpuPool,
  "home-lab": homeLab,
  linstor,
  "longhorn-with-radio": longhornWithRadio,
  "minikube-nodes": minikubeNodes,
  "node-pools": nodePools,
  rook,
  "shared-files": sharedFiles,
  "two-architectures": twoArchitectures,
  "windows-pool": windowsPool
}
