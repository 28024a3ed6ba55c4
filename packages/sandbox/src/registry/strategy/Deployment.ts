/** The defaults of Deployments and ReplicaSets, and the unsupported features of a Deployment. */
import { arrayAt, at, equal, isObject, numberAt, stringAt, stringsAt } from "../../apimachinery/Json.ts"
import type { Strategy } from "../../apimachinery/ResourceType.ts"
import { labelSelector } from "../../apimachinery/Selector.ts"
import { type FieldError, notNegative, required, unsupported, wrong } from "../../apimachinery/FieldError.ts"
import { podSpecFaults, withTemplateDefaults } from "./PodTemplate.ts"

const strategyOf = (spec: unknown): unknown => {
  const given = at(spec, "strategy")
  const type = stringAt(given, "type") ?? "RollingUpdate"
  const rolling = at(given, "rollingUpdate")
  return {
    ...(isObject(given) ? given : {}),
    type,
    ...(type === "RollingUpdate"
      ? {
          rollingUpdate: {
            maxSurge: "25%",
            maxUnavailable: "25%",
            ...(isObject(rolling) ? rolling : {})
          }
        }
      : {})
  }
}

const operators = ["In", "NotIn", "Exists", "DoesNotExist"]

const selectorFaults = (spec: unknown, kind: string): ReadonlyArray<FieldError> => {
  const selector = at(spec, "selector")
  const labels = stringsAt(spec, "template", "metadata", "labels")
  const mismatch = wrong(
    "spec.template.metadata.labels",
    Object.keys(labels).length === 0 ? null : labels,
    "`selector` does not match template `labels`"
  )
  if (!isObject(selector)) return [required("spec.selector"), mismatch]
  const unreadable: ReadonlyArray<FieldError> = arrayAt(selector, "matchExpressions").flatMap(
    (each, index) => {
      const operator = stringAt(each, "operator") ?? ""
      const path = `spec.selector.matchExpressions[${index}]`
      if (!operators.includes(operator))
        return [wrong(`${path}.operator`, operator, "not a valid selector operator")]
      return operator.endsWith("In") && arrayAt(each, "values").length === 0
        ? [required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
        : []
    }
  )
  if (unreadable.length > 0)
    return [...unreadable, wrong("spec.selector", selector, "invalid label selector")]
  const isEmpty =
    Object.keys(stringsAt(selector, "matchLabels")).length + arrayAt(selector, "matchExpressions").length ===
    0
  if (isEmpty) return [wrong("spec.selector", selector, `empty selector is invalid for ${kind}`)]
  return labelSelector(selector)(labels) ? [] : [mismatch]
}

const podFaults = (spec: unknown): ReadonlyArray<FieldError> => {
  const restart = stringAt(spec, "template", "spec", "restartPolicy")
  return [
    ...podSpecFaults(at(spec, "template", "spec"), "spec.template.spec"),
    ...(restart === undefined || restart === "Always"
      ? []
      : [unsupported("spec.template.spec.restartPolicy", restart, ["Always"])])
  ]
}

const isZero = (amount: unknown): boolean =>
  amount === 0 || (typeof amount === "string" && Number.parseInt(amount, 10) === 0)

const strategyFaults = (spec: unknown): ReadonlyArray<FieldError> => {
  const type = stringAt(spec, "strategy", "type") ?? ""
  if (type !== "RollingUpdate" && type !== "Recreate")
    return [unsupported("spec.strategy.type", type, ["Recreate", "RollingUpdate"])]
  const rolling = at(spec, "strategy", "rollingUpdate")
  return type === "RollingUpdate" && isZero(at(rolling, "maxSurge")) && isZero(at(rolling, "maxUnavailable"))
    ? [
        wrong(
          "spec.strategy.rollingUpdate.maxUnavailable",
          at(rolling, "maxUnavailable"),
          "may not be 0 when `maxSurge` is 0"
        )
      ]
    : []
}

const immutableSelector: NonNullable<Strategy["updateFaults"]> = (next, previous) =>
  equal(at(next.spec, "selector"), at(previous.spec, "selector"))
    ? []
    : [wrong("spec.selector", at(next.spec, "selector"), "field is immutable")]

export const deployment: Strategy = {
  countsAnnotations: true,
  initialStatus: {},
  withDefaults: (draft) => {
    const defaulted = withTemplateDefaults(draft)
    const spec = isObject(defaulted.spec) ? defaulted.spec : {}
    return {
      ...defaulted,
      spec: {
        progressDeadlineSeconds: 600,
        replicas: 1,
        revisionHistoryLimit: 10,
        ...spec,
        strategy: strategyOf(spec)
      }
    }
  },
  faults: ({ spec }) => [
    ...notNegative("spec.replicas", numberAt(spec, "replicas")),
    ...selectorFaults(spec, "deployment"),
    ...strategyFaults(spec),
    ...podFaults(spec)
  ],
  updateFaults: immutableSelector
}

export const replicaSet: Strategy = {
  initialStatus: { replicas: 0 },
  withDefaults: (draft) => {
    const defaulted = withTemplateDefaults(draft)
    return { ...defaulted, spec: { replicas: 1, ...(isObject(defaulted.spec) ? defaulted.spec : {}) } }
  },
  faults: ({ spec }) => [
    ...notNegative("spec.replicas", numberAt(spec, "replicas")),
    ...selectorFaults(spec, "replicaset"),
    ...podFaults(spec)
  ],
  updateFaults: immutableSelector
}
