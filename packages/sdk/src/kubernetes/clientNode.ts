/**
 * A cluster from a `KubeConfig` of `@kubernetes/client-node`, for programs that have one already.
 *
 * Its clusters, users and contexts are read as a kubeconfig is, so that requests, watches and execs are
 * this SDK's own. A credential that only the KubeConfig knows how to get (an authenticator that its
 * program has added, a provider of old) is asked of it, each time. Nothing of that library is loaded.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { ClusterError } from "../Cluster.ts"
import {
  type Access,
  attempt,
  configFault,
  type Entry,
  fromDocument,
  isEntry,
  type KubeconfigOptions,
  type UserEntry
} from "./kubeconfig.ts"
import { resolve } from "./overrides.ts"

/** What is used of a `KubeConfig` of `@kubernetes/client-node`, whatever its version. */
export interface ClientKubeConfig {
  readonly exportConfig: () => string
  readonly getCurrentContext: () => string
  applyToHTTPSOptions(options: object): Promise<unknown>
}

/** Providers that the library has for what a kubeconfig says in its own words. */
const asKubectl = (user: Entry): Entry => {
  const provider = user["auth-provider"]
  const config = isEntry(provider) && isEntry(provider["config"]) ? provider["config"] : {}
  if (typeof config["tokenFile"] === "string") {
    return { ...user, "auth-provider": null, tokenFile: config["tokenFile"] }
  }
  return isEntry(config["exec"]) && !isEntry(user["exec"])
    ? { ...user, "auth-provider": null, exec: config["exec"] }
    : user
}

const documentOf = (kubeConfig: ClientKubeConfig): unknown => {
  const document: unknown = JSON.parse(kubeConfig.exportConfig())
  if (!isEntry(document) || !Array.isArray(document["users"])) return document
  return {
    ...document,
    users: document["users"].map((one: unknown) =>
      isEntry(one) && isEntry(one["user"]) ? { ...one, user: asKubectl(one["user"]) } : one
    )
  }
}

/** Whether a kubeconfig says by itself how this user is authenticated. */
const isKnown = ({ certificate, token, tokenFile, basic, exec, authProvider }: UserEntry): boolean =>
  authProvider === null
    ? [certificate, token, tokenFile, basic, exec].some((one) => one !== null)
    : authProvider.name === "oidc"

const text = (value: unknown): string | null =>
  typeof value === "string" ? value : Buffer.isBuffer(value) ? value.toString("utf8") : null

/** What the KubeConfig gives a request: its headers, and its client certificate. */
const askedOf = (kubeConfig: ClientKubeConfig, user: string | null): NonNullable<UserEntry["asked"]> => {
  // The same certificate is the same object: another one is another connection.
  let last: { readonly cert: string; readonly key: string } | null = null
  return Effect.gen(function* () {
    const options: { readonly headers: Record<string, unknown>; cert?: unknown; key?: unknown } = {
      headers: {}
    }
    yield* Effect.tryPromise({
      try: () => kubeConfig.applyToHTTPSOptions(options),
      catch: () =>
        configFault(
          `the KubeConfig gives no credential for user "${user ?? ""}"`,
          "see that its authenticator can log in"
        )
    })
    const headers = Object.entries(options.headers).flatMap(([name, value]) =>
      typeof value === "string" ? [[name.toLowerCase(), value] as const] : []
    )
    const [cert, key] = [text(options.cert), text(options.key)]
    if (cert === null || key === null) last = null
    else if (last?.cert !== cert || last.key !== key) last = { cert, key }
    // It has a memory of its own for how long a credential is good.
    const expires = yield* Clock.currentTimeMillis
    return { token: null, headers: Object.fromEntries(headers), certificate: last, expires }
  })
}

/** The access of a KubeConfig's current context, or of the one that the options name. Asks no server. */
export const fromKubeConfig = Effect.fnUntraced(function* (
  kubeConfig: ClientKubeConfig,
  options: KubeconfigOptions
): Effect.fn.Return<Access, ClusterError> {
  const config = yield* Effect.flatMap(
    attempt(() => {
      try {
        return documentOf(kubeConfig)
      } catch {
        throw configFault("the KubeConfig cannot be read", "load one with loadFromDefault, or another way")
      }
    }),
    (document) => fromDocument(document, "KubeConfig")
  )
  const access = yield* resolve(config, options)
  const { context, user, userName } = access
  if (isKnown(user) || (user.authProvider === null && access.cluster.server.startsWith("http:")))
    return access
  // It authenticates the user of its current context, and no other.
  if (context !== kubeConfig.getCurrentContext() || options.user !== undefined) {
    return yield* configFault(
      `user "${userName ?? ""}" is authenticated by the KubeConfig, in its current context alone`,
      "choose the context with setCurrentContext"
    )
  }
  return { ...access, user: { ...user, authProvider: null, asked: askedOf(kubeConfig, userName) } }
})
