/**
 * Discovery: where each pod of a StatefulSet is, by which name and address, and whether it can be
 * used: one consistent view of all ordinals, those without a pod among them.
 *
 * `watch` follows a cluster; `observe` takes the objects themselves, `peers` a state that was read
 * anyway, and both are pure. All give the same `Peers`, whose peers `Routing` takes as members.
 */
import type { Peer, Peers } from "./discovery/peer.ts"
import type { Members } from "./Members.ts"

export { checkDns, DnsCheck, NameCheck } from "./discovery/dns.ts"
export { peers } from "./discovery/fromState.ts"
export { clusterDomainOf, fqdnOf, type InitialPeer, initialPeers, type Naming } from "./discovery/names.ts"
export { type Observation, observe } from "./discovery/observe.ts"
export { drainingAnnotation } from "./Labels.ts"
export { type RoleOptions, roles } from "./discovery/role.ts"
export { defaultInterval, read, type SetRef, watch, type WatchOptions } from "./discovery/watch.ts"
export { Peer, Peers, Port, Problem } from "./discovery/peer.ts"

/**
 * A view of peers as the members that `Routing.picker` takes.
 *
 * **Caveats**: if pods could not be read, it is unknown which are draining: such an ordinal counts as `Ready`
 * until it terminates.
 */
export const members = ({
  name,
  start,
  peers,
  problems,
  source
}: Peers): Members & { readonly members: ReadonlyArray<Peer> } => {
  const why = problems.find(
    ({ reason }) => reason === "Deleted" || (source === "none" && reason === "PodsUnread")
  )
  return { name, start, members: peers, ...(why === undefined ? {} : { why: why.message }) }
}
