/** What a plan to scale is asked for, and what is known beside the state. */
import type { HttpHealth, Profile } from "../Profile.ts"
import type { Quorum } from "../Quorum.ts"
import type { PurgedClaim } from "../step/purge.ts"
import type { Ground } from "./ground.ts"
import type { Quotas } from "./quota.ts"

export interface ScaleOptions {
  readonly replicas: number
  /** Refuse unless there are so many now. */
  readonly currentReplicas?: number
  /** Refuse unless the StatefulSet is at this version. */
  readonly resourceVersion?: string
  /** Default: majority. */
  readonly quorum?: Quorum
  /** At most so many replicas with one change. */
  readonly step?: number
  /**
   * Members that leave are marked on their pods first, so that routers send them no new keys, and so many
   * milliseconds pass before `beforeRemove`. Nobody acknowledges the mark. Default: they are not marked.
   */
  readonly drainWait?: number
  readonly profile?: Profile
  readonly health?: HttpHealth
  /** What to do with claims left by an earlier scale-down. Default: keep. */
  readonly leftoverClaims?: "keep" | "refuse" | "set-aside"
  /** For the time of this operation; put back at its end. */
  readonly whenScaled?: "Retain" | "Delete"
  /** Scale although something else writes `spec.replicas`. */
  readonly forceConflicts?: boolean
  /** Claims that earlier operations set aside, to be deleted with their data at the end. */
  readonly purge?: ReadonlyArray<PurgedClaim>
  /** The namespace's quotas; null: they could not be read. Default: not asked. */
  readonly quotas?: Quotas | null
  /** Which pods of the namespace have which claims mounted. Default: not asked. */
  readonly mountedBy?: Readonly<Record<string, ReadonlyArray<string>>>
  /** What new pods would meet beside the state; null: it could not be read. Default: not asked. */
  readonly ground?: Ground | null
  /** Whether reclaim policies may be set; without that, claims are kept by whenScaled alone. Default: true. */
  readonly mayPatchVolumes?: boolean
}
