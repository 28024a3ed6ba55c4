/** Options of a copy, and the claims that it gets. */
import type { Restoring } from "../Verify.ts"
import type { FoundCut } from "./source.ts"

export interface CloneOptions extends Restoring {
  /** The new name. Default: that of the source, in another namespace. */
  readonly name: string
  readonly namespace: string
  /** True if it may run without isolation. Default false. */
  readonly noFence?: boolean
  /** True if its pods may access their nodes, as those of the source do. Default false. */
  readonly hostAccess?: boolean
  /** True if a volume without any file is accepted. Default false. */
  readonly allowEmpty?: boolean
}

/** A claim of the source, and its copy. */
export interface Slot {
  readonly cut: FoundCut
  readonly template: string
  readonly ordinal: number
  readonly claim: string
}
