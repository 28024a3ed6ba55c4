/** Which pods use which claims. */
import type { Registry } from "../Registry.ts"
import { type PersistentVolumeClaim, type Pod, pods } from "../resource/core.ts"

export const claimsOf = (pod: Pod): ReadonlyArray<string> =>
  (pod.spec.volumes ?? []).flatMap((volume) =>
    volume.persistentVolumeClaim === undefined ? [] : [volume.persistentVolumeClaim.claimName]
  )

/** Pods that name the claim, finished ones too. */
export const usersOf = (registry: Registry, claim: PersistentVolumeClaim): ReadonlyArray<Pod> =>
  registry.store
    .list(pods, claim.metadata.namespace)
    .filter((pod) => claimsOf(pod).includes(claim.metadata.name))
