/** Nodes whose kubelet is not heard of, and why. */

/**
 * `network`: what runs there goes on running, and nothing gets through; so a replica that is
 * started elsewhere meets its twin. `power`: all that ran there has ended.
 */
export type Cause = "network" | "power"

export interface Loss {
  readonly cause: Cause
  /** Milliseconds since 1970. */
  readonly since: number
}

export type Losses = ReadonlyMap<string, Loss>
