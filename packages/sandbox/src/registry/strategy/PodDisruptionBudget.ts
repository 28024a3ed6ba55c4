/** A budget sets minAvailable or maxUnavailable, not both. */
import { at } from "../../apimachinery/Json.ts"
import type { Strategy } from "../../apimachinery/ResourceType.ts"
import { type FieldError, notNegative, unsupported, wrong } from "../../apimachinery/FieldError.ts"

const amountFaults = (field: string, value: unknown): ReadonlyArray<FieldError> => {
  if (typeof value === "number") return notNegative(field, value)
  if (typeof value !== "string") return []
  if (!/^\d+%$/.test(value)) {
    return [
      wrong(
        field,
        value,
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
      )
    ]
  }
  return Number.parseInt(value, 10) > 100 ? [wrong(field, value, "must not be greater than 100%")] : []
}

const policies = ["AlwaysAllow", "IfHealthyBudget"]

const policyFaults = (policy: unknown): ReadonlyArray<FieldError> =>
  policy === undefined || policies.some((each) => each === policy)
    ? []
    : [unsupported("spec.unhealthyPodEvictionPolicy", policy, policies)]

/** The server shows its own struct, by the names of its fields. */
const inGo = (spec: unknown): unknown => ({
  MinAvailable: at(spec, "minAvailable") ?? null,
  Selector: at(spec, "selector") ?? null,
  MaxUnavailable: at(spec, "maxUnavailable") ?? null,
  UnhealthyPodEvictionPolicy: at(spec, "unhealthyPodEvictionPolicy") ?? null
})

export const podDisruptionBudget: Strategy = {
  initialStatus: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
  updatesNeedVersion: true,
  faults: ({ spec }) => [
    ...(at(spec, "minAvailable") !== undefined && at(spec, "maxUnavailable") !== undefined
      ? [wrong("spec", inGo(spec), "minAvailable and maxUnavailable cannot be both set")]
      : []),
    ...amountFaults("spec.minAvailable", at(spec, "minAvailable")),
    ...amountFaults("spec.maxUnavailable", at(spec, "maxUnavailable")),
    ...policyFaults(at(spec, "unhealthyPodEvictionPolicy"))
  ]
}
