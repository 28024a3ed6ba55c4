/**
 * Snapshots, groups of them, their classes and contents (`snapshot.storage.k8s.io`,
 * `groupsnapshot.storage.k8s.io`), and backups of other tools.
 */
import * as Schema from "effect/Schema"
import { IntOrString, NameReference, ObjectMeta, optional } from "./Meta.ts"

const { Array, Boolean, Number, String, Struct } = Schema

const SnapshotError = Struct({ message: optional(String), time: optional(String) })

export const VolumeSnapshot = Struct({
  metadata: ObjectMeta,
  spec: Struct({
    volumeSnapshotClassName: optional(String),
    source: Struct({
      persistentVolumeClaimName: optional(String),
      volumeSnapshotContentName: optional(String)
    })
  }),
  status: optional(
    Struct({
      boundVolumeSnapshotContentName: optional(String),
      creationTime: optional(String),
      readyToUse: optional(Boolean),
      restoreSize: optional(IntOrString),
      error: optional(SnapshotError),
      volumeGroupSnapshotName: optional(String)
    })
  )
})
export type VolumeSnapshot = typeof VolumeSnapshot.Type

export const VolumeSnapshotContent = Struct({
  metadata: ObjectMeta,
  spec: Struct({
    driver: String,
    deletionPolicy: String,
    /** `Filesystem` or `Block`, of the source volume. */
    sourceVolumeMode: optional(String),
    source: Struct({ volumeHandle: optional(String), snapshotHandle: optional(String) }),
    volumeSnapshotRef: Struct({
      namespace: optional(String),
      name: optional(String),
      uid: optional(String)
    })
  }),
  status: optional(
    Struct({
      /** Nanoseconds, where VolumeSnapshot has whole seconds. */
      creationTime: optional(Number),
      readyToUse: optional(Boolean),
      snapshotHandle: optional(String),
      /** Of a group's member: the group in the storage. */
      volumeGroupSnapshotHandle: optional(String),
      restoreSize: optional(Number),
      error: optional(SnapshotError)
    })
  )
})
export type VolumeSnapshotContent = typeof VolumeSnapshotContent.Type

/** A VolumeSnapshotClass or a VolumeGroupSnapshotClass: they have the same shape. */
export const SnapshotClass = Struct({
  metadata: ObjectMeta,
  driver: String,
  deletionPolicy: String
})
export type SnapshotClass = typeof SnapshotClass.Type

export const VolumeGroupSnapshot = Struct({
  metadata: ObjectMeta,
  spec: optional(Struct({ volumeGroupSnapshotClassName: optional(String) })),
  status: optional(
    Struct({
      boundVolumeGroupSnapshotContentName: optional(String),
      creationTime: optional(String),
      readyToUse: optional(Boolean),
      error: optional(SnapshotError)
    })
  )
})
export type VolumeGroupSnapshot = typeof VolumeGroupSnapshot.Type

/** The snapshots of a group: the only place with the time of each of them. */
export const VolumeGroupSnapshotContent = Struct({
  metadata: ObjectMeta,
  spec: Struct({
    driver: String,
    deletionPolicy: String,
    volumeGroupSnapshotRef: Struct({
      namespace: optional(String),
      name: optional(String),
      uid: optional(String)
    })
  }),
  status: optional(
    Struct({
      readyToUse: optional(Boolean),
      volumeSnapshotInfoList: optional(
        Array(
          Struct({
            /** Nanoseconds. */
            creationTime: optional(Number),
            volumeHandle: optional(String),
            snapshotHandle: optional(String),
            readyToUse: optional(Boolean),
            restoreSize: optional(Number)
          })
        )
      )
    })
  )
})
export type VolumeGroupSnapshotContent = typeof VolumeGroupSnapshotContent.Type

/** Velero's Backup. */
export const Backup = Struct({
  metadata: ObjectMeta,
  spec: Struct({
    includedNamespaces: optional(Array(String)),
    excludedNamespaces: optional(Array(String)),
    storageLocation: optional(String),
    snapshotMoveData: optional(Boolean),
    defaultVolumesToFsBackup: optional(Boolean)
  }),
  status: optional(Struct({ phase: optional(String), startTimestamp: optional(String) }))
})
export type Backup = typeof Backup.Type

/** VolSync's ReplicationSource. */
export const ReplicationSource = Struct({
  metadata: ObjectMeta,
  spec: Struct({
    sourcePVC: optional(String),
    restic: optional(Struct({ repository: optional(String) })),
    rclone: optional(Struct({ rcloneConfig: optional(String) })),
    rsyncTLS: optional(Struct({ address: optional(String) })),
    syncthing: optional(NameReference)
  }),
  status: optional(Struct({ lastSyncTime: optional(String) }))
})
export type ReplicationSource = typeof ReplicationSource.Type

export const groupOf = ({ metadata, status }: VolumeSnapshot): string | null =>
  status?.volumeGroupSnapshotName ||
  metadata.ownerReferences?.find(({ kind }) => kind === "VolumeGroupSnapshot")?.name ||
  null
