/** A budget says what must stay or what may go, not both. */
import { at } from "../Json.ts"
import type { Strategy } from "../ResourceType.ts"

export const podDisruptionBudget: Strategy = {
  initialStatus: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
  faults: ({ spec }) =>
    at(spec, "minAvailable") !== undefined && at(spec, "maxUnavailable") !== undefined
      ? [
          {
            field: "spec",
            reason: "FieldValueInvalid",
            message: `Invalid value: ${JSON.stringify(spec)}: minAvailable and maxUnavailable cannot be both set`
          }
        ]
      : []
}
