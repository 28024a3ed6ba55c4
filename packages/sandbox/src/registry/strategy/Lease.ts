/** Leases: their numbers are validated, and an update needs the version that was read. */
import { at } from "../../apimachinery/Json.ts"
import type { Strategy } from "../../apimachinery/ResourceType.ts"
import { notNegative, wrong } from "../../apimachinery/FieldError.ts"

export const lease: Strategy = {
  updatesNeedVersion: true,
  faults: ({ spec }) => {
    const seconds = at(spec, "leaseDurationSeconds")
    return [
      ...(typeof seconds === "number" && seconds <= 0
        ? [wrong("spec.leaseDurationSeconds", seconds, "must be greater than 0")]
        : []),
      ...notNegative("spec.leaseTransitions", at(spec, "leaseTransitions"))
    ]
  }
}
