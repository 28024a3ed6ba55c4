/**
 * The endpoints of one Service over all of its EndpointSlices, each pod once: a Service has several
 * slices as soon as it is dual-stack, large, or has pods with other ports.
 *
 * An absent `ready` or `serving` is true and an absent `terminating` false, as discovery/v1 says;
 * with `publishNotReadyAddresses`, `ready` is true of every endpoint and only `serving` tells.
 */
import type { EndpointSlice } from "../kind/Network.ts"
import type { Port } from "./peer.ts"
import { ofSlice } from "./ports.ts"

export interface Endpoint {
  /** The pod's name, by `targetRef`, or by the hostname of a manually written endpoint. */
  readonly pod: string
  readonly uid: string | null
  readonly hostname: string | null
  readonly ipv4: string | null
  readonly ipv6: string | null
  readonly ports: ReadonlyArray<Port>
  /** As the API has it: DNS has a name for it. */
  readonly published: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly node: string | null
  readonly zone: string | null
}

const serviceLabel = "kubernetes.io/service-name"

type Written = NonNullable<EndpointSlice["endpoints"]>[number]

/** The pod in the slice's own namespace; `null` if it is for something else. */
const podOf = ({ targetRef, hostname }: Written, { metadata }: EndpointSlice): string | null => {
  if (targetRef == null) return hostname || null
  const isAway = targetRef.namespace != null && targetRef.namespace !== metadata.namespace
  return targetRef.kind !== "Pod" || isAway ? null : (targetRef.name ?? null)
}

const endpointOf = (written: Written, pod: string, slice: EndpointSlice): Endpoint => {
  const { ready, serving, terminating } = written.conditions ?? {}
  // The API gives no meaning to any address beyond the first.
  const address = written.addresses[0] ?? null
  return {
    pod,
    uid: written.targetRef?.uid ?? null,
    hostname: written.hostname ?? null,
    ipv4: slice.addressType === "IPv4" ? address : null,
    ipv6: slice.addressType === "IPv6" ? address : null,
    ports: ofSlice(slice),
    published: ready ?? true,
    // Before 1.26 some writers left `serving` out: it defers to `ready`.
    serving: serving ?? ready ?? true,
    terminating: terminating ?? false,
    node: written.nodeName ?? null,
    zone: written.zone ?? null
  }
}

/**
 * Of two pods with one name, one was deleted, and a slice is stale: the one that is terminating; otherwise it
 * is unknown which.
 */
const ofTwoPods = (a: Endpoint, b: Endpoint): Endpoint => {
  // What somebody wrote by hand does not stand in for the pod itself.
  if (a.uid === null || b.uid === null) return a.uid === null ? b : a
  if (a.terminating !== b.terminating) return a.terminating ? b : a
  return { ...a, serving: false }
}

const ofOnePod = (a: Endpoint, b: Endpoint): Endpoint => ({
  ...a,
  hostname: a.hostname ?? b.hostname,
  ipv4: a.ipv4 ?? b.ipv4,
  ipv6: a.ipv6 ?? b.ipv6,
  ports: [
    ...a.ports,
    ...b.ports.filter(
      ({ name, protocol }) => !a.ports.some((each) => each.name === name && each.protocol === protocol)
    )
  ],
  published: a.published || b.published,
  // Slices are not written together. Termination is never taken back, so whichever says so is newer;
  // of readiness neither is, and the more careful word counts.
  serving: a.serving && b.serving,
  terminating: a.terminating || b.terminating,
  node: a.node ?? b.node,
  zone: a.zone ?? b.zone
})

/** The endpoints of that Service that belong to pods, by the pod's name. */
export const endpointsOf = (
  service: string,
  slices: ReadonlyArray<EndpointSlice>
): ReadonlyMap<string, Endpoint> => {
  const found = new Map<string, Endpoint>()
  for (const slice of slices) {
    if (slice.metadata.labels?.[serviceLabel] !== service) continue
    // No meaning is defined for FQDN slices, and nobody reads them.
    if (slice.addressType !== "IPv4" && slice.addressType !== "IPv6") continue
    for (const written of slice.endpoints ?? []) {
      const pod = podOf(written, slice)
      if (pod === null) continue
      const endpoint = endpointOf(written, pod, slice)
      const other = found.get(pod)
      if (other === undefined) found.set(pod, endpoint)
      else found.set(pod, (other.uid === endpoint.uid ? ofOnePod : ofTwoPods)(other, endpoint))
    }
  }
  return found
}
