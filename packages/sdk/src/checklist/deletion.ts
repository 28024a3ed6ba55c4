/** The data that is deleted with a namespace, a claim or a workload, or by an autoscaler. */
import type { Claim } from "../Claim.ts"
import type { VolumeSnapshot } from "../Protection.ts"
import type { AppState } from "../state/AppState.ts"
import type { Workload } from "../Topology.ts"
import { byCopy, restorable, snapshotsOf } from "./copies.ts"
import { boundClaims, claimNames, claimObjects, statefulSets } from "./parts.ts"
import type { Facts, Evidence } from "./rule.ts"
import { change, kubectl, kubectlCluster, title, verb } from "./words.ts"

const policyOf = (state: AppState, one: VolumeSnapshot): string | null =>
  one.deletionPolicy ??
  state.protection.snapshotClasses?.find((kind) => kind.name === one.class)?.deletionPolicy ??
  null

export const snapshotsGo = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const going = boundClaims(state).filter((claim) => {
    const usable = snapshotsOf(state, claim).filter(restorable)
    return usable.length > 0 && usable.every((one) => policyOf(state, one) === "Delete")
  })
  return going.length === 0
    ? []
    : [
        byCopy(state)(
          `snapshots of ${claimNames(state, going)} are deleted with namespace ${state.namespace} (deletionPolicy Delete)`,
          claimObjects(going),
          "take snapshots with a VolumeSnapshotClass whose deletionPolicy is Retain"
        )
      ]
}

const retained = ["--type=merge", "-p", JSON.stringify({ spec: { persistentVolumeReclaimPolicy: "Retain" } })]

/** Keeps these claims' volumes, each by name: what labels the claims carry is not known, and need be none. */
const retain = (claims: ReadonlyArray<Claim>): string =>
  kubectlCluster(
    "patch",
    "pv",
    ...claims.flatMap((claim) => (claim.volume === null ? [] : [claim.volume.name])),
    ...retained
  )

export const volumesGo = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const claims = boundClaims(state).filter((claim) => claim.volume?.reclaimPolicy === "Delete")
  const volume = claims[0]?.volume
  return volume == null
    ? []
    : [
        byCopy(state)(
          `deleting ${claimNames(state, claims)} deletes ${verb(claims, "its volume", "their volumes")} (reclaimPolicy Delete)`,
          claimObjects(claims),
          retain(claims)
        )
      ]
}

const keepClaims = (state: AppState, workload: Workload, when: "whenDeleted" | "whenScaled"): string => {
  const spec = { persistentVolumeClaimRetentionPolicy: { [when]: "Retain" } }
  const patch = ["--type=merge", "-p", JSON.stringify({ spec })]
  return change(workload, kubectl(state, "patch", "statefulset", workload.name, ...patch))
}

export const claimsGo = ({ state }: Facts): ReadonlyArray<Evidence> =>
  statefulSets(state)
    .filter((workload) => workload.retention?.whenDeleted === "Delete" && boundClaims(state).length > 0)
    .map((workload) =>
      byCopy(state)(
        `deleting ${title(workload)} deletes its claims (whenDeleted Delete)`,
        [title(workload)],
        keepClaims(state, workload, "whenDeleted")
      )
    )

/** An autoscaler scales down without asking anybody. */
export const scaledDown = ({ state }: Facts): ReadonlyArray<Evidence> =>
  statefulSets(state)
    .filter((workload) => workload.retention?.whenScaled === "Delete" && boundClaims(state).length > 0)
    .flatMap((workload) => {
      const target = title(workload)
      const scaler = state.autoscalers?.find(
        (one) => one.target === target && one.minReplicas < one.maxReplicas
      )
      return scaler === undefined
        ? []
        : [
            byCopy(state)(
              `autoscaler ${scaler.name} deletes claims as it scales ${workload.name} down (whenScaled Delete)`,
              [target],
              keepClaims(state, workload, "whenScaled")
            )
          ]
    })
