/** EndpointSlices: defaults of endpoints and ports. */
import { arrayAt, isObject } from "../../apimachinery/Json.ts"
import type { Strategy } from "../../apimachinery/ResourceType.ts"

const withoutNulls = (value: unknown): object =>
  isObject(value) ? Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null)) : {}

export const endpointSlice: Strategy = {
  withDefaults: (draft) => ({
    ...draft,
    endpoints: Array.isArray(Reflect.get(draft, "endpoints"))
      ? arrayAt(draft, "endpoints").map((each) =>
          isObject(each) ? { ...each, conditions: withoutNulls(each["conditions"]) } : each
        )
      : null,
    ports: Array.isArray(Reflect.get(draft, "ports"))
      ? arrayAt(draft, "ports").map((each) =>
          isObject(each) ? { ...each, name: each["name"] ?? "", protocol: each["protocol"] ?? "TCP" } : each
        )
      : null
  })
}
