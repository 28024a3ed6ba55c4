/**
 * The parts of a state that more than one rule looks at.
 */
import { type Claim, claimsKnown } from "../Claim.ts"
import type { Node, Placement } from "../Placement.ts"
import type { Replica } from "../Replica.ts"
import type { AppState } from "../state/AppState.ts"
import { admits, tolerates } from "../Taint.ts"
import type { Workload } from "../Topology.ts"
import { names, title } from "./words.ts"

/**
 * The items of a list under a key. Cached by list: each rule would otherwise go through thousands of objects
 * for every one of thousands of replicas or claims.
 */
const remembered = <A>(keyOf: (one: A) => string | null) => {
  const indexes = new WeakMap<ReadonlyArray<A>, ReadonlyMap<string | null, ReadonlyArray<A>>>()
  return (all: ReadonlyArray<A>, key: string | null): ReadonlyArray<A> => {
    const index = indexes.get(all) ?? Map.groupBy(all, keyOf)
    indexes.set(all, index)
    return index.get(key) ?? []
  }
}

/** StatefulSets that want replicas. Other workloads' pods have no identity to lose and come back anywhere. */
export const statefulSets = (state: AppState): ReadonlyArray<Workload> =>
  state.workloads.filter((workload) => workload.kind === "StatefulSet" && workload.replicas > 0)

/** Deployments that want pods. */
export const deployments = (state: AppState): ReadonlyArray<Workload> =>
  state.workloads.filter((workload) => workload.kind === "Deployment" && workload.replicas > 0)

export const replicasOf = (state: AppState, workload: Workload): ReadonlyArray<Replica> =>
  state.replicas.filter((replica) => replica.workload === title(workload) && replica.wanted)

/**
 * Claims of requested ordinals. Claims left over from a scale-down are not the app's state, unless it was
 * scaled to 0: then its claims wait for it.
 */
export const liveClaims = (state: AppState): ReadonlyArray<Claim> => {
  const stopped = new Set(
    state.workloads.filter(({ kind, replicas }) => kind === "StatefulSet" && replicas === 0).map(title)
  )
  return state.claims.filter((claim) => !claim.leftover || stopped.has(claim.workload ?? ""))
}

/** True if nothing of it runs or is to run: nothing writes to its claims. */
export const isStopped = (state: AppState): boolean =>
  state.workloads.length > 0 &&
  state.workloads.every(({ replicas }) => replicas === 0) &&
  state.replicas.every(({ known, pod }) => known && pod === null)

/** Claims that a replica asked for will have, by its templates, and that are not there yet. */
export const claimsToComeOf = (
  state: AppState
): ReadonlyArray<Pick<Claim, "name" | "storageClass" | "dataSource">> => {
  if (!claimsKnown(state)) return []
  const there = new Set(state.claims.map((claim) => claim.name))
  return statefulSets(state).flatMap((workload) =>
    replicasOf(state, workload).flatMap((replica) =>
      workload.claimTemplates
        .map(({ name, storageClass, dataSource }) => ({
          name: `${name}-${replica.name}`,
          storageClass,
          dataSource: dataSource === null ? null : `${dataSource.kind}/${dataSource.name}`
        }))
        .filter(({ name }) => !there.has(name))
    )
  )
}

export const claimsToCome = (state: AppState): ReadonlyArray<string> =>
  claimsToComeOf(state).map(({ name }) => name)

/** It is known to keep nothing in claims. */
export const hasNoClaims = (state: AppState): boolean =>
  liveClaims(state).length === 0 && claimsKnown(state) && claimsToCome(state).length === 0

/** Live claims that are written to: of one that no container mounts there is nothing to cut at the same moment. */
export const mountedClaims = (state: AppState): ReadonlyArray<Claim> =>
  liveClaims(state).filter(({ mounted }) => mounted)

/** Live claims whose data is on a volume. */
export const boundClaims = (state: AppState): ReadonlyArray<Claim> =>
  liveClaims(state).filter((claim) => claim.phase === "Bound")

/** The claims that this workload's pods use. */
export const claimsOf = (state: AppState, workload: Workload): ReadonlyArray<Claim> => {
  const pods = new Set(replicasOf(state, workload).map((replica) => replica.name))
  return liveClaims(state).filter(
    (claim) => claim.workload === title(workload) || claim.usedBy.some((pod) => pods.has(pod))
  )
}

/** The app's live claims by driver; those whose driver is not known are left out. */
export const byDriver = (state: AppState): ReadonlyMap<string, ReadonlyArray<Claim>> =>
  Map.groupBy(
    boundClaims(state).filter((claim) => typeof claim.volume?.driver === "string"),
    (claim) => claim.volume?.driver ?? ""
  )

const nodesByName = remembered((node: Node) => node.name)
const replicasByName = remembered((replica: Replica) => replica.name)
const placementsByReplica = remembered((placement: Placement) => placement.replica)

export const nodeNamed = (state: AppState, name: string | null): Node | undefined =>
  state.nodes === null ? undefined : nodesByName(state.nodes, name)[0]

/** The nodes are known, and this one is not among them, not even as one that could not be understood. */
export const nodeGone = (state: AppState, name: string | null): boolean =>
  state.nodes !== null &&
  name !== null &&
  nodeNamed(state, name) === undefined &&
  !state.unread.some(({ resource }) => resource === `nodes/${name}`)

export const replicaNamed = (state: AppState, name: string): Replica | undefined =>
  replicasByName(state.replicas, name)[0]

export const placementOf = (state: AppState, replica: Replica): Placement | undefined =>
  placementsByReplica(state.placements, replica.name)[0]

/** A pod with these tolerations could start there. */
export const usable = (node: Node, tolerations: ReadonlyArray<string>): boolean =>
  node.ready === true && !node.unschedulable && admits(node.taints, tolerations)

interface OfClaim {
  readonly claim: string | null
}

const ofClaims = remembered((one: OfClaim) => one.claim)

/** The snapshots, or copies, of one claim. */
export const ofClaim = <A extends OfClaim>(all: ReadonlyArray<A> | null, claim: Claim): ReadonlyArray<A> =>
  all === null ? [] : (ofClaims(all, claim.name) as ReadonlyArray<A>)

/** Claims by name, or all of them by number. */
export const claimNames = (state: AppState, claims: ReadonlyArray<Claim>): string =>
  claims.length > 3 && claims.length === liveClaims(state).length
    ? `all ${claims.length} claims`
    : names(claims.map((claim) => claim.name))

/** Claims as the API's objects. */
export const claimObjects = (claims: ReadonlyArray<Claim>): ReadonlyArray<string> =>
  claims.map((claim) => `PersistentVolumeClaim/${claim.name}`)

const unreachable = "node.kubernetes.io/unreachable:NoExecute"

/** The API server gives pods without one a toleration of this length, unless its flags say otherwise. */
const tolerated = 300

/** Time that its pods stay on an unreachable node; `null` if until the Node is deleted. */
export const staysSeconds = ({ template }: Workload): number | null => {
  const matching = template.tolerations.filter((one) => tolerates([one], unreachable))
  if (matching.length === 0) return tolerated
  const limits = matching.flatMap((one) => {
    const limit = / for (\d+)s$/.exec(one)?.[1]
    return limit === undefined ? [] : [Number(limit)]
  })
  return limits.length === 0 ? null : Math.min(...limits)
}
