/** From a request's body to an object of the expected kind, or the server's complaint about it. */
import { at, isArray, isObject } from "./Json.ts"
import { type Draft, isDraft } from "./KubeObject.ts"
import { groupVersion, type ResourceType } from "./ResourceType.ts"
import { standard } from "./resource/index.ts"
import { badRequest, tooLarge } from "./Status.ts"

/** Three MiB, the server's own limit on a body. */
const limit = 3 * 1024 * 1024

export const parseJson = (body: string | undefined, complain: (why: string) => string): unknown => {
  if (body !== undefined && body.length > limit) throw tooLarge(limit)
  try {
    return JSON.parse(body ?? "")
  } catch {
    throw badRequest(
      complain(
        body === undefined || body === ""
          ? "unexpected end of JSON input (<empty>)"
          : "invalid character in JSON"
      )
    )
  }
}

type Shape = "int32" | "string" | "[]string" | "map[string]string" | "object" | "bool"

const isString = (value: unknown): boolean => typeof value === "string"

const shapes: Readonly<Record<Shape, (value: unknown) => boolean>> = {
  int32: (value) => typeof value === "number" && Number.isInteger(value) && Math.abs(value) < 2 ** 31,
  string: isString,
  bool: (value) => typeof value === "boolean",
  "[]string": (value) => isArray(value) && value.every(isString),
  "map[string]string": (value) => isObject(value) && Object.values(value).every(isString),
  object: isObject
}

const everywhere: ReadonlyArray<readonly [path: string, owner: string, shape: Shape]> = [
  ["metadata.name", "ObjectMeta", "string"],
  ["metadata.generateName", "ObjectMeta", "string"],
  ["metadata.namespace", "ObjectMeta", "string"],
  ["metadata.uid", "ObjectMeta", "string"],
  ["metadata.resourceVersion", "ObjectMeta", "string"],
  ["metadata.labels", "ObjectMeta", "map[string]string"],
  ["metadata.annotations", "ObjectMeta", "map[string]string"],
  ["metadata.finalizers", "ObjectMeta", "[]string"]
]

/** The fields that the sandbox itself reads: their types are checked, all others are kept as they come. */
const byKind: Readonly<Record<string, typeof everywhere>> = {
  StatefulSet: [
    ["spec.replicas", "StatefulSetSpec", "int32"],
    ["spec.minReadySeconds", "StatefulSetSpec", "int32"],
    ["spec.revisionHistoryLimit", "StatefulSetSpec", "int32"],
    ["spec.serviceName", "StatefulSetSpec", "string"],
    ["spec.ordinals.start", "StatefulSetOrdinals", "int32"],
    ["spec.template", "StatefulSetSpec", "object"],
    ["spec.updateStrategy.rollingUpdate.partition", "RollingUpdateStatefulSetStrategy", "int32"]
  ],
  Deployment: [["spec.replicas", "DeploymentSpec", "int32"]],
  ReplicaSet: [["spec.replicas", "ReplicaSetSpec", "int32"]],
  Pod: [
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
    ["data", "Secret", "map[string]string"],
    ["type", "Secret", "string"],
    ["immutable", "Secret", "bool"]
  ],
  Node: [["spec.unschedulable", "NodeSpec", "bool"]],
  Scale: [["spec.replicas", "ScaleSpec", "int32"]]
}

const goName = (value: unknown): string =>
  isArray(value) ? "array" : isObject(value) ? "object" : typeof value === "boolean" ? "bool" : typeof value

export const checkShape = (body: unknown, kind: string, version: string): void => {
  for (const [path, owner, shape] of [...everywhere, ...(byKind[kind] ?? [])]) {
    const value = at(body, ...path.split("."))
    if (value === undefined || value === null || shapes[shape](value)) continue
    const inner =
      shape === "map[string]string" && isObject(value)
        ? Object.values(value).find((item) => typeof item !== "string")
        : shape === "[]string" && isArray(value)
          ? value.find((item) => typeof item !== "string")
          : value
    throw badRequest(
      `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: json: cannot unmarshal ${typeof inner === "number" && shape === "int32" ? `number ${inner}` : goName(inner)} into Go struct field ${owner}.${path} of type ${inner === value ? shape : "string"}`
    )
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
    kept[key] = inner
  }
  return changed ? kept : value
}

/** Checks a decoded body against the resource of the path that it was sent to. */
export const decode = (type: ResourceType, version: string, body: unknown): Draft => {
  const expected = groupVersion(type, version)
  const unrecognized = `the object provided is unrecognized (must be of type ${type.kind})`
  if (!isObject(body)) throw badRequest(`${unrecognized}: couldn't get version/kind; json parse error`)
  // What the path says need not be said again; but what is said must fit.
  const completed = withoutNulls({
    ...body,
    apiVersion: body["apiVersion"] === undefined || body["apiVersion"] === "" ? expected : body["apiVersion"],
    kind: body["kind"] === undefined || body["kind"] === "" ? type.kind : body["kind"],
    metadata: body["metadata"] ?? {}
  })
  if (!isDraft(completed)) throw badRequest(`${unrecognized}: couldn't get version/kind; json parse error`)
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
  return { ...completed, apiVersion: groupVersion(type) }
}
