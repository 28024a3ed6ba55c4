/**
 * Detects whether the holder of a Lease is still running, if that can be known at once: on the same machine,
 * and in the same pid namespace. Anywhere else only an expired Lease shows it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

export interface HolderProcess {
  /** The identifier of this process for others; `null` if there is none. */
  readonly self: string | null
  /** True only where the process of this name is known to be gone. */
  readonly isGone: (name: string) => Effect.Effect<boolean>
}

/** Default: no process is known, so that silence decides. The live cluster's layer knows. */
export const Holder = Context.Reference<HolderProcess>("@kubectl-stateful/sdk/Holder", {
  defaultValue: () => ({ self: null, isGone: () => Effect.succeed(false) })
})
