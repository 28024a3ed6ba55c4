/** Protection: the StorageClasses of the app's claims, their snapshot support, and the existing snapshots. */
import * as Schema from "effect/Schema"
import { documented } from "./Documented.ts"

const { Boolean, NullOr, String } = Schema

export interface StorageClass {
  readonly name: string
  readonly provisioner: string
  readonly bindingMode: string
  readonly reclaimPolicy: string
  readonly expandable: boolean
  readonly isDefault: boolean
}
export const StorageClass = documented<StorageClass>({
  name: String,
  provisioner: String,
  bindingMode: String,
  reclaimPolicy: String,
  expandable: Boolean,
  isDefault: Boolean
})

/** True if a claim that asks for this class gets it; a claim that names none asks for the default one. */
export const isAskedFor = (
  storageClass: string | null,
  { name, isDefault }: Pick<StorageClass, "name" | "isDefault">
): boolean => (storageClass === null ? isDefault : name === storageClass)

/** A VolumeSnapshotClass or VolumeGroupSnapshotClass. */
export interface SnapshotClass {
  readonly name: string
  readonly driver: string
  readonly deletionPolicy: string
  readonly isDefault: boolean
  readonly group: boolean
}
export const SnapshotClass = documented<SnapshotClass>({
  name: String,
  driver: String,
  deletionPolicy: String,
  isDefault: Boolean,
  group: Boolean
})

export interface VolumeSnapshot {
  readonly name: string
  readonly uid: string
  readonly claim: string | null
  readonly created: string
  /**
   * `status.creationTime`: the time at which the storage took the snapshot; whole seconds. `null` if not yet.
   */
  readonly cut: string | null
  readonly readyToUse: boolean
  readonly restoreSize: string | null
  readonly error: string | null
  readonly class: string | null
  readonly driver: string | null
  /**
   * Its VolumeSnapshotContent's: snapshots of a group have no class. `null` if the content could not be read.
   */
  readonly deletionPolicy: string | null
  /** The VolumeGroupSnapshot it is a member of. */
  readonly group: string | null
  /** The snapshot of kubectl-stateful that it belongs to. */
  readonly set: string | null
  /** The consistency of its snapshot, from the record; `null` if it belongs to none, or it is unknown. */
  readonly level: string | null
  /**
   * True if the snapshot and its content refer to each other; a one-sided reference is not safe to restore
   * from. `null` if contents could not be read.
   */
  readonly bound: boolean | null
}
export const VolumeSnapshot = documented<VolumeSnapshot>({
  name: String,
  uid: String,
  claim: NullOr(String),
  created: String,
  cut: NullOr(String),
  readyToUse: Boolean,
  restoreSize: NullOr(String),
  error: NullOr(String),
  class: NullOr(String),
  driver: NullOr(String),
  deletionPolicy: NullOr(String),
  group: NullOr(String),
  set: NullOr(String),
  level: NullOr(String),
  bound: NullOr(Boolean)
})

/**
 * A copy of a claim's data outside the storage of the claim, as objects of a backup tool show it. A
 * VolumeSnapshot by itself is not one: it is on the same storage.
 */
export interface Copy {
  /** The object that shows it, as `Kind/name`: `Backup/nightly-1120`, `ReplicationSource/data-db-0`. */
  readonly name: string
  /** `null` if the object does not say which claims it contains. */
  readonly claim: string | null
  /** Its point in time; `null` if unknown. */
  readonly taken: string | null
  /** Its location, as the tool names it (`BackupStorageLocation/offsite`); `null` if unknown. */
  readonly location: string | null
}
export const Copy = documented<Copy>({
  name: String,
  claim: NullOr(String),
  taken: NullOr(String),
  location: NullOr(String)
})

/** A CSI driver as its CSIDriver object describes it. */
export interface Driver {
  readonly name: string
  readonly attachRequired: boolean
  /** `ReadWriteOnceWithFSType`, `File` or `None`: whether the kubelet applies fsGroup to its volumes. */
  readonly fsGroupPolicy: string
  /** `Persistent`, `Ephemeral`. */
  readonly modes: ReadonlyArray<string>
}
export const Driver = documented<Driver>({
  name: String,
  attachRequired: Boolean,
  fsGroupPolicy: String,
  modes: Schema.Array(String)
})

/** The snapshot features of the cluster; `installed` is `null` if discovery could not be read. */
export interface Protection {
  readonly storageClasses: ReadonlyArray<StorageClass> | null
  readonly snapshotClasses: ReadonlyArray<SnapshotClass> | null
  /** The CSI drivers behind the app's volumes. */
  readonly drivers: ReadonlyArray<Driver> | null
  /** `null` if they could not be read. Empty if there are none. */
  readonly snapshots: ReadonlyArray<VolumeSnapshot> | null
  /** Copies on other storage. `null` if they could not be read. Empty if there are none. */
  readonly copies: ReadonlyArray<Copy> | null
  readonly snapshotApi: boolean | null
  /** The served version of `groupsnapshot.storage.k8s.io`; `null` if it is not installed. */
  readonly groupSnapshotApi: string | null
}
export const Protection = documented<Protection>({
  storageClasses: NullOr(Schema.Array(StorageClass)),
  snapshotClasses: NullOr(Schema.Array(SnapshotClass)),
  drivers: NullOr(Schema.Array(Driver)),
  snapshots: NullOr(Schema.Array(VolumeSnapshot)),
  copies: NullOr(Schema.Array(Copy)),
  snapshotApi: NullOr(Boolean),
  groupSnapshotApi: NullOr(String)
})
