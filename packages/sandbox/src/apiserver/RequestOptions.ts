/** The options of a write, from the query and from a delete's body. */
import type { Request } from "@kubectl-stateful/sdk/Cluster"
import type { User } from "./Access.ts"
import { goName, parseJson } from "./Decode.ts"
import { arrayAt, at, isObject, numberAt, stringAt } from "../apimachinery/Json.ts"
import { integer } from "./List.ts"
import type { DeleteOptions, WriteOptions } from "../registry/Registry.ts"
import { badRequest, invalidOptions } from "../apimachinery/Status.ts"
import type { Directive } from "./Strict.ts"
import { unsupported } from "../apimachinery/FieldError.ts"

const isDryRun = (values: ReadonlyArray<unknown>, kind: string): boolean => {
  const bad = values.find((value) => value !== "All")
  if (bad !== undefined) throw invalidOptions(kind, [unsupported("dryRun", values, ["All"])])
  return values.length > 0
}

const validations = ["Ignore", "Strict", "Warn"] as const

/** The handling of unknown fields; the server's default is to warn. */
export const validationOf = (query: URLSearchParams, kind: string): Directive => {
  const asked = query.get("fieldValidation") ?? ""
  const found = asked === "" ? "Warn" : validations.find((each) => each === asked)
  if (found === undefined)
    throw invalidOptions(kind, [unsupported("fieldValidation", asked, ["", ...validations])])
  return found
}

export const writeOptions = (
  request: Request,
  query: URLSearchParams,
  user: User,
  kind: string
): WriteOptions => {
  const agent = request.headers?.["user-agent"]?.split("/")[0] ?? "unknown"
  const manager = query.get("fieldManager") ?? ""
  return {
    dryRun: isDryRun(query.getAll("dryRun"), kind),
    user: user.name,
    manager: manager === "" ? agent : manager
  }
}

const propagationOf = (body: unknown, query: URLSearchParams): DeleteOptions["propagation"] => {
  const policy = stringAt(body, "propagationPolicy") ?? query.get("propagationPolicy") ?? undefined
  const asked = query.get("orphanDependents")
  const orphans = at(body, "orphanDependents") ?? (asked === null ? undefined : asked === "true")
  if (policy !== undefined && policy !== "Background" && policy !== "Foreground" && policy !== "Orphan") {
    throw invalidOptions("DeleteOptions", [
      unsupported("propagationPolicy", policy, ["Foreground", "Background", "Orphan", "nil"])
    ])
  }
  if (policy !== undefined && orphans !== undefined) {
    throw invalidOptions("DeleteOptions", [
      {
        field: "propagationPolicy",
        reason: "FieldValueInvalid",
        message: `Invalid value: ${JSON.stringify(policy)}: orphanDependents and deletionPropagation cannot be both set`
      }
    ])
  }
  return policy ?? (orphans === true ? "Orphan" : orphans === false ? "Background" : undefined)
}

/**
 * `from`: the DeleteOptions, or undefined where the request has none. Where there are some, the server reads
 * no option from the query, not even a dry run.
 */
export const deleteOptions = (from: unknown, asked: URLSearchParams, user: User): DeleteOptions => {
  const query = from === undefined ? asked : new URLSearchParams()
  const inQuery = query.get("gracePeriodSeconds")
  const seconds = numberAt(from, "gracePeriodSeconds") ?? (inQuery === null ? Number.NaN : integer(inQuery))
  const uid = stringAt(from, "preconditions", "uid")
  const resourceVersion = stringAt(from, "preconditions", "resourceVersion")
  const propagation = propagationOf(from, query)
  return {
    dryRun: isDryRun([...arrayAt(from, "dryRun"), ...query.getAll("dryRun")], "DeleteOptions"),
    user: user.name,
    ...(Number.isNaN(seconds) ? {} : { gracePeriodSeconds: seconds }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(propagation === undefined ? {} : { propagation })
  }
}

const deleteOptionsOf = (body: unknown): unknown => {
  if (body === null) return undefined
  if (!isObject(body)) {
    throw badRequest(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${goName(body)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`
    )
  }
  const [kind, version] = [stringAt(body, "kind"), stringAt(body, "apiVersion")]
  if (kind !== undefined && kind !== "DeleteOptions") {
    throw badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(version ?? "")} in scheme "pkg/runtime/scheme.go:111"`
    )
  }
  const seconds = at(body, "gracePeriodSeconds")
  if (seconds !== undefined && seconds !== null && !Number.isInteger(seconds)) {
    const found = typeof seconds === "number" ? `number ${seconds}` : goName(seconds)
    throw badRequest(
      `json: cannot unmarshal ${found} into Go struct field DeleteOptions.gracePeriodSeconds of type int64`
    )
  }
  return body
}

/** The DeleteOptions in a DELETE's body. */
export const deleteBody = ({ body }: Request): unknown =>
  body === undefined || body === ""
    ? undefined
    : deleteOptionsOf(parseJson(body, (why) => `couldn't get version/kind; json parse error: ${why}`))
