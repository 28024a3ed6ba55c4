/**
 * Features that the sandbox does not support. If the outcome would differ from a real cluster's, the
 * request is refused with 501; otherwise the field is stored without effect, and a warning names it.
 */
import { arrayAt, at, isObject, numberAt } from "../apimachinery/Json.ts"
import type { Draft } from "../apimachinery/KubeObject.ts"
import { qualified, type ResourceType } from "../apimachinery/ResourceType.ts"

/** Kinds that no controller of the sandbox acts upon. */
const inert = new Set([
  "cronjobs.batch",
  "daemonsets.apps",
  "horizontalpodautoscalers.autoscaling",
  "ingresses.networking.k8s.io",
  "jobs.batch",
  "limitranges",
  "networkpolicies.networking.k8s.io"
])

const podPaths: Readonly<Record<string, ReadonlyArray<string>>> = {
  pods: ["spec"],
  "deployments.apps": ["spec", "template", "spec"],
  "replicasets.apps": ["spec", "template", "spec"],
  "statefulsets.apps": ["spec", "template", "spec"]
}

const isGiven = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.length > 0
    : isObject(value)
      ? Object.keys(value).length > 0
      : value !== undefined && value !== null

const given = (value: unknown, paths: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> =>
  paths.filter((path) => isGiven(at(value, ...path))).map((path) => path.join("."))

const required = "requiredDuringSchedulingIgnoredDuringExecution"
const preferred = "preferredDuringSchedulingIgnoredDuringExecution"

/** Each decides where or whether a pod runs. */
const refusedInPods = [["affinity", "podAffinity", required], ["resourceClaims"], ["schedulingGates"]]

const keptInPods = [
  ["affinity", "nodeAffinity", preferred],
  ["affinity", "podAffinity", preferred],
  ["affinity", "podAntiAffinity", preferred],
  ["priorityClassName"],
  ["runtimeClassName"],
  ["securityContext"]
]

const keptInContainers = [["lifecycle"], ["livenessProbe"], ["securityContext"], ["startupProbe"]]
const keptInLists = {
  containers: keptInContainers,
  // A sidecar runs as any other init container, and has ended before the others start.
  initContainers: [...keptInContainers, ["restartPolicy"]]
}

const refusedIn = (type: ResourceType, draft: Draft): ReadonlyArray<string> => {
  switch (qualified(type)) {
    case "storageclasses.storage.k8s.io":
      return given(draft, [["allowedTopologies"]])
    case "statefulsets.apps": {
      const field = ["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"]
      // One at a time is what it does.
      return isGiven(at(draft, ...field)) && numberAt(draft, ...field) !== 1 ? [field.join(".")] : []
    }
    default:
      return []
  }
}

const keptIn = (type: ResourceType, draft: Draft): ReadonlyArray<string> =>
  qualified(type) === "storageclasses.storage.k8s.io" ? given(draft, [["mountOptions"]]) : []

const below = (path: string, fields: ReadonlyArray<string>): ReadonlyArray<string> =>
  fields.map((field) => `${path}.${field}`)

/** The fields, by their paths without indices, each once. */
const fields = (type: ResourceType, draft: Draft): Fields => {
  const podPath = podPaths[qualified(type)]
  if (podPath === undefined) return { refused: refusedIn(type, draft), kept: keptIn(type, draft) }
  const pod = at(draft, ...podPath)
  const path = podPath.join(".")
  const inContainers = Object.entries(keptInLists).flatMap(([list, kept]) =>
    arrayAt(pod, list).flatMap((container) => below(`${path}.${list}`, given(container, kept)))
  )
  return {
    refused: [...refusedIn(type, draft), ...below(path, given(pod, refusedInPods))],
    kept: [...new Set([...below(path, given(pod, keptInPods)), ...inContainers])]
  }
}

interface Fields {
  readonly refused: ReadonlyArray<string>
  readonly kept: ReadonlyArray<string>
}

/** Unsupported features in a write. */
export interface Unsupported {
  /** The feature in the 501; undefined if nothing is refused. */
  readonly refused: string | undefined
  /** One line for the `Warning` header; undefined where all is acted upon. */
  readonly warning: string | undefined
}

/** The unsupported features of a new or changed object: those that it already had are not repeated. */
export const unsupported = (type: ResourceType, next: Draft, previous?: Draft): Unsupported => {
  if (inert.has(qualified(type))) {
    return {
      refused: undefined,
      warning:
        previous === undefined ? `the sandbox keeps a ${type.kind} and does not act upon it` : undefined
    }
  }
  const now = fields(type, next)
  const before = previous === undefined ? { refused: [], kept: [] } : fields(type, previous)
  const [refused] = now.refused.filter((field) => !before.refused.includes(field))
  const kept = now.kept.filter((field) => !before.kept.includes(field))
  return {
    refused: refused === undefined ? undefined : `${refused} of a ${type.kind}`,
    warning: kept.length === 0 ? undefined : `the sandbox keeps, and does not act upon: ${kept.join(", ")}`
  }
}
