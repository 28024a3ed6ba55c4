/**
 * Claims, volumes, storage classes and drivers.
 */
import * as Schema from "effect/Schema"
import {
  Condition,
  IntOrString,
  NodeSelector,
  ObjectMeta,
  optional,
  SecretReference,
  StringMap
} from "./Meta.ts"

const { Array, Boolean, Record, String, Struct } = Schema

/** What fills a new volume; one in another namespace names it. */
export const DataSource = Struct({ kind: String, name: String, namespace: optional(String) })

export const PersistentVolumeClaim = Struct({
  metadata: ObjectMeta,
  spec: Struct({
    storageClassName: optional(String),
    accessModes: optional(Array(String)),
    volumeMode: optional(String),
    volumeAttributesClassName: optional(String),
    volumeName: optional(String),
    resources: optional(Struct({ requests: optional(Record(String, IntOrString)) })),
    dataSource: optional(DataSource),
    dataSourceRef: optional(DataSource)
  }),
  status: optional(
    Struct({
      phase: optional(String),
      capacity: optional(Record(String, IntOrString)),
      conditions: optional(Array(Condition)),
      allocatedResourceStatuses: optional(Record(String, String)),
      modifyVolumeStatus: optional(
        Struct({ status: optional(String), targetVolumeAttributesClassName: optional(String) })
      )
    })
  )
})
export type PersistentVolumeClaim = typeof PersistentVolumeClaim.Type

/** Older than the field, still supported, and takes precedence over the field. */
const classAnnotation = "volume.beta.kubernetes.io/storage-class"

/**
 * The StorageClass that a claim or a claim template requests, as Kubernetes reads it
 * (`GetPersistentVolumeClaimClass`). Empty for none, `null` for the default one.
 */
export const classOf = (claim: {
  readonly metadata?:
    | { readonly annotations?: Readonly<Record<string, string>> | null | undefined }
    | null
    | undefined
  readonly spec?: { readonly storageClassName?: string | null | undefined } | null | undefined
}): string | null => claim.metadata?.annotations?.[classAnnotation] ?? claim.spec?.storageClassName ?? null

export const PersistentVolume = Struct({
  metadata: ObjectMeta,
  spec: Struct({
    persistentVolumeReclaimPolicy: optional(String),
    storageClassName: optional(String),
    capacity: optional(Record(String, IntOrString)),
    claimRef: optional(
      Struct({ namespace: optional(String), name: optional(String), uid: optional(String) })
    ),
    nodeAffinity: optional(Struct({ required: optional(NodeSelector) })),
    csi: optional(
      Struct({
        driver: String,
        volumeHandle: String,
        controllerPublishSecretRef: optional(SecretReference),
        nodeStageSecretRef: optional(SecretReference),
        nodePublishSecretRef: optional(SecretReference),
        controllerExpandSecretRef: optional(SecretReference),
        nodeExpandSecretRef: optional(SecretReference)
      })
    ),
    local: optional(Struct({ path: String })),
    hostPath: optional(Struct({ path: String })),
    nfs: optional(Struct({ server: String, path: String })),
    flexVolume: optional(Struct({ driver: String }))
  }),
  status: optional(Struct({ phase: optional(String) }))
})
export type PersistentVolume = typeof PersistentVolume.Type

export const StorageClass = Struct({
  metadata: ObjectMeta,
  provisioner: String,
  parameters: optional(StringMap),
  reclaimPolicy: optional(String),
  volumeBindingMode: optional(String),
  allowVolumeExpansion: optional(Boolean)
})
export type StorageClass = typeof StorageClass.Type

/** True if claims that name no class get this one: by its annotation, or by the older one that still counts. */
export const isDefaultClass = ({ metadata: { annotations } }: Pick<StorageClass, "metadata">): boolean =>
  annotations?.["storageclass.kubernetes.io/is-default-class"] === "true" ||
  annotations?.["storageclass.beta.kubernetes.io/is-default-class"] === "true"

export const CSIDriver = Struct({
  metadata: ObjectMeta,
  spec: Struct({
    attachRequired: optional(Boolean),
    fsGroupPolicy: optional(String),
    volumeLifecycleModes: optional(Array(String))
  })
})
export type CSIDriver = typeof CSIDriver.Type

export const VolumeAttachment = Struct({
  metadata: ObjectMeta,
  spec: Struct({
    attacher: String,
    nodeName: String,
    source: Struct({ persistentVolumeName: optional(String) })
  }),
  status: optional(Struct({ attached: optional(Boolean) }))
})
export type VolumeAttachment = typeof VolumeAttachment.Type
