/**
 * Volumes that lost their claims: the data of a replica, with nothing that points to it any more. An operation
 * had set them to Retain, or somebody deleted the claims of volumes that outlive these.
 */
import type { AppState } from "../AppState.ts"
import type { PersistentVolume } from "../../kind/Storage.ts"
import { appLabel, operationLabel, reclaimPolicyBeforeAnnotation } from "../../Labels.ts"
import { after } from "../../Ordinal.ts"
import type { AppWorkload } from "../AppWorkload.ts"
import type { Lists } from "../observation.ts"

type KeptVolume = NonNullable<AppState["keptVolumes"]>[number]

/** True if a pod of one of the workloads would have a claim of that name. */
const isClaimOf = (appWorkloads: ReadonlyArray<AppWorkload>, claim: string): boolean =>
  appWorkloads.some(
    (workload) =>
      (workload.template.spec.volumes ?? []).some(
        ({ persistentVolumeClaim: named }) => named?.claimName === claim
      ) ||
      (workload.kind === "StatefulSet" &&
        (workload.object.spec.volumeClaimTemplates ?? []).some(
          ({ metadata }) => after(`${metadata.name}-${workload.metadata.name}-`, claim) !== null
        ))
  )

/** By an operation's annotation, while it has no claim; by its last claim's name, once that is gone. */
const isKept = (
  appWorkloads: ReadonlyArray<AppWorkload>,
  { metadata, spec, status }: PersistentVolume
): boolean => {
  const { [reclaimPolicyBeforeAnnotation]: before, [appLabel]: app } = metadata.annotations ?? {}
  if (before !== undefined && app !== undefined)
    return status?.phase !== "Bound" && appWorkloads.some((one) => one.metadata.name === app)
  const isLeft = status?.phase === "Released" || status?.phase === "Failed"
  return isLeft && isClaimOf(appWorkloads, spec.claimRef?.name ?? "")
}

/** By name. `null` if PersistentVolumes could not be read. */
export const observeKeptVolumes = (
  namespace: string,
  appWorkloads: ReadonlyArray<AppWorkload>,
  { persistentvolumes }: Pick<Lists, "persistentvolumes">
): ReadonlyArray<KeptVolume> | null =>
  persistentvolumes?.flatMap((volume): ReadonlyArray<KeptVolume> => {
    const { metadata, spec, status } = volume
    if (spec.claimRef?.namespace !== namespace || !isKept(appWorkloads, volume)) return []
    return [
      {
        name: metadata.name,
        claim: spec.claimRef.name ?? "",
        phase: status?.phase ?? "Pending",
        reclaimPolicy: spec.persistentVolumeReclaimPolicy ?? "Retain",
        policyBefore: metadata.annotations?.[reclaimPolicyBeforeAnnotation] ?? null,
        operation: metadata.annotations?.[operationLabel]?.split(".")[0] ?? null
      }
    ]
  }) ?? null
