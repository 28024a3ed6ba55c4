/** The volumes that a container finds at its mount paths. */
import type { Host } from "./Program.ts"
import {
  type Container,
  persistentvolumeclaims,
  persistentvolumes,
  type Pod
} from "../registry/kinds/core.ts"
import type { Store } from "../registry/Store.ts"
import type { Volume } from "../storage/Volume.ts"
import { claimOf } from "../controller/ClaimUse.ts"

type Volumes = ReadonlyMap<string, Volume>

const volumeAt = (
  store: Store,
  volumes: Volumes,
  pod: Pod,
  container: Container,
  mountPath: string
): Volume | undefined => {
  const mount = container.volumeMounts?.find((each) => each.mountPath === mountPath)
  const source = pod.spec.volumes?.find((each) => each.name === mount?.name)
  const claim = store.get(persistentvolumeclaims, pod.metadata.namespace, claimOf(pod, source) ?? "")
  const volume = store.get(persistentvolumes, undefined, claim?.spec.volumeName ?? "")
  return volumes.get(volume?.spec.csi?.volumeHandle ?? "")
}

/** A mounted volume stays mounted, even if the volume has moved to another node. */
export const mounts = (store: Store, volumes: Volumes, pod: Pod, container: Container): Host["volume"] => {
  const mounted = new Map<string, Volume>()
  return (mountPath) => {
    const volume = mounted.get(mountPath) ?? volumeAt(store, volumes, pod, container, mountPath)
    if (volume !== undefined) mounted.set(mountPath, volume)
    return volume
  }
}
