/**
 * A claim: a PersistentVolumeClaim of the app, its volume, and what holds that volume where it is.
 */
import * as Schema from "effect/Schema"
import * as LabelSelector from "./LabelSelector.ts"
import { compareNames, type Member } from "./state/Member.ts"
import type { Lists } from "./state/Observation.ts"
import * as Ordinal from "./Ordinal.ts"
import * as Quantity from "./Quantity.ts"
import { conditionOf } from "./state/Readiness.ts"
import { observeVolume, volumesByName } from "./state/Volume.ts"
import type { Pod } from "./kind/Pod.ts"
import { classOf, type PersistentVolumeClaim } from "./kind/Storage.ts"

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
   * Whose it is, by its claimRef with uid: this claim's, another's, or nobody's yet. A claim's
   * `volumeName` alone is a wish. Null: could not be read, or the volume is gone.
   */
  heldBy: NullOr(Literals(["claim", "other", "nobody"])),
  /** When its deletion was asked for: it goes once its claim does. Null when it was not. */
  deleted: NullOr(String),
  /** Its reclaim policy before an operation set it to Retain; null: none did. */
  policyBefore: NullOr(String)
})

export type Volume = typeof Volume.Type

export const Claim = Struct({
  name: String,
  uid: String,
  created: String,
  deleted: NullOr(String),
  /** The workload whose template made it, as `Kind/name`; null for a claim that pods name themselves. */
  workload: NullOr(String),
  /** The claim template's name; null for a claim not made from a template. */
  template: NullOr(String),
  ordinal: NullOr(Natural),
  /** Pods that mount it, by name. */
  usedBy: Schema.Array(String),
  /** True: made for an ordinal that nobody asks for any more. */
  leftover: Boolean,
  /** Since when no pod uses it: the claim's condition Unused (KEP-5541), else null: not known. */
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
  /** What it was filled from, as `Kind/name`. */
  dataSource: NullOr(String),
  /** Null: not bound. */
  volume: NullOr(Volume),
  /** Finalizers, which say what may hold a deletion up. */
  finalizers: Schema.Array(String)
})
export type Claim = typeof Claim.Type

/** A volume of a pod template that is no claim: what it is and whether data in it outlives the pod. */
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

/** Why a claim does not hold data that stays with it; null: it is Bound, both ways, and stays. */
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

/** The names of the pods that use each claim. */
const usersByClaim = (lists: Pick<Lists, "pods">): ReadonlyMap<string, ReadonlyArray<string>> => {
  const users = new Map<string, Set<string>>()
  for (const pod of lists.pods ?? []) {
    // A pod that ended holds its claim's protection finalizer no more.
    if (pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed") continue
    for (const [claim] of claimsOfPod(pod)) {
      const names = users.get(claim) ?? new Set()
      names.add(pod.metadata.name)
      users.set(claim, names)
    }
  }
  return new Map([...users].map(([claim, names]) => [claim, [...names]]))
}

interface Origin {
  readonly member: Member
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
  members: ReadonlyArray<Member>,
  mountedBy: ReadonlyMap<string, Member>,
  replicas: number
): Origin | null => {
  for (const member of members) {
    if (member.kind !== "StatefulSet") continue
    for (const template of member.object.spec.volumeClaimTemplates ?? []) {
      const name = template.metadata.name
      const ordinal = Ordinal.after(`${name}-${member.metadata.name}-`, claim.metadata.name)
      if (ordinal === null) continue
      const wanted = Ordinal.isWanted(member.object, ordinal)
      const { start } = Ordinal.wanted(member.object)
      if (
        wanted ||
        (ordinal >= start && ordinal < start + replicas) ||
        LabelSelector.matches(member.selector, claim.metadata.labels) ||
        mountedBy.get(claim.metadata.name) === member
      ) {
        return { member, template: name, ordinal, wanted }
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
 * Whether it is a generic ephemeral volume's, which is its pod's and ends with it. One that a template made
 * is owned by its pod too, from the moment that a scale-down under whenScaled Delete ends that pod.
 */
const isEphemeral = ({ metadata }: PersistentVolumeClaim, template: string | null): boolean => {
  const pod = metadata.ownerReferences?.find(({ controller, kind }) => kind === "Pod" && controller === true)
  return pod !== undefined && (template === null || metadata.name !== `${template}-${pod.name}`)
}

/**
 * The app's claims: those its templates made, leftovers of removed ordinals among them, and
 * those its pods and pod templates name. By workload, ordinal and template; the others last.
 */
export const observeClaims = (
  members: ReadonlyArray<Member>,
  lists: Lists,
  /** How many replicas are about to be asked for. */
  replicas = 0
): ReadonlyArray<Claim> => {
  const users = usersByClaim(lists)
  const mountedBy = new Map<string, Member>()
  for (const member of members) {
    for (const pod of member.pods ?? []) for (const [claim] of claimsOfPod(pod)) mountedBy.set(claim, member)
    for (const volume of member.template.spec.volumes ?? []) {
      if (volume.persistentVolumeClaim) mountedBy.set(volume.persistentVolumeClaim.claimName, member)
    }
  }
  const volumes = volumesByName(lists)
  const claims = (lists.persistentvolumeclaims ?? []).flatMap((claim): ReadonlyArray<Claim> => {
    const { metadata, spec, status } = claim
    const origin = originOf(claim, members, mountedBy, replicas)
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
        workload: origin?.member.key ?? null,
        template: origin?.template ?? null,
        ordinal: origin?.ordinal ?? null,
        usedBy: users.get(metadata.name) ?? [],
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
export const observeOtherVolumes = (members: ReadonlyArray<Member>): ReadonlyArray<OtherVolume> =>
  members.flatMap(({ key, template: { spec } }) =>
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
