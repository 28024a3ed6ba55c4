/**
 * From kubectl's flags to a cluster, and the one place where an Effect is run.
 */
import type { Cluster, ClusterError } from "@kubectl-stateful/sdk/Cluster"
import type { KubeconfigOptions } from "@kubectl-stateful/sdk/kubernetes"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import manifest from "../../package.json" with { type: "json" }

/** The parsed values of the flags that choose a cluster. */
export interface ClusterFlags {
  readonly namespace?: string | undefined
  readonly context?: string | undefined
  readonly kubeconfig?: string | undefined
  readonly cluster?: string | undefined
  readonly user?: string | undefined
  readonly as?: string | undefined
  readonly "as-group"?: ReadonlyArray<string> | undefined
  readonly "as-uid"?: string | undefined
  /** Milliseconds; 0 waits as long as the server does. */
  readonly "request-timeout"?: number | undefined
}

const given = <Key extends keyof KubeconfigOptions>(key: Key, value: KubeconfigOptions[Key] | undefined) =>
  value === undefined ? {} : { [key]: value }

/** The cluster that the flags choose; its code is loaded when it is first needed. */
export const connect = (flags: ClusterFlags): Layer.Layer<Cluster, ClusterError> =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("@kubectl-stateful/sdk/kubernetes")),
      (live) =>
        live.layer({
          ...given("kubeconfig", flags.kubeconfig),
          ...given("context", flags.context),
          ...given("cluster", flags.cluster),
          ...given("user", flags.user),
          ...given("namespace", flags.namespace),
          ...given("as", flags.as),
          ...given("asUid", flags["as-uid"]),
          ...given("asGroups", flags["as-group"]),
          requestTimeout: flags["request-timeout"] ?? 0,
          userAgent: `kubectl-stateful/${manifest.version}`
        })
    )
  )

/** Runs an effect to its end, or until the signal interrupts it. */
export const perform = <A, E>(effect: Effect.Effect<A, E>, signal: AbortSignal): Promise<Exit.Exit<A, E>> =>
  Effect.runPromiseExit(effect, { signal })
