/** The class of a snapshot or group: the one it names, or the driver's default. */
import type { KubeObject } from "../apimachinery/KubeObject.ts"
import type { Registry } from "../registry/Registry.ts"
import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentvolumeclaims,
  persistentvolumes
} from "../registry/kinds/core.ts"
import type { SnapshotClass } from "../registry/kinds/storage.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"

/** Reason that a snapshot cannot be taken now: the text for its status and event, and the event's reason. */
export class Obstacle {
  readonly reason: string
  readonly message: string
  constructor(reason: string, message: string) {
    this.reason = reason
    this.message = message
  }
}

/** The default class of a driver, or the controller's message if there is none. */
export const defaultClass = (
  registry: Registry,
  type: ResourceType<SnapshotClass>,
  annotation: string,
  driver: string,
  kind: "snapshot" | "group snapshot"
): SnapshotClass | string => {
  const found = registry.store
    .list(type)
    .filter((each) => each.driver === driver && each.metadata.annotations?.[annotation] === "true")
  const [only] = found
  if (only === undefined) return `cannot find default ${kind} class`
  return found.length === 1 ? only : `${found.length} default snapshot classes were found`
}

/** The volume of a claim, when both name each other; or why not. */
export const boundVolume = (
  registry: Registry,
  claim: PersistentVolumeClaim,
  what: "snapshot" | "group snapshot"
): PersistentVolume | string => {
  const { name, uid, namespace } = claim.metadata
  if (claim.status.phase !== "Bound")
    return `the PVC ${name} is not yet bound to a PV, will not attempt to take a ${what}`
  const volumeName = claim.spec.volumeName ?? ""
  const volume = registry.store.get(persistentvolumes, undefined, volumeName)
  if (volume === undefined) {
    return `failed to retrieve PV ${volumeName} from the API server: ${JSON.stringify(`persistentvolumes ${JSON.stringify(volumeName)} not found`)}`
  }
  const reference = volume.spec.claimRef
  return reference?.uid === uid && reference.name === name && reference.namespace === namespace
    ? volume
    : "claim in dataSource not bound or invalid"
}

/** True if a claim is being provisioned from the snapshot; the snapshot must stay until then. */
export const isBeingRestored = (registry: Registry, { metadata }: KubeObject): boolean =>
  registry.store
    .list(persistentvolumeclaims, metadata.namespace)
    .some(
      ({ spec: { dataSource }, status }) =>
        status.phase === "Pending" &&
        dataSource?.kind === "VolumeSnapshot" &&
        dataSource.apiGroup === "snapshot.storage.k8s.io" &&
        dataSource.name === metadata.name
    )
