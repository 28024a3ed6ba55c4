/** Options of a plan to scale, and facts that the state does not contain. */
import type { HttpHealth, Profile } from "../Profile.ts"
import type { Quorum } from "../Quorum.ts"
import type { PurgedClaim } from "../step/purge.ts"
import type { Ground } from "./ground.ts"
import type { Quotas } from "./quota.ts"

export interface ScaleOptions {
  readonly replicas: number
  /** Refuse unless this is the current number of replicas. */
  readonly currentReplicas?: number
  /** Refuse unless the StatefulSet is at this version. */
  readonly resourceVersion?: string
  /** Default: majority. */
  readonly quorum?: Quorum
  /** The maximum number of replicas per change. */
  readonly step?: number
  /**
   * Leaving members are annotated on their pods first, so that routers send them no new keys, and
   * `beforeRemove` runs after this number of milliseconds. Routers do not acknowledge the annotation.
   * Default: they are not annotated.
   */
  readonly drainWait?: number
  readonly profile?: Profile
  readonly health?: HttpHealth
  /** The handling of claims left over from an earlier scale-down. Default: keep. */
  readonly leftoverClaims?: "keep" | "refuse" | "set-aside"
  /** During this operation; set back at its end. */
  readonly whenScaled?: "Retain" | "Delete"
  /** Scale although something else writes `spec.replicas`. */
  readonly forceConflicts?: boolean
  /** Claims that earlier operations set aside, to be deleted with their data at the end. */
  readonly purge?: ReadonlyArray<PurgedClaim>
  /** The namespace's quotas; `null` if they could not be read. Default: not read. */
  readonly quotas?: Quotas | null
  /** The pods of the namespace that have each claim mounted. Default: not read. */
  readonly mountedBy?: Readonly<Record<string, ReadonlyArray<string>>>
  /**
   * Conditions for new pods that the state does not contain; `null` if they could not be read. Default: not
   * read.
   */
  readonly ground?: Ground | null
  /** True if reclaim policies can be set; otherwise only whenScaled keeps claims. Default: true. */
  readonly mayPatchVolumes?: boolean
}
