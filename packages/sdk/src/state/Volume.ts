/**
 * The volume behind a claim: its driver, what holds it in place, where it is attached.
 */
import type { Claim } from "../Claim.ts"
import type { Lists } from "./Observation.ts"
import type { PersistentVolume, PersistentVolumeClaim } from "../kind/Storage.ts"

/** PersistentVolumes and attached nodes by volume name; null: could not be read. */
export interface Volumes {
  readonly volumes: ReadonlyMap<string, PersistentVolume> | null
  readonly attached: ReadonlyMap<string, ReadonlyArray<string>> | null
}

export const volumesByName = (lists: Pick<Lists, "persistentvolumes" | "volumeattachments">): Volumes => {
  const { persistentvolumes, volumeattachments } = lists
  const attached = new Map<string, Array<string>>()
  for (const { spec, status } of volumeattachments ?? []) {
    const name = spec.source.persistentVolumeName
    if (!name || status?.attached !== true) continue
    const nodes = attached.get(name)
    if (nodes === undefined) attached.set(name, [spec.nodeName])
    else nodes.push(spec.nodeName)
  }
  return {
    volumes:
      persistentvolumes === null
        ? null
        : new Map(persistentvolumes.map((volume) => [volume.metadata.name, volume])),
    attached: volumeattachments === null ? null : attached
  }
}

/** Fields of a PersistentVolume's spec that are not its source. */
const notSources: ReadonlySet<string> = new Set([
  "accessModes",
  "capacity",
  "claimRef",
  "mountOptions",
  "nodeAffinity",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "volumeAttributesClassName",
  "volumeMode"
])

const driverOf = ({ metadata, spec }: PersistentVolume): string | null =>
  spec.csi?.driver ??
  metadata.annotations?.["pv.kubernetes.io/migrated-to"] ??
  spec.flexVolume?.driver ??
  metadata.annotations?.["pv.kubernetes.io/provisioned-by"] ??
  null

export const handleOf = ({ spec }: PersistentVolume): string | null =>
  spec.csi?.volumeHandle ??
  spec.local?.path ??
  spec.hostPath?.path ??
  (spec.nfs ? `${spec.nfs.server}:${spec.nfs.path}` : null)

/** On a volume: its reclaim policy before an operation of ours set it to Retain. */
export const policyBefore = "kubectl-stateful.dev/reclaim-policy-before"

/** Whose a volume is. A claimRef without uid is a binding that somebody asks for, by name. */
const holderOf = (
  { spec: { claimRef } }: PersistentVolume,
  { metadata }: PersistentVolumeClaim
): "claim" | "other" | "nobody" => {
  if (!claimRef) return "nobody"
  const isNamed =
    (claimRef.name ?? metadata.name) === metadata.name &&
    (!claimRef.namespace || !metadata.namespace || claimRef.namespace === metadata.namespace)
  if (!isNamed) return "other"
  if (!claimRef.uid) return "nobody"
  return !metadata.uid || claimRef.uid === metadata.uid ? "claim" : "other"
}

/** A bound claim's volume; fields are null where PersistentVolumes could not be read, or it is gone. */
export const observeVolume = (
  claim: PersistentVolumeClaim,
  name: string,
  { volumes, attached }: Volumes
): NonNullable<Claim["volume"]> => {
  const found = volumes?.get(name)
  const heldBy = found === undefined ? null : holderOf(found, claim)
  // A volume of another claim, of the same name even, is not this claim's.
  const volume = heldBy === "other" ? undefined : found
  const attachedTo = attached === null ? null : (attached.get(name) ?? [])
  if (volume === undefined) {
    return {
      name,
      driver: null,
      handle: null,
      reclaimPolicy: null,
      nodeAffinity: null,
      attachedTo,
      source: null,
      phase: null,
      heldBy,
      policyBefore: null
    }
  }
  const terms = volume.spec.nodeAffinity?.required?.nodeSelectorTerms ?? []
  return {
    name,
    driver: driverOf(volume),
    handle: handleOf(volume),
    reclaimPolicy: volume.spec.persistentVolumeReclaimPolicy ?? null,
    nodeAffinity: terms.map((term) =>
      [...(term.matchExpressions ?? []), ...(term.matchFields ?? [])].map(({ key, operator, values }) => ({
        key,
        operator,
        values: values ?? []
      }))
    ),
    attachedTo,
    source: Object.keys(volume.spec).find((field) => !notSources.has(field)) ?? null,
    phase: volume.status?.phase ?? null,
    heldBy,
    policyBefore: volume.metadata.annotations?.[policyBefore] ?? null
  }
}
