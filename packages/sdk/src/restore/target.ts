/** A workload whose volumes are restored, and the names of its claims. Pure. */
import type { Claim } from "../Claim.ts"
import { after } from "../Ordinal.ts"
import type { ClaimTemplate, Workload } from "../Topology.ts"

/** `named`: claims that the pod template names itself, each with its volume there; absent: none, as with a StatefulSet. */
export type Target = Workload & { readonly named?: ReadonlyMap<string, string> }

/** The template and the ordinal of a claim, by its name; `null` if it is not one of this workload's. */
export const slotOf = (
  { name, claimTemplates, named }: Pick<Target, "name" | "claimTemplates" | "named">,
  claim: string
): { readonly template: typeof ClaimTemplate.Type; readonly ordinal: number } | null => {
  if (named !== undefined) {
    const template = claimTemplates.find((one) => one.name === named.get(claim))
    return template === undefined ? null : { template, ordinal: 0 }
  }
  for (const template of claimTemplates) {
    const ordinal = after(`${template.name}-${name}-`, claim)
    if (ordinal !== null) return { template, ordinal }
  }
  return null
}

/** A Deployment as a target: its existing claims take the place of templates. */
export const deploymentTarget = (
  workload: Workload,
  named: ReadonlyMap<string, string>,
  claims: ReadonlyArray<Claim>
): Target => ({
  ...workload,
  named,
  claimTemplates: claims.flatMap((claim) => {
    const name = named.get(claim.name)
    if (name === undefined) return []
    const { storageClass, requested, accessModes, volumeMode } = claim
    return [{ name, storageClass, requested, accessModes, volumeMode, dataSource: null }]
  })
})
