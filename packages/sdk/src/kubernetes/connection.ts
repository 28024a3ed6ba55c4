/** The shared connection pool of a live cluster, for all calls. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { X509Certificate } from "node:crypto"
import type { Socket } from "node:net"
import * as Tls from "node:tls"
import type { Agent } from "undici"
import type { ClusterError } from "../Cluster.ts"
import * as Credentials from "./credentials.ts"
import { dial, type Endpoint, type Trust } from "./dial.ts"
import { type Access, configFault, readBytes } from "./kubeconfig.ts"
import { proxyFromEnvironment } from "./proxy.ts"

/** client-go dials for 30 s; we give up earlier, so that a retry can still help. */
const dialMillis = 15_000

/**
 * Requests under way at once; more wait their turn. Watches and execs are not
 * counted, since they last. The bound is ours; the server's own (priority and
 * fairness, 429) is obeyed above.
 */
const maxInFlight = 16

/** A pool for one client certificate. */
export interface Channel {
  readonly credential: Credentials.Credential
  /** For requests. */
  readonly agent: Agent
  /** For watches, each of which keeps a connection to itself: among the others they would starve requests. */
  readonly watches: Agent
  /** A socket of its own, for exec. */
  readonly dial: (signal: AbortSignal) => Promise<Socket>
}

/** The shared part of requests, watches and execs. */
export interface Connection {
  readonly server: URL
  readonly userAgent: string
  readonly compression: boolean
  /** `--request-timeout`; null waits as long as the server does. */
  readonly requestTimeoutMillis: number | null
  /** A place among the requests under way, until the scope closes. */
  readonly turn: Effect.Effect<void, never, Scope.Scope>
  readonly channel: Effect.Effect<Channel, ClusterError>
  readonly refused: Credentials.Credentials["refused"]
}

const address = (text: string, what: string): Effect.Effect<URL, ClusterError> =>
  Effect.try({
    // kubectl takes a bare host and port for http.
    try: () => new URL(text.includes("://") ? text : `http://${text}`),
    catch: () => configFault(`${what} is not an address`, "correct it in the kubeconfig")
  })

const endpointOf = Effect.fnUntraced(function* (
  access: Access,
  environment: Readonly<Record<string, string | undefined>>
): Effect.fn.Return<Endpoint, ClusterError> {
  const { cluster, clusterName } = access
  const what = clusterName === null ? "cluster" : `cluster "${clusterName}"`
  const url = yield* address(cluster.server, `${what}: server`)
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return yield* configFault(`${what}: server is neither http nor https`, "correct it in the kubeconfig")
  }
  const proxyText = cluster.proxyUrl ?? proxyFromEnvironment(url, environment)
  const proxy = proxyText === null ? null : yield* address(proxyText, `${what}: proxy-url`)
  if (proxy !== null && !["http:", "https:", "socks5:", "socks5h:"].includes(proxy.protocol)) {
    return yield* configFault(
      `${what}: proxy-url is neither http, https nor socks5`,
      "correct it in the kubeconfig"
    )
  }
  return { url, proxy, serverName: cluster.serverName, insecure: cluster.insecure }
})

const publicAuthorities = () => [...Tls.getCACertificates("default"), ...Tls.getCACertificates("system")]

const secureContext = (
  authority: Buffer | null,
  certificate: Credentials.Certificate | null,
  isProxy: boolean
): Effect.Effect<Tls.SecureContext, ClusterError> =>
  Effect.try({
    try: () => {
      // OpenSSL passes over an authority that it cannot read, and then trusts nobody.
      if (authority !== null) void new X509Certificate(authority)
      return Tls.createSecureContext({
        // Without an authority of its own a cluster is trusted as kubectl does: by the system's.
        // kubectl trusts a proxy by the cluster's authority too; one with a public certificate is as good.
        ca:
          authority === null
            ? publicAuthorities()
            : isProxy
              ? [authority, ...publicAuthorities()]
              : authority,
        // As kubectl, an authority is trusted as it is, although another one has signed it: an intermediate one.
        allowPartialTrustChain: true,
        ...(certificate === null ? {} : { cert: certificate.cert, key: certificate.key })
      })
    },
    catch: () =>
      configFault(
        certificate === null
          ? "the certificate authority of this cluster is not a PEM certificate"
          : "the client certificate of this user, its key or the certificate authority is not in PEM, or they do not belong together",
        "correct it in the kubeconfig"
      )
  })

/** Opens nothing yet; the scope's end closes every connection. */
export const make = Effect.fnUntraced(function* (
  access: Access,
  options: {
    readonly environment: Readonly<Record<string, string | undefined>>
    readonly userAgent: string
    readonly requestTimeoutMillis: number | null
  }
): Effect.fn.Return<Connection, ClusterError, Scope.Scope> {
  const { cluster } = access
  const endpoint = yield* endpointOf(access, options.environment)
  const authority =
    cluster.authority === null ? null : yield* readBytes(cluster.authority, "certificate authority")
  const credentials = yield* Credentials.make(access, authority, options.environment)
  const places = yield* Semaphore.make(maxInFlight)
  const library = yield* Effect.cached(Effect.promise(() => import("undici/lib/dispatcher/agent.js")))

  // A plugin that hands out a new certificate gets a new pool; the old one drains.
  let pool: {
    readonly certificate: Credentials.Certificate | null
    readonly channel: Omit<Channel, "credential">
  } | null = null
  // A connection that is still being made ends with the scope too, or the process would wait for it.
  const closing = new AbortController()
  yield* Effect.addFinalizer(() =>
    Effect.promise(async () => {
      closing.abort()
      await Promise.all([pool?.channel.agent.destroy(), pool?.channel.watches.destroy()])
    })
  )
  const gate = yield* Semaphore.make(1)
  const channel = Effect.gen(function* () {
    const credential = yield* credentials.current
    if (pool === null || pool.certificate !== credential.certificate) {
      const trustOf = (url: URL | null, isProxy: boolean) =>
        url?.protocol === "https:"
          ? secureContext(authority, credential.certificate, isProxy)
          : Effect.succeed(null)
      const trust: Trust = {
        server: yield* trustOf(endpoint.url, false),
        proxy: yield* trustOf(endpoint.proxy, true)
      }
      const { default: Agent } = yield* library
      const open = (signal: AbortSignal) =>
        dial(endpoint, trust, dialMillis, AbortSignal.any([signal, closing.signal]))
      const agentOf = (connections: number | null) =>
        new Agent({
          connections,
          // Below the idle timeouts of the API server (90 s) and of load balancers (60 s).
          keepAliveTimeout: 30_000,
          allowH2: false,
          connect: (_, callback) => {
            dial(endpoint, trust, dialMillis, closing.signal).then(
              (socket) => callback(null, socket),
              (error: unknown) => callback(error instanceof Error ? error : new Error("no connection"), null)
            )
          }
        })
      void pool?.channel.agent.close()
      void pool?.channel.watches.close()
      const channel = { agent: agentOf(maxInFlight), watches: agentOf(null), dial: open }
      pool = { certificate: credential.certificate, channel }
    }
    return { credential, ...pool.channel }
  })

  return {
    server: endpoint.url,
    userAgent: options.userAgent,
    compression: cluster.compression,
    requestTimeoutMillis: options.requestTimeoutMillis,
    turn: places.takeScoped(1),
    channel: gate.withPermit(channel),
    refused: credentials.refused
  }
})
