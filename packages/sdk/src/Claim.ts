/**
 * A claim: a PersistentVolumeClaim of the app, its volume, and what holds that volume where it is.
 */
import * as Schema from "effect/Schema"

const { Boolean, Natural, NullOr, String, Struct } = Schema

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
  phase: NullOr(String)
})

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
  writers: Schema.Array(String)
})
export type OtherVolume = typeof OtherVolume.Type
