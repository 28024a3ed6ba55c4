/** What the server fills in for a Service. Addresses are given out in order and not used again. */
import { arrayAt, isObject, stringAt } from "../Json.ts"
import type { Strategy } from "../ResourceType.ts"
import { label, required } from "./Fault.ts"

export const service: Strategy = {
  initialStatus: { loadBalancer: {} },
  withDefaults: (draft) => {
    const spec = isObject(draft.spec) ? draft.spec : {}
    const type = stringAt(spec, "type") ?? "ClusterIP"
    const address = stringAt(spec, "clusterIP")
    return {
      ...draft,
      spec: {
        sessionAffinity: "None",
        ...(type === "ExternalName"
          ? {}
          : {
              internalTrafficPolicy: "Cluster",
              ipFamilies: ["IPv4"],
              ipFamilyPolicy: "SingleStack",
              ...(address === undefined ? {} : { clusterIPs: [address] })
            }),
        ...spec,
        type,
        ...(spec["ports"] === undefined
          ? {}
          : {
              ports: arrayAt(spec, "ports").map((port) =>
                isObject(port)
                  ? { protocol: "TCP", ...port, targetPort: port["targetPort"] ?? port["port"] }
                  : port
              )
            })
      }
    }
  },
  faults: (draft) => [
    ...label("metadata.name", draft.metadata.name ?? ""),
    ...(arrayAt(draft.spec, "ports").length === 0 &&
    stringAt(draft.spec, "clusterIP") !== "None" &&
    stringAt(draft.spec, "type") !== "ExternalName"
      ? [required("spec.ports")]
      : [])
  ],
  updateFaults: (next, previous) =>
    stringAt(next.spec, "clusterIP") === stringAt(previous.spec, "clusterIP")
      ? []
      : [
          {
            field: "spec.clusterIPs[0]",
            reason: "FieldValueInvalid",
            message: `Invalid value: ${JSON.stringify([stringAt(next.spec, "clusterIP") ?? ""])}: may not change once set`
          }
        ]
}
