/**
 * `observe`: from lists of objects to the peers of one StatefulSet. Pure, and total: unreadable data is
 * `null`, and problems are reported, not thrown.
 */
import * as Ordinal from "../Ordinal.ts"
import type { EndpointSlice, Service } from "../kind/Network.ts"
import type { Node } from "../kind/Node.ts"
import { isEnd, type Pod } from "../kind/Pod.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { controllerOf } from "../kind/Meta.ts"
import { readinessOf } from "../state/Readiness.ts"
import { type Endpoint, endpointsOf } from "./endpoints.ts"
import { type Governing, governingOf, problems, servicesByPod } from "./governing.ts"
import { fqdnOf } from "./names.ts"
import type { Peer, Peers, Problem } from "./peer.ts"
import { declared, throughService } from "./ports.ts"
import { drainingAnnotation } from "../Labels.ts"
import { podName } from "../Ordinal.ts"

/** The observed objects; `null` if one could not be read. */
export interface Observation {
  readonly set: StatefulSet
  readonly pods: ReadonlyArray<Pod> | null
  readonly services: ReadonlyArray<Service> | null
  readonly slices: ReadonlyArray<EndpointSlice> | null
  readonly nodes: ReadonlyArray<Node> | null
  readonly clusterDomain: string | null
}

const zoneLabel = "topology.kubernetes.io/zone"

/** Ordinals without a pod are named up to this many, so that a mistyped `replicas: 2000000000` is only a number. */
const mostMissing = 10_000

/** The observation, and the data that all peers share. */
interface Around {
  readonly observation: Observation
  readonly governing: Governing
  readonly nodes: ReadonlyMap<string, Node> | null
  /** The Services that select a single pod, by its name. */
  readonly services: ReadonlyMap<string, ReadonlyArray<string>>
  /** By the pod's name; `null` if not read. */
  readonly endpoints: ReadonlyMap<string, Endpoint> | null
  /** By a pod's containers: pods that share them share their ports. */
  readonly ports: Map<unknown, Peer["ports"]>
  /** By the pod, as long as nothing else has changed. */
  readonly peers: WeakMap<Pod, Peer>
}

const noServices: ReadonlyArray<string> = []

export const isIPv6 = (ip: string): boolean => ip.includes(":")

const ipsOf = ({ status }: Pod): ReadonlyArray<string> =>
  (status?.podIPs ?? []).flatMap(({ ip }) => (ip ? [ip] : []))

export const availabilityOf = (
  peer: Pick<Peer, "wanted" | "ready" | "draining"> & { readonly isThere: boolean }
): Peer["availability"] => {
  if (!peer.isThere) return "Missing"
  if (!peer.wanted || peer.draining === true) return "Leaving"
  return peer.ready ? "Ready" : "NotReady"
}

/** The name of the pod in DNS once it is published; `null` for none. */
const nameOf = (pod: Pod, { governing, observation }: Around): string | null => {
  const { hostname, subdomain } = pod.spec
  if (!hostname || !subdomain || governing.canResolve === false) return null
  const { set, clusterDomain } = observation
  return fqdnOf(hostname, {
    namespace: set.metadata.namespace ?? "default",
    service: subdomain,
    clusterDomain
  })
}

/** Whether the name resolves, and the reason if not. */
interface Resolution {
  readonly resolvable: boolean | null
  readonly why: string | null
}

const no = (why: string): Resolution => ({ resolvable: false, why })
const unknown: Resolution = { resolvable: null, why: null }

const resolutionOf = (pod: Pod, serving: boolean, around: Around): Resolution => {
  const { governing, endpoints } = around
  const { name } = pod.metadata
  const { hostname, subdomain } = pod.spec
  if (governing.canResolve === false)
    return no(governing.problems[0]?.message ?? "it has no governing Service")
  if (!hostname || subdomain !== governing.name) {
    return no(
      `${name} has hostname ${hostname || "<none>"} and subdomain ${subdomain || "<none>"}, not those of Service ${governing.name}: it has no DNS name until it is recreated`
    )
  }
  const ips = ipsOf(pod)
  if (ips.length === 0) return no(`${name} has no address yet`)
  const families = governing.service?.spec.ipFamilies ?? []
  if (families.length > 0 && !ips.some((ip) => families.includes(isIPv6(ip) ? "IPv6" : "IPv4"))) {
    return no(
      `${name} has no ${families.join(" or ")} address, and Service ${governing.name} has names for those`
    )
  }
  if (isEnd(pod.status?.phase)) {
    return no(`${name} has finished (${pod.status.phase}), and has no endpoint`)
  }
  const endpoint = endpoints?.get(name)
  if (endpoints !== null) {
    const isFollowed = endpoint !== undefined && (endpoint.uid === null || endpoint.uid === pod.metadata.uid)
    if (!isFollowed) return no(`${name} is not yet in an EndpointSlice of Service ${governing.name}`)
    return endpoint.published
      ? { resolvable: true, why: null }
      : no(`${name} is not published: Service ${governing.name} has names for ready pods only`)
  }
  if (governing.canResolve === null) return unknown
  if (governing.isPublishing || (serving && !pod.metadata.deletionTimestamp)) {
    return { resolvable: true, why: null }
  }
  return no(`${name} is not published: Service ${governing.name} has names for ready pods only`)
}

const portsOf = (pod: Pod, { governing, ports }: Around): Peer["ports"] => {
  const { containers, initContainers } = pod.spec
  // A side-car may name a port too, and then pods are looked at one by one.
  const isAlone = (initContainers ?? []).length === 0
  const known = isAlone ? ports.get(containers) : undefined
  if (known !== undefined) return known
  const found = governing.service === null ? declared(pod) : throughService(governing.service, pod)
  if (isAlone) ports.set(containers, found)
  return found
}

const peerOfPod = (pod: Pod, ordinal: number, around: Around): Peer => {
  const { observation, nodes } = around
  const { labels, annotations, deletionTimestamp, name, uid } = pod.metadata
  const { ready: serving, since, reason } = readinessOf(pod, nodes)
  const ips = ipsOf(pod)
  const node = pod.spec.nodeName || null
  const wanted = Ordinal.isWanted(observation.set, ordinal)
  const terminating = Boolean(deletionTimestamp)
  const ready = serving && !terminating
  const draining = annotations?.[drainingAnnotation] !== undefined
  const { resolvable, why } = resolutionOf(pod, serving, around)
  return {
    ordinal,
    name,
    wanted,
    availability: availabilityOf({ wanted, ready, draining, isThere: true }),
    ready,
    serving,
    terminating,
    draining,
    uid: uid ?? null,
    fqdn: nameOf(pod, around),
    resolvable,
    ipv4: ips.find((ip) => !isIPv6(ip)) ?? null,
    ipv6: ips.find(isIPv6) ?? null,
    ports: portsOf(pod, around),
    node,
    // Since 1.35 the pod carries it itself (KEP-4742); before, nodes have to be readable.
    zone:
      labels?.[zoneLabel] ??
      nodes?.get(node ?? "")?.metadata.labels?.[zoneLabel] ??
      around.endpoints?.get(name)?.zone ??
      null,
    revision: labels?.["controller-revision-hash"] ?? null,
    since,
    services: around.services.get(name) ?? noServices,
    reason: reason ?? (terminating ? `${name} has been terminating since ${deletionTimestamp}` : null) ?? why
  }
}

/** An ordinal that only its endpoint speaks of, or nothing at all. */
const peerOfEndpoint = (ordinal: number, endpoint: Endpoint | undefined, around: Around): Peer => {
  const { observation, governing } = around
  const { set, clusterDomain } = observation
  const name = podName(set.metadata.name, ordinal)
  const wanted = Ordinal.isWanted(set, ordinal)
  const serving = endpoint?.serving ?? false
  const terminating = endpoint?.terminating ?? false
  const ready = serving && !terminating
  const service = governing.name
  const arePodsRead = observation.pods !== null
  const [why, draining] = arePodsRead
    ? [`there is no pod ${name}`, false]
    : [`${name} has no endpoint: it does not exist, or has no address yet; pods could not be read`, null]
  return {
    ordinal,
    name,
    wanted,
    availability: availabilityOf({ wanted, ready, draining, isThere: endpoint !== undefined }),
    ready,
    serving,
    terminating,
    draining,
    uid: endpoint?.uid ?? null,
    fqdn:
      service === null || governing.canResolve === false
        ? null
        : fqdnOf(name, {
            namespace: set.metadata.namespace ?? "default",
            service,
            clusterDomain
          }),
    resolvable:
      endpoint === undefined
        ? arePodsRead || around.endpoints !== null
          ? false
          : null
        : endpoint.published && endpoint.hostname === name,
    ipv4: endpoint?.ipv4 ?? null,
    ipv6: endpoint?.ipv6 ?? null,
    ports: endpoint?.ports ?? null,
    node: endpoint?.node ?? null,
    zone: endpoint?.zone ?? null,
    revision: null,
    since: null,
    services: around.services.get(name) ?? noServices,
    reason:
      endpoint === undefined
        ? why
        : ready
          ? null
          : terminating
            ? `${name} is terminating`
            : `${name} is not ready`
  }
}

const ownPods = ({ set, pods }: Observation): ReadonlyMap<number, Pod> => {
  const found = new Map<number, Pod>()
  for (const pod of pods ?? []) {
    // By uid: pods of another set, or of one that was deleted and recreated, may have the name.
    if (controllerOf(pod.metadata)?.uid !== set.metadata.uid) continue
    const ordinal = Ordinal.ofPod(set, pod)
    if (ordinal !== null) found.set(ordinal, pod)
  }
  return found
}

const endpointsByPod = (observation: Observation, governing: Governing): Around["endpoints"] => {
  if (observation.slices === null || governing.name === null) return null
  return endpointsOf(governing.name, observation.slices)
}

const ordinalsOf = (
  { set, pods }: Observation,
  own: ReadonlyMap<number, Pod>,
  endpoints: Around["endpoints"]
): ReadonlyArray<number> => {
  const { start, count } = Ordinal.wanted(set)
  const ordinals = new Set(own.keys())
  for (let index = 0; index < Math.min(count, mostMissing); index++) ordinals.add(start + index)
  if (pods === null) {
    for (const name of endpoints?.keys() ?? []) {
      const ordinal = Ordinal.after(`${set.metadata.name}-`, name)
      if (ordinal !== null) ordinals.add(ordinal)
    }
  }
  return [...ordinals].toSorted((a, b) => a - b)
}

const problemsOf = ({ set, pods, slices }: Observation, governing: Governing): ReadonlyArray<Problem> => {
  const names = { namespace: set.metadata.namespace ?? "default", set: set.metadata.name }
  const known =
    slices === null
      ? "nor could its EndpointSlices, so only the names of its ordinals are known"
      : "the output is based on its EndpointSlices, which are updated later and do not show which pods are draining"
  return [
    ...governing.problems,
    ...(Ordinal.wanted(set).count === 0 ? [problems.noReplicas(names)] : []),
    ...(pods === null ? [problems.podsUnread(names, known)] : [])
  ]
}

const aroundOf = (observation: Observation): Around => {
  const { set, services, nodes } = observation
  const governing = governingOf(set, services)
  return {
    observation,
    governing,
    services: servicesByPod(services),
    nodes: nodes === null ? null : new Map(nodes.map((node) => [node.metadata.name, node])),
    endpoints: endpointsByPod(observation, governing),
    ports: new Map(),
    peers: new WeakMap()
  }
}

const viewOf = (observation: Observation, around: Around): Peers => {
  const { set, pods, slices, clusterDomain } = observation
  const { governing, endpoints } = around
  const own = ownPods(observation)
  const { start, count } = Ordinal.wanted(set)
  const known = (pod: Pod, ordinal: number): Peer => {
    const peer = around.peers.get(pod) ?? peerOfPod(pod, ordinal, around)
    around.peers.set(pod, peer)
    return peer
  }
  return {
    apiVersion: "kubectl-stateful.dev/v1",
    kind: "Peers",
    name: set.metadata.name,
    namespace: set.metadata.namespace ?? "default",
    uid: set.metadata.uid ?? null,
    start,
    replicas: count,
    service: governing.name,
    clusterDomain,
    source: pods !== null ? "pods" : slices !== null ? "endpointslices" : "none",
    problems: problemsOf(observation, governing),
    peers: ordinalsOf(observation, own, endpoints).map((ordinal) => {
      const pod = own.get(ordinal)
      if (pod !== undefined) return known(pod, ordinal)
      const name = podName(set.metadata.name, ordinal)
      // Where pods could be read, an endpoint without one belongs to a deleted pod.
      return peerOfEndpoint(ordinal, pods === null ? endpoints?.get(name) : undefined, around)
    })
  }
}

const common = ["set", "services", "slices", "nodes", "clusterDomain"] as const

/**
 * `observe` for views that follow one another: while only pods change, those that did not are the same
 * peers as before, and cost nothing.
 */
export const observer = (): ((observation: Observation) => Peers) => {
  let before: Around | null = null
  return (observation) => {
    const last = before
    const isSame =
      last !== null &&
      (last.observation.pods === null) === (observation.pods === null) &&
      common.every((key) => last.observation[key] === observation[key])
    const around = isSame ? last : aroundOf(observation)
    before = around
    return viewOf(observation, around)
  }
}

/** The peers of one StatefulSet. Objects of others may be among the lists. */
export const observe = (observation: Observation): Peers => viewOf(observation, aroundOf(observation))
