/**
 * Known facts about CSI drivers, by their names, from their own documentation: their provisioners, and where
 * they keep the data.
 */
import type { Protection, StorageClass } from "../Protection.ts"

/** Their data is on the disks of the cluster's own nodes. */
const inCluster: ReadonlySet<string> = new Set([
  "carina.storage.io",
  "csi.carina.com",
  "cstor.csi.openebs.io",
  "directpv-min-io",
  "disk.hwameistor.io",
  "driver.longhorn.io",
  "hostpath.csi.k8s.io",
  "io.openebs.csi-mayastor",
  "jiva.csi.openebs.io",
  "linstor.csi.linbit.com",
  "local.csi.openebs.io",
  "lvm.csi.metal-stack.io",
  "lvm.driver.harvesterhci.io",
  "lvm.hwameistor.io",
  "rawfile.csi.openebs.io",
  "topolvm.cybozu.com",
  "topolvm.io",
  "zfs.csi.openebs.io"
])

/** Rook's have its namespace before their name, whether their Ceph is in this cluster or outside of it. */
const eitherWay = /^(pxd\.portworx\.com|[^.]+\.(rbd|cephfs|nfs)\.csi\.ceph\.com)$/

/**
 * `cluster`: on the disks of its nodes; `either`: there or outside, which the API does not show. `null` if
 * unknown.
 */
export const homeOf = (driver: string): "cluster" | "either" | null =>
  inCluster.has(driver) ? "cluster" : eitherWay.test(driver) ? "either" : null

/** Drivers that no word in their name tells to be one. Harvester's serves the cluster beneath. */
const others: ReadonlySet<string> = new Set(["driver.harvesterhci.io"])

/** In-tree provisioners, and the CSI drivers that replaced them. */
const migrated: Readonly<Record<string, string>> = {
  "kubernetes.io/aws-ebs": "ebs.csi.aws.com",
  "kubernetes.io/azure-disk": "disk.csi.azure.com",
  "kubernetes.io/azure-file": "file.csi.azure.com",
  "kubernetes.io/cinder": "cinder.csi.openstack.org",
  "kubernetes.io/gce-pd": "pd.csi.storage.gke.io",
  "kubernetes.io/portworx-volume": "pxd.portworx.com",
  "kubernetes.io/vsphere-volume": "csi.vsphere.vmware.com"
}

/** The CSI driver of a StorageClass' provisioner; `null` if it has none, or none is known. */
export const driverOf = (provisioner: string): string | null => {
  const found = Object.hasOwn(migrated, provisioner) ? migrated[provisioner] : undefined
  if (found !== undefined) return found
  return homeOf(provisioner) !== null || others.has(provisioner) || /(^|[.-])csi([.-]|$)/i.test(provisioner)
    ? provisioner
    : null
}

/**
 * The driver of a StorageClass for which the cluster has no CSIDriver; `null` if it has one, or that is
 * unknown.
 */
export const absentDriver = (
  { drivers }: Pick<Protection, "drivers">,
  { provisioner }: StorageClass
): string | null => {
  const driver = driverOf(provisioner)
  return drivers === null || driver === null || drivers.some(({ name }) => name === driver) ? null : driver
}
