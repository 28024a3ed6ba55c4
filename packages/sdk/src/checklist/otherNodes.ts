/** Which other nodes could run a replica, and which replicas have none: what keeps each one where it is. */
import type { Claim } from "../Claim.ts"
import type { Node, Placement } from "../Placement.ts"
import type { AppState } from "../state/AppState.ts"
import { inConflict } from "./conflict.ts"
import { deployments, liveClaims, nodeNamed, placementOf, replicasOf, statefulSets, usable } from "./parts.ts"
import { type Apart, keptApart } from "./room.ts"

export type Pin = Placement["pins"][number]

/** A replica, the node that it is on, and what it asks of another one. */
export interface Held {
  readonly replica: string
  readonly node: string | null
  readonly pins: ReadonlyArray<Pin>
  readonly tolerations: ReadonlyArray<string>
  /** The reason that it cannot run on that node next to the pods that are left; by itself only its own node is lost. */
  readonly apart: (node: Node, isLost?: (name: string) => boolean) => Apart | null
}

/** Every replica of the StatefulSets and Deployments. */
export const held = (state: AppState): ReadonlyArray<Held> => {
  return [...statefulSets(state), ...deployments(state)].flatMap((workload) => {
    const apart = keptApart(state, workload)
    return replicasOf(state, workload).map((replica) => {
      const placement = placementOf(state, replica)
      return {
        replica: replica.name,
        node: replica.pod?.node ?? placement?.node ?? null,
        // What is on a hostPath stays behind, but the pod itself can start elsewhere: data-on-host-path.
        pins: placement?.pins.filter((pin) => pin.by !== "hostPath") ?? [],
        tolerations: workload.template.tolerations,
        apart: (node, isLost) => apart(replica, node, isLost)
      }
    })
  })
}

/** Usable nodes other than its own that a pin allows; `null` if unknown. */
const others = (state: AppState, { node, tolerations }: Held, pin: Pin): ReadonlyArray<string> | null =>
  pin.nodes === null || state.nodes === null
    ? null
    : pin.nodes.filter((name) => {
        const candidate = nodeNamed(state, name)
        return name !== node && candidate !== undefined && usable(candidate, tolerations)
      })

/** The volume is on one node's own disk, whether nodes could be read or not. */
export const oneNode = (pin: Pin): boolean =>
  pin.by === "volume" && (pin.domain === "node" || (pin.domain === null && pin.nodes?.length === 1))

const localClaims = (
  state: AppState
): ReadonlyArray<{ readonly name: string; readonly replica: string | null }> =>
  liveClaims(state)
    .filter((claim) => claim.volume?.source === "local" || claim.volume?.source === "hostPath")
    .map((claim) => ({ name: claim.name, replica: claim.usedBy[0] ?? null }))

/** Kubernetes' own, or a driver's. */
const hostKey = /^metadata\.name$|\/(node(-?(name|id))?|hostname)$/

/** The one value that a volume's own affinity asks of a label like this; no node need have it. */
export const askedOf = (state: AppState, claim: string, key: RegExp): string | null => {
  const terms = state.claims.find(({ name }) => name === claim)?.volume?.nodeAffinity ?? []
  const asked = terms.length === 1 ? (terms[0] ?? []) : []
  const found = asked.find((one) => one.operator === "In" && one.values.length === 1 && key.test(one.key))
  return found?.values[0] ?? null
}

/** Each volume that is on one node alone: its name, that node, and whose it is. */
export const onOneNode = (
  state: AppState
): ReadonlyArray<{
  readonly name: string
  readonly node: string | null
  readonly replica: string | null
}> => {
  const all = held(state)
  const pinned = all.flatMap(({ replica, node, pins }) =>
    pins.filter(oneNode).map((pin) => ({
      name: pin.name,
      // The volume still requires a node that was deleted.
      node: pin.nodes?.[0] ?? askedOf(state, pin.name, hostKey) ?? node,
      replica
    }))
  )
  const byReplica = Map.groupBy(all, ({ replica }): string | null => replica)
  const local = localClaims(state).map((claim) => ({
    ...claim,
    node: byReplica.get(claim.replica)?.[0]?.node ?? null
  }))
  return [...Map.groupBy([...pinned, ...local], (volume) => volume.name).values()].flatMap((same) =>
    same.slice(0, 1)
  )
}

/** Pins of this kind that leave no other usable node. */
export const narrow = (
  state: AppState,
  wanted: (pin: Pin) => boolean
): ReadonlyArray<{ readonly one: Held; readonly pin: Pin }> =>
  held(state).flatMap((one) =>
    one.pins
      .filter((pin) => wanted(pin) && others(state, one, pin)?.length === 0)
      .map((pin) => ({ one, pin }))
  )

/** A local disk whose volume does not name its node: its pod may start on a node without its data. */
export const loose = (state: AppState): ReadonlyArray<ReturnType<typeof onOneNode>[number]> => {
  const disks = new Map<string, Array<Claim>>()
  for (const claim of liveClaims(state))
    if (claim.volume?.source === "hostPath" || claim.volume?.source === "local")
      for (const pod of claim.usedBy) disks.set(pod, [...(disks.get(pod) ?? []), claim])
  if (disks.size === 0) return []
  return held(state).flatMap((one) =>
    (disks.get(one.replica) ?? []).flatMap(({ name, volume }) => {
      const pin = one.pins.find((each) => each.by === "volume" && each.name === name)
      const asks = (volume?.nodeAffinity ?? []).length > 0
      // A local volume has to ask for nodes; a hostPath need not, and is then free of them all.
      const isLoose = asks
        ? pin?.nodes?.length !== 1
        : volume?.source === "hostPath" && volume.nodeAffinity !== null
      if (!isLoose) return []
      const free = asks ? one : { ...one, pins: one.pins.filter((each) => each !== pin) }
      const others = openTo(state, free, (node) => node.name !== one.node)
      return one.node !== null && others.some((node) => one.apart(node) === null)
        ? [{ name, node: one.node, replica: one.replica }]
        : []
    })
  )
}

interface Stranded {
  readonly replica: string
  readonly apart: Apart | null
}

/** Usable nodes that its pins leave a replica, and that fit `isThere`. */
export const openTo = (state: AppState, one: Held, isThere: (node: Node) => boolean): ReadonlyArray<Node> =>
  (state.nodes ?? []).filter(
    (node) =>
      isThere(node) &&
      usable(node, one.tolerations) &&
      one.pins.every((pin) => pin.nodes === null || pin.nodes.includes(node.name))
  )

/** A usable node other than its own could take one of these replicas, next to the pods that are there now. */
export const canMove = (state: AppState, replicas: ReadonlyArray<string>): boolean =>
  held(state)
    .filter(({ replica }) => replicas.includes(replica))
    .some((one) =>
      openTo(state, one, ({ name }) => name !== one.node).some((node) => one.apart(node) === null)
    )

/** Replicas of which one thing alone, a pin, tells that they could start nowhere else. */
const pinned = (state: AppState): ReadonlySet<string | null> =>
  new Set([
    ...inConflict(state),
    ...onOneNode(state).map((volume) => volume.replica),
    ...narrow(state, (pin) => pin.by !== "onlyNode").map(({ one }) => one.replica)
  ])

/** Replicas that all that holds them together leaves no other node. */
export const stranded = (state: AppState): ReadonlyArray<Stranded> => {
  if (state.nodes === null) return []
  const explained = pinned(state)
  return held(state).flatMap((one) => {
    if (one.node === null || explained.has(one.replica)) return []
    const apart = openTo(state, one, ({ name }) => name !== one.node).map((node) => one.apart(node))
    return apart.includes(null) ? [] : [{ replica: one.replica, apart: apart[0] ?? null }]
  })
}

/** Replicas that can start only on their own server, by these rules: if it is lost, they do not recover. */
export const heldForGood = (state: AppState): ReadonlySet<string | null> =>
  new Set([...pinned(state), ...stranded(state).map(({ replica }) => replica)])

/** Replicas by their rack or zone that a usable node within it could take, and none outside of it. */
export const strandedWithout = (
  state: AppState,
  domain: "rack" | "zone"
): ReadonlyMap<string, ReadonlyArray<string>> => {
  const explained = heldForGood(state)
  const found = held(state).flatMap((one) => {
    const name = nodeNamed(state, one.node)?.[domain] ?? null
    if (name === null || explained.has(one.replica)) return []
    const isFree = openTo(state, one, (node) => node[domain] !== name).some(
      (node) => one.apart(node, (lost) => nodeNamed(state, lost)?.[domain] === name) === null
    )
    return isFree ? [] : [{ replica: one.replica, name }]
  })
  return new Map(
    [...Map.groupBy(found, ({ name }) => name)].map(([name, all]) => [
      name,
      all.map(({ replica }) => replica)
    ])
  )
}
