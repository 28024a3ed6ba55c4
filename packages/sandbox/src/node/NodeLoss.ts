/** Nodes whose kubelet is not heard of, and why. */

/**
 * `network`: containers on the node keep running, but are unreachable; a replica that is started elsewhere
 * runs twice. `power`: all containers have ended.
 */
export type Cause = "network" | "power"

export interface Loss {
  readonly cause: Cause
  /** Milliseconds since 1970. */
  readonly since: number
}

export type Losses = ReadonlyMap<string, Loss>
