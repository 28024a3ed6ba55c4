/** `persistentVolumeClaimRetentionPolicy`: who owns a claim, so that the garbage collector takes it at the right time. */
import { equal } from "../apimachinery/Json.ts"
import { controlledBy, type OwnerReference } from "../apimachinery/KubeObject.ts"
import type { Registry } from "../registry/Registry.ts"
import type { StatefulSet } from "../registry/kinds/apps.ts"
import { persistentvolumeclaims, type Pod } from "../registry/kinds/core.ts"
import { claimName } from "./StatefulSetPod.ts"

/** The owners that the policy gives a claim (KEP-1847). `pod`: the condemned one, or undefined while it is kept. */
export const ownersOf = (set: StatefulSet, pod: Pod | undefined): ReadonlyArray<OwnerReference> => {
  const { whenDeleted, whenScaled } = set.spec.persistentVolumeClaimRetentionPolicy
  if (whenScaled === "Delete" && pod !== undefined) return [controlledBy(pod)]
  return whenDeleted === "Delete" ? [controlledBy(set)] : []
}

/** Writes the policy's owners on the claims of an ordinal; claims of other controllers are not changed. */
export const enforce = (
  registry: Registry,
  set: StatefulSet,
  pod: Pod,
  ordinal: number,
  condemned: boolean
): void => {
  const { namespace } = set.metadata
  const wanted = ownersOf(set, condemned ? pod : undefined)
  for (const template of set.spec.volumeClaimTemplates ?? []) {
    const claim = registry.store.get(persistentvolumeclaims, namespace, claimName(template, set, ordinal))
    if (claim === undefined) continue
    const before = claim.metadata.ownerReferences ?? []
    const others = before.filter((owner) => owner.uid !== set.metadata.uid && owner.uid !== pod.metadata.uid)
    if (others.some((owner) => owner.controller === true)) continue
    const owners = [...others, ...wanted]
    if (equal(owners, before)) continue
    registry.update(persistentvolumeclaims, namespace, claim.metadata.name, (current) => ({
      ...current,
      metadata: { ...current.metadata, ownerReferences: owners }
    }))
  }
}
