/**
 * Claims whose volume is a hostPath: the same path of whichever node the pod is on. Without an affinity
 * of the volume nothing brings the pod back to the node with the data, and elsewhere it finds an empty folder.
 */
import type { AppState } from "../state/AppState.ts"
import {
  claimNames,
  claimObjects,
  liveClaims,
  nodeNamed,
  placementOf,
  replicaNamed,
  usable
} from "./parts.ts"
import { type Facts, no, rule, type Rule, type Evidence } from "./rule.ts"
import { verb } from "./words.ts"

/** True if the scheduler could start a replica on a node other than its own. */
const isFree = (state: AppState, name: string | undefined, loose: ReadonlySet<string>): boolean => {
  const replica = name === undefined ? undefined : replicaNamed(state, name)
  const placement = replica === undefined ? undefined : placementOf(state, replica)
  if (replica === undefined || placement === undefined) return false
  const workload = state.workloads.find(({ kind, name }) => `${kind}/${name}` === replica.workload)
  const own = replica.pod?.node ?? placement.node
  return (state.nodes ?? []).some(
    (node) =>
      node.name !== own &&
      nodeNamed(state, own) !== undefined &&
      usable(node, workload?.template.tolerations ?? []) &&
      placement.pins.every(
        (pin) =>
          // That its data is there holds no pod.
          (pin.by === "volume" && loose.has(pin.name)) ||
          pin.by === "hostPath" ||
          pin.nodes === null ||
          pin.nodes.includes(node.name)
      )
  )
}

const onHostPath = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const anywhere = liveClaims(state).filter(
    ({ volume }) => volume?.source === "hostPath" && volume.nodeAffinity?.length === 0
  )
  const loose = new Set(anywhere.map(({ name }) => name))
  const claims = anywhere.filter(({ usedBy }) => isFree(state, usedBy[0], loose))
  return claims.length === 0
    ? []
    : [
        no(
          `${claimNames(state, claims)} ${verb(claims, "is a hostPath", "are hostPaths")} without a node affinity: on another node a pod finds an empty volume`,
          claimObjects(claims),
          "move the data to a StorageClass whose volumes can be attached on any node"
        )
      ]
}

export const hostPathClaimRule: Rule = rule("restart", "claim-on-host-path", onHostPath)
