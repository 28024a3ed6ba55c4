/**
 * The recorded constraints on where an application's members can run, and where they ran: pure over its
 * state.
 */
import type { Claim } from "../Claim.ts"
import { formatRequirement } from "../LabelSelector.ts"
import type { AppState } from "../state/AppState.ts"
import type { RecordedPlacement } from "../step/record.ts"

/** Terms are alternatives; `null` if the volume could not be read. */
export const affinityOf = ({ volume }: Claim): ReadonlyArray<string> | null =>
  volume?.nodeAffinity?.map((term) => term.map(formatRequirement).join(" and ")) ?? null

/** One for each workload. Its runtime class is only in its manifest. */
export const placementOf = (state: AppState): ReadonlyArray<RecordedPlacement> =>
  state.workloads.map(({ kind, name, template }) => {
    const workload = `${kind}/${name}`
    const pods = new Set(state.replicas.flatMap((one) => (one.workload === workload ? [one.name] : [])))
    const nodes = new Set(
      state.placements.flatMap(({ replica, node }) => (node !== null && pods.has(replica) ? [node] : []))
    )
    const found = (state.nodes ?? []).flatMap((node) => (nodes.has(node.name) ? [node.arch] : []))
    return {
      workload,
      nodeSelector: template.nodeSelector,
      affinity: template.affinity,
      tolerations: template.tolerations,
      devices: template.extendedResources,
      resourceClaims: template.resourceClaims,
      runtimeClass: null,
      architectures: [...new Set(found.flatMap((arch) => arch ?? []))].toSorted()
    }
  })
