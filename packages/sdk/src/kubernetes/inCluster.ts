/**
 * The cluster that this process runs in, by its ServiceAccount.
 */
import * as Effect from "effect/Effect"
import { readFile } from "node:fs/promises"
import { isIPv6 } from "node:net"
import * as Path from "node:path"
import type { ClusterError } from "../Cluster.ts"
import { type Access, attempt, configFault, type KubeconfigOptions } from "./kubeconfig.ts"
import { resolved } from "./overrides.ts"

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

/**
 * The access of the pod's ServiceAccount, overridden by the options; null outside a cluster. The token is
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
  const namespace = yield* read("namespace")
  return yield* attempt(() => {
    const named = (["context", "cluster", "user"] as const).find((name) => (options[name] ?? "") !== "")
    if (named !== undefined) {
      throw configFault(
        `${named} "${options[named]}" does not exist: no kubeconfig found, only this pod's own cluster`,
        `name a kubeconfig, or leave the ${named} out`
      )
    }
    const server = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`
    return {
      context: null,
      namespace: options.namespace ?? namespace ?? "default",
      clusterName: null,
      userName: null,
      ...resolved(
        [{ server, "certificate-authority": file("ca.crt") }, null],
        [{ tokenFile: file("token") }, null],
        options
      )
    }
  })
})
