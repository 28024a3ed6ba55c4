/**
 * Nodes: their failure domains, provider, taints and devices.
 */
import type { DomainLabels, Node } from "../../Placement.ts"
import type { Node as NodeObject } from "../../kind/Node.ts"
import { conditionOf } from "../Readiness.ts"
import { formatTaint } from "../../Taint.ts"

type Labels = Readonly<Record<string, string>>

const wellKnown = {
  region: ["topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"],
  zone: ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"],
  instanceType: ["node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"],
  arch: ["kubernetes.io/arch"],
  os: ["kubernetes.io/os"]
} as const

/** A label that is there but empty says nothing either. */
const firstOf = (keys: ReadonlyArray<string>, labels: Labels): string | null => {
  for (const key of keys) if (Object.hasOwn(labels, key) && labels[key]) return labels[key]
  return null
}

/** Labels that managed offerings put on their nodes. */
const offerings: ReadonlyArray<readonly [label: string, offering: string]> = [
  ["eks.amazonaws.com/nodegroup", "eks"],
  ["eks.amazonaws.com/compute-type", "eks"],
  ["cloud.google.com/gke-nodepool", "gke"],
  ["kubernetes.azure.com/cluster", "aks"],
  ["doks.digitalocean.com/node-pool", "doks"],
  ["lke.linode.com/pool-id", "lke"],
  ["k8s.scaleway.com/pool", "kapsule"],
  ["ibm-cloud.kubernetes.io/worker-pool-id", "iks"],
  ["alibabacloud.com/nodepool-id", "ack"],
  ["oci.oraclecloud.com/fault-domain", "oke"],
  ["node.openshift.io/os_id", "openshift"]
]

/** Whether a label names a zone, a region or a rack; `null` for any other. */
export const domainOfLabel = (key: string, domains: DomainLabels): "region" | "zone" | "rack" | null => {
  if (wellKnown.region.some((label) => label === key)) return "region"
  if (wellKnown.zone.some((label) => label === key)) return "zone"
  return domains.rack.includes(key) ? "rack" : null
}

/** Resources that only some nodes have: those of another domain than Kubernetes' own, and huge pages. */
export const isExtendedResource = (name: string): boolean =>
  (name.includes("/") && !name.includes("kubernetes.io/")) || name.startsWith("hugepages-")

/** One node; of its labels those that `asked` or that name failure domains. */
export const observeNode = (
  { metadata, spec, status }: NodeObject,
  domains: DomainLabels,
  asked: ReadonlySet<string>
): Node => {
  const labels = metadata.labels ?? {}
  const ready = conditionOf(status?.conditions, "Ready")?.status
  const provider = /^([a-z0-9-]+):\/\//.exec(spec?.providerID ?? "")?.[1] ?? null
  const managed = offerings.find(([label]) => Object.hasOwn(labels, label))?.[1] ?? null
  return {
    name: metadata.name,
    ready: ready === "True" ? true : ready === "False" ? false : null,
    unschedulable: spec?.unschedulable === true,
    region: firstOf(wellKnown.region, labels),
    zone: firstOf(wellKnown.zone, labels),
    rack: firstOf(domains.rack, labels),
    instanceType: firstOf(wellKnown.instanceType, labels),
    arch: firstOf(wellKnown.arch, labels) ?? status?.nodeInfo?.architecture ?? null,
    os: firstOf(wellKnown.os, labels) ?? status?.nodeInfo?.operatingSystem ?? null,
    provider,
    managed,
    taints: (spec?.taints ?? []).map(formatTaint),
    pressure: (status?.conditions ?? [])
      .filter((condition) => condition.type !== "Ready" && condition.status === "True")
      .map((condition) => condition.type),
    devices: Object.fromEntries(
      Object.entries(status?.allocatable ?? {})
        .filter(([name, quantity]) => isExtendedResource(name) && `${quantity}` !== "0")
        .map(([name, quantity]) => [name, `${quantity}`])
    ),
    labels: Object.fromEntries(
      Object.entries(labels).filter(
        ([key]) => asked.has(key) || key === "kubernetes.io/hostname" || domainOfLabel(key, domains) !== null
      )
    )
  }
}
