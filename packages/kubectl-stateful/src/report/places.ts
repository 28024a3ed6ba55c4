/** Where everything is: zones, in them racks, nodes, replicas and their volumes. Pure over the state. */
import { type Claim, claimsByReplica } from "@kubectl-stateful/sdk/Claim"
import { compareNames } from "@kubectl-stateful/sdk/NameOrder"
import type { Node } from "@kubectl-stateful/sdk/Placement"
import type { Replica } from "@kubectl-stateful/sdk/Replica"
import type { AppState } from "@kubectl-stateful/sdk/State"

/** A volume of a replica, and from where it can be used: `node-a only`, `one zone only`, `any node`. */
export interface PlacedClaim {
  readonly claim: Claim
  readonly reach: string
}

export interface PlacedReplica {
  readonly replica: Replica
  readonly claims: ReadonlyArray<PlacedClaim>
}

export interface PlacedNode {
  readonly name: string
  /** What is wrong with it, or unusual; empty if nothing is. */
  readonly troubles: ReadonlyArray<string>
  readonly replicas: ReadonlyArray<PlacedReplica>
}

/** `null`: without a label, so unknown. */
export interface Rack {
  readonly name: string | null
  /** Nodes with a replica. */
  readonly nodes: ReadonlyArray<PlacedNode>
  /** Nodes without one. */
  readonly spare: ReadonlyArray<PlacedNode>
}

export interface Zone {
  readonly name: string | null
  readonly racks: ReadonlyArray<Rack>
}

export interface Places {
  readonly zones: ReadonlyArray<Zone>
  /** Replicas without a node. */
  readonly nowhere: ReadonlyArray<PlacedReplica>
}

/** Those without a name come last. */
const byName = (a: string | null, b: string | null): number =>
  a === b ? 0 : a === null ? 1 : b === null ? -1 : compareNames(a, b)

const troublesOf = (node: Node | undefined): ReadonlyArray<string> =>
  node === undefined
    ? ["no such Node object"]
    : [
        ...(node.ready === true ? [] : [node.ready === null ? "unreachable" : "not ready"]),
        ...(node.unschedulable ? ["cordoned"] : []),
        ...node.pressure
      ]

/** From where a claim's volume can be used, as the placement of its replica says. */
const reachOf = (state: AppState, claim: Claim, replica: string): string => {
  const placement = state.placements.find((one) => one.replica === replica)
  if (claim.volume === null) return "no volume yet"
  if (placement === undefined || placement.storage === null || claim.volume.nodeAffinity === null)
    return "reach unknown"
  const pin = placement.pins.find(({ by, name }) => by === "volume" && name === claim.name)
  if (pin === undefined) return "any node"
  const [node, ...others] = pin.nodes ?? []
  if (pin.nodes?.length === 0) return "no node can use it"
  if (node !== undefined && others.length === 0) return `${node} only`
  return pin.domain === null || pin.domain === "node" ? "some nodes only" : `one ${pin.domain} only`
}

const distinct = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> => [...new Set(values)]

export const placesOf = (state: AppState): Places => {
  const claims = claimsByReplica(state.replicas, state.claims)
  const placed = (replica: Replica): PlacedReplica => ({
    replica,
    claims: (claims.get(replica.name) ?? []).map((claim) => ({
      claim,
      reach: reachOf(state, claim, replica.name)
    }))
  })
  const nodes = state.nodes ?? []
  const known = new Map(nodes.map((node) => [node.name, node]))
  const onNode = Map.groupBy(state.replicas, ({ pod }) => pod?.node ?? null)
  const names = distinct([...known.keys(), ...[...onNode.keys()].filter((name) => name !== null)])
  const where = names.map((name) => {
    const node = known.get(name)
    const replicas = onNode.get(name) ?? []
    // Of a node that is not in the list, the placement of a replica may say more.
    const by = state.placements.find((one) => one.node === name)
    return {
      zone: node?.zone ?? by?.zone ?? null,
      rack: node?.rack ?? by?.rack ?? null,
      placed: {
        name,
        troubles: state.nodes === null ? [] : troublesOf(node),
        replicas: replicas.map(placed)
      }
    }
  })
  const zones = [...Map.groupBy(where, ({ zone }) => zone)].map(([zone, inZone]): Zone => {
    const racks = [...Map.groupBy(inZone, ({ rack }) => rack)].map(([rack, inRack]): Rack => {
      const all = inRack.map(({ placed: one }) => one).toSorted((a, b) => compareNames(a.name, b.name))
      return {
        name: rack,
        nodes: all.filter(({ replicas }) => replicas.length > 0),
        spare: all.filter(({ replicas }) => replicas.length === 0)
      }
    })
    return { name: zone, racks: racks.toSorted((a, b) => byName(a.name, b.name)) }
  })
  return {
    zones: zones.toSorted((a, b) => byName(a.name, b.name)),
    nowhere: (onNode.get(null) ?? []).map(placed)
  }
}
