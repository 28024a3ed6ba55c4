/** Label and field selectors, in the query's text form. */
import { stringAt } from "./Json.ts"
import type { KubeObject } from "./KubeObject.ts"
import { parse, type Requirement } from "./LabelQuery.ts"
import type { ResourceType } from "./ResourceType.ts"
import { badRequest } from "./Status.ts"

export type Match = (object: KubeObject) => boolean

const everything: Match = () => true

const meets = (labels: Readonly<Record<string, string>>, { key, operator, values }: Requirement): boolean => {
  const value = labels[key]
  if (operator === "exists") return value !== undefined
  if (operator === "absent") return value === undefined
  if (operator === "notin") return value === undefined || !values.includes(value)
  if (value === undefined) return false
  if (operator === "in") return values.includes(value)
  const [left, right] = [Number.parseInt(value, 10), Number.parseInt(values[0] ?? "", 10)]
  return operator === "gt" ? left > right : left < right
}

/** All the query's operators: `=`, `==`, `!=`, `in`, `notin`, `key`, `!key`, `>`, `<`. */
export const labels = (text: string): Match => {
  if (text.trim() === "") return everything
  const requirements = parse(text)
  return (object) => requirements.every((each) => meets(object.metadata.labels ?? {}, each))
}

/** A selector as it stands in objects: `matchLabels` and `matchExpressions`. An absent one matches nothing. */
export const labelSelector = (selector: unknown): ((labels: Readonly<Record<string, string>>) => boolean) => {
  if (typeof selector !== "object" || selector === null) return () => false
  const requirements: Array<Requirement> = []
  const { matchLabels, matchExpressions } = selector as {
    readonly matchLabels?: Readonly<Record<string, string>>
    readonly matchExpressions?: ReadonlyArray<{
      key: string
      operator: string
      values?: ReadonlyArray<string>
    }>
  }
  for (const [key, value] of Object.entries(matchLabels ?? {}))
    requirements.push({ key, operator: "in", values: [value] })
  for (const { key, operator, values } of matchExpressions ?? []) {
    const name = operator.toLowerCase()
    requirements.push({
      key,
      operator: name === "in" || name === "notin" || name === "exists" ? name : "absent",
      values: values ?? []
    })
  }
  return (found) => requirements.every((each) => meets(found, each))
}

const fieldsOf: Readonly<Record<string, ReadonlyArray<string>>> = {
  "/pods": [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName"
  ],
  "/secrets": ["type"],
  "/services": ["spec.clusterIP", "spec.type"],
  "/nodes": ["spec.unschedulable"],
  "/namespaces": ["status.phase"],
  "/events": [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type"
  ],
  "apps/replicasets": ["status.replicas"],
  "batch/jobs": ["status.successful"]
}

const fieldValue = (object: KubeObject, field: string): string => {
  if (field === "source") return stringAt(object, "source", "component") ?? ""
  let value: unknown = object
  for (const key of field.split("."))
    value = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined
  if (value === undefined || value === null)
    return field === "spec.unschedulable" || field === "spec.hostNetwork" ? "false" : ""
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : ""
}

/** `metadata.name` and `metadata.namespace` everywhere, and what the real server indexes for the kind. */
export const fields = (type: ResourceType, text: string): Match => {
  if (text === "") return everything
  const known = fieldsOf[`${type.group}/${type.resource}`] ?? []
  const tests = text
    .split(",")
    .filter((part) => part !== "")
    .map((part) => {
      const parsed = /^([^=!]+)(==|!=|=)(.*)$/.exec(part)
      if (parsed === null) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`)
      const [, field = "", operator, value = ""] = parsed
      if (field !== "metadata.name" && field !== "metadata.namespace" && !known.includes(field)) {
        throw badRequest(
          known.length > 0
            ? `field label not supported: ${field}`
            : type.custom
              ? `field label not supported: ${field}`
              : `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`
        )
      }
      return (object: KubeObject) => (fieldValue(object, field) === value) === (operator !== "!=")
    })
  return (object) => tests.every((test) => test(object))
}

/** The name that a field selector asks for alone, so that a list needs no scan. */
export const both = (left: Match, right: Match): Match =>
  left === everything ? right : right === everything ? left : (object) => left(object) && right(object)

export const isEverything = (match: Match): boolean => match === everything
