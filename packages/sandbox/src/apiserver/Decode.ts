/** From a request's body to an object of the expected kind, or the server's complaint about it. */
import { at, isArray, isObject, put, set, stringAt, stringsAt } from "../apimachinery/Json.ts"
import { type Draft, isDraft } from "../apimachinery/KubeObject.ts"
import { groupVersion, type ResourceType } from "../apimachinery/ResourceType.ts"
import { standard } from "../registry/kinds/index.ts"
import { badRequest, invalid, notImplemented, plain, tooLarge } from "../apimachinery/Status.ts"
import { wrong } from "../apimachinery/FieldError.ts"

/** Three MiB, the server's own limit on a body. */
const limit = 3 * 1024 * 1024

/** The message of the server's parser for text that is not JSON, as far as it can be derived from ours. */
const complaint = (body: string, message: string): string => {
  const found = /^Unexpected token '?(.+?)'?, /u.exec(message)?.[1] ?? ""
  if (body.trim() === "" || found === "" || /^(Unexpected end|Unterminated)/.test(message))
    return "unexpected end of JSON input"
  const literal = ["null", "true", "false"].find((each) => body.trim().startsWith(each.slice(0, 1)))
  const matched = Array.from(literal ?? "").findIndex((letter, index) => body.trim()[index] !== letter)
  return literal !== undefined && matched > 0
    ? `invalid character '${found}' in literal ${literal} (expecting '${literal[matched]}')`
    : `invalid character '${found}' looking for beginning of value`
}

/** The start of a body, as in some messages: JSON as text, everything else in hexadecimal. */
export const excerpt = (body: string): string => {
  if (body === "") return "<empty>"
  const start = body.slice(0, 30)
  const more = body.length > 30 ? " ..." : ""
  if (body.trimStart().startsWith("{")) return start + more
  return (
    [...new TextEncoder().encode(start)].map((byte) => byte.toString(16).padStart(2, "0")).join("") + more
  )
}

/** Deeper than any kind's fields; the server's own limit is `serverDeepest`. Sources that recurse rely on it. */
export const deepest = 500
const serverDeepest = 10_000

/** The nesting depth of lists and objects in JSON text. */
const depthOf = (text: string): number => {
  let [depth, most, inString] = [0, 0, false]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (inString) {
      if (code === 0x5c) i += 1
      else if (code === 0x22) inString = false
    } else if (code === 0x22) inString = true
    else if (code === 0x7b || code === 0x5b) most = Math.max(most, ++depth)
    else if (code === 0x7d || code === 0x5d) depth -= 1
  }
  return most
}

const checkDepth = (body: string, complain: (why: string) => string): void => {
  // Too short to be too deep.
  if (body.length <= 2 * deepest) return
  const depth = depthOf(body)
  if (depth > serverDeepest) throw badRequest(complain("invalid character '{' exceeded max depth"))
  if (depth > deepest) throw notImplemented(`values nested deeper than ${deepest}`)
}

export const parseJson = (body: string | undefined, complain: (why: string) => string): unknown => {
  if (body !== undefined && body.length > limit) throw tooLarge(limit)
  checkDepth(body ?? "", complain)
  try {
    return JSON.parse(body ?? "")
  } catch (error) {
    throw badRequest(complain(complaint(body ?? "", error instanceof Error ? error.message : "")))
  }
}

type Shape =
  | "int32"
  | "int64"
  | "string"
  | "[]string"
  | "map[string]string"
  | "map[string]bytes"
  | "object"
  | "[]object"
  | "bool"

const isString = (value: unknown): boolean => typeof value === "string"

const shapes: Readonly<Record<Shape, (value: unknown) => boolean>> = {
  int32: (value) => typeof value === "number" && Number.isInteger(value) && Math.abs(value) < 2 ** 31,
  int64: (value) => typeof value === "number" && Number.isInteger(value),
  string: isString,
  bool: (value) => typeof value === "boolean",
  "[]string": (value) => isArray(value) && value.every(isString),
  "map[string]bytes": (value) => isObject(value) && Object.values(value).every(isString),
  "map[string]string": (value) => isObject(value) && Object.values(value).every(isString),
  object: isObject,
  "[]object": (value) => isArray(value) && value.every(isObject)
}

/** `type`: of an object or of a list's items, as the server's language names it. */
const everywhere: ReadonlyArray<readonly [path: string, owner: string, shape: Shape, type?: string]> = [
  ["metadata.name", "ObjectMeta", "string"],
  ["metadata.generateName", "ObjectMeta", "string"],
  ["metadata.namespace", "ObjectMeta", "string"],
  ["metadata.uid", "ObjectMeta", "string"],
  ["metadata.resourceVersion", "ObjectMeta", "string"],
  ["metadata.labels", "ObjectMeta", "map[string]string"],
  ["metadata.annotations", "ObjectMeta", "map[string]string"],
  ["metadata.finalizers", "ObjectMeta", "[]string"],
  ["metadata.creationTimestamp", "ObjectMeta", "string"],
  ["metadata.deletionTimestamp", "ObjectMeta", "string"],
  ["metadata.generation", "ObjectMeta", "int64"],
  ["metadata.ownerReferences", "ObjectMeta", "[]object", "v1.OwnerReference"],
  ["metadata.managedFields", "ObjectMeta", "[]object", "v1.ManagedFieldsEntry"]
]

const selector: typeof everywhere = [
  ["spec.selector.matchLabels", "LabelSelector", "map[string]string"],
  ["spec.selector.matchExpressions", "LabelSelector", "[]object", "v1.LabelSelectorRequirement"]
]

const workload = (owner: string): typeof everywhere => [
  ["spec.selector", owner, "object", "v1.LabelSelector"],
  ...selector,
  ["spec.template", owner, "object", "v1.PodTemplateSpec"],
  ["spec.template.metadata", "PodTemplateSpec", "object", "v1.ObjectMeta"],
  ["spec.template.metadata.labels", "ObjectMeta", "map[string]string"],
  ["spec.template.metadata.annotations", "ObjectMeta", "map[string]string"],
  ["spec.template.spec", "PodTemplateSpec", "object", "v1.PodSpec"],
  ["spec.template.spec.containers", "PodSpec", "[]object", "v1.Container"],
  ["spec.template.spec.initContainers", "PodSpec", "[]object", "v1.Container"],
  ["spec.template.spec.volumes", "PodSpec", "[]object", "v1.Volume"],
  ["spec.template.spec.nodeSelector", "PodSpec", "map[string]string"],
  ["spec.template.spec.tolerations", "PodSpec", "[]object", "v1.Toleration"]
]

/** The fields that the sandbox itself reads: their types are checked, all others are kept as they come. */
const byKind: Readonly<Record<string, typeof everywhere>> = {
  StatefulSet: [
    ["spec.replicas", "StatefulSetSpec", "int32"],
    ["spec.minReadySeconds", "StatefulSetSpec", "int32"],
    ["spec.revisionHistoryLimit", "StatefulSetSpec", "int32"],
    ["spec.serviceName", "StatefulSetSpec", "string"],
    ["spec.ordinals.start", "StatefulSetOrdinals", "int32"],
    ...workload("StatefulSetSpec"),
    ["spec.volumeClaimTemplates", "StatefulSetSpec", "[]object", "v1.PersistentVolumeClaim"],
    ["spec.updateStrategy", "StatefulSetSpec", "object", "v1.StatefulSetUpdateStrategy"],
    ["spec.updateStrategy.rollingUpdate.partition", "RollingUpdateStatefulSetStrategy", "int32"],
    ["status.replicas", "StatefulSetStatus", "int32"],
    ["status.readyReplicas", "StatefulSetStatus", "int32"]
  ],
  Deployment: [["spec.replicas", "DeploymentSpec", "int32"], ...workload("DeploymentSpec")],
  ReplicaSet: [["spec.replicas", "ReplicaSetSpec", "int32"], ...workload("ReplicaSetSpec")],
  PodDisruptionBudget: [
    ["spec.selector", "PodDisruptionBudgetSpec", "object", "v1.LabelSelector"],
    ...selector
  ],
  Service: [
    ["spec.selector", "ServiceSpec", "map[string]string"],
    ["spec.ports", "ServiceSpec", "[]object", "v1.ServicePort"]
  ],
  Pod: [
    ["spec.containers", "PodSpec", "[]object", "v1.Container"],
    ["spec.initContainers", "PodSpec", "[]object", "v1.Container"],
    ["spec.volumes", "PodSpec", "[]object", "v1.Volume"],
    ["spec.nodeSelector", "PodSpec", "map[string]string"],
    ["spec.tolerations", "PodSpec", "[]object", "v1.Toleration"],
    ["spec.nodeName", "PodSpec", "string"],
    ["spec.terminationGracePeriodSeconds", "PodSpec", "int32"]
  ],
  PersistentVolumeClaim: [
    ["spec.accessModes", "PersistentVolumeClaimSpec", "[]string"],
    ["spec.volumeName", "PersistentVolumeClaimSpec", "string"],
    ["spec.storageClassName", "PersistentVolumeClaimSpec", "string"]
  ],
  ConfigMap: [
    ["data", "ConfigMap", "map[string]string"],
    ["immutable", "ConfigMap", "bool"]
  ],
  Secret: [
    ["data", "Secret", "map[string]bytes"],
    ["type", "Secret", "string"],
    ["immutable", "Secret", "bool"]
  ],
  Lease: [
    ["spec.holderIdentity", "LeaseSpec", "string"],
    ["spec.acquireTime", "LeaseSpec", "string"],
    ["spec.renewTime", "LeaseSpec", "string"]
  ],
  SelfSubjectAccessReview: [
    ["spec.resourceAttributes", "SelfSubjectAccessReviewSpec", "object", "v1.ResourceAttributes"],
    ...["namespace", "verb", "group", "resource", "subresource", "name"].map(
      (field) => [`spec.resourceAttributes.${field}`, "ResourceAttributes", "string"] as const
    )
  ],
  Node: [["spec.unschedulable", "NodeSpec", "bool"]],
  Scale: [["spec.replicas", "ScaleSpec", "int32"]]
}

export const goName = (value: unknown): string =>
  value === null
    ? "null"
    : isArray(value)
      ? "array"
      : isObject(value)
        ? "object"
        : typeof value === "boolean"
          ? "bool"
          : typeof value

export const checkShape = (body: unknown, kind: string, version: string): void => {
  for (const [path, owner, shape, type = "object"] of [
    ...everywhere,
    ...(Object.hasOwn(byKind, kind) ? (byKind[kind] ?? []) : [])
  ]) {
    const value = at(body, ...path.split("."))
    if (value === undefined || value === null || shapes[shape](value)) continue
    if (shape === "object" || shape === "[]object") {
      const item = isArray(value) ? value.find((each) => shape === "object" || !isObject(each)) : value
      const [found, wanted] =
        shape === "object" ? [value, type] : isArray(value) ? [item, type] : [value, `[]${type}`]
      throw badRequest(
        `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: json: cannot unmarshal ${goName(found)} into Go struct field ${owner}.${path} of type ${wanted}`
      )
    }
    const inner =
      shape.startsWith("map[string]") && isObject(value)
        ? Object.values(value).find((item) => typeof item !== "string")
        : shape === "[]string" && isArray(value)
          ? value.find((item) => typeof item !== "string")
          : value
    throw badRequest(
      `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: json: cannot unmarshal ${typeof inner === "number" && (shape === "int32" || shape === "int64") ? `number ${inner}` : goName(inner)} into Go struct field ${owner}.${path} of type ${inner === value ? shape.replace("map[string]bytes", "map[string][]uint8") : shape === "map[string]bytes" ? "[]uint8" : "string"}`
    )
  }
}

const cannot = (kind: string, version: string, why: string): never => {
  throw badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`)
}

/** The position of the first character that is invalid in base64; undefined for valid base64. */
const badByte = (text: string): number | undefined => {
  const wrong = text.search(/[^A-Za-z0-9+/=\r\n]/)
  if (wrong >= 0) return wrong
  return text.replaceAll(/[\r\n]/g, "").length % 4 === 0 ? undefined : Math.floor(text.length / 4) * 4
}

const quantity = /^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/

/** The pattern that messages name is laxer than the parser: a number, then a suffix that there is. */
const isQuantity = (value: unknown): boolean =>
  typeof value === "string" && /^[+-]?(\d+(\.\d*)?|\.\d+)([numkMGTPE]|[KMGTPE]i|[eE][-+]?\d+)?$/.test(value)

/** A time with microseconds, in the parts in which the server's language writes its layout. */
const microtime = ["2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05", ".000000", "Z07:00"]

/** What is left of a time where it stops being one, and the part of the layout that it is not. */
const badTime = (time: string): readonly [rest: string, part: string] | undefined => {
  let rest = time
  for (const part of microtime) {
    const pattern =
      part === "Z07:00" ? "(?:Z|[-+]\\d\\d:\\d\\d)$" : part.replace(".", "\\.").replaceAll(/\d/g, "\\d")
    const found = new RegExp(`^${pattern}`).exec(rest)
    if (found === null) return [rest, part]
    rest = rest.slice(found[0].length)
  }
  return undefined
}

/** Texts that are something else inside: bytes, amounts, times. */
const checkTexts = (body: unknown, kind: string, version: string): void => {
  if (kind === "Secret") {
    for (const value of Object.values(stringsAt(body, "data"))) {
      const byte = badByte(value)
      if (byte !== undefined) cannot(kind, version, `illegal base64 data at input byte ${byte}`)
    }
  }
  if (kind === "PersistentVolumeClaim") {
    for (const path of [
      ["spec", "resources", "requests"],
      ["status", "capacity"]
    ]) {
      const storage = at(body, ...path, "storage")
      if (storage !== undefined && typeof storage !== "number" && !isQuantity(storage))
        cannot(kind, version, `quantities must match the regular expression '${quantity.source}'`)
    }
  }
  if (kind === "Lease") {
    for (const field of ["acquireTime", "renewTime"]) {
      const time = stringAt(body, "spec", field)
      const [rest, part] = time === undefined ? [] : (badTime(time) ?? [])
      if (part !== undefined)
        cannot(
          kind,
          version,
          `parsing time ${JSON.stringify(time)} as "${microtime.join("")}": cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(part)}`
        )
    }
  }
}

/** Nulls mean absent to the server's decoder. */
const withoutNulls = (value: unknown): unknown => {
  if (!isObject(value)) return value
  let changed = false
  const kept: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    if (item === null) {
      changed = true
      continue
    }
    const inner = isObject(item) ? withoutNulls(item) : item
    if (inner !== item) changed = true
    put(kept, key, inner)
  }
  return changed ? kept : value
}

/** Checks a decoded body against the resource of the path that it was sent to. */
export const decode = (type: ResourceType, version: string, body: unknown): Draft => {
  const expected = groupVersion(type, version)
  const unrecognized = `the object provided is unrecognized (must be of type ${type.kind})`
  // Null decodes to an object in which nothing is set.
  if (body === null) return decode(type, version, {})
  if (!isObject(body)) {
    const found = isArray(body) ? "array" : typeof body === "boolean" ? "bool" : typeof body
    throw badRequest(
      `${unrecognized}: couldn't get version/kind; json parse error: json: cannot unmarshal ${found} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (${excerpt(JSON.stringify(body))})`
    )
  }
  // The body need not repeat what the path says; what it repeats must match.
  const said = withoutNulls({
    ...body,
    apiVersion: body["apiVersion"] === undefined || body["apiVersion"] === "" ? expected : body["apiVersion"],
    kind: body["kind"] === undefined || body["kind"] === "" ? type.kind : body["kind"],
    metadata: body["metadata"] ?? {}
  })
  // A field that the server once filled in, and now empties.
  const completed =
    at(said, "metadata", "selfLink") === undefined ? said : set(said, ["metadata", "selfLink"], undefined)
  for (const field of ["apiVersion", "kind"]) {
    const value = at(completed, field)
    if (typeof value === "string") continue
    throw badRequest(
      `${unrecognized}: couldn't get version/kind; json parse error: json: cannot unmarshal ${goName(value)} into Go struct field .${field} of type string (${excerpt(JSON.stringify(body))})`
    )
  }
  if (!isDraft(completed)) {
    throw badRequest(
      `${type.kind} in version ${JSON.stringify(version)} cannot be handled as a ${type.kind}: json: cannot unmarshal ${goName(at(completed, "metadata"))} into Go struct field ${type.kind}.metadata of type v1.ObjectMeta`
    )
  }
  if (type.custom && completed.apiVersion === expected && completed.kind !== type.kind) {
    throw invalid({ ...type, kind: completed.kind }, completed.metadata.name ?? "", [
      wrong("kind", completed.kind, `must be ${type.kind}`)
    ])
  }
  if (completed.apiVersion !== expected || completed.kind !== type.kind) {
    const { apiVersion, kind } = completed
    const asked = apiVersion.split("/").at(-1) ?? ""
    const known = standard.some(
      (each) => each.kind === kind && each.versions.some((v) => groupVersion(each, v) === apiVersion)
    )
    throw badRequest(
      `${kind} in version ${JSON.stringify(asked)} cannot be handled as a ${type.kind}: ${
        known
          ? `converting (${asked}.${kind}) to (${type.group.split(".")[0] || "core"}.${type.kind}): unknown conversion`
          : `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`
      }`
    )
  }
  checkShape(completed, type.kind, version)
  checkTexts(completed, type.kind, version)
  return { ...completed, apiVersion: groupVersion(type) }
}

/** The limit of etcd on one write. */
const etcdLimit = 1.5 * 1024 * 1024

/** Maps of bytes alone grow by patches; all else is as large as the body that it came in. */
export const checkSize = (object: Draft, bodySize: number): void => {
  const mayBeLarge = object.kind === "ConfigMap" || object.kind === "Secret" || bodySize > etcdLimit / 4
  if (mayBeLarge && JSON.stringify(object).length > etcdLimit) {
    throw plain(500, "etcdserver: request is too large")
  }
}
