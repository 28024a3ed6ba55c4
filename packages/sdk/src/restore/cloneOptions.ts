/** What a copy is asked for, and the claims that it gets. */
import type { Restoring } from "../Verify.ts"
import type { FoundCut } from "./source.ts"

export interface CloneOptions extends Restoring {
  /** The new name. Default: that of the source, in another namespace. */
  readonly name: string
  readonly namespace: string
  /** Whether it may do without a fence. Default false. */
  readonly noFence?: boolean
  /** Whether its pods may reach into their nodes, as those of the source do. Default false. */
  readonly hostAccess?: boolean
  /** Whether a cut without any file is one. Default false. */
  readonly allowEmpty?: boolean
}

/** A claim of the source, and the one that is made of it. */
export interface Slot {
  readonly cut: FoundCut
  readonly template: string
  readonly ordinal: number
  readonly claim: string
}
