/** Claims and volumes: immutable fields, sizes that only grow, and the finalizers that protect data. */
import { arrayAt, at, equal, isObject, set, stringAt } from "../../apimachinery/Json.ts"
import * as Quantity from "../../apimachinery/Quantity.ts"
import type { Strategy } from "../../apimachinery/ResourceType.ts"
import { prohibited, required, unsupported, wrong } from "../../apimachinery/FieldError.ts"

const volumeModes = ["Block", "Filesystem"]
const policies = ["Delete", "Recycle", "Retain"]

/** The fields of a volume's spec other than its source. */
const besideSource = [
  "accessModes",
  "capacity",
  "claimRef",
  "mountOptions",
  "nodeAffinity",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "volumeAttributesClassName",
  "volumeMode"
]

/** A source of the core group must be a claim; others are for populators, and are kept only as a reference. */
const isSource = (source: unknown): boolean =>
  at(source, "apiGroup") === "snapshot.storage.k8s.io" || stringAt(source, "kind") === "PersistentVolumeClaim"

/** The server writes an absent group of a claim as null. */
const withGroup = (source: unknown): unknown => (isObject(source) ? { apiGroup: null, ...source } : source)

const modes = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"]

/** A claim's spec without its mutable fields, given the previous one. */
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
  statusFaults: ({ status }) => {
    const capacity = Quantity.parse(at(status, "capacity", "storage") ?? "0")
    return capacity < 0
      ? [wrong("status.capacity[storage]", capacity, "must be a valid resource quantity")]
      : []
  },
  withDefaults: (draft) => {
    const spec = isObject(draft.spec) ? draft.spec : {}
    const { dataSource, ...rest } = spec
    const asked = withGroup(dataSource)
    const source = isSource(asked) ? asked : undefined
    const reference = withGroup(at(spec, "dataSourceRef")) ?? source
    // Either names the other, since KEP-1495.
    const named = source ?? (at(reference, "namespace") === undefined ? reference : undefined)
    return {
      ...draft,
      spec: {
        volumeMode: "Filesystem",
        ...rest,
        ...(named === undefined ? {} : { dataSource: named }),
        ...(reference === undefined ? {} : { dataSourceRef: reference })
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
      : Quantity.parse(at(spec, "resources", "requests", "storage")) <= 0
        ? [
            wrong(
              "spec.resources[storage]",
              at(spec, "resources", "requests", "storage"),
              "must be greater than zero"
            )
          ]
        : []),
    ...(arrayAt(spec, "accessModes").includes("ReadWriteOncePod") && arrayAt(spec, "accessModes").length > 1
      ? [prohibited("spec.accessModes", "may not use ReadWriteOncePod with other access modes")]
      : []),
    ...(volumeModes.some((mode) => mode === at(spec, "volumeMode"))
      ? []
      : [unsupported("spec.volumeMode", at(spec, "volumeMode"), volumeModes)]),
    ...(at(spec, "dataSource") === undefined || equal(at(spec, "dataSource"), at(spec, "dataSourceRef"))
      ? []
      : [wrong("spec", {}, "must match dataSourceRef")])
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
    ...(at(spec, "capacity", "storage") === undefined
      ? [required("spec.capacity"), unsupported("spec.capacity", at(spec, "capacity") ?? null, ["storage"])]
      : Quantity.parse(at(spec, "capacity", "storage")) <= 0
        ? [wrong("spec.capacity[storage]", at(spec, "capacity", "storage"), "must be greater than zero")]
        : []),
    ...(policies.some((policy) => policy === at(spec, "persistentVolumeReclaimPolicy"))
      ? []
      : [
          unsupported(
            "spec.persistentVolumeReclaimPolicy",
            at(spec, "persistentVolumeReclaimPolicy"),
            policies
          )
        ]),
    ...(isObject(spec) && Object.keys(spec).every((key) => besideSource.includes(key))
      ? [required("spec", "must specify a volume type")]
      : [])
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
