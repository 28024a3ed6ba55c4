/**
 * Volumes that an operation set to Retain and that lost their claims since: the data of a replica,
 * with nothing that points to it any more.
 */
import type { AppState } from "../AppState.ts"
import { appLabel, operationLabel, reclaimPolicyBeforeAnnotation } from "../../Labels.ts"
import type { AppWorkload } from "../AppWorkload.ts"
import type { Lists } from "../observation.ts"

type KeptVolume = NonNullable<AppState["keptVolumes"]>[number]

/** By name. `null` if PersistentVolumes could not be read. */
export const observeKeptVolumes = (
  namespace: string,
  appWorkloads: ReadonlyArray<AppWorkload>,
  { persistentvolumes }: Pick<Lists, "persistentvolumes">
): ReadonlyArray<KeptVolume> | null => {
  const names = new Set(appWorkloads.map(({ metadata }) => metadata.name))
  return (
    persistentvolumes?.flatMap(({ metadata, spec, status }): ReadonlyArray<KeptVolume> => {
      const {
        [reclaimPolicyBeforeAnnotation]: before,
        [appLabel]: app,
        [operationLabel]: token
      } = metadata.annotations ?? {}
      if (before === undefined || app === undefined || !names.has(app)) return []
      if (spec.claimRef?.namespace !== namespace || status?.phase === "Bound") return []
      return [
        {
          name: metadata.name,
          claim: spec.claimRef.name ?? "",
          phase: status?.phase ?? "Pending",
          reclaimPolicy: spec.persistentVolumeReclaimPolicy ?? "Retain",
          policyBefore: before,
          operation: token?.split(".")[0] ?? null
        }
      ]
    }) ?? null
  )
}
