/**
 * A claim: a PersistentVolumeClaim of the app, its volume, and the constraints on where that volume can be
 * used.
 */
import * as Schema from "effect/Schema"
import type { Pod } from "./kind/Pod.ts"
import type { PersistentVolumeClaim } from "./kind/Storage.ts"
import { documented } from "./Documented.ts"

const { Boolean, Literals, Natural, NullOr, String } = Schema

/** A label requirement of a volume's node affinity, e.g. `topology.kubernetes.io/zone In [a]`. */
export interface Requirement {
  readonly key: string
  readonly operator: string
  readonly values: ReadonlyArray<string>
}
export const Requirement = documented<Requirement>({
  key: String,
  operator: String,
  values: Schema.Array(String)
})

/** The volume behind a bound claim. Null fields: the user may not read PersistentVolumes. */
export interface Volume {
  readonly name: string
  readonly driver: string | null
  readonly handle: string | null
  readonly reclaimPolicy: string | null
  /** Terms are alternatives; the requirements within one must all hold. Empty: it can be attached anywhere. */
  readonly nodeAffinity: ReadonlyArray<ReadonlyArray<Requirement>> | null
  /** The nodes it is attached to by VolumeAttachments; null when those could not be read. */
  readonly attachedTo: ReadonlyArray<string> | null
  /** `csi`, `local`, `hostPath`, `nfs` … the PersistentVolume's source; null when it could not be read. */
  readonly source: string | null
  readonly phase: string | null
  /**
   * Owner of the volume, by its claimRef with uid: this claim, another one, or none yet. A claim's
   * `volumeName` is only a request. `null` if it could not be read, or the volume does not exist.
   */
  readonly heldBy: "claim" | "other" | "nobody" | null
  /** Deletion timestamp: it is removed once its claim is. `null` if it is not being deleted. */
  readonly deleted: string | null
  /** Its reclaim policy before an operation set it to Retain; `null` if none did. */
  readonly policyBefore: string | null
}
export const Volume = documented<Volume>({
  name: String,
  driver: NullOr(String),
  handle: NullOr(String),
  reclaimPolicy: NullOr(String),
  nodeAffinity: NullOr(Schema.Array(Schema.Array(Requirement))),
  attachedTo: NullOr(Schema.Array(String)),
  source: NullOr(String),
  phase: NullOr(String),
  heldBy: NullOr(Literals(["claim", "other", "nobody"])),
  deleted: NullOr(String),
  policyBefore: NullOr(String)
})

export interface Claim {
  readonly name: string
  readonly uid: string
  readonly created: string
  readonly deleted: string | null
  /** The workload whose template created it, as `Kind/name`; null for a claim that pods name themselves. */
  readonly workload: string | null
  /** The claim template's name; null for a claim not created from a template. */
  readonly template: string | null
  readonly ordinal: number | null
  /** Pods that mount it, by name. */
  readonly usedBy: ReadonlyArray<string>
  /** False: no container of its pods mounts it, so that nothing is written to it. */
  readonly mounted: boolean
  /** True for a claim of an ordinal that was removed by a scale-down. */
  readonly leftover: boolean
  /** Time since which no pod uses it, by the claim's condition Unused (KEP-5541); `null` if unknown. */
  readonly unusedSince: string | null
  readonly phase: string
  /** Quantities as the API spells them. */
  readonly requested: string | null
  readonly capacity: string | null
  /**
   * A resize in progress, waiting or failed, in the API's words (`NodeResizeInProgress: …`); `null` if there
   * is none.
   */
  readonly resize: string | null
  /** A VolumeAttributesClass change in progress; `null` if there is none. */
  readonly modify: string | null
  readonly storageClass: string | null
  readonly accessModes: ReadonlyArray<string>
  readonly volumeMode: string
  /** Source of its data, as `Kind/name`. */
  readonly dataSource: string | null
  /** `null` if not bound. */
  readonly volume: Volume | null
  /** Finalizers, which may delay its deletion. */
  readonly finalizers: ReadonlyArray<string>
}
export const Claim = documented<Claim>({
  name: String,
  uid: String,
  created: String,
  deleted: NullOr(String),
  workload: NullOr(String),
  template: NullOr(String),
  ordinal: NullOr(Natural),
  usedBy: Schema.Array(String),
  mounted: Boolean,
  leftover: Boolean,
  unusedSince: NullOr(String),
  phase: String,
  requested: NullOr(String),
  capacity: NullOr(String),
  resize: NullOr(String),
  modify: NullOr(String),
  storageClass: NullOr(String),
  accessModes: Schema.Array(String),
  volumeMode: String,
  dataSource: NullOr(String),
  volume: NullOr(Volume),
  finalizers: Schema.Array(String)
})

/** A volume of a pod template that is not a claim: its kind and whether its data outlives the pod. */
export interface OtherVolume {
  readonly workload: string
  readonly name: string
  /** `emptyDir`, `hostPath`, `nfs`, `ephemeral`, `csi`, … ; configMap, secret, projected and downwardAPI are not listed. */
  readonly source: string
  /** `hostPath`'s path, `emptyDir`'s medium; `null` for others. */
  readonly detail: string | null
  /** Containers that mount it read-write, as `container:path`. */
  readonly writers: ReadonlyArray<string>
  /** An init container writes to it, before any other does. */
  readonly rendered: boolean
}
export const OtherVolume = documented<OtherVolume>({
  workload: String,
  name: String,
  source: String,
  detail: NullOr(String),
  writers: Schema.Array(String),
  rendered: Boolean
})

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

/** The claims of a StatefulSet's templates, of all ordinals. */
export const claimsOfSet = (claims: ReadonlyArray<Claim>, set: string): ReadonlyArray<Claim> =>
  claims.filter(({ workload, template }) => workload === `StatefulSet/${set}` && template !== null)

/** False: claims could not be read, or one of them not be understood, so that none found is not none there. */
export const claimsKnown = ({
  unread
}: {
  readonly unread: ReadonlyArray<{ readonly resource: string }>
}): boolean => !unread.some(({ resource }) => /^persistentvolumeclaims(\/|$)/.test(resource))

/** Every claim that a pod uses, with the pod volume's name. */
export const claimsOfPod = (pod: Pod): ReadonlyArray<readonly [claim: string, volume: string]> =>
  (pod.spec.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim) return [[volume.persistentVolumeClaim.claimName, volume.name] as const]
    // The claim of a generic ephemeral volume is named after pod and volume.
    return volume.ephemeral ? [[`${pod.metadata.name}-${volume.name}`, volume.name] as const] : []
  })

/**
 * True for a generic ephemeral volume's claim, which is its pod's and is deleted with it. A claim of a
 * template is owned by its pod too, from the moment that a scale-down under whenScaled Delete removes that
 * pod.
 */
export const isEphemeral = ({ metadata }: PersistentVolumeClaim, template: string | null): boolean => {
  const pod = metadata.ownerReferences?.find(({ controller, kind }) => kind === "Pod" && controller === true)
  return pod !== undefined && (template === null || metadata.name !== `${template}-${pod.name}`)
}

/** The claims that each replica uses, or would use once it exists, by the replica's name. */
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
