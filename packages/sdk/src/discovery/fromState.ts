/**
 * Peers from an application's state that has been read already. It contains less than the objects do: no port
 * numbers of the pod, no draining annotation, no separate endpoints.
 */
import { isEnd } from "../kind/Pod.ts"
import type { Replica } from "../Replica.ts"
import type { AppState } from "../state/AppState.ts"
import type { Service, Workload } from "../Topology.ts"
import { problems } from "./governing.ts"
import { availabilityOf, isIPv6 } from "./observe.ts"
import type { Peer, Peers, Problem } from "./peer.ts"

const serviceProblems = (
  state: AppState,
  set: Workload,
  service: Service | undefined
): ReadonlyArray<Problem> => {
  const { namespace } = state
  const { serviceName, name, selector } = set
  if (serviceName === null) return [problems.noGoverningService({ namespace, set: name })]
  const names = { namespace, set: name, service: serviceName }
  if (service === undefined || service.present === null) return [problems.servicesUnread(names)]
  if (!service.present) return [problems.serviceMissing(names, selector)]
  if (service.type === "ExternalName") return [problems.externalName(names)]
  if (!service.selectsPods) return [problems.otherSelector(names, "has no selector, or one for other pods")]
  return service.headless ? [] : [problems.notHeadless(names)]
}

const peerOf = (
  replica: Replica & { readonly ordinal: number },
  zone: string | null,
  service: Service | undefined
): Peer => {
  const { ordinal, name, wanted, pod, known } = replica
  const serving = pod?.ready ?? false
  const terminating = pod?.deleted != null
  const ready = serving && !terminating
  const isServed = service?.present === true && service.selectsPods && service.type !== "ExternalName"
  // Without an address, or once the pod has ended, there is no endpoint to publish.
  const hasEndpoint = pod !== null && pod.ips.length > 0 && !isEnd(pod.phase)
  const published = hasEndpoint && (ready || service?.publishNotReadyAddresses === true)
  const domain = pod?.fqdn ?? null
  return {
    ordinal,
    name,
    wanted,
    availability: availabilityOf({ wanted, ready, draining: null, isThere: pod !== null }),
    ready,
    serving,
    terminating,
    draining: null,
    uid: pod?.uid ?? null,
    fqdn: isServed || service?.present === null ? domain : null,
    resolvable: service?.present === null || !known ? null : isServed && domain !== null && published,
    ipv4: pod?.ips.find((ip) => !isIPv6(ip)) ?? null,
    ipv6: pod?.ips.find(isIPv6) ?? null,
    ports: null,
    node: pod?.node ?? null,
    zone,
    revision: pod?.revision ?? null,
    since: pod?.readySince ?? null,
    services: [],
    reason:
      pod === null
        ? known
          ? `there is no pod ${name}`
          : `pods could not be read`
        : (pod.reason ?? (terminating ? `${name} has been terminating since ${pod.deleted}` : null))
  }
}

/** The peers of each StatefulSet of the application. */
export const peers = (state: AppState): ReadonlyArray<Peers> => {
  const zones = new Map(state.placements.map(({ replica, zone }) => [replica, zone]))
  const replicasOf = Map.groupBy(state.replicas, ({ workload }) => workload)
  return state.workloads.flatMap((set): ReadonlyArray<Peers> => {
    if (set.kind !== "StatefulSet") return []
    const service = state.services.find(({ name }) => name === set.serviceName)
    const replicas = replicasOf.get(`StatefulSet/${set.name}`) ?? []
    const names = { namespace: state.namespace, set: set.name }
    const arePodsRead = replicas.every(({ known }) => known)
    return [
      {
        apiVersion: "kubectl-stateful.dev/v1",
        kind: "Peers",
        name: set.name,
        namespace: state.namespace,
        uid: set.uid,
        start: set.firstOrdinal,
        replicas: set.replicas,
        service: set.serviceName,
        clusterDomain: null,
        source: arePodsRead ? "pods" : "none",
        problems: [
          ...serviceProblems(state, set, service),
          ...(set.replicas === 0 ? [problems.noReplicas(names)] : []),
          ...(arePodsRead ? [] : [problems.podsUnread(names, "only the names of its ordinals are known")])
        ],
        peers: replicas
          .flatMap((replica) => {
            const { ordinal } = replica
            return ordinal === null
              ? []
              : [peerOf({ ...replica, ordinal }, zones.get(replica.name) ?? null, service)]
          })
          .toSorted((a, b) => a.ordinal - b.ordinal)
      }
    ]
  })
}
