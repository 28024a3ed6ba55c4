/** The defaults and rules of a pod's spec, in a Pod and in every workload's template. */
import { arrayAt, at, isObject, type JsonObject, numberAt, set, stringAt } from "../../apimachinery/Json.ts"
import type { Draft } from "../../apimachinery/KubeObject.ts"
import type { Strategy } from "../../apimachinery/ResourceType.ts"
import { type FieldError, label, required } from "../../apimachinery/FieldError.ts"

const probe = (value: unknown): unknown => {
  if (!isObject(value)) return undefined
  const web = value["httpGet"]
  return {
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
    ...value,
    ...(isObject(web) ? { httpGet: { path: "/", scheme: "HTTP", ...web } } : {})
  }
}

/** A field of the pod itself is read in version v1. */
const variable = (value: unknown): unknown => {
  const reference = at(value, "valueFrom", "fieldRef")
  return isObject(reference)
    ? set(value, ["valueFrom", "fieldRef"], { apiVersion: "v1", ...reference })
    : value
}

const pullPolicy = (image: unknown): string =>
  typeof image === "string" && (image.endsWith(":latest") || !/[:@][^/:@]*$/.test(image))
    ? "Always"
    : "IfNotPresent"

const container = (value: unknown): unknown => {
  if (!isObject(value)) return value
  const defaulted: Record<string, unknown> = {
    resources: {},
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: pullPolicy(value["image"]),
    ...value
  }
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe"]) {
    if (value[name] !== undefined) defaulted[name] = probe(value[name])
  }
  if (value["env"] !== undefined) defaulted["env"] = arrayAt(value, "env").map(variable)
  if (value["ports"] !== undefined) {
    defaulted["ports"] = arrayAt(value, "ports").map((port) =>
      isObject(port) ? { protocol: "TCP", ...port } : port
    )
  }
  return defaulted
}

const volume = (value: unknown): unknown => {
  if (!isObject(value)) return value
  const sources = Object.keys(value).filter((key) => key !== "name")
  if (sources.length === 0) return { ...value, emptyDir: {} }
  for (const source of ["configMap", "secret", "projected"]) {
    const given = value[source]
    if (isObject(given)) return { ...value, [source]: { ...given, defaultMode: given["defaultMode"] ?? 420 } }
  }
  return value
}

export const podSpec = (spec: JsonObject): JsonObject => ({
  restartPolicy: "Always",
  terminationGracePeriodSeconds: 30,
  dnsPolicy: "ClusterFirst",
  securityContext: {},
  schedulerName: "default-scheduler",
  ...spec,
  ...(spec["containers"] === undefined ? {} : { containers: arrayAt(spec, "containers").map(container) }),
  ...(spec["initContainers"] === undefined
    ? {}
    : { initContainers: arrayAt(spec, "initContainers").map(container) }),
  ...(spec["volumes"] === undefined ? {} : { volumes: arrayAt(spec, "volumes").map(volume) })
})

/** Fills in `spec.template`, as the server does for each kind that has one. */
export const withTemplateDefaults = (draft: Draft): Draft => {
  const spec = at(draft, "spec", "template", "spec")
  if (!isObject(spec)) return draft
  return { ...draft, spec: set(draft.spec, ["template", "spec"], podSpec(spec)) }
}

const duplicate = (field: string, name: string): FieldError => ({
  field,
  reason: "FieldValueDuplicate",
  message: `Duplicate value: ${JSON.stringify(name)}`
})

/** `extra`: volumes that the controller adds, which mounts may name. */
export const podSpecFaults = (
  spec: unknown,
  field: string,
  extra: ReadonlyArray<string> = []
): ReadonlyArray<FieldError> => {
  const containers = arrayAt(spec, "containers")
  if (containers.length === 0) return [required(`${field}.containers`)]
  const names = arrayAt(spec, "volumes").map((each) => stringAt(each, "name") ?? "")
  const volumes = new Set([...extra, ...arrayAt(spec, "volumes").map((each) => stringAt(each, "name"))])
  const faults: Array<FieldError> = names.flatMap((name, i) =>
    names.indexOf(name) < i
      ? [duplicate(`${field}.volumes[${i}].name`, name)]
      : label(`${field}.volumes[${i}].name`, name)
  )
  for (const [list, items] of [
    ["initContainers", arrayAt(spec, "initContainers")],
    ["containers", containers]
  ] as const) {
    const seen = new Set<string>()
    for (const [i, item] of items.entries()) {
      const path = `${field}.${list}[${i}]`
      const name = stringAt(item, "name") ?? ""
      if (name === "") faults.push(required(`${path}.name`))
      else faults.push(...label(`${path}.name`, name))
      if (seen.has(name)) faults.push(duplicate(`${path}.name`, name))
      seen.add(name)
      if ((stringAt(item, "image") ?? "") === "") faults.push(required(`${path}.image`))
      for (const [j, port] of arrayAt(item, "ports").entries()) {
        if ((numberAt(port, "containerPort") ?? 0) === 0)
          faults.push(required(`${path}.ports[${j}].containerPort`))
      }
      for (const [j, mount] of arrayAt(item, "volumeMounts").entries()) {
        const volume = stringAt(mount, "name")
        if (!volumes.has(volume)) {
          faults.push({
            field: `${path}.volumeMounts[${j}].name`,
            reason: "FieldValueNotFound",
            message: `Not found: ${JSON.stringify(volume ?? "")}`
          })
        }
      }
    }
  }
  const policy = stringAt(spec, "restartPolicy")
  if (policy !== undefined && !["Always", "OnFailure", "Never"].includes(policy)) {
    faults.push({
      field: `${field}.restartPolicy`,
      reason: "FieldValueNotSupported",
      message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "Always", "OnFailure", "Never"`
    })
  }
  const hostname = stringAt(spec, "hostname") ?? ""
  if (hostname !== "") faults.push(...label(`${field}.hostname`, hostname))
  return faults
}

/** Deployments, ReplicaSets and DaemonSets: stored, not run. */
export const template: Strategy = {
  withDefaults: (draft) => {
    const defaulted = withTemplateDefaults(draft)
    return draft.kind === "DaemonSet" || !isObject(defaulted.spec)
      ? defaulted
      : { ...defaulted, spec: { replicas: 1, ...defaulted.spec } }
  }
}
