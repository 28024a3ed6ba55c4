/** An application's claims and other volumes, out of what was listed. */
import * as LabelSelector from "../../LabelSelector.ts"
import * as Ordinal from "../../Ordinal.ts"
import * as Quantity from "../../Quantity.ts"
import type { AppWorkload } from "../AppWorkload.ts"
import { compareNames } from "../../NameOrder.ts"
import type { Lists } from "../observation.ts"
import { conditionOf } from "../Readiness.ts"
import { observeVolume, volumesByName } from "./volume.ts"
import { hasEnded, type PodSpec } from "../../kind/Pod.ts"
import { classOf, type PersistentVolumeClaim } from "../../kind/Storage.ts"
import { type Claim, claimsOfPod, isEphemeral, type OtherVolume } from "../../Claim.ts"

/** The names of the pods that use each claim. */
const usersByClaim = (lists: Pick<Lists, "pods">): ReadonlyMap<string, ReadonlyArray<string>> => {
  const users = new Map<string, Set<string>>()
  for (const pod of lists.pods ?? []) {
    // A pod that ended holds its claim's protection finalizer no more.
    if (hasEnded(pod)) continue
    for (const [claim] of claimsOfPod(pod)) {
      const names = users.get(claim) ?? new Set()
      names.add(pod.metadata.name)
      users.set(claim, names)
    }
  }
  return new Map([...users].map(([claim, names]) => [claim, [...names]]))
}

/** The volumes that some container of a pod has, by their names in it. */
const mountedIn = ({ containers, initContainers }: PodSpec): ReadonlySet<string> =>
  new Set(
    [...(initContainers ?? []), ...containers].flatMap(({ volumeDevices, volumeMounts }) =>
      [...(volumeMounts ?? []), ...(volumeDevices ?? [])].map(({ name }) => name)
    )
  )

/** True if a workload's template mounts a claim, by its name or by that of a claim template. */
const isMountedBy = (
  { template: { spec } }: AppWorkload,
  mounted: ReadonlySet<string> = new Set(),
  { name, template }: { readonly name: string; readonly template: string | null }
): boolean =>
  template === null
    ? (spec.volumes ?? []).some(
        (volume) => volume.persistentVolumeClaim?.claimName === name && mounted.has(volume.name)
      )
    : mounted.has(template)

interface Origin {
  readonly appWorkload: AppWorkload
  readonly template: string
  readonly ordinal: number
  readonly wanted: boolean
}

/**
 * The template and ordinal that a claim was made for. The controller finds claims by their
 * computed name alone, so for an ordinal that is asked for the name decides; a claim of any
 * other ordinal must also carry the set's labels, or be mounted by the set's own pod.
 */
const originOf = (
  claim: PersistentVolumeClaim,
  appWorkloads: ReadonlyArray<AppWorkload>,
  mountedBy: ReadonlyMap<string, AppWorkload>,
  replicas: number
): Origin | null => {
  for (const appWorkload of appWorkloads) {
    if (appWorkload.kind !== "StatefulSet") continue
    for (const template of appWorkload.object.spec.volumeClaimTemplates ?? []) {
      const name = template.metadata.name
      const ordinal = Ordinal.after(`${name}-${appWorkload.metadata.name}-`, claim.metadata.name)
      if (ordinal === null) continue
      const wanted = Ordinal.isWanted(appWorkload.object, ordinal)
      const { start } = Ordinal.wanted(appWorkload.object)
      if (
        wanted ||
        (ordinal >= start && ordinal < start + replicas) ||
        LabelSelector.matches(appWorkload.selector, claim.metadata.labels) ||
        mountedBy.get(claim.metadata.name) === appWorkload
      ) {
        return { appWorkload, template: name, ordinal, wanted }
      }
    }
  }
  return null
}

const storage = (map: Readonly<Record<string, string | number>> | null | undefined): string | null => {
  const quantity = map?.["storage"]
  return quantity === undefined ? null : `${quantity}`
}

const resizeConditions = [
  "NodeResizeError",
  "ControllerResizeError",
  "FileSystemResizePending",
  "Resizing"
] as const

const resizeOf = ({ spec, status }: PersistentVolumeClaim): string | null => {
  const conditions = resizeConditions.flatMap((type) => {
    const condition = conditionOf(status?.conditions, type)
    return condition?.status === "True" ? [condition] : []
  })
  const [first] = conditions
  const message = conditions.find((condition) => condition.message)?.message
  const head = status?.allocatedResourceStatuses?.["storage"] ?? first?.type
  if (head !== undefined) return message ? `${head}: ${message}` : head
  const requested = storage(spec.resources?.requests)
  const capacity = storage(status?.capacity)
  if (requested === null || capacity === null || Quantity.compare(requested, capacity) !== 1) return null
  return `${requested} requested, has ${capacity}`
}

const modifyOf = ({ status }: PersistentVolumeClaim): string | null => {
  const modify = status?.modifyVolumeStatus
  if (!modify) return null
  const target = modify.targetVolumeAttributesClassName
  const head = `${modify.status ?? "Pending"}${target ? ` to ${target}` : ""}`
  const error = conditionOf(status.conditions, "ModifyVolumeError")
  return error?.message ? `${head}: ${error.message}` : head
}

/**
 * The app's claims: those its templates made, leftovers of removed ordinals among them, and
 * those its pods and pod templates name. By workload, ordinal and template; the others last.
 */
export const observeClaims = (
  appWorkloads: ReadonlyArray<AppWorkload>,
  lists: Lists,
  /** The number of replicas that is about to be requested. */
  replicas = 0
): ReadonlyArray<Claim> => {
  const users = usersByClaim(lists)
  const mountedBy = new Map<string, AppWorkload>()
  for (const appWorkload of appWorkloads) {
    for (const pod of appWorkload.pods ?? [])
      for (const [claim] of claimsOfPod(pod)) mountedBy.set(claim, appWorkload)
    for (const volume of appWorkload.template.spec.volumes ?? []) {
      if (volume.persistentVolumeClaim) mountedBy.set(volume.persistentVolumeClaim.claimName, appWorkload)
    }
  }
  const templates = new Map(
    appWorkloads.map((appWorkload) => [appWorkload, mountedIn(appWorkload.template.spec)])
  )
  const inPods = new Set(
    (lists.pods ?? []).flatMap((pod) => {
      const mounted = mountedIn(pod.spec)
      return claimsOfPod(pod).flatMap(([claim, volume]) => (mounted.has(volume) ? [claim] : []))
    })
  )
  const volumes = volumesByName(lists)
  const claims = (lists.persistentvolumeclaims ?? []).flatMap((claim): ReadonlyArray<Claim> => {
    const { metadata, spec, status } = claim
    const origin = originOf(claim, appWorkloads, mountedBy, replicas)
    if (isEphemeral(claim, origin?.template ?? null)) return []
    if (origin === null && !mountedBy.has(metadata.name)) return []
    const unused = conditionOf(status?.conditions, "Unused")
    const source = spec.dataSourceRef ?? spec.dataSource
    return [
      {
        name: metadata.name,
        uid: metadata.uid ?? "",
        created: metadata.creationTimestamp ?? "",
        deleted: metadata.deletionTimestamp ?? null,
        workload: origin?.appWorkload.key ?? null,
        template: origin?.template ?? null,
        ordinal: origin?.ordinal ?? null,
        usedBy: users.get(metadata.name) ?? [],
        mounted:
          inPods.has(metadata.name) ||
          appWorkloads.some(
            (appWorkload) =>
              (origin === null || origin.appWorkload === appWorkload) &&
              isMountedBy(appWorkload, templates.get(appWorkload), {
                name: metadata.name,
                template: origin?.template ?? null
              })
          ),
        leftover: origin !== null && !origin.wanted,
        unusedSince: unused?.status === "True" ? (unused.lastTransitionTime ?? null) : null,
        phase: status?.phase ?? "Pending",
        requested: storage(spec.resources?.requests),
        capacity: storage(status?.capacity),
        resize: resizeOf(claim),
        modify: modifyOf(claim),
        storageClass: classOf(claim),
        accessModes: spec.accessModes ?? [],
        volumeMode: spec.volumeMode ?? "Filesystem",
        dataSource: source ? `${source.kind}/${source.name}` : null,
        volume: spec.volumeName ? observeVolume(claim, spec.volumeName, volumes) : null,
        finalizers: metadata.finalizers ?? []
      }
    ]
  })
  const last = Number.MAX_SAFE_INTEGER
  return claims.toSorted(
    (a, b) =>
      compareNames(a.workload ?? "~", b.workload ?? "~") ||
      (a.ordinal ?? last) - (b.ordinal ?? last) ||
      compareNames(a.template ?? "~", b.template ?? "~") ||
      compareNames(a.name, b.name)
  )
}

/** Sources that hold configuration, not the app's data. */
const configuration: ReadonlySet<string> = new Set([
  "name",
  "configMap",
  "secret",
  "projected",
  "downwardAPI",
  "persistentVolumeClaim"
])

/** The volumes of the members' pod templates that are neither claims nor configuration. */
export const observeOtherVolumes = (appWorkloads: ReadonlyArray<AppWorkload>): ReadonlyArray<OtherVolume> =>
  appWorkloads.flatMap(({ key, template: { spec } }) =>
    (spec.volumes ?? []).flatMap((volume) => {
      const source = Object.keys(volume).find((field) => !configuration.has(field))
      const plain = Object.keys(volume).some((field) => field !== "name" && configuration.has(field))
      if (plain) return []
      const writers = [...(spec.initContainers ?? []), ...spec.containers].flatMap((container) =>
        (container.volumeMounts ?? [])
          .filter((mount) => mount.name === volume.name && mount.readOnly !== true)
          .map((mount) => `${container.name}:${mount.mountPath}`)
      )
      const detail =
        volume.hostPath?.path ??
        volume.emptyDir?.medium ??
        volume.csi?.driver ??
        (volume.nfs ? `${volume.nfs.server}:${volume.nfs.path}` : null) ??
        classOf(volume.ephemeral?.volumeClaimTemplate ?? {})
      // A volume with no source at all is an emptyDir (core/v1 VolumeSource).
      return [
        {
          workload: key,
          name: volume.name,
          source: source ?? "emptyDir",
          detail: detail || null,
          writers,
          rendered: (spec.initContainers ?? []).some(
            ({ restartPolicy, volumeMounts }) =>
              restartPolicy !== "Always" &&
              (volumeMounts ?? []).some((mount) => mount.name === volume.name && mount.readOnly !== true)
          )
        }
      ]
    })
  )
