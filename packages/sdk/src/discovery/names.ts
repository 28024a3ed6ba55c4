/** The names of peers, by Kubernetes' DNS specification, and the cluster's domain, which is in no API. */

import { podName, range } from "../Ordinal.ts"

/** The domain of a StatefulSet's pods. */
export interface Naming {
  readonly namespace: string
  /** The StatefulSet's name. */
  readonly name: string
  /** The governing Service's name. */
  readonly service: string
  /** `null` if unknown; names then end in `.svc`, which resolves in pods only through their search list. */
  readonly clusterDomain: string | null
}

/** `db-0.db.shop.svc.cluster.local`, in lower case as DNS compares it. */
export const fqdnOf = (
  hostname: string,
  { namespace, service, clusterDomain }: Pick<Naming, "namespace" | "service" | "clusterDomain">
): string =>
  [hostname, service, namespace, "svc", ...(clusterDomain === null ? [] : [clusterDomain])].join(".")

/** A peer that will be there, by the name that it will have. */
export interface InitialPeer {
  readonly ordinal: number
  readonly name: string
  readonly fqdn: string
}

/**
 * The names of all requested ordinals, whether or not their pods exist: the first members of a cluster that
 * bootstraps itself.
 *
 * **Caveats**: none of them resolves before its pod is ready, unless the governing Service has
 * `publishNotReadyAddresses`; members that wait for each other to become ready wait forever.
 */
export const initialPeers = (
  naming: Naming,
  { start = 0, replicas }: { readonly start?: number; readonly replicas: number }
): ReadonlyArray<InitialPeer> =>
  range(start, replicas).map((ordinal) => {
    const name = podName(naming.name, ordinal)
    return { ordinal, name, fqdn: fqdnOf(name, naming) }
  })

const searchList = (resolvConf: string): ReadonlyArray<string> => {
  // The last line counts, as resolvers have it.
  const line = resolvConf.split("\n").findLast((each) => /^\s*(search|domain)\s/.test(each))
  return (line ?? "")
    .trim()
    .split(/\s+/)
    .slice(1)
    .map((each) => (each.endsWith(".") ? each.slice(0, -1) : each).toLowerCase())
}

/**
 * The cluster's domain from a pod's `/etc/resolv.conf`, into which the kubelet writes
 * `<namespace>.svc.<domain> svc.<domain> <domain>`; `null` if it is not there, as with the host's own DNS.
 */
export const clusterDomainOf = (resolvConf: string): string | null => {
  const list = searchList(resolvConf)
  const domains = list.filter(
    (domain) => list.includes(`svc.${domain}`) && list.some((each) => each.endsWith(`.svc.${domain}`))
  )
  // In a namespace called "svc" there are two, and the domain is the shorter one.
  return domains.toSorted((a, b) => a.length - b.length)[0] ?? null
}
