/** Peers by DNS only, for a pod that cannot connect to the API server. */
import { resolveSrv } from "node:dns/promises"
import * as Effect from "effect/Effect"
import { ClusterError } from "../Cluster.ts"
import { parse } from "../Ordinal.ts"

/** The DNS records of one pod: it is published, and its port. */
export interface DnsPeer {
  readonly ordinal: number
  /** The pod's name. */
  readonly name: string
  readonly fqdn: string
  readonly port: number
}

export interface DnsRef {
  readonly namespace: string
  /** The governing Service. */
  readonly service: string
  /** The StatefulSet's name: a Service may select pods of several. Default: of any. */
  readonly name?: string
  /** The port's name in the Service. */
  readonly port: string
  /** Default: `tcp`. */
  readonly protocol?: "tcp" | "udp" | "sctp"
  /** As `Discovery.clusterDomainOf` finds it in `/etc/resolv.conf`. */
  readonly clusterDomain: string
}

/** An endpoint that has no hostname of its own is named by its address, of either family. */
const address = /^(\d+-\d+-\d+-\d+|(?=.*--)[0-9a-f-]+|([0-9a-f]+-){7}[0-9a-f]+)$/

/** The names that an SRV answer has, each once, as peers in the order of their ordinals; others are left out. */
export const peersOfSrv = (
  records: ReadonlyArray<{ readonly name: string; readonly port: number }>,
  set?: string
): ReadonlyArray<DnsPeer> => {
  // Of a pod with addresses of both families there are two records.
  const found = new Map<string, DnsPeer>()
  for (const { name: target, port } of records) {
    const fqdn = target.endsWith(".") ? target.slice(0, -1) : target
    const [name = ""] = fqdn.split(".", 1)
    const end = name.lastIndexOf("-")
    const ordinal = parse(name.slice(end + 1))
    const isOther = set === undefined ? address.test(name) : name.slice(0, Math.max(0, end)) !== set
    if (ordinal !== null && !isOther) found.set(`${name} ${port}`, { ordinal, name, fqdn, port })
  }
  return [...found.values()].toSorted((a, b) => a.ordinal - b.ordinal)
}

/**
 * The peers that the Service's SRV records name: those that are ready, or all that have an address under a
 * Service with `publishNotReadyAddresses`. None is an empty list.
 *
 * **Caveats**: an answer, positive or negative, is as old as CoreDNS caches it, up to 30 s with kubeadm's
 * settings; it does not contain pods that are not ready, terminating or draining, nor how many there should
 * be. Query it on a timer, and not while waiting for a pod: negative answers are cached as well.
 */
export const dnsPeers = (ref: DnsRef): Effect.Effect<ReadonlyArray<DnsPeer>, ClusterError> => {
  const { namespace, service, port, protocol = "tcp", clusterDomain } = ref
  const name = `_${port}._${protocol}.${service}.${namespace}.svc.${clusterDomain}`
  return Effect.tryPromise({ try: () => resolveSrv(name), catch: (error) => error }).pipe(
    Effect.map((records) => peersOfSrv(records, ref.name)),
    Effect.catch((error) => {
      const code = error instanceof Error && "code" in error ? String(error.code) : String(error)
      return code === "ENOTFOUND" || code === "ENODATA"
        ? Effect.succeed([])
        : Effect.fail(
            new ClusterError({
              reason: { _tag: "Unavailable" },
              message: `SRV ${name}: ${code}`,
              action: "check the pod's dnsPolicy and that CoreDNS runs"
            })
          )
    })
  )
}
