/**
 * Credentials: the headers and the client certificate of a request, renewed when they expire or are refused.
 * Values stay in this file's closures.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { createPrivateKey, X509Certificate } from "node:crypto"
import { readFile } from "node:fs/promises"
import type { ClusterError } from "../Cluster.ts"
import { type ExecCredential, runExecPlugin } from "./execPlugin.ts"
import { type Access, configFault, type Given, readBytes, type UserEntry } from "./kubeconfig.ts"

/** A header that repeats has several values. */
export type Headers = Readonly<Record<string, string | ReadonlyArray<string>>>

/** PEM texts. */
export interface Certificate {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

/** The credential of one request. */
export interface Credential {
  readonly headers: Headers
  readonly certificate: Certificate | null
}

/** The source of credentials. */
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

/** The characters that are invalid in a header (RFC 9110, 5.5). */
const unsendable = /[^\t\x20-\x7e\u0080-\u{10ffff}]/u

/**
 * The headers as bytes of UTF-8, which is how Go sends them and the API server reads them. A value
 * that cannot be sent is refused here: undici's pool never serves again after sixteen of them.
 */
const sendable = (headers: Headers, userName: string | null): Effect.Effect<Headers, ClusterError> => {
  const encode = (value: string) => Buffer.from(value, "utf8").toString("latin1")
  const entries = Object.entries(headers)
  const refused = entries.find(([, value]) => [value].flat().some((one) => unsendable.test(one)))
  if (refused !== undefined) {
    const what = refused[0] === "authorization" ? "credential" : `header ${refused[0]}`
    return Effect.fail(
      configFault(
        `the ${what} of user "${userName ?? ""}" has a line break or another character that no header carries`,
        "correct it in the kubeconfig, or in the flag it came from"
      )
    )
  }
  return Effect.succeed(
    Object.fromEntries(
      entries.map(([name, value]) => [name, typeof value === "string" ? encode(value) : value.map(encode)])
    )
  )
}

/** Expiring credentials are renewed this long before, so that none expires in transit. */
const leewayMillis = 10_000

/** A token file is read again after this long, as client-go does. */
const tokenFileMillis = 10_000

interface Source {
  readonly fetch: Effect.Effect<Given, ClusterError>
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
      // A rotation may leave the file empty for a moment: the last value that was read stays in use.
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
  if (user.asked !== undefined) return Effect.succeed({ fetch: user.asked, renewable: true })
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

/** A client certificate's files are read again after this long, as client-go does. */
const certificateMillis = 300_000

interface OwnCertificate {
  readonly rotates: boolean
  readonly current: Effect.Effect<Certificate | null>
  /** The current content of the files; the same object if it has not changed. */
  readonly reread: Effect.Effect<Certificate | null>
}

const belongTogether = ({ cert, key }: Certificate): boolean => {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

/** The client certificate of a user, read now, and again as its files are rotated. */
const ownCertificate = Effect.fnUntraced(function* ({
  certificate,
  key
}: UserEntry): Effect.fn.Return<OwnCertificate, ClusterError> {
  if (certificate === null || key === null) {
    return { rotates: false, current: Effect.succeed(null), reread: Effect.succeed(null) }
  }
  const read = Effect.gen(function* () {
    return {
      cert: yield* readBytes(certificate, "client certificate"),
      key: yield* readBytes(key, "client key")
    }
  })
  let last: { readonly cert: Buffer; readonly key: Buffer } = yield* read
  let at = yield* Clock.currentTimeMillis
  const rotates = certificate._tag === "File" || key._tag === "File"
  const reread = Effect.gen(function* () {
    if (!rotates) return last
    at = yield* Clock.currentTimeMillis
    const now = yield* Effect.orElseSucceed(read, () => last)
    // Half a rotation, the new certificate beside the old key, is passed over.
    const isNew = !now.cert.equals(last.cert) && belongTogether(now)
    if (isNew) last = now
    return last
  })
  const current = Effect.gen(function* () {
    return (yield* Clock.currentTimeMillis) - at < certificateMillis ? last : yield* reread
  })
  return { rotates, current, reread }
})

/** The credentials of a user; reads the client certificate's files now, the rest when asked. */
export const make = Effect.fnUntraced(function* (
  access: Access,
  authority: Buffer | null,
  environment: Readonly<Record<string, string | undefined>>
): Effect.fn.Return<Credentials, ClusterError> {
  const { user } = access
  const source = yield* sourceOf(access, authority, environment)
  const own = yield* ownCertificate(user)
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
    const headers = { ...(authorization === null ? {} : { authorization }), ...fetched.headers, ...extra }
    const credential: Credential = {
      headers: yield* sendable(headers, access.userName),
      certificate: fetched.certificate ?? (yield* own.current)
    }
    const expiries = [fetched.expires, own.rotates ? now + certificateMillis + leewayMillis : null]
    const expires = expiries.reduce((a, b) => (a === null || b === null ? (a ?? b) : Math.min(a, b)))
    held = { credential, expires }
    return credential
  })

  return {
    current: gate.withPermit(current),
    refused: (credential) =>
      Effect.gen(function* () {
        // Another request may have renewed it already: then that one is tried.
        if (held?.credential === credential) held = null
        return source.renewable || (yield* own.reread) !== credential.certificate
      })
  }
})
