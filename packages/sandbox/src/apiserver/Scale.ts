/** The scale subresource: an `autoscaling/v1` Scale over a workload's replicas. */
import { checkShape } from "./Decode.ts"
import { arrayAt, at, isArray, isObject, numberAt, set, stringAt, stringsAt } from "../apimachinery/Json.ts"
import { type Draft, isDraft, type KubeObject } from "../apimachinery/KubeObject.ts"
import { badRequest, invalid } from "../apimachinery/Status.ts"
import { notNegative } from "../apimachinery/FieldError.ts"
import { type ResourceType, resourceType } from "../apimachinery/ResourceType.ts"

const scales = resourceType("autoscaling", "v1", "scales", "Scale")

const keyOf = (requirement: string): string => /^!?([^\s=]+)/.exec(requirement)?.[1] ?? ""

/** A selector in the query's text form, as clients find a workload's pods by. */
const selectorText = (selector: unknown): string =>
  // Sorted by key alone, the equal ones first.
  [
    ...Object.entries(stringsAt(selector, "matchLabels")).map(([key, value]) => `${key}=${value}`),
    ...arrayAt(selector, "matchExpressions").map((each) => {
      const key = stringAt(each, "key") ?? ""
      const values = at(each, "values")
      const operator = stringAt(each, "operator")
      if (operator === "In" || operator === "NotIn") {
        return `${key} ${operator.toLowerCase()} (${
          isArray(values)
            ? values
                .map(String)
                .toSorted((left, right) => (left < right ? -1 : 1))
                .join(",")
            : ""
        })`
      }
      return operator === "Exists" ? key : `!${key}`
    })
  ]
    .toSorted((left, right) => (keyOf(left) < keyOf(right) ? -1 : keyOf(left) > keyOf(right) ? 1 : 0))
    .join(",")

/** The Scale in a body. */
export const scaleBody = (body: unknown): Draft => {
  const draft = isObject(body) ? { apiVersion: "autoscaling/v1", kind: "Scale", metadata: {}, ...body } : body
  if (!isDraft(draft)) {
    throw badRequest("the object provided is unrecognized (must be of type Scale)")
  }
  checkShape(draft, "Scale", "v1")
  return draft
}

export const toScale = (object: KubeObject): KubeObject => {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const replicas = numberAt(object.spec, "replicas") ?? 0
  const selector = selectorText(at(object.spec, "selector"))
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid,
      resourceVersion,
      creationTimestamp
    },
    // The server leaves a zero out.
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: numberAt(object.status, "replicas") ?? 0, ...(selector === "" ? {} : { selector }) }
  }
}

/** The workload with the replicas that a Scale asks for, under the Scale's preconditions. */
export const fromScale = (type: ResourceType, current: KubeObject, scale: Draft): Draft => {
  const { name, uid, resourceVersion } = scale.metadata
  if (name !== undefined && name !== "" && name !== current.metadata.name) {
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${current.metadata.name})`
    )
  }
  const replicas = numberAt(scale.spec, "replicas") ?? 0
  const faults = notNegative("spec.replicas", replicas)
  if (faults.length > 0) throw invalid(scales, current.metadata.name, faults)
  const { uid: _, resourceVersion: __, ...metadata } = current.metadata
  return {
    ...current,
    spec: set(current.spec, ["replicas"], replicas),
    metadata: {
      ...metadata,
      ...(uid === undefined || uid === "" ? {} : { uid }),
      ...(resourceVersion === undefined || resourceVersion === ""
        ? type.custom
          ? { resourceVersion: current.metadata.resourceVersion }
          : {}
        : { resourceVersion })
    }
  }
}
