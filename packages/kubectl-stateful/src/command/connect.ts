/** Connects kubectl's flags to a cluster; the only place that runs an Effect. */
import type { Cluster, ClusterError } from "@kubectl-stateful/sdk/Cluster"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { type ClusterFlags } from "../flags/cluster.ts"
import { given } from "../flags/given.ts"
import manifest from "../../package.json" with { type: "json" }

/** The values of each key, in the given order. */
const extraOf = (pairs: ReadonlyArray<readonly [string, string]> | undefined) =>
  pairs === undefined
    ? undefined
    : Object.fromEntries(
        Object.entries(Object.groupBy(pairs, ([key]) => key)).map(([key, same = []]) => [
          key,
          same.map(([, value]) => value)
        ])
      )

/** The cluster that the flags choose; its code is loaded when it is first needed. */
export const connect = (flags: ClusterFlags): Layer.Layer<Cluster, ClusterError> =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("@kubectl-stateful/sdk/kubernetes")),
      (live) =>
        live.layer({
          ...given({
            kubeconfig: flags.kubeconfig,
            context: flags.context,
            cluster: flags.cluster,
            user: flags.user,
            namespace: flags.namespace,
            as: flags.as,
            asUid: flags["as-uid"],
            asGroups: flags["as-group"],
            asUserExtra: extraOf(flags["as-user-extra"]),
            server: flags.server,
            certificateAuthority: flags["certificate-authority"],
            insecureSkipTlsVerify: flags["insecure-skip-tls-verify"],
            tlsServerName: flags["tls-server-name"],
            disableCompression: flags["disable-compression"],
            token: flags.token,
            username: flags.username,
            password: flags.password,
            clientCertificate: flags["client-certificate"],
            clientKey: flags["client-key"]
          }),
          requestTimeout: flags["request-timeout"] ?? 0,
          userAgent: `kubectl-stateful/${manifest.version}`
        })
    )
  )

/** With its spans sent to a collector, where the environment names one. */
const traced = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  const endpoint = process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? ""
  return endpoint === ""
    ? effect
    : Effect.flatMap(
        Effect.promise(() => import("./trace.ts")),
        ({ exporter }) => Effect.provide(effect, exporter(endpoint))
      )
}

/** Runs an effect until it ends, or until the signal interrupts it. */
export const execute = <A, E>(effect: Effect.Effect<A, E>, signal: AbortSignal): Promise<Exit.Exit<A, E>> =>
  Effect.runPromiseExit(traced(effect), { signal })
