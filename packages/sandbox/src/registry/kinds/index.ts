/** Every resource that a sandbox serves by default. */
import type { KubeObject } from "../../apimachinery/KubeObject.ts"
import { resourceType, type ResourceType } from "../../apimachinery/ResourceType.ts"
import { endpointSlice } from "../strategy/EndpointSlice.ts"
import { lease } from "../strategy/Lease.ts"
import { podDisruptionBudget } from "../strategy/PodDisruptionBudget.ts"
import * as apps from "./apps.ts"
import * as core from "./core.ts"
import * as storage from "./storage.ts"

const builtIn = { custom: false } as const

export const poddisruptionbudgets = resourceType(
  "policy",
  "v1",
  "poddisruptionbudgets",
  "PodDisruptionBudget",
  {
    shortNames: ["pdb"],
    subresources: ["status"],
    strategy: podDisruptionBudget
  }
)

export const horizontalpodautoscalers = resourceType(
  "autoscaling",
  ["v2", "v1"],
  "horizontalpodautoscalers",
  "HorizontalPodAutoscaler",
  { shortNames: ["hpa"], categories: ["all"], subresources: ["status"], counted: false }
)

export interface Endpoint {
  readonly addresses: ReadonlyArray<string>
  readonly conditions: {
    readonly ready?: boolean
    readonly serving?: boolean
    readonly terminating?: boolean
  }
  readonly hostname?: string
  readonly nodeName?: string
  readonly targetRef?: {
    readonly kind: string
    readonly name: string
    readonly namespace?: string
    readonly uid: string
  }
  readonly zone?: string
}

export interface EndpointSlice extends KubeObject {
  readonly addressType: "IPv4" | "IPv6"
  /** `null` for a Service without endpoints. */
  readonly endpoints: ReadonlyArray<Endpoint> | null
  readonly ports?: ReadonlyArray<{
    readonly name: string
    readonly port: number
    readonly protocol: string
    readonly appProtocol?: string
  }> | null
}

export const endpointslices = resourceType<EndpointSlice>(
  "discovery.k8s.io",
  "v1",
  "endpointslices",
  "EndpointSlice",
  { ...builtIn, counted: true, strategy: endpointSlice }
)

export const leases = resourceType("coordination.k8s.io", "v1", "leases", "Lease", {
  ...builtIn,
  strategy: lease
})

export const jobs = resourceType("batch", "v1", "jobs", "Job", {
  subresources: ["status"],
  categories: ["all"]
})

export const cronjobs = resourceType("batch", "v1", "cronjobs", "CronJob", {
  shortNames: ["cj"],
  subresources: ["status"],
  categories: ["all"]
})

const rbac = "rbac.authorization.k8s.io"

export const roles = resourceType(rbac, "v1", "roles", "Role", builtIn)
export const rolebindings = resourceType(rbac, "v1", "rolebindings", "RoleBinding", builtIn)
export const clusterroles = resourceType(rbac, "v1", "clusterroles", "ClusterRole", {
  ...builtIn,
  clusterScoped: true
})
export const clusterrolebindings = resourceType(rbac, "v1", "clusterrolebindings", "ClusterRoleBinding", {
  ...builtIn,
  clusterScoped: true
})

export const standard: ReadonlyArray<ResourceType> = [
  core.pods,
  core.services,
  core.endpoints,
  core.configmaps,
  core.secrets,
  core.serviceaccounts,
  core.persistentvolumeclaims,
  core.persistentvolumes,
  core.nodes,
  core.namespaces,
  core.events,
  core.resourcequotas,
  apps.statefulsets,
  apps.deployments,
  apps.replicasets,
  apps.daemonsets,
  apps.controllerrevisions,
  endpointslices,
  poddisruptionbudgets,
  horizontalpodautoscalers,
  storage.storageclasses,
  storage.csidrivers,
  storage.csinodes,
  storage.volumeattachments,
  storage.volumesnapshots,
  storage.volumesnapshotcontents,
  storage.volumesnapshotclasses,
  storage.volumegroupsnapshots,
  storage.volumegroupsnapshotcontents,
  storage.volumegroupsnapshotclasses,
  leases,
  jobs,
  cronjobs,
  resourceType("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", {
    ...builtIn,
    shortNames: ["netpol"],
    singular: "networkpolicy",
    counted: true
  }),
  resourceType("networking.k8s.io", "v1", "ingresses", "Ingress", {
    ...builtIn,
    shortNames: ["ing"],
    singular: "ingress",
    subresources: ["status"]
  }),
  resourceType("", "v1", "limitranges", "LimitRange", { shortNames: ["limits"] }),
  resourceType("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", {
    ...builtIn,
    singular: "priorityclass",
    shortNames: ["pc"],
    clusterScoped: true
  }),
  roles,
  rolebindings,
  clusterroles,
  clusterrolebindings
]
