/**
 * Protection: the storage classes behind the app's claims, what can be snapshotted, and the snapshots there are.
 */
import * as Schema from "effect/Schema"
import type { Claim } from "./Claim.ts"
import { observeCopies } from "./state/Copies.ts"
import { compareNames, type Member } from "./state/Member.ts"
import type { Lists, Observation } from "./state/Observation.ts"
import { observeSnapshots } from "./state/VolumeSnapshots.ts"
import { kinds } from "./Kind.ts"
import type { ObjectMeta } from "./kind/Meta.ts"
import { classOf } from "./kind/Storage.ts"

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

const isDefaultClass = ({ annotations }: ObjectMeta, annotation: string): boolean =>
  annotations?.[annotation] === "true"

const observeStorageClasses = (
  asked: ReadonlySet<string>,
  withDefault: boolean,
  { storageclasses }: Pick<Lists, "storageclasses">
): ReadonlyArray<StorageClass> | null =>
  storageclasses
    ?.map((one) => ({
      name: one.metadata.name,
      provisioner: one.provisioner,
      bindingMode: one.volumeBindingMode ?? "Immediate",
      reclaimPolicy: one.reclaimPolicy ?? "Delete",
      expandable: one.allowVolumeExpansion === true,
      isDefault:
        isDefaultClass(one.metadata, "storageclass.kubernetes.io/is-default-class") ||
        isDefaultClass(one.metadata, "storageclass.beta.kubernetes.io/is-default-class")
    }))
    .filter(({ name, isDefault }) => asked.has(name) || (withDefault && isDefault))
    .toSorted((a, b) => compareNames(a.name, b.name)) ?? null

/** Classes of the app's drivers; all of them when its drivers are not known. Null when either list could not be read. */
const observeSnapshotClasses = (
  drivers: ReadonlySet<string>,
  { volumesnapshotclasses, volumegroupsnapshotclasses }: Lists,
  apis: Observation["apis"]
): ReadonlyArray<SnapshotClass> | null => {
  const installed = (group: string) => apis === null || Object.hasOwn(apis, group)
  if (volumesnapshotclasses === null && installed(kinds.volumesnapshotclasses.group)) return null
  if (volumegroupsnapshotclasses === null && installed(kinds.volumegroupsnapshotclasses.group)) return null
  const classes = [
    ...(volumesnapshotclasses ?? []).map((one) => ({ one, group: false })),
    ...(volumegroupsnapshotclasses ?? []).map((one) => ({ one, group: true }))
  ]
  return classes
    .map(({ one: { metadata, driver, deletionPolicy }, group }) => ({
      name: metadata.name,
      driver,
      deletionPolicy,
      isDefault: isDefaultClass(
        metadata,
        group
          ? "groupsnapshot.storage.kubernetes.io/is-default-class"
          : "snapshot.storage.kubernetes.io/is-default-class"
      ),
      group
    }))
    .filter(({ driver }) => drivers.size === 0 || drivers.has(driver))
}

const observeDrivers = (
  drivers: ReadonlySet<string>,
  { csidrivers }: Pick<Lists, "csidrivers">
): ReadonlyArray<Driver> | null =>
  csidrivers
    ?.filter(({ metadata }) => drivers.has(metadata.name))
    .map(({ metadata, spec }) => ({
      name: metadata.name,
      attachRequired: spec.attachRequired !== false,
      fsGroupPolicy: spec.fsGroupPolicy ?? "ReadWriteOnceWithFSType",
      modes: spec.volumeLifecycleModes ?? ["Persistent"]
    })) ?? null

/** What stands behind the app's claims: classes, drivers, snapshots and copies. */
export const observeProtection = (
  namespace: string,
  members: ReadonlyArray<Member>,
  claims: ReadonlyArray<Claim>,
  lists: Lists,
  apis: Observation["apis"]
): Protection => {
  const templates = members.flatMap((member) =>
    member.kind === "StatefulSet" ? (member.object.spec.volumeClaimTemplates ?? []) : []
  )
  const asked = [...claims.map(({ storageClass }) => storageClass), ...templates.map(classOf)]
  const names = new Set(asked.flatMap((name) => (name ? [name] : [])))
  // An absent class means the default one, an empty one means none (core/v1 PersistentVolumeClaimSpec).
  const storageClasses = observeStorageClasses(names, asked.includes(null), lists)
  const drivers = new Set([
    ...claims.flatMap(({ volume }) => (volume?.driver ? [volume.driver] : [])),
    ...(storageClasses ?? []).map(({ provisioner }) => provisioner)
  ])
  const { group, versions } = kinds.volumegroupsnapshots
  const served = apis !== null && Object.hasOwn(apis, group) ? (apis[group] ?? []) : []
  const snapshotApi = apis === null ? null : Object.hasOwn(apis, kinds.volumesnapshots.group)
  return {
    storageClasses,
    snapshotClasses: observeSnapshotClasses(drivers, lists, apis),
    drivers: observeDrivers(drivers, lists),
    // Where the API is not installed there are none, rather than none that could be read.
    snapshots: snapshotApi === false ? [] : observeSnapshots(claims, lists),
    copies: observeCopies(namespace, claims, lists, apis),
    snapshotApi,
    groupSnapshotApi: versions.find((version) => served.includes(version)) ?? null
  }
}
