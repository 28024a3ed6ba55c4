/** The `apps` group: StatefulSets as the controllers read them, the others as open objects. */
import type { KubeObject } from "../../apimachinery/KubeObject.ts"
import { resourceType } from "../../apimachinery/ResourceType.ts"
import { deployment, replicaSet } from "../strategy/Deployment.ts"
import { statefulSet } from "../strategy/StatefulSet.ts"
import { template } from "../strategy/PodTemplate.ts"
import type { Condition, PersistentVolumeClaimSpec, PodSpec } from "./core.ts"

export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec: PodSpec
}

export interface ClaimTemplate {
  readonly metadata: {
    readonly name: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec: PersistentVolumeClaimSpec
}

export interface StatefulSetSpec {
  readonly replicas: number
  readonly serviceName?: string
  readonly podManagementPolicy: "OrderedReady" | "Parallel"
  readonly selector: {
    readonly matchLabels?: Readonly<Record<string, string>>
    readonly matchExpressions?: ReadonlyArray<unknown>
  }
  readonly template: PodTemplate
  readonly volumeClaimTemplates?: ReadonlyArray<ClaimTemplate>
  readonly updateStrategy: {
    readonly type: "RollingUpdate" | "OnDelete"
    readonly rollingUpdate?: { readonly partition?: number; readonly maxUnavailable?: number | string }
  }
  readonly revisionHistoryLimit: number
  readonly minReadySeconds?: number
  readonly ordinals?: { readonly start: number }
  readonly persistentVolumeClaimRetentionPolicy: {
    readonly whenDeleted: "Retain" | "Delete"
    readonly whenScaled: "Retain" | "Delete"
  }
}

/** Counts of zero are left out by the real server, except `replicas` and `availableReplicas`. */
export interface StatefulSetStatus {
  readonly observedGeneration?: number
  readonly replicas: number
  readonly readyReplicas?: number
  readonly currentReplicas?: number
  readonly updatedReplicas?: number
  readonly availableReplicas: number
  readonly currentRevision?: string
  readonly updateRevision?: string
  readonly collisionCount?: number
}

export interface StatefulSet extends KubeObject {
  readonly spec: StatefulSetSpec
  readonly status: StatefulSetStatus
}

export interface DeploymentSpec {
  readonly replicas: number
  readonly selector: StatefulSetSpec["selector"]
  readonly template: PodTemplate
  readonly strategy: {
    readonly type: "RollingUpdate" | "Recreate"
    readonly rollingUpdate?: {
      readonly maxSurge?: number | string
      readonly maxUnavailable?: number | string
    }
  }
  readonly revisionHistoryLimit: number
  readonly progressDeadlineSeconds: number
  readonly minReadySeconds?: number
  readonly paused?: boolean
}

/** Counts of zero are left out. */
export interface DeploymentStatus {
  readonly observedGeneration?: number
  readonly replicas?: number
  readonly updatedReplicas?: number
  readonly readyReplicas?: number
  readonly availableReplicas?: number
  readonly unavailableReplicas?: number
  readonly terminatingReplicas?: number
  readonly conditions?: ReadonlyArray<Condition>
}

export interface Deployment extends KubeObject {
  readonly spec: DeploymentSpec
  readonly status: DeploymentStatus
}

export interface ReplicaSet extends KubeObject {
  readonly spec: {
    readonly replicas: number
    readonly selector: StatefulSetSpec["selector"]
    readonly template: PodTemplate
    readonly minReadySeconds?: number
  }
  readonly status: {
    readonly replicas: number
    readonly fullyLabeledReplicas?: number
    readonly readyReplicas?: number
    readonly availableReplicas?: number
    readonly terminatingReplicas?: number
    readonly conditions?: ReadonlyArray<Condition>
    readonly observedGeneration?: number
  }
}

export interface ControllerRevision extends KubeObject {
  readonly data: unknown
  readonly revision: number
}

const workload = { subresources: ["status", "scale"], categories: ["all"] } as const

export const statefulsets = resourceType<StatefulSet>("apps", "v1", "statefulsets", "StatefulSet", {
  ...workload,
  shortNames: ["sts"],
  strategy: statefulSet
})

export const deployments = resourceType<Deployment>("apps", "v1", "deployments", "Deployment", {
  ...workload,
  shortNames: ["deploy"],
  strategy: deployment
})

export const replicasets = resourceType<ReplicaSet>("apps", "v1", "replicasets", "ReplicaSet", {
  ...workload,
  shortNames: ["rs"],
  strategy: replicaSet
})

export const daemonsets = resourceType("apps", "v1", "daemonsets", "DaemonSet", {
  subresources: ["status"],
  categories: ["all"],
  shortNames: ["ds"],
  strategy: template
})

export const controllerrevisions = resourceType<ControllerRevision>(
  "apps",
  "v1",
  "controllerrevisions",
  "ControllerRevision"
)
