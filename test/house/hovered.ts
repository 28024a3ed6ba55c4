/** What a reader of the SDK points at in an editor: `hover.test.ts` asks what is shown there. */
import type { AppDocument } from "../../packages/sdk/src/AppDocument.ts"
import type {
  DisruptionVerdict,
  Finding,
  MoveVerdict,
  Need,
  RestartVerdict,
  RestoreVerdict,
  SnapshotVerdict
} from "../../packages/sdk/src/Checklist.ts"
import type { Claim, Volume } from "../../packages/sdk/src/Claim.ts"
import type { Dependency } from "../../packages/sdk/src/Dependency.ts"
import type { OperationResult, Progress } from "../../packages/sdk/src/operation/Progress.ts"
import type { Node, Placement } from "../../packages/sdk/src/Placement.ts"
import type { Connection } from "../../packages/sdk/src/promise.ts"
import type { Protection, VolumeSnapshot } from "../../packages/sdk/src/Protection.ts"
import type { Reference } from "../../packages/sdk/src/Reference.ts"
import type { Replica } from "../../packages/sdk/src/Replica.ts"
import type { DrillResult } from "../../packages/sdk/src/RestoreDrill.ts"
import type { ScaleOptions, ScalePlan } from "../../packages/sdk/src/Scale.ts"
import type { Listed, SnapshotOptions, Summary } from "../../packages/sdk/src/Snapshot.ts"
import type { AppState } from "../../packages/sdk/src/State.ts"
import type { Service, Workload } from "../../packages/sdk/src/Topology.ts"

export interface Names {
  readonly appDocument: AppDocument
  readonly appState: AppState
  readonly claim: Claim
  readonly connection: Connection
  readonly dependency: Dependency
  readonly disruptionVerdict: DisruptionVerdict
  readonly drillResult: DrillResult
  readonly finding: Finding
  readonly listed: Listed
  readonly moveVerdict: MoveVerdict
  readonly need: Need
  readonly node: Node
  readonly operationResult: OperationResult
  readonly placement: Placement
  readonly progress: Progress
  readonly protection: Protection
  readonly reference: Reference
  readonly replica: Replica
  readonly restartVerdict: RestartVerdict
  readonly restoreVerdict: RestoreVerdict
  readonly scaleOptions: ScaleOptions
  readonly scalePlan: ScalePlan
  readonly service: Service
  readonly snapshotOptions: SnapshotOptions
  readonly snapshotVerdict: SnapshotVerdict
  readonly summary: Summary
  readonly volume: Volume
  readonly volumeSnapshot: VolumeSnapshot
  readonly workload: Workload
}

export const fields = (all: Names) => [
  all.appState.namespaceLabels,
  all.appState.observed,
  all.claim.usedBy,
  all.disruptionVerdict.awaySeconds,
  all.drillResult.toReady,
  all.finding.objects,
  all.moveVerdict.needs,
  all.need.why,
  all.node.provider,
  all.operationResult.unmet,
  all.placement.storage,
  all.protection.groupSnapshotApi,
  all.reference.present,
  all.replica.wanted,
  all.replica.pod?.readySince,
  all.restartVerdict.disruptions,
  all.restartVerdict.findings,
  all.restoreVerdict.newest,
  all.scaleOptions.stepTimeout,
  all.service.selectsPods,
  all.snapshotVerdict.level,
  all.summary.skew,
  all.volume.heldBy,
  all.workload.partition
]
