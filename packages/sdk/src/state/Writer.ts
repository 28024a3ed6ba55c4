/** Other writers of a workload: its owner, an autoscaler, a GitOps tool, an operator. */
import type { Writer as WriterSchema } from "../Topology.ts"
import { controllerOf, type ManagedFields, type ObjectMeta } from "../kind/Meta.ts"
import type { HorizontalPodAutoscaler } from "../kind/Policy.ts"

export type Writer = typeof WriterSchema.Type

const groupOf = (apiVersion: string): string =>
  apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : ""

/** `Cluster.postgresql.cnpg.io/db`. */
export const ownerName = (owner: {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
}) => {
  const group = groupOf(owner.apiVersion)
  return `${owner.kind}${group === "" ? "" : `.${group}`}/${owner.name}`
}

/** The written object: a workload, or any other object. */
interface Written {
  readonly kind: string
  readonly metadata: ObjectMeta
}

/** True if the autoscaler's target is this workload. */
export const targets = (autoscaler: HorizontalPodAutoscaler, appWorkload: Written): boolean => {
  const { apiVersion, kind, name } = autoscaler.spec.scaleTargetRef
  return (
    kind === appWorkload.kind &&
    name === appWorkload.metadata.name &&
    (!apiVersion || groupOf(apiVersion) === "apps")
  )
}

/** The KEDA ScaledObject that made the autoscaler, else the autoscaler itself. */
export const autoscalerName = ({ metadata }: HorizontalPodAutoscaler): string => {
  const owner = controllerOf(metadata) ?? metadata.ownerReferences?.[0]
  return owner ? ownerName(owner) : `HorizontalPodAutoscaler/${metadata.name}`
}

const helm = "Helm/"

/**
 * The release of a Helm chart that the object is of, or null. Helm writes only when someone upgrades the release or rolls
 * it back: unlike all the others, it undoes nothing in the meantime.
 */
export const releaseOf = ({ name, by }: Writer): string | null =>
  by === "annotations" && name.startsWith(helm) ? name.slice(helm.length) : null

/** GitOps tools: the mark they leave on an object, and the names under which they write it. */
const tools: ReadonlyArray<{
  readonly by: "labels" | "annotations"
  readonly key: string
  readonly name: (value: string) => string
  readonly managers: ReadonlyArray<string>
}> = [
  {
    by: "annotations",
    key: "argocd.argoproj.io/tracking-id",
    name: (value) => `Application.argoproj.io/${value.split(":")[0] ?? ""}`,
    managers: ["argocd-controller", "argocd-application-controller"]
  },
  {
    by: "labels",
    key: "argocd.argoproj.io/instance",
    name: (value) => `Application.argoproj.io/${value}`,
    managers: ["argocd-controller", "argocd-application-controller"]
  },
  {
    by: "labels",
    key: "kustomize.toolkit.fluxcd.io/name",
    name: (value) => `Kustomization.kustomize.toolkit.fluxcd.io/${value}`,
    managers: ["kustomize-controller"]
  },
  {
    by: "labels",
    key: "helm.toolkit.fluxcd.io/name",
    name: (value) => `HelmRelease.helm.toolkit.fluxcd.io/${value}`,
    managers: ["helm-controller"]
  },
  {
    by: "annotations",
    key: "meta.helm.sh/release-name",
    name: (value) => `${helm}${value}`,
    managers: ["helm", "Helm"]
  }
]

/**
 * Field managers that reconcile, unlike kubectl or a person's client: the GitOps tools, and
 * what calls itself a controller, an operator, or the default name of controller-runtime.
 */
const reconciles = (manager: string): boolean =>
  manager !== "kube-controller-manager" &&
  (/(^|[-_.])(controller|operator)(-manager)?$/i.test(manager) ||
    manager === "manager" ||
    manager.startsWith("argocd-"))

/** The keys of a field set (`managedFields`) under this one; empty if there are none. */
const fieldsOf = (fields: unknown, name: string): Readonly<Record<string, unknown>> => {
  const found = typeof fields === "object" && fields !== null ? Object.entries(fields) : []
  const inner = found.find(([key]) => key === name)?.[1]
  return typeof inner === "object" && inner !== null ? Object.fromEntries(Object.entries(inner)) : {}
}

const ownsReplicas = ({ fieldsV1 }: ManagedFields): boolean =>
  Object.hasOwn(fieldsOf(fieldsV1, "f:spec"), "f:replicas")

const managersOf = (metadata: ObjectMeta): ReadonlyMap<string, boolean> => {
  const managers = new Map<string, boolean>()
  for (const entry of metadata.managedFields ?? []) {
    if (!entry.manager || entry.subresource === "status") continue
    managers.set(entry.manager, (managers.get(entry.manager) ?? false) || ownsReplicas(entry))
  }
  return managers
}

/**
 * Everyone who may write the workload, or another object, back to what they want, each once.
 *
 * A controlling owner counts as writing `replicas`: operators derive the whole spec. For the
 * others `managedFields` decides.
 */
export const writersOf = (
  appWorkload: Written,
  autoscalers: ReadonlyArray<HorizontalPodAutoscaler> | null
): ReadonlyArray<Writer> => {
  const { metadata } = appWorkload
  const writers: Array<Writer> = (metadata.ownerReferences ?? []).map((owner) => ({
    name: ownerName(owner),
    by: "ownerReferences",
    replicas: owner.controller === true
  }))
  for (const autoscaler of autoscalers ?? []) {
    if (targets(autoscaler, appWorkload)) {
      writers.push({ name: autoscalerName(autoscaler), by: "scaleTargetRef", replicas: true })
    }
  }
  const managers = managersOf(metadata)
  const told = new Set<string>()
  for (const tool of tools) {
    const value = (tool.by === "labels" ? metadata.labels : metadata.annotations)?.[tool.key]
    if (value === undefined) continue
    const name = tool.name(value)
    for (const manager of tool.managers) told.add(manager)
    if (writers.some((writer) => writer.name === name)) continue
    const replicas = tool.managers.some((manager) => managers.get(manager) === true)
    writers.push({ name, by: tool.by, replicas })
  }
  for (const [manager, replicas] of managers) {
    if (reconciles(manager) && !told.has(manager))
      writers.push({ name: manager, by: "managedFields", replicas })
  }
  if (autoscalers === null && managers.get("kube-controller-manager") === true) {
    // Only an autoscaler writes /scale under that name; which one could not be read.
    writers.push({ name: "HorizontalPodAutoscaler/<unknown>", by: "managedFields", replicas: true })
  }
  return writers
}
