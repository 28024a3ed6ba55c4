/** Label and field selectors, in the query's text form. */
import { arrayAt, isObject, stringAt, stringsAt } from "./Json.ts"
import type { KubeObject } from "./KubeObject.ts"
import { parse, type Requirement } from "./LabelQuery.ts"
import type { ResourceType } from "./ResourceType.ts"
import { badRequest } from "./Status.ts"

export type Match = (object: KubeObject) => boolean

const everything: Match = () => true

const meets = (labels: Readonly<Record<string, string>>, { key, operator, values }: Requirement): boolean => {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
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
  if (!isObject(selector)) return () => false
  const requirements: Array<Requirement> = []
  for (const [key, value] of Object.entries(stringsAt(selector, "matchLabels")))
    requirements.push({ key, operator: "in", values: [value] })
  for (const expression of arrayAt(selector, "matchExpressions")) {
    const name = (stringAt(expression, "operator") ?? "").toLowerCase()
    requirements.push({
      key: stringAt(expression, "key") ?? "",
      operator: name === "in" || name === "notin" || name === "exists" ? name : "absent",
      values: arrayAt(expression, "values").filter((value) => typeof value === "string")
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
    .split(/(?<!\\),/)
    .filter((part) => part !== "")
    .map((part) => {
      const parsed = /^([^=!]+)(==|!=|=)(.*)$/.exec(part)
      if (parsed === null) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`)
      const [, field = "", operator, escaped = ""] = parsed
      const value = escaped.replaceAll(/\\([\\,=])/g, "$1")
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
