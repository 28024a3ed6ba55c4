/** Validation by the custom resource definitions of snapshots, groups and their contents. */
import { at, equal } from "../../apimachinery/Json.ts"
import type { Draft, KubeObject } from "../../apimachinery/KubeObject.ts"
import type { Strategy } from "../../apimachinery/ResourceType.ts"
import { type FieldError, required, unsupported, wrong } from "../../apimachinery/FieldError.ts"

const policies = ["Delete", "Retain"]

const policyFaults = (field: string, policy: unknown): ReadonlyArray<FieldError> =>
  policy === undefined
    ? [required(field)]
    : policies.some((known) => known === policy)
      ? []
      : [unsupported(field, policy, policies)]

/** Rules of a definition name no value where the field is an object. */
const rule = (field: string, detail: string): FieldError => ({
  field,
  reason: "FieldValueInvalid",
  message: `Invalid value: ${detail}`
})

const exactlyOne = (draft: Draft, ...names: readonly [string, string]): ReadonlyArray<FieldError> => {
  const source = at(draft.spec, "source")
  if (source === undefined) return [required("spec.source")]
  return names.filter((name) => at(source, name) !== undefined).length === 1
    ? []
    : [rule("spec.source", `exactly one of ${names.join(" and ")} must be set`)]
}

const notEmpty = (draft: Draft, name: string): ReadonlyArray<FieldError> =>
  at(draft.spec, name) === ""
    ? [wrong(`spec.${name}`, "", `${name} must not be the empty string when set`)]
    : []

const fixed = (next: Draft, previous: KubeObject, names: ReadonlyArray<string>): ReadonlyArray<FieldError> =>
  names
    .filter((name) => !equal(at(next.spec, "source", name), at(previous.spec, "source", name)))
    .map((name) =>
      wrong(`spec.source.${name}`, at(next.spec, "source", name) ?? null, `${name} is immutable`)
    )

/** As the definition types it; what is of another type is named by it. */
const statusFaults = (status: unknown): ReadonlyArray<FieldError> => {
  const isReady = at(status, "readyToUse")
  const created = at(status, "creationTime")
  return [
    ...(typeof created === "string" && Number.isNaN(Date.parse(created))
      ? [
          wrong(
            "status.creationTime",
            created,
            `creationTime in body must be of type date-time: ${JSON.stringify(created)}`
          )
        ]
      : []),
    ...(isReady === undefined || typeof isReady === "boolean"
      ? []
      : [
          {
            field: "status.readyToUse",
            reason: "FieldValueTypeInvalid" as const,
            message: `Invalid value: "${typeof isReady}": readyToUse in body must be of type boolean: "${typeof isReady}"`
          }
        ])
  ]
}

export const volumeSnapshot: Strategy = {
  statusFaults: ({ status }) => statusFaults(status),
  faults: (draft) => [
    ...exactlyOne(draft, "volumeSnapshotContentName", "persistentVolumeClaimName"),
    ...notEmpty(draft, "volumeSnapshotClassName")
  ],
  updateFaults: (next, previous) =>
    fixed(next, previous, ["persistentVolumeClaimName", "volumeSnapshotContentName"])
}

export const volumeGroupSnapshot: Strategy = {
  faults: (draft) => [
    ...exactlyOne(draft, "selector", "volumeGroupSnapshotContentName"),
    ...notEmpty(draft, "volumeGroupSnapshotClassName")
  ],
  updateFaults: (next, previous) => fixed(next, previous, ["selector", "volumeGroupSnapshotContentName"])
}

/** `path`: how its rule names the reference. */
const content = (reference: string, path: string, one: string, other: string): Strategy => ({
  faults: (draft) => [
    ...exactlyOne(draft, one, other),
    ...policyFaults("spec.deletionPolicy", at(draft.spec, "deletionPolicy")),
    ...(at(draft.spec, "driver") === undefined ? [required("spec.driver")] : []),
    ...(at(draft.spec, reference) === undefined
      ? [required(`spec.${reference}`)]
      : at(draft.spec, reference, "name") === undefined ||
          at(draft.spec, reference, "namespace") === undefined
        ? [rule(`spec.${reference}`, `both ${path}.name and ${path}.namespace must be set`)]
        : [])
  ],
  updateFaults: (next, previous) => fixed(next, previous, [one, other])
})

export const volumeSnapshotContent: Strategy = content(
  "volumeSnapshotRef",
  "spec.volumeSnapshotRef",
  "volumeHandle",
  "snapshotHandle"
)

export const volumeGroupSnapshotContent: Strategy = content(
  "volumeGroupSnapshotRef",
  "volumeGroupSnapshotRef",
  "volumeHandles",
  "groupSnapshotHandles"
)

export const snapshotClass: Strategy = {
  faults: (draft) => [
    ...((at(draft, "driver") ?? "") === "" ? [required("driver")] : []),
    ...policyFaults("deletionPolicy", at(draft, "deletionPolicy"))
  ]
}
