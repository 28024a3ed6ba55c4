/** The defaults of a StorageClass; nearly all of it is immutable. */
import { at, equal } from "../../apimachinery/Json.ts"
import type { Strategy } from "../../apimachinery/ResourceType.ts"
import { type FieldError, required, unsupported, wrong } from "../../apimachinery/FieldError.ts"

const oneOf = (field: string, value: unknown, known: ReadonlyArray<string>): ReadonlyArray<FieldError> =>
  known.some((each) => each === value) ? [] : [unsupported(field, value, known)]

export const storageClass: Strategy = {
  withDefaults: (draft) => {
    const { apiVersion, kind, metadata, ...rest } = draft
    return { reclaimPolicy: "Delete", volumeBindingMode: "Immediate", ...rest, apiVersion, kind, metadata }
  },
  faults: (draft) => [
    ...((at(draft, "provisioner") ?? "") === "" ? [required("provisioner")] : []),
    ...oneOf("reclaimPolicy", at(draft, "reclaimPolicy"), ["Delete", "Retain"]),
    ...oneOf("volumeBindingMode", at(draft, "volumeBindingMode"), ["Immediate", "WaitForFirstConsumer"])
  ],
  updateFaults: (next, previous) =>
    ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"]
      .filter((field) => !equal(at(next, field), at(previous, field)))
      .map((field) => wrong(field, at(next, field) ?? null, "field is immutable"))
}
