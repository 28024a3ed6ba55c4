/**
 * The answers of a pod's own resolver for the peers' names, compared with the cluster's objects.
 *
 * The names are resolved in a pod, since its search list, its DNS policy and its node's caches are those of a
 * client.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { type Outcome, run } from "../Hook.ts"
import { shellWord } from "../ShellWord.ts"
import { clusterDomainOf } from "./names.ts"
import type { Peer, Peers } from "./peer.ts"

const { Array, Literals, NullOr, String, Struct } = Schema

/**
 * - `Resolves`: to the pod's own address.
 * - `Absent`: it does not resolve, and should not.
 * - `CachedRefusal`: it does not resolve, and should: a negative answer from before the pod was published is
 *   cached.
 * - `CachedAddress`: it resolves to a previous address.
 * - `OtherAddress`: it resolves to an address that is not the pod's, and no cache explains that.
 * - `Refused`: it does not, and should, and no cache explains that.
 * - `Unknown`: it could not be resolved anywhere, or the expected answer is unknown.
 */
export const Verdict = Literals([
  "Resolves",
  "Absent",
  "CachedRefusal",
  "CachedAddress",
  "OtherAddress",
  "Refused",
  "Unknown"
])

export const NameCheck = Struct({
  name: String,
  /** As it was asked for. */
  fqdn: NullOr(String),
  addresses: Array(String),
  verdict: Verdict,
  /** `null` if it is as expected. */
  message: NullOr(String)
})
export type NameCheck = typeof NameCheck.Type

export const DnsCheck = Struct({
  /** The pod that resolved the names; `null` if there was none. */
  pod: NullOr(String),
  /** From that pod's `/etc/resolv.conf`; `null` if it is not there. */
  clusterDomain: NullOr(String),
  names: Array(NameCheck)
})
export type DnsCheck = typeof DnsCheck.Type

/** Time that CoreDNS caches an answer, positive or negative, with kubeadm's settings, in milliseconds. */
const cacheMillis = 30_000

/** Names in one call: its output is kept to 4096 characters. */
const batch = 40

/**
 * Prints for each name its number and its addresses, in one line; with getent if available, as programs
 * resolve names, otherwise nslookup.
 */
const script = `ask() {
  if command -v getent >/dev/null 2>&1; then getent ahosts "$1" | while read -r a b; do echo "$a"; done
  else nslookup "$1" 2>/dev/null | sed -n '/^Name:/,$ s/^Address[ 0-9]*: *//p'; fi
}
command -v getent >/dev/null 2>&1 || command -v nslookup >/dev/null 2>&1 || { echo "neither getent nor nslookup" >&2; exit 1; }
i=0
for n in "$@"; do echo "$i" $(ask "$n"); i=$((i + 1)); done`

const timeout = 20_000

/** Runs a command in the pod: its output, or the reason that there is none. */
const inPod = (
  { namespace }: Pick<Peers, "namespace">,
  { name, ordinal, fqdn }: Peer,
  argv: ReadonlyArray<string>
): Effect.Effect<Outcome, never, Cluster> =>
  run(
    { _tag: "Command", argv, container: null, timeout },
    { namespace, pod: name, ordinal, fqdn: fqdn ?? name }
  )

/** The addresses by name, or the reason that they are unknown. */
const lookUp = (
  peers: Peers,
  asking: Peer,
  names: ReadonlyArray<string>
): Effect.Effect<ReadonlyMap<string, ReadonlyArray<string>> | string, never, Cluster> =>
  Effect.gen(function* () {
    const found = new Map<string, ReadonlyArray<string>>()
    for (let from = 0; from < names.length; from += batch) {
      const some = names.slice(from, from + batch)
      // The dot at its end says that the name is whole, so that no search list is tried.
      const asked = some.map((name) => (name.endsWith(".svc") ? name : `${name}.`))
      const outcome = yield* inPod(peers, asking, ["sh", "-c", script, "sh", ...asked])
      if (outcome._tag !== "Succeeded") return outcome.message
      for (const line of outcome.output.split("\n")) {
        const [index = "", ...addresses] = line.trim().split(/\s+/)
        const name = some[Number(index)]
        if (index !== "" && name !== undefined) found.set(name, [...new Set(addresses)])
      }
    }
    return found
  })

/** Answered by CoreDNS from another entry of its cache than a pod's own name. */
const serviceNameOf = (fqdn: string): string => fqdn.slice(fqdn.indexOf(".") + 1)

interface Asked {
  readonly pod: string
  readonly answers: ReadonlyMap<string, ReadonlyArray<string>>
  readonly now: number
}

const seconds = (millis: number): string => `${Math.ceil(millis / 1000)} s`

const refusal = (
  peer: Peer,
  fqdn: string,
  { pod, answers, now }: Asked
): Omit<NameCheck, "name" | "fqdn"> => {
  const own = [peer.ipv4, peer.ipv6].filter((ip) => ip !== null)
  const age = peer.since === null ? null : now - Date.parse(peer.since)
  const isListed = answers.get(serviceNameOf(fqdn))?.some((ip) => own.includes(ip)) === true
  const fact = `${fqdn} does not resolve in ${pod}, though ${peer.name} is published`
  if (age !== null && age < cacheMillis) {
    const left = seconds(cacheMillis - Math.max(0, age))
    return {
      addresses: [],
      verdict: "CachedRefusal",
      message: `${fact}: a negative answer may be cached for at most ${left} more with kubeadm's CoreDNS`
    }
  }
  if (isListed) {
    return {
      addresses: [],
      verdict: "CachedRefusal",
      message: `${fact}, and its Service's name has its address: a negative answer may be cached for at most ${seconds(cacheMillis)} with kubeadm's CoreDNS; ask for a name only once its pod is published`
    }
  }
  return {
    addresses: [],
    verdict: "Refused",
    message: `${fact}, for longer than negative answers are cached: check CoreDNS and this pod's dnsPolicy`
  }
}

/** An answer is cached as a whole: one that contains the pod's own address is no older than the pod. */
const foreign = (
  peer: Peer,
  fqdn: string,
  own: ReadonlyArray<string>,
  addresses: ReadonlyArray<string>,
  { pod, now }: Asked
): Pick<NameCheck, "verdict" | "message"> => {
  const others = addresses.filter((ip) => !own.includes(ip)).join(", ")
  const [service = "", namespace = ""] = serviceNameOf(fqdn).split(".")
  const fact = `${fqdn} resolves in ${pod} to ${others}, which ${own.length === 0 ? `${peer.name} has not` : `is not ${own.join(" or ")}`}`
  const isOld = peer.resolvable === true && peer.since !== null && now - Date.parse(peer.since) >= cacheMillis
  return isOld || addresses.some((ip) => own.includes(ip))
    ? {
        verdict: "OtherAddress",
        message: `${fact}, which caching does not explain: check for EndpointSlices with another owner: kubectl get endpointslices -l kubernetes.io/service-name=${shellWord(service)} -n ${shellWord(namespace)}`
      }
    : {
        verdict: "CachedAddress",
        message: `${fact}: a cached answer, for at most ${seconds(cacheMillis)} with kubeadm's CoreDNS`
      }
}

const checked = (peer: Peer, fqdn: string | null, asked: Asked): NameCheck => {
  const { name } = peer
  const addresses = fqdn === null ? undefined : asked.answers.get(fqdn)
  if (fqdn === null) return { name, fqdn, addresses: [], verdict: "Absent", message: null }
  if (addresses === undefined) {
    return { name, fqdn, addresses: [], verdict: "Unknown", message: `${fqdn}: ${asked.pod} gave no answer` }
  }
  const own = [peer.ipv4, peer.ipv6].filter((ip) => ip !== null)
  if (addresses.length === 0) {
    if (peer.resolvable === true) return { name, fqdn, ...refusal(peer, fqdn, asked) }
    return { name, fqdn, addresses, verdict: "Absent", message: null }
  }
  if (addresses.every((ip) => own.includes(ip))) {
    if (peer.resolvable !== false) return { name, fqdn, addresses, verdict: "Resolves", message: null }
    const still = `${fqdn} still resolves in ${asked.pod}, though ${name} is no longer published: a cached answer, for at most ${seconds(cacheMillis)} with kubeadm's CoreDNS`
    return { name, fqdn, addresses, verdict: "CachedAddress", message: still }
  }
  return { name, fqdn, addresses, ...foreign(peer, fqdn, own, addresses, asked) }
}

const unknown = (peers: Peers, pod: string | null, why: string): DnsCheck => ({
  pod,
  clusterDomain: null,
  names: peers.peers.map(({ name, fqdn }) => ({
    name,
    fqdn,
    addresses: [],
    verdict: "Unknown",
    message: why
  }))
})

/**
 * Pods that wait for each other's names are not ready for that reason: one that has an address runs, or will.
 */
const askedIn = ({ peers }: Peers): Peer | undefined =>
  peers.find(({ availability }) => availability === "Ready") ??
  peers.find(({ serving }) => serving) ??
  peers.find(({ ipv4, ipv6, terminating }) => (ipv4 ?? ipv6) !== null && !terminating)

/**
 * Resolves each peer's name in a pod of the set, the first that is ready or else runs, and compares the
 * answer with the view. The cluster's domain is found there too.
 *
 * **Caveats**: it needs `sh` and `getent` or `nslookup` in the pod's image, and permission to exec; the cache
 * of another pod's node may differ. How long a cache keeps an answer is not in any API: 30 s is kubeadm's
 * setting.
 */
export const checkDns = (peers: Peers): Effect.Effect<DnsCheck, never, Cluster> =>
  Effect.gen(function* () {
    const asking = askedIn(peers)
    if (asking === undefined) return unknown(peers, null, "no pod of the StatefulSet is running to test in")
    const resolver = yield* inPod(peers, asking, ["cat", "/etc/resolv.conf"])
    const domain = resolver._tag === "Succeeded" ? clusterDomainOf(resolver.output) : null
    const whole = (fqdn: string | null) =>
      fqdn !== null && domain !== null && fqdn.endsWith(".svc") ? `${fqdn}.${domain}` : fqdn
    const names = peers.peers.map(({ fqdn }) => whole(fqdn)).filter((name) => name !== null)
    const services = [...new Set(names.map(serviceNameOf))]
    const answers = yield* lookUp(peers, asking, [...names, ...services])
    if (typeof answers === "string")
      return unknown(peers, asking.name, `${asking.name} could not be tested: ${answers}`)
    const now = yield* Clock.currentTimeMillis
    const asked = { pod: asking.name, answers, now }
    return {
      pod: asking.name,
      clusterDomain: domain,
      names: peers.peers.map((peer) => checked(peer, whole(peer.fqdn), asked))
    }
  })
