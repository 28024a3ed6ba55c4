/** Claims and volumes: what is immutable, what may only grow, and the finalizers that protect data. */
import { arrayAt, at, equal, isObject, set, stringAt } from "../Json.ts"
import * as Quantity from "../Quantity.ts"
import type { Strategy } from "../ResourceType.ts"
import { prohibited, required, unsupported } from "./Fault.ts"

const modes = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"]

/** A claim's spec without what may change, given what it was before. */
const fixed = (spec: unknown, previous: unknown, bound: boolean): unknown => {
  let rest = spec
  if ((stringAt(previous, "volumeName") ?? "") === "") rest = set(rest, ["volumeName"], undefined)
  if (at(previous, "storageClassName") === undefined) rest = set(rest, ["storageClassName"], undefined)
  if (bound) {
    rest = set(rest, ["resources", "requests", "storage"], undefined)
    rest = set(rest, ["volumeAttributesClassName"], undefined)
  }
  return rest
}

export const persistentVolumeClaim: Strategy = {
  initialStatus: { phase: "Pending" },
  finalizers: ["kubernetes.io/pvc-protection"],
  withDefaults: (draft) => {
    const spec = isObject(draft.spec) ? draft.spec : {}
    const [source, reference] = [at(spec, "dataSource"), at(spec, "dataSourceRef")]
    return {
      ...draft,
      spec: {
        volumeMode: "Filesystem",
        ...spec,
        // Either names the other, since KEP-1495.
        ...(source === undefined && reference !== undefined && at(reference, "namespace") === undefined
          ? { dataSource: reference }
          : {}),
        ...(reference === undefined && source !== undefined ? { dataSourceRef: source } : {})
      }
    }
  },
  faults: ({ spec }) => [
    ...(arrayAt(spec, "accessModes").length === 0
      ? [required("spec.accessModes", "at least 1 access mode is required")]
      : []),
    ...arrayAt(spec, "accessModes")
      .filter((mode) => !modes.some((known) => known === mode))
      .map((mode) => unsupported("spec.accessModes", mode, modes.toSorted())),
    ...(at(spec, "resources", "requests", "storage") === undefined
      ? [required("spec.resources[storage]")]
      : [])
  ],
  updateFaults: (next, previous) => {
    const bound = stringAt(previous.status, "phase") === "Bound"
    const before = Quantity.parse(at(previous.spec, "resources", "requests", "storage"))
    const after = Quantity.parse(at(next.spec, "resources", "requests", "storage"))
    const capacity = Quantity.parse(at(previous.status, "capacity", "storage") ?? "0")
    return [
      ...(equal(fixed(next.spec, previous.spec, bound), fixed(previous.spec, previous.spec, bound))
        ? []
        : [
            prohibited(
              "spec",
              "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
            )
          ]),
      ...(after < before && after <= capacity
        ? [prohibited("spec.resources.requests.storage", "field can not be less than status.capacity")]
        : [])
    ]
  }
}

export const persistentVolume: Strategy = {
  initialStatus: { phase: "Pending" },
  finalizers: ["kubernetes.io/pv-protection"],
  withDefaults: (draft) => ({
    ...draft,
    spec: {
      persistentVolumeReclaimPolicy: "Retain",
      volumeMode: "Filesystem",
      ...(isObject(draft.spec) ? draft.spec : {})
    }
  }),
  faults: ({ spec }) => [
    ...(arrayAt(spec, "accessModes").length === 0 ? [required("spec.accessModes")] : []),
    ...(at(spec, "capacity", "storage") === undefined ? [required("spec.capacity")] : [])
  ],
  updateFaults: (next, previous) => [
    ...(equal(at(next.spec, "csi"), at(previous.spec, "csi"))
      ? []
      : [
          prohibited("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation")
        ]),
    ...(at(previous.spec, "nodeAffinity") === undefined ||
    equal(at(next.spec, "nodeAffinity"), at(previous.spec, "nodeAffinity"))
      ? []
      : [
          {
            field: "spec.nodeAffinity",
            reason: "FieldValueInvalid" as const,
            message: `Invalid value: ${JSON.stringify(at(next.spec, "nodeAffinity") ?? null)}: field is immutable`
          }
        ])
  ]
}
