/** The protection of the claims, from StorageClasses, drivers and snapshots. */
import type { Claim } from "../../Claim.ts"
import { observeCopies } from "./copies.ts"
import type { AppWorkload } from "../AppWorkload.ts"
import { compareNames } from "../../NameOrder.ts"
import { driverOf } from "../Driver.ts"
import type { Lists, Observation } from "../observation.ts"
import { observeSnapshots } from "./volumeSnapshots.ts"
import { kinds } from "../../Kind.ts"
import { classOf, isDefaultClass } from "../../kind/Storage.ts"
import type { StorageClass, SnapshotClass, Driver, Protection } from "../../Protection.ts"

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
      isDefault: isDefaultClass(one)
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
      isDefault:
        metadata.annotations?.[
          `${group ? "groupsnapshot" : "snapshot"}.storage.kubernetes.io/is-default-class`
        ] === "true",
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

/** The protection of the app's claims: StorageClasses, drivers, snapshots and copies. */
export const observeProtection = (
  namespace: string,
  appWorkloads: ReadonlyArray<AppWorkload>,
  claims: ReadonlyArray<Claim>,
  lists: Lists,
  apis: Observation["apis"]
): Protection => {
  const templates = appWorkloads.flatMap((appWorkload) =>
    appWorkload.kind === "StatefulSet" ? (appWorkload.object.spec.volumeClaimTemplates ?? []) : []
  )
  const asked = [...claims.map(({ storageClass }) => storageClass), ...templates.map(classOf)]
  const names = new Set(asked.flatMap((name) => (name ? [name] : [])))
  // An absent class means the default one, an empty one means none (core/v1 PersistentVolumeClaimSpec).
  const storageClasses = observeStorageClasses(names, asked.includes(null), lists)
  const drivers = new Set([
    ...claims.flatMap(({ volume }) => (volume?.driver ? [volume.driver] : [])),
    ...(storageClasses ?? []).map(({ provisioner }) => driverOf(provisioner) ?? provisioner)
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
