/**
 * Pins: what keeps a replica on some of the nodes, each with the nodes that it leaves.
 */
import type { Claim, Volume } from "../../Claim.ts"
import * as LabelSelector from "../../LabelSelector.ts"
import { isOfItsNode } from "../HostPath.ts"
import type { AppWorkload } from "../AppWorkload.ts"
import { domainOfLabel } from "./nodeFacts.ts"
import type { DomainLabels, Node, Pin as PinSchema, ResourceClaim } from "../../Placement.ts"
import * as Quantity from "../../Quantity.ts"
import { admits, formatToleration } from "../../Taint.ts"
import { extendedResourcesOf } from "./workload.ts"
import type { Node as NodeObject } from "../../kind/Node.ts"

export type Pin = typeof PinSchema.Type
type Domain = "node" | "rack" | "zone" | "region"

/** A node of the state, with the object and all its labels. */
export interface KnownNode {
  readonly facts: Node
  readonly object: NodeObject
}

/** The input of pins; nodes are `null` if they could not be read. */
export interface KnownNodes {
  readonly nodes: ReadonlyArray<KnownNode> | null
  readonly domains: DomainLabels
  /** Reaches found so far, by affinity: a thousand volumes have but a few, and nodes are many. */
  readonly reaches: Map<string, Reach>
}

const hostname = "kubernetes.io/hostname"

const sole = (values: ReadonlyArray<string | null>): boolean =>
  values.length > 0 && values[0] !== null && values.every((value) => value === values[0])

/** The smallest domain that all of these nodes share; one node is a domain of its own. */
const sharedDomain = (nodes: ReadonlyArray<Node>): Domain | null => {
  if (nodes.length <= 1) return "node"
  if (sole(nodes.map((node) => node.rack))) return "rack"
  if (sole(nodes.map((node) => node.zone))) return "zone"
  return sole(nodes.map((node) => node.region)) ? "region" : null
}

type Terms = NonNullable<Volume["nodeAffinity"]>

/** Labels by which drivers know a node: `topology.topolvm.io/node`, `openebs.io/nodename`, `linbit.com/hostname`. */
const ofDriver = /\/(node(-?(name|id))?|hostname)$/

/** A node by this name that does not say so by a driver's label may be that one or not. */
const isSilent = ({ nodes }: KnownNodes, { key, values }: Terms[number][number]): boolean =>
  key !== hostname &&
  nodes?.some(
    ({ object: { metadata } }) => values.includes(metadata.name) && !Object.hasOwn(metadata.labels ?? {}, key)
  ) === true

/** The domain that the affinity's own keys name: `topology.kubernetes.io/zone In [a]` is a zone, however many nodes it has today. */
const namedDomain = (terms: Terms, onNodes: KnownNodes): Domain | null => {
  const found = terms.map((requirements): Domain | null => {
    const single = requirements.filter(({ operator, values }) => operator === "In" && values.length === 1)
    const named = new Set(
      single.map((one) =>
        one.key === "metadata.name" || (ofDriver.test(one.key) && !isSilent(onNodes, one))
          ? "node"
          : domainOfLabel(one.key, onNodes.domains)
      )
    )
    return (["node", "rack", "zone", "region"] as const).find((domain) => named.has(domain)) ?? null
  })
  const [first = null] = found
  return found.length === 1 ? first : null
}

const isNetwork: ReadonlySet<string> = new Set(["csi", "nfs", "iscsi", "fc", "rbd", "cephfs", "azureFile"])

/** The reach of a volume. */
export interface Reach {
  /** The domain that it cannot leave; `any` for none; `null` if unknown. */
  readonly domain: Domain | "any" | null
  readonly nodes: ReadonlyArray<string> | null
}

const affine = (terms: Terms, onNodes: KnownNodes): Reach => {
  const { nodes } = onNodes
  const named = namedDomain(terms, onNodes)
  if (nodes === null) return { domain: named, nodes: null }
  const matching = nodes.filter(({ object }) =>
    terms.some(
      (requirements) =>
        requirements.length > 0 &&
        requirements.every((requirement) =>
          LabelSelector.holds(
            requirement,
            requirement.key === "metadata.name"
              ? { "metadata.name": object.metadata.name }
              : object.metadata.labels
          )
        )
    )
  )
  // What no node is in is not one node.
  const shared = matching.length === 0 ? null : sharedDomain(matching.map(({ facts }) => facts))
  return {
    domain: named ?? shared ?? (matching.length === nodes.length ? "any" : null),
    nodes: matching.map(({ facts }) => facts.name)
  }
}

/**
 * The affinity is `null` if the PersistentVolume could not be read. `node` is the current node of its pod.
 */
export const reachOf = (volume: Volume, node: string | null, onNodes: KnownNodes): Reach => {
  const terms = volume.nodeAffinity
  if (terms === null) return { domain: null, nodes: null }
  if (terms.length > 0) {
    const key = JSON.stringify(terms)
    const reach = onNodes.reaches.get(key) ?? affine(terms, onNodes)
    onNodes.reaches.set(key, reach)
    return reach
  }
  // A hostPath or local volume without affinity is data of the one node where it was written.
  if (volume.source === "hostPath" || volume.source === "local") {
    return { domain: "node", nodes: node === null ? null : [node] }
  }
  // Where another source is found is its server's business.
  return { domain: volume.source !== null && isNetwork.has(volume.source) ? "any" : null, nodes: null }
}

/** A pin by nodes that some predicate leaves; none when it leaves all of them. */
const restrict = (
  by: Pin["by"],
  name: string,
  { nodes }: KnownNodes,
  fits: (node: KnownNode) => boolean
): ReadonlyArray<Pin> => {
  if (nodes === null) return [{ by, name, nodes: null, domain: null }]
  const left = nodes.filter(fits)
  if (left.length === nodes.length) return []
  return [
    {
      by,
      name,
      nodes: left.map(({ facts }) => facts.name),
      domain: sharedDomain(left.map(({ facts }) => facts))
    }
  ]
}

const volumePins = (
  claims: ReadonlyArray<Claim>,
  node: string | null,
  onNodes: KnownNodes
): ReadonlyArray<Pin> =>
  claims.flatMap(({ name, volume }): ReadonlyArray<Pin> => {
    if (volume === null) return []
    const { domain, nodes } = reachOf(volume, node, onNodes)
    const free = domain === "any" || (volume.nodeAffinity?.length === 0 && domain === null)
    return free || volume.nodeAffinity === null ? [] : [{ by: "volume", name, nodes, domain }]
  })

const templatePins = (
  { template }: AppWorkload,
  node: string | null,
  onNodes: KnownNodes
): ReadonlyArray<Pin> => {
  const { spec } = template
  const affinity = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  const keys = (affinity?.nodeSelectorTerms ?? []).flatMap((term) =>
    [...(term.matchExpressions ?? []), ...(term.matchFields ?? [])].map(({ key }) => key)
  )
  const { nodeName } = spec
  const named = nodeName
    ? restrict("nodeName", nodeName, onNodes, ({ facts }) => facts.name === nodeName)
    : []
  const selectors = Object.entries(spec.nodeSelector ?? {}).flatMap(([key, value]) =>
    restrict("nodeSelector", `${key}=${value}`, onNodes, ({ object }) =>
      LabelSelector.hasAll({ [key]: value }, object.metadata.labels)
    )
  )
  const affinities = affinity
    ? restrict("affinity", [...new Set(keys)].join(", "), onNodes, ({ object }) =>
        LabelSelector.matchesNode(affinity, object.metadata.name, object.metadata.labels)
      )
    : []
  const devices = Object.entries(extendedResourcesOf(template)).flatMap(([name, quantity]) =>
    restrict("device", name, onNodes, ({ facts }) => {
      const there = Object.hasOwn(facts.devices, name) ? facts.devices[name] : undefined
      return there !== undefined && (Quantity.compare(there, quantity) ?? -1) >= 0
    })
  )
  const hostPaths = (spec.volumes ?? []).flatMap((volume): ReadonlyArray<Pin> => {
    const path = volume.hostPath?.path
    const isHeld = [...(spec.initContainers ?? []), ...spec.containers].some((container) =>
      (container.volumeMounts ?? []).some(
        ({ mountPath, name, readOnly }) =>
          name === volume.name && readOnly !== true && path !== undefined && isOfItsNode(path, mountPath)
      )
    )
    return path === undefined || !isHeld
      ? []
      : [{ by: "hostPath", name: path, nodes: node === null ? null : [node], domain: "node" }]
  })
  return [...named, ...selectors, ...affinities, ...devices, ...hostPaths]
}

const claimedDevicePins = (
  resourceClaims: ReadonlyArray<ResourceClaim>,
  onNodes: KnownNodes
): ReadonlyArray<Pin> =>
  resourceClaims.flatMap(({ name, nodes }) =>
    nodes === null ? [] : restrict("resourceClaim", name, onNodes, ({ facts }) => nodes.includes(facts.name))
  )

/**
 * All constraints on where a replica can run. If no single pin leaves only one node and all of them together
 * with the taints do, that node is `onlyNode`.
 *
 * Free CPU, memory and devices in use by others are not looked at: they change by the minute.
 */
export const pinsOf = (
  node: string | null,
  appWorkload: AppWorkload,
  claims: ReadonlyArray<Claim>,
  resourceClaims: ReadonlyArray<ResourceClaim>,
  onNodes: KnownNodes
): ReadonlyArray<Pin> => {
  const pins = [
    ...volumePins(claims, node, onNodes),
    ...templatePins(appWorkload, node, onNodes),
    ...claimedDevicePins(resourceClaims, onNodes)
  ]
  const { nodes } = onNodes
  if (nodes === null || nodes.length < 2 || pins.some((pin) => pin.nodes?.length === 1)) return pins
  const tolerations = (appWorkload.template.spec.tolerations ?? []).map(formatToleration)
  const left = nodes.filter(
    ({ facts }) =>
      // A lost node's own taints are temporary: they describe its state, not where its pods belong.
      admits(
        facts.taints.filter((taint) => !taint.startsWith("node.kubernetes.io/")),
        tolerations
      ) && pins.every((pin) => pin.nodes === null || pin.nodes.includes(facts.name))
  )
  const [only] = left
  return left.length === 1 && only
    ? [...pins, { by: "onlyNode", name: only.facts.name, nodes: [only.facts.name], domain: "node" }]
    : pins
}
