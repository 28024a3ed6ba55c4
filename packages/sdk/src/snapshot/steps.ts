/**
 * The steps of a plan to take a snapshot: its volume snapshots, and the steps that quiesce or stop its
 * members. Pure.
 */
import type { Claim } from "../Claim.ts"
import { defaultRetention } from "../kind/Workload.ts"
import { make, type StepOf, stepsOf } from "../operation/Step.ts"
import { fingerprint, meansOf, reachesOf } from "../Quiesce.ts"
import type { Quorum } from "../Quorum.ts"
import { type CountOptions, countSteps } from "../step/countSteps.ts"
import { CutGroup } from "../step/cutGroup.ts"
import { CutQuiesced } from "../step/cutQuiesced.ts"
import { CutVolumes } from "../step/cutVolumes.ts"
import { RestoreReclaimPolicies, RetainVolumes } from "../step/reclaimPolicy.ts"
import { cutName } from "../step/record.ts"
import type { SetSettings } from "../step/recordSet.ts"
import { SetReplicas } from "../step/replicas.ts"
import { RestoreRetention, SetRetention } from "../step/retention.ts"
import { keptClaim } from "../step/volume.ts"
import type { Workload } from "../Topology.ts"
import type { Freeze, FreezeOptions } from "./freeze.ts"
import type { Ways } from "./level.ts"
import type { SnapshotStep } from "./verb.ts"

/** The volume snapshots of the claims: as one group, or each separately. */
export const cutSteps = (
  set: string,
  claims: SetSettings["claims"],
  group: Ways["group"]
): ReadonlyArray<StepOf<typeof CutGroup> | StepOf<typeof CutVolumes>> => {
  if (claims.length === 0) return []
  const planned = claims.map(({ claim, uid, volume, volumeHandle: handle }) => ({
    claim,
    uid,
    volume,
    handle
  }))
  if (group !== null) {
    return [make(CutGroup, { set, as: set, class: group.class, version: group.version, claims: planned })]
  }
  return [
    make(CutVolumes, {
      set,
      claims: claims.map(({ claim, uid, volume, volumeHandle, class: of }) => ({
        claim,
        uid,
        volume,
        handle: volumeHandle,
        class: of,
        as: cutName(set, claim)
      }))
    })
  ]
}

/** The same with every member quiesced. */
export const quiescedSteps = (
  steps: ReturnType<typeof cutSteps>,
  { members, guarantee }: Freeze,
  { quiesce }: FreezeOptions,
  isStaged: boolean
): ReadonlyArray<SnapshotStep> =>
  quiesce === undefined
    ? steps
    : steps.map((cut) =>
        make(CutQuiesced, {
          guarantee,
          profile: quiesce.profile,
          digest: fingerprint(quiesce),
          deadline: (isStaged ? quiesce.waves : undefined)?.hold.deadline ?? quiesce.hold.deadline,
          ...(isStaged ? { waves: true as const } : {}),
          ...(meansOf(quiesce) === "command"
            ? {}
            : { unbounded: meansOf(quiesce), reaches: reachesOf(quiesce) }),
          members,
          cut
        })
      )

/** The steps around an offline snapshot: scale to 0 before it, and back up after it. */
export const offlineSteps = (
  workload: Workload,
  claims: ReadonlyArray<Claim>,
  { quorum }: { readonly quorum?: Quorum }
): { readonly before: ReadonlyArray<SnapshotStep>; readonly after: ReadonlyArray<SnapshotStep> } => {
  const { replicas } = workload
  if (replicas === 0) return { before: [], after: [] }
  const retention = workload.retention ?? defaultRetention
  const during = { ...retention, whenScaled: "Retain" as const }
  const sets = retention.whenScaled === "Delete"
  const keeps = claims.map(keptClaim)
  const retain = keeps.some(({ reclaimPolicy: policy }) => policy !== null && policy !== "Retain")
  const options = { once: true, ...(quorum === undefined ? {} : { quorum }) }
  // No hooks: the members stop together and come back, and none of them leaves the application.
  const counts = (range: { readonly from: number; readonly to: number }, how: CountOptions) =>
    stepsOf(SetReplicas, countSteps(workload, range, how))
  return {
    before: [
      make(RetainVolumes, { claims: keeps, retain }),
      ...(sets ? [make(SetRetention, { from: retention, to: during })] : []),
      ...counts({ from: replicas, to: 0 }, options)
    ],
    after: [
      ...counts({ from: 0, to: replicas }, { ...options, returns: true }),
      ...(sets ? [make(RestoreRetention, { from: during, to: retention, again: false })] : []),
      make(RestoreReclaimPolicies, { count: keeps.length })
    ]
  }
}
