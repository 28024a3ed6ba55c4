/** The defaults of a StatefulSet, and the fields of it that never change. */
import { arrayAt, at, equal, isObject, numberAt, set, stringAt, stringsAt } from "../../apimachinery/Json.ts"
import type { Strategy } from "../../apimachinery/ResourceType.ts"
import { labelSelector } from "../../apimachinery/Selector.ts"
import {
  type FieldError,
  label,
  notNegative,
  prohibited,
  required,
  unsupported,
  wrong
} from "../../apimachinery/FieldError.ts"
import { podSpecFaults, withTemplateDefaults } from "./PodTemplate.ts"

const mutable = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds"
]

const claimTemplate = (value: unknown): unknown =>
  isObject(value)
    ? {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        ...value,
        spec: { volumeMode: "Filesystem", ...(isObject(value["spec"]) ? value["spec"] : {}) },
        status: { phase: "Pending" }
      }
    : value

const withoutMutable = (spec: unknown): unknown =>
  mutable.reduce((rest, field) => set(rest, [field], undefined), spec)

/** The server shows its own struct, by the names of its fields. */
const rollingInGo = (rolling: unknown): unknown =>
  rolling === undefined
    ? null
    : {
        Partition: at(rolling, "partition") ?? 0,
        MaxUnavailable: at(rolling, "maxUnavailable") ?? null
      }

const operators = ["In", "NotIn", "Exists", "DoesNotExist"]

const specFaults = (spec: unknown): ReadonlyArray<FieldError> => {
  const faults: Array<FieldError> = []
  const policy = stringAt(spec, "podManagementPolicy")
  if (policy !== "OrderedReady" && policy !== "Parallel") {
    faults.push(wrong("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"))
  }
  const strategy = stringAt(spec, "updateStrategy", "type")
  if (strategy !== "RollingUpdate" && strategy !== "OnDelete") {
    faults.push(
      wrong(
        "spec.updateStrategy",
        { Type: strategy, RollingUpdate: rollingInGo(at(spec, "updateStrategy", "rollingUpdate")) },
        "must be 'RollingUpdate' or 'OnDelete'"
      )
    )
  } else if (strategy === "OnDelete" && at(spec, "updateStrategy", "rollingUpdate") !== undefined) {
    faults.push(
      wrong(
        "spec.updateStrategy.rollingUpdate",
        rollingInGo(at(spec, "updateStrategy", "rollingUpdate")),
        "only allowed for updateStrategy 'RollingUpdate'"
      )
    )
  }
  faults.push(
    ...notNegative(
      "spec.updateStrategy.rollingUpdate.partition",
      at(spec, "updateStrategy", "rollingUpdate", "partition")
    )
  )
  for (const when of ["whenDeleted", "whenScaled"]) {
    const kept = stringAt(spec, "persistentVolumeClaimRetentionPolicy", when)
    if (kept !== "Retain" && kept !== "Delete") {
      faults.push(
        unsupported(`spec.persistentVolumeClaimRetentionPolicy.${when}`, kept, ["Retain", "Delete"])
      )
    }
  }
  faults.push(
    ...notNegative("spec.replicas", at(spec, "replicas")),
    ...notNegative("spec.minReadySeconds", at(spec, "minReadySeconds")),
    ...notNegative("spec.ordinals.start", at(spec, "ordinals", "start"))
  )
  const selector = at(spec, "selector")
  const labels = stringsAt(spec, "template", "metadata", "labels")
  const unreadable = arrayAt(selector, "matchExpressions").findIndex(
    (each) => !operators.includes(stringAt(each, "operator") ?? "")
  )
  const mismatch = wrong(
    "spec.template.metadata.labels",
    Object.keys(labels).length === 0 ? null : labels,
    "`selector` does not match template `labels`"
  )
  if (!isObject(selector)) faults.push(required("spec.selector"), mismatch)
  else if (
    Object.keys(stringsAt(selector, "matchLabels")).length + arrayAt(selector, "matchExpressions").length ===
    0
  ) {
    faults.push(wrong("spec.selector", selector, "empty selector is invalid for statefulset"))
  } else if (unreadable >= 0) {
    faults.push(
      wrong(
        `spec.selector.matchExpressions[${unreadable}].operator`,
        at(arrayAt(selector, "matchExpressions")[unreadable], "operator") ?? "",
        "not a valid selector operator"
      ),
      {
        field: "spec.selector",
        reason: "FieldValueInvalid",
        message: `Invalid value: ${JSON.stringify(selector)}`
      }
    )
  } else if (!labelSelector(selector)(labels)) {
    faults.push(mismatch)
  }
  faults.push(
    ...podSpecFaults(
      at(spec, "template", "spec"),
      "spec.template.spec",
      arrayAt(spec, "volumeClaimTemplates").map((each) => stringAt(each, "metadata", "name") ?? "")
    )
  )
  const restart = stringAt(spec, "template", "spec", "restartPolicy")
  if (restart !== undefined && restart !== "Always")
    faults.push(unsupported("spec.template.spec.restartPolicy", restart, ["Always"]))
  if (at(spec, "template", "spec", "activeDeadlineSeconds") !== undefined) {
    faults.push(
      prohibited(
        "spec.template.spec.activeDeadlineSeconds",
        "activeDeadlineSeconds in StatefulSet is not Supported"
      )
    )
  }
  return faults
}

const counts = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"]

const statusFaults = (status: unknown): ReadonlyArray<FieldError> => {
  const count = (field: string): number => numberAt(status, field) ?? 0
  const above = (fields: ReadonlyArray<string>, most: string): ReadonlyArray<FieldError> =>
    fields
      .filter((field) => count(field) > count(most))
      .map((field) => wrong(`status.${field}`, count(field), `cannot be greater than status.${most}`))
  return [
    ...["replicas", ...counts, "observedGeneration", "collisionCount"].flatMap((field) =>
      notNegative(`status.${field}`, at(status, field))
    ),
    ...above(counts, "replicas"),
    ...above(["availableReplicas"], "readyReplicas")
  ]
}

export const statefulSet: Strategy = {
  statusFaults: ({ status }) => statusFaults(status),
  initialStatus: { replicas: 0, availableReplicas: 0 },
  withDefaults: (draft) => {
    const defaulted = withTemplateDefaults(draft)
    const spec = isObject(defaulted.spec) ? defaulted.spec : {}
    const strategy = at(spec, "updateStrategy")
    const given = isObject(strategy) ? strategy : {}
    const type = stringAt(given, "type") ?? "RollingUpdate"
    const rolling = at(given, "rollingUpdate")
    const retention = at(spec, "persistentVolumeClaimRetentionPolicy")
    return {
      ...defaulted,
      spec: {
        podManagementPolicy: "OrderedReady",
        replicas: 1,
        revisionHistoryLimit: 10,
        serviceName: "",
        ...spec,
        updateStrategy: {
          ...given,
          type,
          ...(type === "RollingUpdate"
            ? { rollingUpdate: { partition: 0, ...(isObject(rolling) ? rolling : {}) } }
            : {})
        },
        persistentVolumeClaimRetentionPolicy: {
          whenDeleted: "Retain",
          whenScaled: "Retain",
          ...(isObject(retention) ? retention : {})
        },
        ...(spec["volumeClaimTemplates"] === undefined
          ? {}
          : { volumeClaimTemplates: arrayAt(spec, "volumeClaimTemplates").map(claimTemplate) })
      }
    }
  },
  faults: (draft) => [
    ...label("metadata.name", draft.metadata.name ?? ""),
    ...specFaults(draft.spec),
    ...(stringAt(draft.spec, "serviceName") === undefined || stringAt(draft.spec, "serviceName") === ""
      ? []
      : label("spec.serviceName", stringAt(draft.spec, "serviceName") ?? ""))
  ],
  updateFaults: (next, previous) =>
    equal(withoutMutable(next.spec), withoutMutable(previous.spec))
      ? []
      : [
          prohibited(
            "spec",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
          )
        ]
}
