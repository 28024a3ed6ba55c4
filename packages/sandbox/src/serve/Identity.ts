/** The user of a request: by bearer token, optionally impersonating another user. */
import { timingSafeEqual } from "node:crypto"
import type { IncomingHttpHeaders } from "node:http"
import { type Attempt, isAllowed, type User } from "../apiserver/Access.ts"
import { Refusal } from "../apimachinery/Status.ts"

/** A user, and its token. */
export interface Login {
  readonly user: User
  readonly token: string
}

const anonymous: User = { name: "system:anonymous", groups: ["system:unauthenticated"], allow: [] }

/** Paths that everyone can read, as with the role system:public-info-viewer. */
const open = ["/healthz", "/livez", "/readyz", "/version"]

const failure = (code: number, reason: string, message: string): Refusal =>
  new Refusal({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code })

const same = (left: string, right: string): boolean => {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}

const single = (value: string | ReadonlyArray<string> | undefined): string | undefined =>
  typeof value === "string" ? value : value?.[0]

/** Node joins a repeated header with commas; a group's name holds none. */
const several = (value: string | ReadonlyArray<string> | undefined): ReadonlyArray<string> =>
  typeof value === "string" ? value.split(",").map((each) => each.trim()) : (value ?? [])

const authenticated = (headers: IncomingHttpHeaders, logins: ReadonlyArray<Login>): User => {
  const { authorization } = headers
  if (authorization === undefined) return anonymous
  const token = /^Bearer\s+(\S+)\s*$/i.exec(authorization)?.[1]
  const login = logins.find((each) => token !== undefined && same(each.token, token))
  if (login === undefined) throw failure(401, "Unauthorized", "Unauthorized")
  return login.user
}

/** An unknown user has no permissions, as in a cluster without a binding for it. */
const impersonated = (
  headers: IncomingHttpHeaders,
  by: User,
  logins: ReadonlyArray<Login>
): User | undefined => {
  const name = single(headers["impersonate-user"])
  if (name === undefined) return undefined
  const attempt: Attempt = { verb: "impersonate", group: "", resource: "users", name }
  if (!isAllowed(by, attempt)) {
    throw failure(
      403,
      "Forbidden",
      `users ${JSON.stringify(name)} is forbidden: User ${JSON.stringify(by.name)} cannot impersonate resource "users" in API group "" at the cluster scope`
    )
  }
  const known = logins.find((login) => login.user.name === name)?.user
  const groups = several(headers["impersonate-group"])
  if (groups.includes("system:masters")) return { name, groups }
  return known ?? { name, groups: [...groups, "system:authenticated"], allow: [] }
}

/** Throws the 401 for an unknown token, and the 403 for a request without one. */
export const identify = (headers: IncomingHttpHeaders, path: string, logins: ReadonlyArray<Login>): User => {
  const user = authenticated(headers, logins)
  if (user === anonymous && !open.includes(path) && !/^\/apis?\/.*\/./.test(path)) {
    throw failure(
      403,
      "Forbidden",
      `forbidden: User "system:anonymous" cannot get path ${JSON.stringify(path)}`
    )
  }
  return impersonated(headers, user, logins) ?? user
}
