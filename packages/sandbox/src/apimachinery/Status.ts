/** The API's Status object, and the refusals that carry one, in the real server's words. */
import type { FieldError } from "./FieldError.ts"
import { qualified, qualifiedKind, type ResourceType } from "./ResourceType.ts"

export interface Cause {
  readonly reason?: string
  readonly message: string
  readonly field?: string
}

export interface Status {
  readonly kind: "Status"
  readonly apiVersion: "v1"
  readonly metadata: { readonly continue?: string }
  readonly status: "Success" | "Failure"
  readonly message?: string
  readonly reason?: string
  readonly details?: {
    readonly name?: string
    readonly group?: string
    readonly kind?: string
    readonly uid?: string
    readonly causes?: ReadonlyArray<Cause>
    readonly retryAfterSeconds?: number
  }
  readonly code?: number
}

/** Thrown within the sandbox to end a request; the API turns it into the answer. Not an Error: it needs no stack. */
export class Refusal {
  readonly status: Status & { readonly code: number }
  constructor(status: Status & { readonly code: number }) {
    this.status = status
  }
}

const refusal = (
  code: number,
  reason: string | undefined,
  message: string,
  details?: Status["details"]
): Refusal =>
  new Refusal({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    ...(reason === undefined ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code
  })

const of = (type: ResourceType, name: string): NonNullable<Status["details"]> => ({
  ...(name === "" ? {} : { name }),
  ...(type.group === "" ? {} : { group: type.group }),
  kind: type.resource
})

export const notFound = (type: ResourceType, name: string): Refusal =>
  refusal(404, "NotFound", `${qualified(type)} "${name}" not found`, of(type, name))

export const alreadyExists = (type: ResourceType, name: string, onItsWayOut = false): Refusal =>
  refusal(
    409,
    "AlreadyExists",
    `${onItsWayOut ? "object is being deleted: " : ""}${qualified(type)} "${name}" already exists`,
    of(type, name)
  )

export const conflict = (type: ResourceType, name: string, why: string): Refusal =>
  refusal(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualified(type)} "${name}": ${why}`,
    of(type, name)
  )

/** A delete's broken precondition names the kind where all other conflicts name the resource. */
export const deleteConflict = (type: ResourceType, name: string, why: string): Refusal =>
  refusal(409, "Conflict", `Operation cannot be fulfilled on ${qualifiedKind(type)} "${name}": ${why}`, {
    ...of(type, name),
    kind: type.kind
  })

export const modified = (type: ResourceType, name: string): Refusal =>
  conflict(
    type,
    name,
    "the object has been modified; please apply your changes to the latest version and try again"
  )

export const invalid = (type: ResourceType, name: string, faults: ReadonlyArray<FieldError>): Refusal => {
  const lines = [...new Set(faults.map((fault) => `${fault.field}: ${fault.message}`))]
  const { kind: _, ...where } = of(type, name)
  return refusal(
    422,
    "Invalid",
    `${qualifiedKind(type)} "${name}" is invalid: ${lines.length === 1 ? lines[0] : `[${lines.join(", ")}]`}`,
    {
      ...where,
      // A review's has none.
      ...(type.kind === "" ? {} : { kind: type.kind }),
      causes: faults.map(({ field, message, reason }) => ({ reason, message, field }))
    }
  )
}

export const invalidOptions = (kind: string, faults: ReadonlyArray<FieldError>): Refusal => {
  const lines = [...new Set(faults.map((fault) => `${fault.field}: ${fault.message}`))]
  return refusal(
    422,
    "Invalid",
    `${kind}.meta.k8s.io "" is invalid: ${lines.length === 1 ? lines[0] : `[${lines.join(", ")}]`}`,
    {
      group: "meta.k8s.io",
      kind,
      causes: faults.map(({ field, message, reason }) => ({ reason, message, field }))
    }
  )
}

/** The response to a JSON patch that does not apply; the server does not return the reason. */
export const unprocessable = (): Refusal =>
  refusal(422, "Invalid", "the server rejected our request due to an error in our request", {})

export const forbidden = (
  type: ResourceType,
  name: string,
  why: string,
  causes?: ReadonlyArray<Cause>
): Refusal =>
  refusal(
    403,
    "Forbidden",
    name === ""
      ? `${qualified(type)} is forbidden: ${why}`
      : `${qualified(type)} "${name}" is forbidden: ${why}`,
    { ...of(type, name), ...(causes === undefined ? {} : { causes }) }
  )

export const badRequest = (message: string): Refusal => refusal(400, "BadRequest", message)

export const methodNotAllowed = (): Refusal =>
  refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})

export const unsupportedMediaType = (accepted: ReadonlyArray<string>): Refusal =>
  refusal(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`
  )

/** Bodies that a real server reads. */
export const unreadableBody = (mediaType: string): Refusal =>
  refusal(
    415,
    "UnsupportedMediaType",
    `the sandbox cannot read a body of ${mediaType} here; send it as application/json`
  )

/** A body in protobuf of a kind that it cannot be read for; the way there is JSON. */
export const unreadableKind = (kind: string, apiVersion: string): Refusal =>
  refusal(
    415,
    "UnsupportedMediaType",
    `the sandbox cannot read ${kind === "" ? "an object without a kind" : `${kind} (${apiVersion})`} as protobuf; send it as JSON: with "-o yaml --dry-run=client | kubectl apply -f -" behind the command`
  )

/** The router's response to a patch of an unknown type, before the resource is called. */
export const unroutableMediaType = (): Refusal =>
  refusal(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})

export const notAcceptable = (watchable: boolean): Refusal =>
  refusal(
    406,
    "NotAcceptable",
    `406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf${watchable ? ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch" : ""}`,
    {}
  )

/**
 * The response to a patch whose result is not an object of the kind. The server returns the result; the
 * sandbox does not.
 */
export const unpatchable = (why: string): Refusal =>
  refusal(422, "Invalid", ` "" is invalid: patch: Invalid value: ${why}`, {
    causes: [{ reason: "FieldValueInvalid", message: `Invalid value: ${why}`, field: "patch" }]
  })

export const expired = (message: string, token?: string): Refusal =>
  new Refusal({
    kind: "Status",
    apiVersion: "v1",
    metadata: token === undefined ? {} : { continue: token },
    status: "Failure",
    message,
    reason: "Expired",
    code: 410
  })

export const tooLargeVersion = (asked: number, current: number): Refusal =>
  refusal(504, "Timeout", `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1
  })

export const tooManyRequests = (
  message: string,
  retryAfterSeconds: number,
  causes?: ReadonlyArray<Cause>
): Refusal =>
  refusal(429, "TooManyRequests", message, {
    ...(causes === undefined ? {} : { causes }),
    ...(retryAfterSeconds === 0 ? {} : { retryAfterSeconds })
  })

export const tooLarge = (limit: number): Refusal =>
  refusal(413, "RequestEntityTooLarge", `Request entity too large: limit is ${limit}`)

export const tooManyOperations = (most: number, found: number): Refusal =>
  refusal(
    413,
    "RequestEntityTooLarge",
    `Request entity too large: The allowed maximum operations in a JSON patch is ${most}, got ${found}`
  )

/** An error that the real server has no word for either. */
export const plain = (code: number, message: string): Refusal => refusal(code, undefined, message)

/** The refusal of an unsupported feature, by name. */
export const notImplemented = (what: string): Refusal =>
  refusal(501, "NotImplemented", `the sandbox does not do this: ${what}`)

export const success = (type: ResourceType, name: string, uid: string): Status => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  details: {
    name,
    ...(type.group === "" ? {} : { group: type.group }),
    kind: type.resource,
    uid
  }
})

/** No such resource in a group and version that is served. */
export const missingResource = (): Refusal =>
  refusal(404, "NotFound", "the server could not find the requested resource", {})
