/** Storage classes, drivers, attachments, snapshots and groups of snapshots. */
import type { KubeObject } from "../KubeObject.ts"
import { resourceType } from "../ResourceType.ts"
import { storageClass } from "../strategy/StorageClass.ts"

export interface StorageClass extends KubeObject {
  readonly provisioner: string
  readonly parameters?: Readonly<Record<string, string>>
  readonly reclaimPolicy: "Delete" | "Retain"
  readonly volumeBindingMode: "Immediate" | "WaitForFirstConsumer"
  readonly allowVolumeExpansion?: boolean
}

const cluster = { clusterScoped: true, answersDeleted: true } as const

export const storageclasses = resourceType<StorageClass>(
  "storage.k8s.io",
  "v1",
  "storageclasses",
  "StorageClass",
  {
    ...cluster,
    custom: false,
    shortNames: ["sc"],
    strategy: storageClass
  }
)

export const csidrivers = resourceType("storage.k8s.io", "v1", "csidrivers", "CSIDriver", {
  ...cluster,
  custom: false
})

export const csinodes = resourceType("storage.k8s.io", "v1", "csinodes", "CSINode", {
  ...cluster,
  custom: false
})

export const volumeattachments = resourceType(
  "storage.k8s.io",
  "v1",
  "volumeattachments",
  "VolumeAttachment",
  {
    ...cluster,
    custom: false,
    subresources: ["status"],
    counted: false
  }
)

const snapshot = "snapshot.storage.k8s.io"

export const volumesnapshots = resourceType(snapshot, "v1", "volumesnapshots", "VolumeSnapshot", {
  shortNames: ["vs"],
  subresources: ["status"]
})

export const volumesnapshotcontents = resourceType(
  snapshot,
  "v1",
  "volumesnapshotcontents",
  "VolumeSnapshotContent",
  {
    clusterScoped: true,
    shortNames: ["vsc", "vscs"],
    subresources: ["status"]
  }
)

export const volumesnapshotclasses = resourceType(
  snapshot,
  "v1",
  "volumesnapshotclasses",
  "VolumeSnapshotClass",
  {
    clusterScoped: true,
    shortNames: ["vsclass", "vsclasses"]
  }
)

const group = "groupsnapshot.storage.k8s.io"
const versions = ["v1", "v1beta2", "v1beta1"] as const

export const volumegroupsnapshots = resourceType(
  group,
  versions,
  "volumegroupsnapshots",
  "VolumeGroupSnapshot",
  {
    shortNames: ["vgs"],
    subresources: ["status"]
  }
)

export const volumegroupsnapshotcontents = resourceType(
  group,
  versions,
  "volumegroupsnapshotcontents",
  "VolumeGroupSnapshotContent",
  { clusterScoped: true, shortNames: ["vgsc", "vgscs"], subresources: ["status"] }
)

export const volumegroupsnapshotclasses = resourceType(
  group,
  versions,
  "volumegroupsnapshotclasses",
  "VolumeGroupSnapshotClass",
  { clusterScoped: true, shortNames: ["vgsclass", "vgsclasses"] }
)
