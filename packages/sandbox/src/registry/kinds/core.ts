/** The core group, with the fields that the sandbox's controllers read. */
import type { KubeObject } from "../../apimachinery/KubeObject.ts"
import { resourceType } from "../../apimachinery/ResourceType.ts"
import { configMap, secret } from "../strategy/Configuration.ts"
import { event } from "../strategy/Event.ts"
import { namespace } from "../strategy/Namespace.ts"
import { node } from "../strategy/Node.ts"
import { pod } from "../strategy/Pod.ts"
import { persistentVolume, persistentVolumeClaim } from "../strategy/Volume.ts"
import { service } from "../strategy/Service.ts"

export interface Probe {
  readonly initialDelaySeconds?: number
  readonly periodSeconds?: number
  readonly failureThreshold?: number
  readonly successThreshold?: number
  readonly exec?: { readonly command: ReadonlyArray<string> }
}

export interface ContainerPort {
  readonly containerPort: number
  readonly hostPort?: number
  readonly hostIP?: string
  readonly protocol?: string
}

export interface Container {
  readonly name: string
  readonly image?: string
  readonly command?: ReadonlyArray<string>
  readonly args?: ReadonlyArray<string>
  readonly env?: ReadonlyArray<{
    readonly name: string
    readonly value?: string
    readonly valueFrom?: unknown
  }>
  readonly envFrom?: ReadonlyArray<unknown>
  readonly ports?: ReadonlyArray<ContainerPort>
  /** `Always` for a sidecar: an init container that keeps running next to the others. */
  readonly restartPolicy?: string
  readonly resources?: { readonly requests?: Readonly<Record<string, string>> }
  readonly volumeMounts?: ReadonlyArray<{
    readonly name: string
    readonly mountPath: string
    readonly readOnly?: boolean
  }>
  readonly readinessProbe?: Probe
}

export interface Toleration {
  readonly key?: string
  readonly operator?: "Exists" | "Equal"
  readonly value?: string
  readonly effect?: string
  readonly tolerationSeconds?: number
}

/** The template of the claim of a generic ephemeral volume. */
export interface ClaimTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec: unknown
}

export interface PodVolume {
  readonly name: string
  readonly persistentVolumeClaim?: { readonly claimName: string; readonly readOnly?: boolean }
  readonly ephemeral?: { readonly volumeClaimTemplate?: ClaimTemplate }
  readonly [source: string]: unknown
}

export interface PodSpec {
  readonly containers: ReadonlyArray<Container>
  readonly initContainers?: ReadonlyArray<Container>
  readonly volumes?: ReadonlyArray<PodVolume>
  readonly nodeName?: string
  readonly nodeSelector?: Readonly<Record<string, string>>
  readonly affinity?: unknown
  readonly tolerations?: ReadonlyArray<Toleration>
  readonly topologySpreadConstraints?: ReadonlyArray<unknown>
  readonly hostname?: string
  readonly hostNetwork?: boolean
  readonly subdomain?: string
  readonly restartPolicy?: string
  readonly terminationGracePeriodSeconds?: number
  readonly schedulerName?: string
}

export interface Condition {
  readonly type: string
  readonly status: "True" | "False" | "Unknown"
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string
  readonly lastProbeTime?: string | null
  readonly lastHeartbeatTime?: string
  readonly lastUpdateTime?: string
  readonly observedGeneration?: number
}

export interface PodStatus {
  readonly phase?: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown"
  readonly reason?: string
  readonly conditions?: ReadonlyArray<Condition>
  readonly podIP?: string
  readonly containerStatuses?: ReadonlyArray<unknown>
  readonly [field: string]: unknown
}

export interface Pod extends KubeObject {
  readonly spec: PodSpec
  readonly status: PodStatus
}

export interface PersistentVolumeClaimSpec {
  readonly accessModes?: ReadonlyArray<string>
  readonly storageClassName?: string
  readonly volumeName?: string
  readonly volumeMode?: string
  readonly resources?: { readonly requests?: { readonly storage?: string } }
  readonly dataSource?: { readonly apiGroup?: string; readonly kind: string; readonly name: string }
  readonly dataSourceRef?: { readonly apiGroup?: string; readonly kind: string; readonly name: string }
}

export interface PersistentVolumeClaim extends KubeObject {
  readonly spec: PersistentVolumeClaimSpec
  readonly status: {
    readonly phase: "Pending" | "Bound" | "Lost"
    readonly capacity?: { readonly storage?: string }
    readonly accessModes?: ReadonlyArray<string>
    readonly conditions?: ReadonlyArray<Condition>
    readonly allocatedResources?: { readonly storage?: string }
    readonly allocatedResourceStatuses?: { readonly storage?: string }
    readonly [field: string]: unknown
  }
}

export interface PersistentVolume extends KubeObject {
  readonly spec: {
    readonly capacity: { readonly storage: string }
    readonly accessModes: ReadonlyArray<string>
    readonly claimRef?: { readonly namespace: string; readonly name: string; readonly uid?: string }
    readonly persistentVolumeReclaimPolicy: "Delete" | "Retain" | "Recycle"
    readonly storageClassName?: string
    readonly csi?: { readonly driver: string; readonly volumeHandle: string }
    readonly nodeAffinity?: unknown
    readonly [field: string]: unknown
  }
  readonly status: { readonly phase: "Pending" | "Available" | "Bound" | "Released" | "Failed" }
}

export interface Taint {
  readonly key: string
  readonly value?: string
  readonly effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute"
  readonly timeAdded?: string
}

export interface Node extends KubeObject {
  readonly spec: {
    readonly unschedulable?: boolean
    readonly taints?: ReadonlyArray<Taint>
    readonly [field: string]: unknown
  }
  readonly status: {
    readonly allocatable?: Readonly<Record<string, string>>
    readonly conditions?: ReadonlyArray<Condition>
    readonly [field: string]: unknown
  }
}

export interface Namespace extends KubeObject {
  readonly spec: { readonly finalizers?: ReadonlyArray<string> }
  readonly status: { readonly phase: "Active" | "Terminating" }
}

export interface Event extends KubeObject {
  readonly message?: string
  readonly count?: number
  readonly lastTimestamp?: string | null
}

export interface ResourceQuota extends KubeObject {
  readonly spec: { readonly hard?: Readonly<Record<string, string>> }
  readonly status?: {
    readonly hard?: Readonly<Record<string, string>>
    readonly used?: Readonly<Record<string, string>>
  }
}

export const pods = resourceType<Pod>("", "v1", "pods", "Pod", {
  shortNames: ["po"],
  categories: ["all"],
  subresources: ["status", "eviction", "exec"],
  answersDeleted: true,
  strategy: pod
})

export const services = resourceType("", "v1", "services", "Service", {
  shortNames: ["svc"],
  categories: ["all"],
  subresources: ["status"],
  counted: false,
  answersDeleted: true,
  strategy: service
})

export const endpoints = resourceType("", "v1", "endpoints", "Endpoints", {
  singular: "endpoints",
  shortNames: ["ep"]
})

export const configmaps = resourceType("", "v1", "configmaps", "ConfigMap", {
  shortNames: ["cm"],
  strategy: configMap
})

export const secrets = resourceType("", "v1", "secrets", "Secret", { strategy: secret })

export const serviceaccounts = resourceType("", "v1", "serviceaccounts", "ServiceAccount", {
  shortNames: ["sa"],
  answersDeleted: true
})

export const persistentvolumeclaims = resourceType<PersistentVolumeClaim>(
  "",
  "v1",
  "persistentvolumeclaims",
  "PersistentVolumeClaim",
  {
    shortNames: ["pvc"],
    subresources: ["status"],
    counted: false,
    answersDeleted: true,
    strategy: persistentVolumeClaim
  }
)

export const persistentvolumes = resourceType<PersistentVolume>(
  "",
  "v1",
  "persistentvolumes",
  "PersistentVolume",
  {
    clusterScoped: true,
    shortNames: ["pv"],
    subresources: ["status"],
    counted: false,
    answersDeleted: true,
    strategy: persistentVolume
  }
)

export const nodes = resourceType<Node>("", "v1", "nodes", "Node", {
  clusterScoped: true,
  shortNames: ["no"],
  subresources: ["status"],
  counted: false,
  strategy: node
})

export const namespaces = resourceType<Namespace>("", "v1", "namespaces", "Namespace", {
  clusterScoped: true,
  shortNames: ["ns"],
  subresources: ["status"],
  counted: false,
  answersDeleted: true,
  strategy: namespace
})

export const events = resourceType<Event>("", "v1", "events", "Event", {
  shortNames: ["ev"],
  strategy: event
})

export const resourcequotas = resourceType<ResourceQuota>("", "v1", "resourcequotas", "ResourceQuota", {
  shortNames: ["quota"],
  subresources: ["status"],
  counted: false,
  answersDeleted: true
})
