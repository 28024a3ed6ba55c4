/** The cluster and the user of a kubeconfig's context, with kubectl's flags over them. */
import type * as Effect from "effect/Effect"
import * as Path from "node:path"
import type { ClusterError } from "../Cluster.ts"
import {
  type Access,
  attempt,
  clusterEntry,
  configFault,
  type Entry,
  type Kubeconfig,
  type KubeconfigOptions,
  kubectlConfig,
  reader,
  userEntry
} from "./kubeconfig.ts"

/** A cluster's entry, overridden by the options. */
const clusterWith = (entry: Entry, options: KubeconfigOptions): Entry => {
  const { server, certificateAuthority, insecureSkipTlsVerify = false, tlsServerName } = options
  return {
    ...entry,
    ...(server === undefined ? {} : { server }),
    // Either of the two replaces both, or a flag could never override the authority of a kubeconfig.
    ...(certificateAuthority === undefined && !insecureSkipTlsVerify
      ? {}
      : {
          "certificate-authority":
            certificateAuthority === undefined ? null : Path.resolve(certificateAuthority),
          "certificate-authority-data": null,
          "insecure-skip-tls-verify": insecureSkipTlsVerify
        }),
    // The kubeconfig's name is that of the kubeconfig's server.
    ...(server === undefined && tlsServerName === undefined ? {} : { "tls-server-name": tlsServerName }),
    ...(options.disableCompression === true ? { "disable-compression": true } : {})
  }
}

/** Ways to authenticate, of which a server may be shown only one. */
const authentication = {
  token: null,
  tokenFile: null,
  username: null,
  password: null,
  exec: null,
  "auth-provider": null
}

/** Whom to act as, which is no credential. */
const impersonated = ({ as, ...entry }: Entry): Entry => ({
  as,
  "as-uid": entry["as-uid"],
  "as-groups": entry["as-groups"],
  "as-user-extra": entry["as-user-extra"]
})

/** A user's entry, overridden by the options. */
const userWith = (entry: Entry, options: KubeconfigOptions): Entry => {
  const { token, username, password, clientCertificate, clientKey } = options
  if (token !== undefined && (username !== undefined || password !== undefined))
    throw configFault("a token cannot be combined with a user name and password", "use one or the other")
  if (password !== undefined && username === undefined)
    throw configFault("a password needs a user name", "add --username")
  return {
    ...entry,
    ...(token === undefined && username === undefined
      ? {}
      : { ...authentication, token, username, password }),
    ...(clientCertificate === undefined && clientKey === undefined
      ? {}
      : {
          exec: null,
          "client-certificate-data": null,
          "client-key-data": null,
          "client-certificate": fileOf(clientCertificate, entry["client-certificate"]),
          "client-key": fileOf(clientKey, entry["client-key"])
        })
  }
}

const fileOf = (given: string | undefined, own: unknown): unknown =>
  given === undefined ? own : Path.resolve(given)

/** The cluster and the user of two entries and the flags. */
export const resolved = (
  [cluster, clusterName]: readonly [Entry, string | null],
  [user, userName]: readonly [Entry, string | null],
  options: KubeconfigOptions
): Pick<Access, "cluster" | "user"> => {
  const found = clusterEntry(clusterWith(cluster, options), clusterName ?? "", options)
  // As kubectl: what the kubeconfig's server is shown over TLS is shown to no other in clear text.
  const isClear = options.server !== undefined && !/^https:/i.test(found.server)
  const own = isClear ? impersonated(user) : user
  return { cluster: found, user: userEntry(userWith(own, options), userName ?? "", options) }
}

/** The cluster, user and namespace that the context and the flags come to. */
export const resolve = (
  config: Kubeconfig,
  options: KubeconfigOptions
): Effect.Effect<Access, ClusterError> =>
  attempt(() => {
    const contextName = options.context ?? config.currentContext
    const context = contextName === null ? undefined : config.contexts.get(contextName)
    if (contextName !== null && context === undefined) {
      throw configFault(
        `context "${contextName}" does not exist`,
        `\`${kubectlConfig(options, "get-contexts")}\` lists them`
      )
    }
    const { text } = reader(context ?? {}, `context ${contextName}`)
    const clusterName = options.cluster ?? text("cluster")
    if (clusterName === null && options.server === undefined) {
      throw configFault(
        contextName === null ? "no context is set" : `context "${contextName}" names no cluster`,
        `choose one with --context, or \`${kubectlConfig(options, "use-context NAME")}\``
      )
    }
    const cluster = clusterName === null ? {} : config.clusters.get(clusterName)
    if (cluster === undefined) {
      throw configFault(
        `cluster "${clusterName}" does not exist`,
        `\`${kubectlConfig(options, "get-clusters")}\` lists them`
      )
    }
    const userName = options.user ?? text("user")
    const user = userName === null ? {} : config.users.get(userName)
    if (user === undefined) {
      throw configFault(
        `user "${userName}" does not exist`,
        `\`${kubectlConfig(options, "get-users")}\` lists them`
      )
    }
    return {
      context: contextName,
      namespace: options.namespace ?? text("namespace") ?? "default",
      clusterName,
      userName,
      ...resolved([cluster, clusterName], [user, userName], options)
    }
  })
