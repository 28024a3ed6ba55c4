/**
 * The cluster that this process runs in, by its ServiceAccount.
 */
import * as Effect from "effect/Effect"
import { readFile } from "node:fs/promises"
import { isIPv6 } from "node:net"
import * as Path from "node:path"
import type { ClusterError } from "../Cluster.ts"
import { type Access, attempt, impersonate, type KubeconfigOptions } from "./kubeconfig.ts"

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

/**
 * The access of the pod's ServiceAccount; null outside a cluster. The token is
 * read again as the kubelet rotates it.
 */
export const inCluster = Effect.fnUntraced(function* (
  options: KubeconfigOptions,
  folder: string = serviceAccount
): Effect.fn.Return<Access | null, ClusterError> {
  const environment = options.environment ?? process.env
  const host = environment["KUBERNETES_SERVICE_HOST"] ?? ""
  const port = environment["KUBERNETES_SERVICE_PORT"] ?? ""
  const file = (name: string) => Path.join(folder, name)
  const read = (name: string) =>
    Effect.promise(() =>
      readFile(file(name), "utf8").then(
        (text) => text.trim(),
        () => null
      )
    )
  if (host === "" || port === "" || (yield* read("token")) === null) return null
  return {
    context: null,
    namespace: options.namespace ?? (yield* read("namespace")) ?? "default",
    clusterName: null,
    userName: null,
    cluster: {
      server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
      authority: { _tag: "File", path: file("ca.crt") },
      insecure: false,
      serverName: null,
      proxyUrl: null,
      compression: true
    },
    user: {
      certificate: null,
      key: null,
      token: null,
      tokenFile: file("token"),
      basic: null,
      exec: null,
      authProvider: null,
      impersonate: yield* attempt(() => impersonate({}, "", options))
    }
  }
})
