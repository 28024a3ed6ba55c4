/** The live cluster: `Cluster` in production. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Cluster, type ClusterError } from "../Cluster.ts"
import { type ClientKubeConfig, fromKubeConfig } from "./clientNode.ts"
import { make } from "./connection.ts"
import { inCluster } from "./inCluster.ts"
import { type Access, configFault, emptyKubeconfig, type KubeconfigOptions } from "./kubeconfig.ts"
import { load, noneFound } from "./kubeconfigFiles.ts"
import { resolve } from "./overrides.ts"
import { liveExec } from "./liveExec.ts"
import { liveRequest } from "./liveRequest.ts"
import { liveWatch } from "./liveWatch.ts"
import { Holder } from "../operation/Holder.ts"
import { thisProcess } from "./process.ts"

export { type DnsPeer, dnsPeers, type DnsRef } from "./dns.ts"
export type { ClientKubeConfig } from "./clientNode.ts"
export type { KubeconfigOptions } from "./kubeconfig.ts"

/** The cluster, the user, and the timeouts. Every default is kubectl's. */
export interface Options extends KubeconfigOptions {
  /**
   * A `KubeConfig` of `@kubernetes/client-node`, in the place of a file and of the pod's own access: its current
   * context, unless `context` names another.
   */
  readonly kubeConfig?: ClientKubeConfig
  /**
   * For a whole request, from the connection to the answer's last byte. Default: as long as the server
   * takes. Of a watch and an exec it bounds the beginning, since they last.
   */
  readonly requestTimeout?: Duration.Input
  /** Default: `kubectl-stateful/` and this package's version. */
  readonly userAgent?: string
}

/** The access of the KubeConfig that is given, of the kubeconfig, or the pod's own when no kubeconfig found. Asks no server. */
export const access = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<Access, ClusterError> {
  if (options.kubeConfig !== undefined) return yield* fromKubeConfig(options.kubeConfig, options)
  const config = yield* load(options)
  if (config !== null && config.clusters.size + config.contexts.size > 0)
    return yield* resolve(config, options)
  if (options.server !== undefined) return yield* resolve(emptyKubeconfig, options)
  const own = yield* inCluster(options)
  if (own !== null) return own
  if (config === null) return yield* noneFound(options)
  return yield* configFault(
    "the kubeconfig is empty",
    "set $KUBECONFIG, name one with --kubeconfig, or put one at ~/.kube/config"
  )
})

/** The names in the kubeconfig that kubectl would use; empty if there is no file. Sends no request. */
export const kubeconfigNames = (
  options: Pick<KubeconfigOptions, "kubeconfig" | "environment">
): Effect.Effect<Readonly<Record<"contexts" | "clusters" | "users", ReadonlyArray<string>>>, ClusterError> =>
  Effect.map(load(options), (config) => ({
    contexts: [...(config?.contexts.keys() ?? [])],
    clusters: [...(config?.clusters.keys() ?? [])],
    users: [...(config?.users.keys() ?? [])]
  }))

/**
 * The live `Cluster`. Building it reads the kubeconfig and opens no connection;
 * closing it closes every one.
 */
export const layer = (options: Options = {}): Layer.Layer<Cluster, ClusterError> =>
  Layer.merge(liveCluster(options), Layer.effect(Holder, thisProcess))

/** An address that may be shown: `https://ann:secret@api` has a password in it. */
const withoutPassword = (address: string): string =>
  address.replace(/^([a-z][a-z0-9+.-]*:\/\/)?[^/?#]*@/i, "$1")

const liveCluster = (options: Options): Layer.Layer<Cluster, ClusterError> =>
  Layer.effect(
    Cluster,
    Effect.gen(function* () {
      const environment = options.environment ?? process.env
      const found = yield* access(options)
      // kubectl's `--request-timeout=0` means none.
      const limit =
        options.requestTimeout === undefined
          ? 0
          : Duration.toMillis(Duration.fromInputUnsafe(options.requestTimeout))
      const connection = yield* make(found, {
        environment,
        userAgent: options.userAgent ?? "kubectl-stateful/0.1.0",
        requestTimeoutMillis: limit > 0 ? limit : null
      })
      return {
        request: liveRequest(connection),
        watch: liveWatch(connection),
        exec: liveExec(connection),
        origin: {
          context: found.context,
          server: withoutPassword(found.cluster.server),
          namespace: found.namespace,
          user: found.userName,
          insecure: found.cluster.insecure
        }
      }
    })
  )
