/**
 * Errors of an API server: the only place that turns a status code and a `meta/v1 Status` body into a
 * ClusterError.
 */
import * as Predicate from "effect/Predicate"
import { ClusterError, type Reason, type Request } from "../Cluster.ts"

/**
 * As much of a server's words as an error carries: a screenful, which is more than any admission
 * webhook needs. An endless message would be written to every log and journal.
 */
const maxMessage = 2000

/** Text from a server, shortened for an error. */
export const bounded = (text: string): string =>
  text.length > maxMessage ? `${text.slice(0, maxMessage)}… (${text.length} characters)` : text

/** The same in one line, without what a terminal would obey: a webhook's words may run over lines. */
export const oneLine = (text: string): string => bounded(text).replaceAll(/[\s\p{Cc}]+/gu, " ")

/** The parts of a `meta/v1 Status` that we read. */
export interface Status {
  readonly status?: string
  readonly reason?: string
  readonly message?: string
  readonly code?: number
  readonly details?: {
    readonly retryAfterSeconds?: number
    readonly causes?: ReadonlyArray<{ readonly reason?: string; readonly message?: string }>
  }
}

/** True if a decoded body is a Status rather than the requested object. */
export const isStatus = (body: unknown): body is Status =>
  Predicate.isObject(body) && Predicate.hasProperty(body, "kind") && body.kind === "Status"

/** True if a request can change the cluster; reviews and dry runs change nothing. */
export const isWrite = (request: Pick<Request, "method" | "path" | "query">): boolean =>
  request.method !== "GET" &&
  !/\/(selfsubject|subject|localsubject)[a-z]*reviews$/.test(request.path) &&
  !(request.query ?? []).some(([key, value]) => key === "dryRun" && value === "All")

/** `PATCH /apis/apps/v1/namespaces/shop/statefulsets/db`, for messages. */
export const describeRequest = (request: Pick<Request, "method" | "path">): string =>
  `${request.method} ${request.path}`

/** A write's answer was lost, or says that its effect is unknown. */
export const outcomeUnknown = (request: Pick<Request, "method" | "path">, why: string): ClusterError =>
  new ClusterError({
    reason: { _tag: "OutcomeUnknown" },
    message: `${describeRequest(request)}: ${why}; whether it took effect is unknown`,
    action: "read the object back before trying again"
  })

/** Messages that name no object. */
const vague = /^the server /i

const missingApi = "the server could not find the requested resource"

/** Values above an hour are capped: a waiting client asks again long before. */
const maxRetryAfterMillis = 3_600_000

/** Seconds, or a date (RFC 9110) by the server's own clock; `null` for anything else. */
const fromHeader = (text: string, now: string | undefined): number | null => {
  if (/^\s*\d+\s*$/.test(text)) return Number(text) * 1000
  const millis = Date.parse(text) - Date.parse(now ?? "")
  return /^\s*[A-Z]/i.test(text) && Number.isFinite(millis) ? Math.max(0, millis) : null
}

/** The server's Retry-After in milliseconds: the header, else the Status' own field; null when neither. */
const retryAfter = (headers: Readonly<Record<string, string>>, status: Status): number | null => {
  const header = headers["retry-after"]
  const seconds = status.details?.retryAfterSeconds
  const asked =
    header !== undefined
      ? fromHeader(header, headers["date"])
      : typeof seconds === "number" && seconds >= 0
        ? seconds * 1000
        : null
  return asked === null ? null : Math.min(asked, maxRetryAfterMillis)
}

/** A PodDisruptionBudget's 429 is an answer to wait out for long, not a moment's throttling. */
const isDisruptionBudget = ({ details }: Status): boolean =>
  Array.isArray(details?.causes) && details.causes.some((cause) => cause?.reason === "DisruptionBudget")

const tags: Readonly<Record<string, Exclude<Reason["_tag"], "TooManyRequests">>> = {
  NotFound: "NotFound",
  AlreadyExists: "AlreadyExists",
  Unauthorized: "Unauthorized",
  Forbidden: "Forbidden",
  Conflict: "Conflict",
  Invalid: "Invalid",
  BadRequest: "BadRequest",
  ServiceUnavailable: "Unavailable",
  Timeout: "Timeout",
  ServerTimeout: "Timeout",
  Expired: "Expired",
  Gone: "Expired",
  RequestEntityTooLarge: "Invalid",
  MethodNotAllowed: "Unsupported",
  NotAcceptable: "Unsupported",
  UnsupportedMediaType: "Unsupported",
  InternalError: "InternalError"
}

const byReason = (status: Status, headers: Readonly<Record<string, string>>): Reason | null => {
  if (status.reason === "TooManyRequests") {
    return {
      _tag: "TooManyRequests",
      retryAfterMillis: isDisruptionBudget(status) ? null : retryAfter(headers, status)
    }
  }
  if (status.reason === "NotFound" && status.message === missingApi) return { _tag: "Unsupported" }
  const tag = Object.hasOwn(tags, status.reason ?? "") ? tags[status.reason ?? ""] : undefined
  return tag === undefined ? null : { _tag: tag }
}

const byCode = (code: number, headers: Readonly<Record<string, string>>): Reason => {
  switch (code) {
    case 400:
      return { _tag: "BadRequest" }
    case 401:
      return { _tag: "Unauthorized" }
    case 403:
      return { _tag: "Forbidden" }
    // Without a Status nobody looked for an object: there is no such path.
    case 404:
    case 405:
    case 406:
    case 415:
    case 501:
      return { _tag: "Unsupported" }
    case 409:
      return { _tag: "Conflict" }
    case 410:
      return { _tag: "Expired" }
    case 413:
    case 422:
      return { _tag: "Invalid" }
    case 429:
      return { _tag: "TooManyRequests", retryAfterMillis: retryAfter(headers, {}) }
    case 502:
    case 503:
      return { _tag: "Unavailable" }
    case 504:
      return { _tag: "Timeout" }
    default:
      return { _tag: code >= 500 ? "InternalError" : "Unreadable" }
  }
}

const actions: Partial<Record<Reason["_tag"], string>> = {
  Unauthorized: "log in again: the credentials of this context are missing, wrong or expired",
  Conflict: "read the object again and repeat the change",
  Expired: "try again: the server no longer has the version that was asked for",
  Unsupported: "check `kubectl api-resources` for what this cluster serves",
  TooManyRequests: "try again later"
}

/** An API server refuses in a Status; a web server, a company's proxy or a login page does not. */
const byOther =
  "check the server's address and any proxy before it: the answer is not a Kubernetes API server's"

/** The words of an authorizer; a quota, a policy and a webhook refuse in their own. */
const unauthorized = /\bUser ".*" cannot (\S+) (?:resource|path) "/

/** The same of a Secret, from its beginning to where its own words end: nobody else has put anything before them. */
const ofAuthorizer =
  /^secrets (?:"[\w.-]+" )?is forbidden: User "[^"]*" cannot \w+ resource "secrets" in API group ""(?: in the namespace "[\w.-]+"| at the cluster scope)?/

/** The words of a quota: names of resources, and how many. */
const fullQuota = /\bexceeded quota: [\w.-]+, requested: [\w./=,-]+, used: [\w./=,-]+, limited: [\w./=,-]+$/

/**
 * Whoever refuses a Secret may quote it: a webhook, a policy, the server's own validation. They are asked in a
 * dry run as well, and of a deletion they are given the old object.
 */
const mayQuote = (request: Pick<Request, "method" | "path">): boolean =>
  request.method !== "GET" && /^\/api\/v1\/namespaces\/[^/]+\/secrets(\/|$)/.test(request.path)

/** What may be told of a refusal: of a Secret only what cannot hold a value of it. */
const tellable = (request: Pick<Request, "method" | "path">, words: string, reason: Reason): string =>
  !mayQuote(request) || reason._tag === "NotFound"
    ? words
    : (ofAuthorizer.exec(words)?.[0] ?? fullQuota.exec(words)?.[0] ?? `the server answered ${reason._tag}`)

type Way = Partial<Pick<ClusterError, "action" | "permission">>

const forbidden = (said: string): Way => {
  const verb = unauthorized.exec(said)?.[1]
  if (verb === undefined) return { action: "raise the quota, or meet the policy, that refused it" }
  const role = said.includes("at the cluster scope") ? "ClusterRole" : "Role"
  return {
    action: `ask for a ${role} with this rule, or use another user`,
    // No command needs it: it is the user's own wish.
    ...(verb === "impersonate" ? {} : { permission: { rest: null } })
  }
}

const wayOf = (reason: Reason, said: string, isOwn: boolean): Way => {
  if (reason._tag === "Unreadable" || (reason._tag === "Forbidden" && !isOwn)) return { action: byOther }
  if (reason._tag === "Forbidden") return forbidden(said)
  const action = actions[reason._tag]
  return action === undefined ? {} : { action }
}

/** The error for a response other than 2xx. `body` is the decoded JSON, or `null`. */
export const fromStatus = (
  request: Pick<Request, "method" | "path" | "query">,
  code: number,
  headers: Readonly<Record<string, string>>,
  body: unknown
): ClusterError => {
  const status: Status = isStatus(body) ? body : {}
  const reason = byReason(status, headers) ?? byCode(code, headers)
  const words = typeof status.message === "string" ? oneLine(status.message) : `the server answered ${code}`
  const said = tellable(request, words, reason)
  const effectUnknown =
    reason._tag === "Unavailable" ||
    reason._tag === "Timeout" ||
    // etcd's own failures pass through as 500 and may come after the commit.
    (reason._tag === "InternalError" && said.includes("etcdserver"))
  if (isWrite(request) && effectUnknown) return outcomeUnknown(request, said)
  const told = reason._tag === "Unauthorized" ? "You must be logged in to the server (Unauthorized)" : said
  return new ClusterError({
    reason,
    message: vague.test(told) || said !== words ? `${describeRequest(request)}: ${told}` : told,
    status: code,
    ...wayOf(reason, said, isStatus(body))
  })
}
