/** Workloads: the kinds that create pods, and their revisions. */
import * as Schema from "effect/Schema"
import { IntOrString, LabelSelector, ObjectMeta, optional, StringMap } from "./Meta.ts"
import { PodTemplateSpec } from "./Pod.ts"
import { DataSource } from "./Storage.ts"

const { Array, Literals, Natural, Number, String, Struct } = Schema

const ClaimTemplateSpec = Struct({
  metadata: Struct({ name: String, labels: optional(StringMap), annotations: optional(StringMap) }),
  spec: optional(
    Struct({
      storageClassName: optional(String),
      accessModes: optional(Array(String)),
      volumeMode: optional(String),
      dataSource: optional(DataSource),
      dataSourceRef: optional(DataSource),
      resources: optional(Struct({ requests: optional(Schema.Record(String, IntOrString)) }))
    })
  )
})
export type ClaimTemplateSpec = typeof ClaimTemplateSpec.Type

export const StatefulSet = Struct({
  metadata: ObjectMeta,
  spec: Struct({
    replicas: optional(Natural),
    selector: LabelSelector,
    serviceName: optional(String),
    template: PodTemplateSpec,
    volumeClaimTemplates: optional(Array(ClaimTemplateSpec)),
    podManagementPolicy: optional(String),
    updateStrategy: optional(
      Struct({
        type: optional(String),
        rollingUpdate: optional(
          Struct({ partition: optional(Natural), maxUnavailable: optional(IntOrString) })
        )
      })
    ),
    minReadySeconds: optional(Natural),
    ordinals: optional(Struct({ start: optional(Natural) })),
    persistentVolumeClaimRetentionPolicy: optional(
      Struct({
        whenScaled: optional(Literals(["Retain", "Delete"])),
        whenDeleted: optional(Literals(["Retain", "Delete"]))
      })
    )
  }),
  status: optional(
    Struct({
      observedGeneration: optional(Natural),
      replicas: optional(Natural),
      readyReplicas: optional(Natural),
      availableReplicas: optional(Natural),
      updatedReplicas: optional(Natural),
      currentRevision: optional(String),
      updateRevision: optional(String)
    })
  )
})
export type StatefulSet = typeof StatefulSet.Type

/** Without a policy, as in clusters before 1.27, no claim is deleted. */
export const defaultRetention = { whenScaled: "Retain", whenDeleted: "Retain" } as const

/** The retention policy for the claims of removed pods, and of a deleted set. */
export const retentionOf = ({ spec }: Pick<StatefulSet, "spec">) => ({
  whenScaled: spec.persistentVolumeClaimRetentionPolicy?.whenScaled ?? defaultRetention.whenScaled,
  whenDeleted: spec.persistentVolumeClaimRetentionPolicy?.whenDeleted ?? defaultRetention.whenDeleted
})

export const Deployment = Struct({
  metadata: ObjectMeta,
  spec: Struct({
    replicas: optional(Natural),
    selector: LabelSelector,
    template: PodTemplateSpec,
    strategy: optional(Struct({ type: optional(String) })),
    minReadySeconds: optional(Natural)
  }),
  status: optional(
    Struct({
      observedGeneration: optional(Natural),
      replicas: optional(Natural),
      readyReplicas: optional(Natural),
      availableReplicas: optional(Natural),
      updatedReplicas: optional(Natural)
    })
  )
})
export type Deployment = typeof Deployment.Type

export const DaemonSet = Struct({
  metadata: ObjectMeta,
  spec: Struct({
    selector: LabelSelector,
    template: PodTemplateSpec,
    updateStrategy: optional(Struct({ type: optional(String) })),
    minReadySeconds: optional(Natural)
  }),
  status: optional(
    Struct({
      observedGeneration: optional(Natural),
      desiredNumberScheduled: optional(Natural),
      currentNumberScheduled: optional(Natural),
      numberReady: optional(Natural),
      numberAvailable: optional(Natural),
      updatedNumberScheduled: optional(Natural)
    })
  )
})
export type DaemonSet = typeof DaemonSet.Type

/** Its template is left out on purpose: it only ties pods to their Deployment. */
export const ReplicaSet = Struct({ metadata: ObjectMeta })
export type ReplicaSet = typeof ReplicaSet.Type

export const ControllerRevision = Struct({ metadata: ObjectMeta, revision: Number })
export type ControllerRevision = typeof ControllerRevision.Type
