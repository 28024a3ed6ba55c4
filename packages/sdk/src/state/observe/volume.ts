/** The volume of a claim: its driver, its constraints, and where it is attached. */
import type { Claim } from "../../Claim.ts"
import type { Lists } from "../observation.ts"
import type { PersistentVolume, PersistentVolumeClaim } from "../../kind/Storage.ts"
import { reclaimPolicyBeforeAnnotation } from "../../Labels.ts"

/** PersistentVolumes and attached nodes by volume name; `null` if they could not be read. */
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

/**
 * The scheduler also uses a volume's labels if it gives its location only by labels, as manually created ones
 * or those of versions before 1.12 do.
 */
const placeLabels = new Map([
  ["topology.kubernetes.io/region", "topology.kubernetes.io/region"],
  ["failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"],
  ["topology.kubernetes.io/zone", "topology.kubernetes.io/zone"],
  ["failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"]
])

type Affinity = NonNullable<NonNullable<Claim["volume"]>["nodeAffinity"]>

/** Its node affinity, combined with its labels: all of one term must match. */
const affinityOf = ({ metadata, spec }: PersistentVolume): Affinity => {
  const terms = (spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).map((term) =>
    [...(term.matchExpressions ?? []), ...(term.matchFields ?? [])].map(({ key, operator, values }) => ({
      key,
      operator,
      values: values ?? []
    }))
  )
  const asked = [...placeLabels].flatMap(([label, key]) => {
    const value = metadata.labels?.[label]
    // Of a volume in several zones the label has them all: `a__b`.
    return value ? [{ key, operator: "In", values: value.split("__") }] : []
  })
  const more = asked.filter(
    ({ key }, index) =>
      asked.findIndex((one) => one.key === key) === index &&
      !terms.some((term) => term.some((one) => one.key === key))
  )
  if (more.length === 0) return terms
  return terms.length === 0 ? [more] : terms.map((term) => [...term, ...more])
}

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

/** The claim of a volume. A claimRef without uid requests a binding by name. */
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

/**
 * The volume of a bound claim; fields are `null` if PersistentVolumes could not be read, or it was deleted.
 */
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
      deleted: null,
      policyBefore: null
    }
  }
  return {
    name,
    driver: driverOf(volume),
    handle: handleOf(volume),
    reclaimPolicy: volume.spec.persistentVolumeReclaimPolicy ?? null,
    nodeAffinity: affinityOf(volume),
    attachedTo,
    source: Object.keys(volume.spec).find((field) => !notSources.has(field)) ?? null,
    phase: volume.status?.phase ?? null,
    heldBy,
    deleted: volume.metadata.deletionTimestamp ?? null,
    policyBefore: volume.metadata.annotations?.[reclaimPolicyBeforeAnnotation] ?? null
  }
}
