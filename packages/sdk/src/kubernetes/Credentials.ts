/**
 * Who asks: the headers and the client certificate of a request, renewed as they
 * expire or are refused. Values stay in this file's closures.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { readFile } from "node:fs/promises"
import type { ClusterError } from "../Cluster.ts"
import { type ExecCredential, runExecPlugin } from "./ExecPlugin.ts"
import { type Access, configFault, readBytes, type UserEntry } from "./Kubeconfig.ts"

/** A header that repeats has several values. */
export type Headers = Readonly<Record<string, string | ReadonlyArray<string>>>

/** PEM texts. */
export interface Certificate {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

/** What one request carries. */
export interface Credential {
  readonly headers: Headers
  readonly certificate: Certificate | null
}

/** Where requests get their credential from. */
export interface Credentials {
  readonly current: Effect.Effect<Credential, ClusterError>
  /** Drops this credential after a 401; true if the next one can differ from it. */
  readonly refused: (credential: Credential) => Effect.Effect<boolean>
}

const impersonation = ({ impersonate }: UserEntry): Record<string, string | ReadonlyArray<string>> =>
  impersonate === null
    ? {}
    : {
        "impersonate-user": impersonate.user,
        ...(impersonate.uid === null ? {} : { "impersonate-uid": impersonate.uid }),
        ...(impersonate.groups.length === 0 ? {} : { "impersonate-group": impersonate.groups }),
        ...Object.fromEntries(
          impersonate.extra.map(([key, values]) => [
            `impersonate-extra-${encodeURIComponent(key.toLowerCase())}`,
            values
          ])
        )
      }

/** Expiring credentials are renewed this long before, so that none expires on its way. */
const leewayMillis = 10_000

/** A token file is read again after this long, as client-go does. */
const tokenFileMillis = 10_000

interface Source {
  readonly fetch: Effect.Effect<
    {
      readonly token: string | null
      readonly certificate: Certificate | null
      readonly expires: number | null
    },
    ClusterError
  >
  readonly renewable: boolean
}

const fixed = (token: string | null): Source => ({
  fetch: Effect.succeed({ token, certificate: null, expires: null }),
  renewable: false
})

const fromFile = (path: string, fallback: string | null): Source => {
  let last = fallback
  return {
    renewable: true,
    fetch: Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const read = yield* Effect.promise(() =>
        readFile(path, "utf8").then(
          (text) => text.trim(),
          () => ""
        )
      )
      // A rotation may leave the file empty for a moment: what was read last goes on.
      if (read !== "") last = read
      if (last === null) {
        return yield* configFault(
          `token file ${path} is missing or empty`,
          "correct tokenFile in the kubeconfig"
        )
      }
      return { token: last, certificate: null, expires: now + tokenFileMillis + leewayMillis }
    })
  }
}

// The one provider that kubectl still knows. Its library is loaded by those who use it alone.
const fromOidc = (user: UserEntry, config: Readonly<Record<string, unknown>>): Source => {
  const state = { name: "", authProvider: { name: "oidc", config: { ...config } } }
  const client = Effect.runSync(
    Effect.cached(
      Effect.promise(async () => {
        const { OpenIDConnectAuth } = await import("@kubernetes/client-node/dist/oidc_auth.js")
        return new OpenIDConnectAuth()
      })
    )
  )
  return {
    renewable: true,
    fetch: Effect.gen(function* () {
      const auth = yield* client
      const headers: Record<string, string> = {}
      yield* Effect.tryPromise({
        try: () => auth.applyAuthentication(state, { headers }),
        catch: () =>
          configFault(
            "the OpenID Connect token cannot be renewed",
            "log in again, so that the kubeconfig gets a new refresh-token"
          )
      })
      const token = headers["Authorization"]?.replace(/^Bearer /, "") ?? null
      if (token === null && user.token === null) {
        return yield* configFault("the OpenID Connect token has expired", "log in again")
      }
      const now = yield* Clock.currentTimeMillis
      return { token, certificate: null, expires: now + 2 * leewayMillis }
    })
  }
}

const sourceOf = (
  access: Access,
  authority: Buffer | null,
  environment: Readonly<Record<string, string | undefined>>
): Effect.Effect<Source, ClusterError> => {
  const { user, cluster } = access
  if (user.tokenFile !== null) return Effect.succeed(fromFile(user.tokenFile, user.token))
  if (user.token !== null || user.basic !== null) return Effect.succeed(fixed(user.token))
  if (user.exec !== null) {
    const run: Effect.Effect<ExecCredential, ClusterError> = runExecPlugin(
      user.exec,
      cluster,
      authority,
      environment
    )
    return Effect.succeed({ fetch: run, renewable: true })
  }
  if (user.authProvider !== null) {
    const { name, config } = user.authProvider
    return name === "oidc"
      ? Effect.succeed(fromOidc(user, config))
      : Effect.fail(
          configFault(
            `user "${access.userName}": the auth provider "${name}" is gone from kubectl since 1.26`,
            "use its exec plugin instead"
          )
        )
  }
  return Effect.succeed(fixed(null))
}

/** The credentials of a user; reads the client certificate's files now, the rest when asked. */
export const make = Effect.fnUntraced(function* (
  access: Access,
  authority: Buffer | null,
  environment: Readonly<Record<string, string | undefined>>
): Effect.fn.Return<Credentials, ClusterError> {
  const { user } = access
  const source = yield* sourceOf(access, authority, environment)
  const own: Certificate | null =
    user.certificate === null || user.key === null
      ? null
      : {
          cert: yield* readBytes(user.certificate, "client certificate"),
          key: yield* readBytes(user.key, "client key")
        }
  const basic =
    user.basic === null
      ? null
      : `Basic ${Buffer.from(`${user.basic.username}:${user.basic.password}`).toString("base64")}`
  const extra = impersonation(user)
  let held: { readonly credential: Credential; readonly expires: number | null } | null = null
  // One plugin at a time: ten requests that find an expired token start one login, not ten.
  const gate = yield* Semaphore.make(1)

  const current = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    if (held !== null && (held.expires === null || held.expires - leewayMillis > now)) return held.credential
    const fetched = yield* source.fetch
    const authorization = fetched.token === null ? basic : `Bearer ${fetched.token}`
    const credential: Credential = {
      headers: { ...(authorization === null ? {} : { authorization }), ...extra },
      certificate: fetched.certificate ?? own
    }
    held = { credential, expires: fetched.expires }
    return credential
  })

  return {
    current: gate.withPermit(current),
    refused: (credential) =>
      Effect.sync(() => {
        // Another request may have renewed it already: then that one is tried.
        if (held?.credential === credential) held = null
        return source.renewable
      })
  }
})
