/** The placement of replicas and its constraints, from pods, nodes and volumes. */
import * as LabelSelector from "../../LabelSelector.ts"
import { type Claim, claimsByReplica } from "../../Claim.ts"
import type { AppWorkload } from "../AppWorkload.ts"
import { compareNames } from "../../NameOrder.ts"
import type { Lists } from "../observation.ts"
import { observeNode } from "./nodeFacts.ts"
import { type KnownNodes, pinsOf, reachOf } from "./pin.ts"
import type { Replica } from "../../Replica.ts"
import type { PodTemplateSpec } from "../../kind/Pod.ts"
import type { Workload } from "../../Topology.ts"
import type { DomainLabels, Placement, ResourceClaim } from "../../Placement.ts"

const requiredTerms = ({ spec }: PodTemplateSpec) =>
  spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []

/** The node labels that volumes, selectors and topology keys of the app ask for. */
const askedLabels = (
  appWorkloads: ReadonlyArray<AppWorkload>,
  claims: ReadonlyArray<Claim>,
  workloads: ReadonlyArray<Workload>
): ReadonlySet<string> => {
  const pods = "requiredDuringSchedulingIgnoredDuringExecution"
  return new Set([
    ...workloads.flatMap(({ repelling }) => repelling.map(({ topologyKey }) => topologyKey)),
    ...claims.flatMap(({ volume }) => (volume?.nodeAffinity ?? []).flat().map(({ key }) => key)),
    ...appWorkloads.flatMap(({ template }) => [
      ...Object.keys(template.spec.nodeSelector ?? {}),
      ...requiredTerms(template).flatMap((term) => (term.matchExpressions ?? []).map(({ key }) => key)),
      ...(template.spec.topologySpreadConstraints ?? []).map(({ topologyKey }) => topologyKey),
      ...(template.spec.affinity?.podAntiAffinity?.[pods] ?? []).map(({ topologyKey }) => topologyKey),
      ...(template.spec.affinity?.podAffinity?.[pods] ?? []).map(({ topologyKey }) => topologyKey)
    ])
  ])
}

/** The nodes there are, with what the app's volumes and templates ask of them. */
export const observeNodes = (
  appWorkloads: ReadonlyArray<AppWorkload>,
  claims: ReadonlyArray<Claim>,
  { nodes }: Pick<Lists, "nodes">,
  domains: DomainLabels,
  workloads: ReadonlyArray<Workload>
): KnownNodes => {
  const asked = askedLabels(appWorkloads, claims, workloads)
  return {
    domains,
    reaches: new Map(),
    nodes:
      nodes
        ?.map((object) => ({ object, facts: observeNode(object, domains, asked) }))
        .toSorted((a, b) => compareNames(a.facts.name, b.facts.name)) ?? null
  }
}

/** ResourceClaims that pods of the app use; `null` if they could not be read. */
export const observeResourceClaims = (
  appWorkloads: ReadonlyArray<AppWorkload>,
  { resourceclaims }: Pick<Lists, "resourceclaims">,
  { nodes }: KnownNodes
): ReadonlyArray<ResourceClaim> | null => {
  if (resourceclaims === null) return null
  const users = new Map<string, Array<string>>()
  for (const pod of appWorkloads.flatMap((appWorkload) => appWorkload.pods ?? [])) {
    const named = [...(pod.status?.resourceClaimStatuses ?? []), ...(pod.spec.resourceClaims ?? [])].flatMap(
      ({ resourceClaimName }) => (resourceClaimName ? [resourceClaimName] : [])
    )
    for (const name of new Set(named)) {
      const pods = users.get(name)
      if (pods === undefined) users.set(name, [pod.metadata.name])
      else pods.push(pod.metadata.name)
    }
  }
  return resourceclaims.flatMap(({ metadata, status }): ReadonlyArray<ResourceClaim> => {
    const pods = users.get(metadata.name)
    if (pods === undefined) return []
    const allocation = status?.allocation
    const selector = allocation?.nodeSelector
    return [
      {
        name: metadata.name,
        pods,
        allocated: !!allocation,
        devices: (allocation?.devices?.results ?? []).map(
          ({ driver, pool, device }) => `${driver}/${pool}/${device}`
        ),
        nodes:
          selector && nodes
            ? nodes
                .filter(({ object: { metadata: node } }) =>
                  LabelSelector.matchesNode(selector, node.name, node.labels)
                )
                .map(({ facts }) => facts.name)
            : null
      }
    ]
  })
}

const resourceClaimsByPod = (claims: ReadonlyArray<ResourceClaim>) => {
  const byPod = new Map<string, Array<ResourceClaim>>()
  for (const claim of claims) {
    for (const pod of claim.pods) {
      const found = byPod.get(pod)
      if (found === undefined) byPod.set(pod, [claim])
      else found.push(claim)
    }
  }
  return byPod
}

/** The number of claims of each replica, once they are created; one that goes with its pod keeps it nowhere. */
const claimsExpected = (appWorkload: AppWorkload): number =>
  (appWorkload.kind === "StatefulSet" ? (appWorkload.object.spec.volumeClaimTemplates ?? []).length : 0) +
  (appWorkload.template.spec.volumes ?? []).filter((volume) => volume.persistentVolumeClaim).length

const storageOf = (
  claims: ReadonlyArray<Claim>,
  expected: number,
  node: string | null,
  onNodes: KnownNodes
): Placement["storage"] => {
  const volumes = claims.flatMap(({ volume }) => (volume === null ? [] : [volume]))
  const domains = volumes.map((volume) => reachOf(volume, node, onNodes).domain)
  // The tightest one decides, and one that is not known may be tighter than all others.
  if (domains.includes("node")) return "local"
  if (domains.length < Math.max(claims.length, expected) || domains.includes(null)) return null
  if (domains.length === 0) return "none"
  return domains.every((domain) => domain === "any") ? "network" : "zonal"
}

/** One placement for every replica, also for one without a pod: its volumes are somewhere. */
export const observePlacements = (
  replicas: ReadonlyArray<Replica>,
  appWorkloads: ReadonlyArray<AppWorkload>,
  claims: ReadonlyArray<Claim>,
  resourceClaims: ReadonlyArray<ResourceClaim> | null,
  onNodes: KnownNodes
): ReadonlyArray<Placement> => {
  const nodes = new Map((onNodes.nodes ?? []).map(({ facts }) => [facts.name, facts]))
  const byKey = new Map(appWorkloads.map((appWorkload) => [appWorkload.key, appWorkload]))
  const claimsOf = claimsByReplica(replicas, claims)
  const devicesOf = resourceClaimsByPod(resourceClaims ?? [])
  return replicas.map((replica): Placement => {
    const appWorkload = byKey.get(replica.workload)
    const name = replica.pod?.node ?? null
    const node = name === null ? undefined : nodes.get(name)
    const used = claimsOf.get(replica.name) ?? []
    return {
      replica: replica.name,
      node: name,
      zone: node?.zone ?? null,
      rack: node?.rack ?? null,
      storage: storageOf(used, appWorkload ? claimsExpected(appWorkload) : 0, name, onNodes),
      pins: appWorkload ? pinsOf(name, appWorkload, used, devicesOf.get(replica.name) ?? [], onNodes) : []
    }
  })
}
