/**
 * A claim: a PersistentVolumeClaim of the app, its volume, and what holds that volume where it is.
 */
import * as Schema from "effect/Schema"
import type { Pod } from "./kind/Pod.ts"
import type { PersistentVolumeClaim } from "./kind/Storage.ts"

const { Boolean, Literals, Natural, NullOr, String, Struct } = Schema

/** A label requirement of a volume's node affinity, e.g. `topology.kubernetes.io/zone In [a]`. */
export const Requirement = Struct({
  key: String,
  operator: String,
  values: Schema.Array(String)
})

/** The volume behind a bound claim. Null fields: the user may not read PersistentVolumes. */
export const Volume = Struct({
  name: String,
  driver: NullOr(String),
  handle: NullOr(String),
  reclaimPolicy: NullOr(String),
  /** Terms are alternatives; the requirements within one must all hold. Empty: it can go anywhere. */
  nodeAffinity: NullOr(Schema.Array(Schema.Array(Requirement))),
  /** The nodes it is attached to by VolumeAttachments; null when those could not be read. */
  attachedTo: NullOr(Schema.Array(String)),
  /** `csi`, `local`, `hostPath`, `nfs` … the PersistentVolume's source; null when it could not be read. */
  source: NullOr(String),
  phase: NullOr(String),
  /**
   * Owner of the volume, by its claimRef with uid: this claim, another one, or none yet. A claim's
   * `volumeName` is only a request. `null` if it could not be read, or the volume is gone.
   */
  heldBy: NullOr(Literals(["claim", "other", "nobody"])),
  /** Deletion timestamp: it is removed once its claim is. `null` if it is not being deleted. */
  deleted: NullOr(String),
  /** Its reclaim policy before an operation set it to Retain; `null` if none did. */
  policyBefore: NullOr(String)
})

export type Volume = typeof Volume.Type

export const Claim = Struct({
  name: String,
  uid: String,
  created: String,
  deleted: NullOr(String),
  /** The workload whose template created it, as `Kind/name`; null for a claim that pods name themselves. */
  workload: NullOr(String),
  /** The claim template's name; null for a claim not created from a template. */
  template: NullOr(String),
  ordinal: NullOr(Natural),
  /** Pods that mount it, by name. */
  usedBy: Schema.Array(String),
  /** False: no container of its pods mounts it, so that nothing is written to it. */
  mounted: Boolean,
  /** True for a claim of an ordinal that was removed by a scale-down. */
  leftover: Boolean,
  /** Time since which no pod uses it, by the claim's condition Unused (KEP-5541); `null` if unknown. */
  unusedSince: NullOr(String),
  phase: String,
  /** Quantities as the API spells them. */
  requested: NullOr(String),
  capacity: NullOr(String),
  /** A resize under way, waiting or failed, in the API's words (`NodeResizeInProgress: …`); null when there is none. */
  resize: NullOr(String),
  /** A VolumeAttributesClass change under way; null when there is none. */
  modify: NullOr(String),
  storageClass: NullOr(String),
  accessModes: Schema.Array(String),
  volumeMode: String,
  /** Source of its data, as `Kind/name`. */
  dataSource: NullOr(String),
  /** `null` if not bound. */
  volume: NullOr(Volume),
  /** Finalizers, which may delay its deletion. */
  finalizers: Schema.Array(String)
})
export type Claim = typeof Claim.Type

/** A volume of a pod template that is not a claim: its kind and whether its data outlives the pod. */
export const OtherVolume = Struct({
  workload: String,
  name: String,
  /** `emptyDir`, `hostPath`, `nfs`, `ephemeral`, `csi`, … ; configMap, secret, projected and downwardAPI are not listed. */
  source: String,
  /** `hostPath`'s path, `emptyDir`'s medium; null where there is none. */
  detail: NullOr(String),
  /** Containers that mount it read-write, as `container:path`. */
  writers: Schema.Array(String),
  /** An init container writes to it, before any other does. */
  rendered: Boolean
})
export type OtherVolume = typeof OtherVolume.Type

/** Reason that the claim is not usable; `null` if it is Bound in both directions and not being deleted. */
export const trouble = ({ name, deleted, phase, volume }: Claim): string | null => {
  if (deleted !== null) return `claim ${name} is being deleted`
  if (volume?.heldBy === "other")
    return `claim ${name} asks for volume ${volume.name}, which belongs to another claim`
  if (phase === "Lost") return `claim ${name} is Lost: volume ${volume?.name ?? "<unknown>"} is gone`
  if (phase !== "Bound") return `claim ${name} is ${phase}`
  if (volume === null) return `claim ${name} names no volume`
  return volume.phase === null || volume.phase === "Bound"
    ? null
    : `claim ${name}: volume ${volume.name} is ${volume.phase}`
}

/** Every claim that a pod uses, with the pod volume's name. */
export const claimsOfPod = (pod: Pod): ReadonlyArray<readonly [claim: string, volume: string]> =>
  (pod.spec.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim) return [[volume.persistentVolumeClaim.claimName, volume.name] as const]
    // The claim of a generic ephemeral volume is named after pod and volume.
    return volume.ephemeral ? [[`${pod.metadata.name}-${volume.name}`, volume.name] as const] : []
  })

/**
 * Whether it is a generic ephemeral volume's, which is its pod's and ends with it. One that a template made
 * is owned by its pod too, from the moment that a scale-down under whenScaled Delete ends that pod.
 */
export const isEphemeral = ({ metadata }: PersistentVolumeClaim, template: string | null): boolean => {
  const pod = metadata.ownerReferences?.find(({ controller, kind }) => kind === "Pod" && controller === true)
  return pod !== undefined && (template === null || metadata.name !== `${template}-${pod.name}`)
}

/** The claims that each replica uses, or would use once it is there, by the replica's name. */
export const claimsByReplica = (
  replicas: ReadonlyArray<{
    readonly name: string
    readonly workload: string
    readonly ordinal: number | null
  }>,
  claims: ReadonlyArray<Claim>
): ReadonlyMap<string, ReadonlyArray<Claim>> => {
  const made = Map.groupBy(claims, ({ workload, ordinal }) => `${workload} ${ordinal}`)
  const used = new Map<string, Array<Claim>>()
  for (const claim of claims) {
    for (const pod of claim.usedBy) {
      const found = used.get(pod)
      if (found === undefined) used.set(pod, [claim])
      else found.push(claim)
    }
  }
  return new Map(
    replicas.map(({ name, ordinal, workload }) => {
      const own = ordinal === null ? [] : (made.get(`${workload} ${ordinal}`) ?? [])
      return [name, [...new Set([...own, ...(used.get(name) ?? [])])]]
    })
  )
}
