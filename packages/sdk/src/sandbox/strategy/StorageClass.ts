/** The defaults of a StorageClass; nearly all of it is immutable. */
import { at, equal } from "../Json.ts"
import type { Fault, Strategy } from "../ResourceType.ts"
import { prohibited, required } from "./Fault.ts"

export const storageClass: Strategy = {
  withDefaults: (draft) => {
    const { apiVersion, kind, metadata, ...rest } = draft
    return { reclaimPolicy: "Delete", volumeBindingMode: "Immediate", ...rest, apiVersion, kind, metadata }
  },
  faults: (draft) => (at(draft, "provisioner") === undefined ? [required("provisioner")] : []),
  updateFaults: (next, previous) =>
    ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"]
      .filter((field) => !equal(at(next, field), at(previous, field)))
      .map((field): Fault =>
        field === "parameters"
          ? prohibited(field, "updates to " + field + " are forbidden.")
          : {
              field,
              reason: "FieldValueInvalid",
              message: `Invalid value: ${JSON.stringify(at(next, field) ?? null)}: field is immutable`
            }
      )
}
