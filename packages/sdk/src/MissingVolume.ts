/**
 * Pods that lack the volume of a claim template: their StatefulSet was deleted with `--cascade=orphan` and
 * recreated with a further template. The controller tries to add the volume, which no pod's spec allows, and
 * does nothing else for the set until the pod is replaced (kubernetes/kubernetes#141876).
 */
import type { Replica } from "./Replica.ts"
import type { AppState } from "./state/AppState.ts"
import type { Workload } from "./Topology.ts"

/** A pod, and the templates that it has no volume of. */
export interface MissingVolume {
  readonly pod: string
  readonly templates: ReadonlyArray<string>
}

const isThere = ({ pod }: Replica): boolean =>
  pod !== null && pod.deleted === null && (pod.phase === "Running" || pod.phase === "Pending")

/**
 * Those of a StatefulSet, lowest ordinal first. The controller has created the claim of at least one of them: a
 * pod whose claim exists and does not use it is the sign.
 */
export const missingVolumes = (
  { claims, replicas }: Pick<AppState, "claims" | "replicas">,
  { kind, name, claimTemplates }: Workload
): ReadonlyArray<MissingVolume> => {
  const workload = `${kind}/${name}`
  const own = claims.filter((claim) => claim.workload === workload && claim.template !== null)
  const unused = new Set(
    replicas
      .filter((one) => one.workload === workload && isThere(one))
      .flatMap((replica) =>
        own.flatMap(({ ordinal, deleted, usedBy, template }) =>
          ordinal === replica.ordinal && deleted === null && !usedBy.includes(replica.name) ? [template] : []
        )
      )
  )
  if (unused.size === 0) return []
  return replicas
    .filter((one) => one.workload === workload && isThere(one))
    .flatMap((replica) => {
      const used = new Set(
        own.flatMap(({ usedBy, template }) => (usedBy.includes(replica.name) ? [template] : []))
      )
      const templates = claimTemplates.flatMap((one) =>
        unused.has(one.name) && !used.has(one.name) ? [one.name] : []
      )
      return templates.length === 0 ? [] : [{ pod: replica.name, templates }]
    })
}
