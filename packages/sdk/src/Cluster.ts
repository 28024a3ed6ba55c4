/**
 * The one door to a Kubernetes cluster: a request, a watch, an exec.
 *
 * The port is at wire level on purpose. The live cluster, the sandbox and every injected fault (a lost reply,
 * a truncated watch line, a 410, a broken exec) implement the same three calls, so all code above them is the
 * same in production and in a simulation. Retries, relists, paging and Status decoding are above, once, in
 * Resource.ts.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"

/** One HTTP request to the API server. `path` starts with `/api` or `/apis`, without a query. */
export interface Request {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  readonly path: string
  /** Pairs, since the API repeats keys (`command=` of an exec). */
  readonly query?: ReadonlyArray<readonly [string, string]>
  /** Lower-case names. Authentication is the cluster's own business. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** The answer of one round trip, whatever its status: a 404 is an answer, not a failure. */
export interface Response {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Stream.Stream<Uint8Array, ClusterError>
}

/** One line of a watch. `ERROR` carries a Status and is the last line of its watch. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR"
  readonly object: unknown
}

/** A command to run in a container, without a shell. */
export interface ExecRequest {
  readonly namespace: string
  readonly pod: string
  /** Default: the container named by `kubectl.kubernetes.io/default-container`, else the first. */
  readonly container?: string
  readonly command: ReadonlyArray<string>
  readonly stdin?: boolean
}

/**
 * The result of an exec. `Unknown` if the connection closed before the exit status arrived: the command may
 * have run, may still run, and never counts as a success (kubectl#1208, kubernetes#137404).
 */
export type ExecExit =
  | { readonly _tag: "Exited"; readonly code: number }
  | { readonly _tag: "Unknown"; readonly message: string }

/** A running exec. Closing its scope closes the connection; the process in the pod may live on. */
export interface ExecSession {
  readonly stdout: Stream.Stream<Uint8Array, ClusterError>
  readonly stderr: Stream.Stream<Uint8Array, ClusterError>
  readonly write: (chunk: Uint8Array) => Effect.Effect<void, ClusterError>
  readonly closeStdin: Effect.Effect<void>
  /** Resolves once; also if stdout and stderr are not read. */
  readonly exit: Effect.Effect<ExecExit>
}

/**
 * The reason that a call to the cluster failed, and what to do.
 *
 * - `NotFound`: 404, there is no such object. Check its name, its namespace and the context.
 * - `AlreadyExists`: 409, an object of that name exists. Read it, and use or rename it.
 * - `Unauthorized`: 401, the server does not accept the credentials. Log in again.
 * - `Forbidden`: 403, the permission is missing, or a quota or an admission policy refused it; the message says
 *   which.
 * - `Conflict`: 409, the object has changed since it was read. Read it again, and decide again.
 * - `Invalid`: 422, the server refuses a field; the message names it.
 * - `BadRequest`: 400, the server does not understand the request. Its version may be too old.
 * - `TooManyRequests`: 429, the server is overloaded, or a disruption budget refuses an eviction. Try again later.
 * - `Unavailable`: nothing was changed: the server was not reached, or it said 503 or 504 to a read. Try again.
 * - `Timeout`: the server did not answer a read in time. Nothing was changed; try again.
 * - `Expired`: 410, the resourceVersion or the list's continue token is too old. List again.
 * - `Unsupported`: the API is not installed, or not in this version. Install it, or do without it.
 * - `OutcomeUnknown`: a write was sent and its answer was lost. Read back before trying again.
 * - `InternalError`: 500, the server failed, often in an admission webhook. Read the message, and try again.
 * - `Unreadable`: a response does not match the API. A proxy may have answered instead of the server.
 * - `Closed`: no request was sent: the program itself has closed the connection. Connect again.
 * - `Config`: no request was sent: the kubeconfig, or a certificate, is invalid. Retrying does not help.
 */
export const Reason = Schema.Union([
  Schema.TaggedStruct("NotFound", {}),
  Schema.TaggedStruct("AlreadyExists", {}),
  Schema.TaggedStruct("Unauthorized", {}),
  Schema.TaggedStruct("Forbidden", {}),
  Schema.TaggedStruct("Conflict", {}),
  Schema.TaggedStruct("Invalid", {}),
  Schema.TaggedStruct("BadRequest", {}),
  /** `retryAfterMillis` as the server asked; null when it named none. */
  Schema.TaggedStruct("TooManyRequests", { retryAfterMillis: Schema.NullOr(Schema.Number) }),
  Schema.TaggedStruct("Unavailable", {}),
  Schema.TaggedStruct("Timeout", {}),
  Schema.TaggedStruct("Expired", {}),
  Schema.TaggedStruct("Unsupported", {}),
  Schema.TaggedStruct("OutcomeUnknown", {}),
  Schema.TaggedStruct("InternalError", {}),
  Schema.TaggedStruct("Unreadable", {}),
  Schema.TaggedStruct("Closed", {}),
  Schema.TaggedStruct("Config", {})
])
export type Reason = typeof Reason.Type

/**
 * Set if a permission is missing. `action` then begins by asking for it, and ends with `rest`: a program that
 * knows who grants permissions asks in its own words, and keeps the rest.
 */
export const MissingPermission = Schema.Struct({ rest: Schema.NullOr(Schema.String) })
export type MissingPermission = typeof MissingPermission.Type

/**
 * The error of everything that connects to a cluster. `message` is the fact with the object's name, in the
 * server's words if it gave any; `action` is what to do next. It never contains the body of a request or a
 * response.
 */
export class ClusterError extends Schema.TaggedError<ClusterError>()("ClusterError", {
  reason: Reason,
  message: Schema.String,
  action: Schema.optionalKey(Schema.String),
  permission: Schema.optionalKey(MissingPermission),
  /** The HTTP status, if there was a response. */
  status: Schema.optionalKey(Schema.Number),
  /**
   * The operation that this error has interrupted: resume or abort it by this id. Absent if none was started.
   */
  operation: Schema.optionalKey(Schema.Struct({ namespace: Schema.String, id: Schema.String }))
}) {}

/** The service that every verb needs, and the only one. */
export class Cluster extends Context.Service<
  Cluster,
  {
    /** One round trip; closing the scope gives the connection back. */
    readonly request: (request: Request) => Effect.Effect<Response, ClusterError, Scope.Scope>
    /** One connection; the stream ends when the server ends it. A refused watch fails. */
    readonly watch: (request: Request) => Stream.Stream<WatchEvent, ClusterError>
    readonly exec: (request: ExecRequest) => Effect.Effect<ExecSession, ClusterError, Scope.Scope>
    /** The names in the kubeconfig: never a credential. */
    readonly origin: {
      readonly context: string | null
      readonly server: string
      readonly namespace: string
      readonly user: string | null
      /** True if the server's certificate is not verified, which the user should be told. */
      readonly insecure?: boolean
    }
  }
>()("@kubectl-stateful/sdk/Cluster") {}
