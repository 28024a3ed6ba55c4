/** Pods that wait for a node, and the nodes that their volumes leave them. */
import type { Claim } from "../Claim.ts"
import type { Node } from "../Placement.ts"
import type { AppState } from "../state/AppState.ts"
import type { Workload } from "../Topology.ts"
import { podName, range } from "../Ordinal.ts"

/** Pods that find no node, and why. */
export interface Stranded {
  readonly why: string
  readonly pods: ReadonlyArray<string>
}

/** True if a volume can be used on a node, as far as its affinity tells. */
export const reaches = (claim: Claim, node: Node): boolean => {
  const terms = claim.volume?.nodeAffinity ?? []
  return (
    terms.length === 0 ||
    terms.some((term) =>
      term.every(
        (one) =>
          one.operator !== "In" ||
          one.values.includes(node.labels[one.key] ?? "") ||
          (one.key === "kubernetes.io/hostname" && one.values.includes(node.name))
      )
    )
  )
}

/** `zone b`, or the nodes that a volume's affinity names. */
export const place = (claim: Claim): string => {
  const values = (claim.volume?.nodeAffinity ?? []).flatMap((term) => term.flatMap((one) => one.values))
  return values.length === 0 ? "nowhere" : [...new Set(values)].join(", ")
}

/** A pod that waits for a node; `reach`: the nodes that its volumes leave it, null: they ask for none. */
export interface Waiting {
  readonly name: string
  readonly claims: ReadonlyArray<Claim>
  readonly reach: ReadonlySet<Node> | null
}

/** A claim of a pod's that is there, with a volume that asks for nodes. */
const bindingOf = (state: AppState, workload: Workload) => {
  const binding = new Map(
    state.claims
      .filter(({ volume }) => (volume?.nodeAffinity ?? []).length > 0)
      .map((claim) => [claim.name, claim] as const)
  )
  return (pod: string, isSet: boolean): ReadonlyArray<Claim> =>
    isSet && binding.size > 0
      ? workload.claimTemplates.flatMap(({ name }) => binding.get(`${name}-${pod}`) ?? [])
      : []
}

/** Where the workload's pods are already, and those that wait for a node, of a count; `isLeft`: it is attached as it is. */
export const placed = (
  state: AppState,
  workload: Workload,
  to: number,
  nodes: ReadonlyArray<Node>,
  isLeft: (claim: Claim) => boolean
) => {
  const isSet = workload.kind === "StatefulSet"
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const pods = state.replicas.filter(
    ({ workload: of, wanted, pod }) =>
      of === `${workload.kind}/${workload.name}` && (isSet || wanted) && pod !== null
  )
  const bindings = bindingOf(state, workload)
  const waits = (name: string, isNow: boolean): Waiting => {
    const claims = bindings(name, isSet).filter((claim) => isNow || isLeft(claim))
    return {
      name,
      claims,
      reach:
        claims.length === 0
          ? null
          : new Set(nodes.filter((node) => claims.every((claim) => reaches(claim, node))))
    }
  }
  const homeOf = ({ pod }: (typeof pods)[number]) => byName.get(pod?.node ?? "")
  if (!isSet) {
    const homes = pods.flatMap((one) => homeOf(one) ?? [])
    const missing = range(homes.length + 1, to - homes.length)
    return { homes, waiting: missing.map((index) => waits(`pod ${index} of ${workload.name}`, false)) }
  }
  const byOrdinal = new Map(pods.map((one) => [one.ordinal, homeOf(one)] as const))
  const all = range(workload.firstOrdinal, to)
  return {
    homes: all.flatMap((ordinal) => byOrdinal.get(ordinal) ?? []),
    waiting: all
      .filter((ordinal) => byOrdinal.get(ordinal) === undefined)
      .map((ordinal) =>
        waits(podName(workload.name, ordinal), ordinal < workload.firstOrdinal + workload.replicas)
      )
  }
}

export type Placed = ReturnType<typeof placed>

/** Those that their volumes hold first: all others are placed where these are not. */
export const heldFirst = (
  waiting: ReadonlyArray<Waiting>
): readonly [held: ReadonlyArray<Waiting>, free: ReadonlyArray<Waiting>] => [
  waiting.filter(({ reach }) => reach !== null),
  waiting.filter(({ reach }) => reach === null)
]
