/**
 * Pods that lack the volume of a claim template: their StatefulSet was deleted with `--cascade=orphan` and
 * recreated with a further template. The controller tries to add the volume, which no pod's spec allows, and
 * does nothing else for the set until the pod is replaced (kubernetes/kubernetes#141876).
 */
import { claimsKnown } from "./Claim.ts"
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
  const byOrdinal = Map.groupBy(own, ({ ordinal }) => ordinal)
  const pods = replicas.filter((one) => one.workload === workload && isThere(one))
  const lacks = (replica: Replica) =>
    (byOrdinal.get(replica.ordinal) ?? []).filter(
      ({ deleted, usedBy }) => deleted === null && !usedBy.includes(replica.name)
    )
  const unused = new Set(pods.flatMap(lacks).map(({ template }) => template))
  if (unused.size === 0) return []
  return pods.flatMap((replica) => {
    const used = (byOrdinal.get(replica.ordinal) ?? [])
      .filter(({ usedBy }) => usedBy.includes(replica.name))
      .map(({ template }) => template)
    const templates = claimTemplates
      .map((one) => one.name)
      .filter((template) => unused.has(template) && !used.includes(template))
    return templates.length === 0 ? [] : [{ pod: replica.name, templates }]
  })
}

/** Claims of members that have pods, which the server has not listed: deleted, or left out of its answer. */
export const unlistedClaims = (
  state: Pick<AppState, "claims" | "replicas" | "unread" | "workloads">
): ReadonlyArray<{ readonly pod: string; readonly claim: string }> => {
  if (!claimsKnown(state)) return []
  const listed = new Set(state.claims.map(({ name }) => name))
  return state.workloads
    .filter(({ kind }) => kind === "StatefulSet")
    .flatMap((workload) => {
      const lacking = new Map(missingVolumes(state, workload).map(({ pod, templates }) => [pod, templates]))
      return state.replicas
        .filter((one) => one.workload === `StatefulSet/${workload.name}` && one.wanted && isThere(one))
        .flatMap(({ name: pod }) =>
          workload.claimTemplates
            .filter(({ name }) => !(lacking.get(pod) ?? []).includes(name))
            .map(({ name }) => ({ pod, claim: `${name}-${pod}` }))
            .filter(({ claim }) => !listed.has(claim))
        )
    })
}
