/**
 * Protection: the storage classes behind the app's claims, what can be snapshotted, and the snapshots there are.
 */
import * as Schema from "effect/Schema"

const { Boolean, NullOr, String, Struct } = Schema

export const StorageClass = Struct({
  name: String,
  provisioner: String,
  bindingMode: String,
  reclaimPolicy: String,
  expandable: Boolean,
  isDefault: Boolean
})
export type StorageClass = typeof StorageClass.Type

/** A VolumeSnapshotClass or VolumeGroupSnapshotClass. */
export const SnapshotClass = Struct({
  name: String,
  driver: String,
  deletionPolicy: String,
  isDefault: Boolean,
  group: Boolean
})
export type SnapshotClass = typeof SnapshotClass.Type

export const VolumeSnapshot = Struct({
  name: String,
  uid: String,
  claim: NullOr(String),
  created: String,
  /** `status.creationTime`: when the storage cut the data; whole seconds. Null: not yet. */
  cut: NullOr(String),
  readyToUse: Boolean,
  restoreSize: NullOr(String),
  error: NullOr(String),
  class: NullOr(String),
  driver: NullOr(String),
  /** Its VolumeSnapshotContent's: members of a group have no class. Null: the content could not be read. */
  deletionPolicy: NullOr(String),
  /** The VolumeGroupSnapshot it is a member of. */
  group: NullOr(String),
  /** The set that a snapshot of ours made it for. */
  set: NullOr(String),
  /** How consistent that set is, as its record says; null: it is of no set, or not known. */
  level: NullOr(String),
  /** The snapshot and its content name each other; one-sided is not safe to restore from. Null: contents could not be read. */
  bound: NullOr(Boolean)
})
export type VolumeSnapshot = typeof VolumeSnapshot.Type

/**
 * A copy of a claim's data outside the storage that holds the claim, as objects of a backup
 * tool show it. A VolumeSnapshot by itself is none: it lives on the same storage.
 */
export const Copy = Struct({
  /** The object that shows it, as `Kind/name`: `Backup/nightly-1120`, `ReplicationSource/data-db-0`. */
  name: String,
  /** Null: the object does not say which claims it holds. */
  claim: NullOr(String),
  /** The point in time it holds; null: not said. */
  taken: NullOr(String),
  /** Where it lies, as the tool names the place (`BackupStorageLocation/offsite`); null: not said. */
  location: NullOr(String)
})
export type Copy = typeof Copy.Type

/** A CSI driver as its CSIDriver object describes it. */
export const Driver = Struct({
  name: String,
  attachRequired: Boolean,
  /** `ReadWriteOnceWithFSType`, `File` or `None`: whether the kubelet applies fsGroup to its volumes. */
  fsGroupPolicy: String,
  /** `Persistent`, `Ephemeral`. */
  modes: Schema.Array(String)
})
export type Driver = typeof Driver.Type

/** What the cluster offers; `installed` null: discovery could not be read. */
export const Protection = Struct({
  storageClasses: NullOr(Schema.Array(StorageClass)),
  snapshotClasses: NullOr(Schema.Array(SnapshotClass)),
  /** The CSI drivers behind the app's volumes. */
  drivers: NullOr(Schema.Array(Driver)),
  /** Null: not readable. Empty: none. */
  snapshots: NullOr(Schema.Array(VolumeSnapshot)),
  /** Copies elsewhere. Null: not readable. Empty: none seen. */
  copies: NullOr(Schema.Array(Copy)),
  snapshotApi: NullOr(Boolean),
  /** The served version of `groupsnapshot.storage.k8s.io`; null: not installed. */
  groupSnapshotApi: NullOr(String)
})
export type Protection = typeof Protection.Type
