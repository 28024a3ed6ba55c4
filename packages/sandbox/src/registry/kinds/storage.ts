/** Storage classes, drivers, attachments, snapshots and groups of snapshots. */
import type { KubeObject } from "../../apimachinery/KubeObject.ts"
import { resourceType } from "../../apimachinery/ResourceType.ts"
import * as fields from "./snapshotFields.ts"
import {
  snapshotClass,
  volumeGroupSnapshot,
  volumeGroupSnapshotContent,
  volumeSnapshot,
  volumeSnapshotContent
} from "../strategy/Snapshot.ts"
import { storageClass } from "../strategy/StorageClass.ts"

export interface StorageClass extends KubeObject {
  readonly provisioner: string
  readonly parameters?: Readonly<Record<string, string>>
  readonly reclaimPolicy: "Delete" | "Retain"
  readonly volumeBindingMode: "Immediate" | "WaitForFirstConsumer"
  readonly allowVolumeExpansion?: boolean
}

export interface CsiDriver extends KubeObject {
  readonly spec: { readonly attachRequired?: boolean }
}

export interface VolumeAttachment extends KubeObject {
  readonly spec: {
    readonly attacher: string
    readonly nodeName: string
    readonly source: { readonly persistentVolumeName?: string }
  }
  readonly status?: {
    readonly attached: boolean
    readonly attachError?: { readonly message: string; readonly time: string }
  }
}

export interface SnapshotError {
  readonly message: string
  readonly time: string
}

export interface VolumeSnapshot extends KubeObject {
  readonly spec: {
    readonly volumeSnapshotClassName?: string
    readonly source: {
      readonly persistentVolumeClaimName?: string
      readonly volumeSnapshotContentName?: string
    }
  }
  readonly status?: {
    readonly boundVolumeSnapshotContentName?: string
    readonly creationTime?: string
    readonly readyToUse?: boolean
    readonly restoreSize?: string
    readonly error?: SnapshotError
    readonly volumeGroupSnapshotName?: string
  }
}

export interface VolumeSnapshotContent extends KubeObject {
  readonly spec: {
    readonly driver: string
    readonly deletionPolicy: "Delete" | "Retain"
    readonly sourceVolumeMode?: string
    readonly volumeSnapshotClassName?: string
    readonly source: { readonly volumeHandle?: string; readonly snapshotHandle?: string }
    readonly volumeSnapshotRef: { readonly namespace: string; readonly name: string; readonly uid?: string }
  }
  readonly status?: {
    readonly snapshotHandle?: string
    /** Nanoseconds. */
    readonly creationTime?: number
    readonly restoreSize?: number
    readonly readyToUse?: boolean
    readonly error?: SnapshotError
    readonly volumeGroupSnapshotHandle?: string
  }
}

/** Of snapshots and of groups alike. */
export interface SnapshotClass extends KubeObject {
  readonly driver: string
  readonly deletionPolicy: "Delete" | "Retain"
  readonly parameters?: Readonly<Record<string, string>>
}

export interface VolumeGroupSnapshot extends KubeObject {
  readonly spec: {
    readonly volumeGroupSnapshotClassName?: string
    readonly source: {
      readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> }
      readonly volumeGroupSnapshotContentName?: string
    }
  }
  readonly status?: {
    readonly boundVolumeGroupSnapshotContentName?: string
    readonly creationTime?: string
    readonly readyToUse?: boolean
    readonly error?: SnapshotError
  }
}

export interface GroupMember {
  readonly volumeHandle: string
  readonly snapshotHandle: string
  /** Nanoseconds. */
  readonly creationTime: number
  readonly readyToUse: boolean
  readonly restoreSize: number
}

export interface VolumeGroupSnapshotContent extends KubeObject {
  readonly spec: {
    readonly driver: string
    readonly deletionPolicy: "Delete" | "Retain"
    readonly volumeGroupSnapshotClassName?: string
    readonly source: {
      readonly volumeHandles?: ReadonlyArray<string>
      readonly groupSnapshotHandles?: unknown
    }
    readonly volumeGroupSnapshotRef: {
      readonly namespace: string
      readonly name: string
      readonly uid?: string
    }
  }
  readonly status?: {
    readonly volumeGroupSnapshotHandle?: string
    readonly creationTime?: string
    readonly readyToUse?: boolean
    readonly error?: SnapshotError
    readonly volumeSnapshotInfoList?: ReadonlyArray<GroupMember>
  }
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

export const csidrivers = resourceType<CsiDriver>("storage.k8s.io", "v1", "csidrivers", "CSIDriver", {
  ...cluster,
  custom: false
})

export const csinodes = resourceType("storage.k8s.io", "v1", "csinodes", "CSINode", {
  ...cluster,
  custom: false
})

export const volumeattachments = resourceType<VolumeAttachment>(
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

export const volumesnapshots = resourceType<VolumeSnapshot>(
  snapshot,
  "v1",
  "volumesnapshots",
  "VolumeSnapshot",
  {
    shortNames: ["vs"],
    subresources: ["status"],
    fields: fields.volumeSnapshot,
    strategy: volumeSnapshot
  }
)

export const volumesnapshotcontents = resourceType<VolumeSnapshotContent>(
  snapshot,
  "v1",
  "volumesnapshotcontents",
  "VolumeSnapshotContent",
  {
    clusterScoped: true,
    shortNames: ["vsc", "vscs"],
    subresources: ["status"],
    fields: fields.volumeSnapshotContent,
    strategy: volumeSnapshotContent
  }
)

export const volumesnapshotclasses = resourceType<SnapshotClass>(
  snapshot,
  "v1",
  "volumesnapshotclasses",
  "VolumeSnapshotClass",
  {
    clusterScoped: true,
    shortNames: ["vsclass", "vsclasses"],
    fields: fields.snapshotClass,
    strategy: snapshotClass
  }
)

const group = "groupsnapshot.storage.k8s.io"
const versions = ["v1", "v1beta2", "v1beta1"] as const

export const volumegroupsnapshots = resourceType<VolumeGroupSnapshot>(
  group,
  versions,
  "volumegroupsnapshots",
  "VolumeGroupSnapshot",
  {
    shortNames: ["vgs"],
    subresources: ["status"],
    fields: fields.volumeGroupSnapshot,
    strategy: volumeGroupSnapshot
  }
)

export const volumegroupsnapshotcontents = resourceType<VolumeGroupSnapshotContent>(
  group,
  versions,
  "volumegroupsnapshotcontents",
  "VolumeGroupSnapshotContent",
  {
    clusterScoped: true,
    shortNames: ["vgsc", "vgscs"],
    subresources: ["status"],
    fields: fields.volumeGroupSnapshotContent,
    strategy: volumeGroupSnapshotContent
  }
)

export const volumegroupsnapshotclasses = resourceType<SnapshotClass>(
  group,
  versions,
  "volumegroupsnapshotclasses",
  "VolumeGroupSnapshotClass",
  {
    clusterScoped: true,
    shortNames: ["vgsclass", "vgsclasses"],
    fields: fields.snapshotClass,
    strategy: snapshotClass
  }
)
