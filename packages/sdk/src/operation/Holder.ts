/**
 * Who runs an operation, where its caller does not say; and whether the holder of a Lease still lives, where that can be known at once: on the machine, and in
 * the pid namespace, that it runs in. Anywhere else only its silence tells.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

export interface HolderProcess {
  /** The name of the user or process: `ann@laptop`. */
  readonly identity: string
  /** The identifier of this process for others; `null` if there is none. */
  readonly self: string | null
  /** True only if the process of this name is known to have ended. */
  readonly isGone: (name: string) => Effect.Effect<boolean>
}

/** Default: no process is known, so that silence decides. The live cluster's layer knows. */
export const Holder = Context.Reference<HolderProcess>("@kubectl-stateful/sdk/Holder", {
  defaultValue: () => ({ identity: "a program", self: null, isGone: () => Effect.succeed(false) })
})
